// Parquet files that DuckDB itself writes: types that other writers have no column for, names, damage. Files of
// pyarrow with all codecs are read in test/compat/body-files.test.ts.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Connection } from '../../../src/engine/connection.ts';
import { parquetLines } from '../../../src/engine/parquet-lines.ts';
import type { FieldForm } from '../../../src/formats/avro/decode.ts';
import { MalformedFile } from '../../../src/formats/malformed-file.ts';
import { withEngine } from '../../support/engine-fixture.ts';

async function withFile(
  select: string,
  work: (connection: Connection, path: string) => Promise<void>,
): Promise<void> {
  await withEngine({}, async (engine, directory) => {
    const path = join(directory, 'body.parquet');
    await engine.withConnection(async (connection) => {
      await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`);
      await work(connection, path);
    });
  });
}

async function lines(
  connection: Connection,
  path: string,
  wanted: Readonly<Record<string, FieldForm>> | null = null,
): Promise<string[]> {
  const pieces: Buffer[] = [];
  const options = {
    wanted: wanted === null ? null : new Map(Object.entries(wanted)),
    timeZone: 'Asia/Shanghai',
    maxLineBytes: 100_000,
  };
  for await (const piece of parquetLines(connection, path, options)) pieces.push(piece);
  return Buffer.concat(pieces).toString().trimEnd().split('\n');
}

async function problem(...args: Parameters<typeof lines>): Promise<string> {
  try {
    await lines(...args);
  } catch (thrown) {
    assert.ok(thrown instanceof MalformedFile, `MalformedFile, not ${thrown}`);
    return thrown.message;
  }
  return 'none';
}

describe('rows of Parquet files', () => {
  it('moments in the zone, also within nested values; uuid, enum, odd numbers', async () => {
    const select = `SELECT TIMESTAMPTZ '2024-05-06 00:00:00+00' AS t,
      [TIMESTAMPTZ '2024-05-06 00:00:00+00', NULL] AS l,
      UUID '123e4567-e89b-12d3-a456-426614174000' AS u,
      'NaN'::DOUBLE AS n, ['Infinity'::DOUBLE, 1.5] AS ns, -0.0::DOUBLE AS z,
      'x'::ENUM('x', 'y') AS e, MAP {5: DATE '2024-02-29'} AS m, {'it''s "k"': 1} AS s`;
    await withFile(select, async (connection, path) => {
      assert.deepEqual(await lines(connection, path), [
        '{"t":"2024-05-06 08:00:00","l":["2024-05-06 08:00:00",null],' +
          '"u":"123e4567-e89b-12d3-a456-426614174000","n":"NaN","ns":["inf",1.5],"z":0,"e":"x",' +
          '"m":{"5":"2024-02-29"},"s":{"it\'s \\"k\\"":1}}',
      ]);
    });
  });

  it('columns by name, exactly or without regard to case, in the form that columns want', async () => {
    const select = `SELECT 1 AS "Id", 'ab'::BLOB AS raw, 'é' AS s, 2.5 AS "a ""q"" b"`;
    await withFile(select, async (connection, path) => {
      const wanted = { id: 'json', missing: 'json', raw: 'base64', 'a "q" b': 'json' } as const;
      assert.deepEqual(await lines(connection, path, wanted), [
        '{"id":1,"raw":"YWI=","a \\"q\\" b":"2.5"}',
      ]);
      assert.deepEqual(await lines(connection, path, { s: 'base64', Id: 'base64' }), [
        '{"Id":"MQ==","s":"w6k="}',
      ]);
      assert.match(
        await problem(connection, path, { other: 'json' }),
        /it has none of the fields other; its columns are Id, raw, s, a "q" b/,
      );
    });
  });

  it('what is no Parquet file, or one cut off, is an error without the path of our file', async () => {
    await withFile('SELECT i, i::VARCHAR AS s FROM range(9000) t(i)', async (connection, path) => {
      const whole = await readFile(path);
      assert.equal((await lines(connection, path)).length, 9000);
      for (const [index, bytes] of [
        whole.subarray(0, whole.length - 1),
        whole.subarray(0, 5000),
        Buffer.from('1,a\n2,b\n'),
        Buffer.alloc(0),
      ].entries()) {
        const other = `${path}.${index}`;
        await writeFile(other, bytes);
        const message = await problem(connection, other);
        assert.notEqual(message, 'none');
        assert.ok(!message.includes(path), message);
      }
    });
  });

  it('a damaged page is an error of the load, and the engine goes on', async () => {
    await withFile(
      "SELECT i, i * 7919 % 10007 AS n, 'user ' || i AS s FROM range(9000) t(i)",
      async (connection, path) => {
        const whole = await readFile(path);
        let errors = 0;
        for (let at = 4; at < whole.length; at += Math.floor(whole.length / 60)) {
          const damaged = Buffer.from(whole);
          damaged.fill(0xa7, at, Math.min(at + 30, whole.length));
          // The engine remembers parts of files by their names.
          const other = `${path}.${at}`;
          await writeFile(other, damaged);
          if ((await problem(connection, other)) !== 'none') errors += 1;
        }
        assert.ok(errors > 30, `${errors} of 60 were noticed`);
        assert.equal((await lines(connection, path)).length, 9000);
      },
    );
  });
});
