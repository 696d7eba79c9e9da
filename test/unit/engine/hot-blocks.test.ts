// Look-ups from memory: the same rows as the engine gives, whatever the data; what is read ahead and what is
// not; bounds; files and queries of other forms never mixed up.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import {
  asId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { DeleteBitmaps } from '../../../src/engine/delete-bitmaps.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import { HotBlocks } from '../../../src/engine/hot-blocks.ts';
import type { FileResolver } from '../../../src/engine/plan-sources.ts';
import { createQueryRunner } from '../../../src/engine/query-runner.ts';
import { parquetCopyOptions } from '../../../src/model/parquet-layout.ts';
import type { LookUpComparison, QueryPlan } from '../../../src/model/query-plan.ts';
import type { SqlType } from '../../../src/model/sql-type.ts';
import type { ColumnSchema, DataFile, TableSchema } from '../../../src/model/table.ts';
import { readRows, withEngine } from '../../support/engine-fixture.ts';

const BIGINT: SqlType = { kind: 'BIGINT' };
const TEXT: SqlType = { kind: 'VARCHAR', length: 100 };
const column = (fieldId: number, name: string, type: SqlType): ColumnSchema => ({
  fieldId: asId<FieldId>(fieldId),
  name,
  type,
  nullable: true,
  isKey: false,
  defaultValue: null,
  comment: '',
});
const schemaOf = (...columns: ColumnSchema[]): TableSchema => ({ keysType: 'DUP_KEYS', columns });
const CLICKS = schemaOf(
  column(1, 'k', BIGINT),
  column(2, 'v', { kind: 'INT' }),
  column(3, 'name', TEXT),
);
const MB = 1024 * 1024;

const resolve: FileResolver = async (files) => ({
  paths: files.map(({ key }) => key),
  release: () => undefined,
});
const fileAt = (key: string): DataFile => ({
  id: asId<FileId>(1),
  transactionId: asId<TransactionId>(1),
  volumeId: asId<VolumeId>(1),
  key,
  sizeBytes: 0,
  rowCount: 0,
  columnStats: {},
  deletes: [],
  deletedRows: 0,
});

/** Writes a file of the schema with row groups of 2048 rows. */
async function write(
  engine: Engine,
  path: string,
  schema: TableSchema,
  sql: string,
): Promise<DataFile> {
  const options = parquetCopyOptions(schema).replace(/ROW_GROUP_SIZE \d+/, 'ROW_GROUP_SIZE 2048');
  await engine.withConnection((connection) =>
    connection.run(`COPY (${sql}) TO '${path}' (${options})`),
  );
  return fileAt(path);
}

/** A plan as the FE makes it. */
function planOf(
  schema: TableSchema,
  files: readonly DataFile[],
  comparisons: readonly LookUpComparison[],
  rest: {
    readonly names?: readonly string[];
    readonly offset?: number;
    readonly most?: number | null;
  } = {},
): QueryPlan {
  const { names = ['k', 'v', 'name'], offset = 0, most = null } = rest;
  const where = comparisons.map(({ column: name, op, value }) => `"${name}" ${op} ${value}`);
  const limit = most === null ? '' : ` LIMIT ${most} OFFSET ${offset}`;
  const columns = names.map((name) => ({ name, sql: `"${name}"` }));
  return {
    duckdbSql: `SELECT ${columns.map(({ sql }, i) => `${sql} AS c${i}`).join(', ')} FROM __scan0 WHERE ${where.join(' AND ')}${limit}`,
    columns: names.map((name) => ({ name, type: TEXT, transport: 'native' })),
    scans: [{ placeholder: '__scan0', schema, columns: schema.columns.map((c) => c.name), files }],
    inlineTables: [],
    volumes: [],
    timeoutMs: 20_000,
    maxRows: null,
    lookUp: { columns, comparisons, offset, most },
  };
}

const unexpected = (error: unknown): never => {
  throw error;
};

const equal = (name: string, value: number | bigint): LookUpComparison => ({
  column: name,
  op: '=',
  value: BigInt(value),
});

async function withHotBlocks(
  maxBytes: number,
  work: (hot: HotBlocks, engine: Engine, directory: string, failures: unknown[]) => Promise<void>,
): Promise<void> {
  await withEngine({}, async (engine, directory) => {
    const failures: unknown[] = [];
    const hot = new HotBlocks({
      engine,
      resolve,
      maxBytes,
      onFailed: (error) => failures.push(error),
    });
    try {
      await work(hot, engine, directory, failures);
    } finally {
      await hot.close();
    }
  });
}

/** Rows in the form `a|b|c`, by the engine alone or through the blocks. */
async function run(engine: Engine, plan: QueryPlan, hotBlocks?: HotBlocks): Promise<string[]> {
  const { lookUp: _, ...slow } = plan;
  const runner = createQueryRunner({
    engine,
    resolve,
    deletes: new DeleteBitmaps(resolve, MB),
    clock: systemClock,
    ...(hotBlocks === undefined ? {} : { hotBlocks }),
  });
  const chunks: Buffer[] = [];
  const outcome = await runner.run(
    hotBlocks === undefined ? slow : plan,
    250,
    async (chunk) => void chunks.push(chunk),
    new AbortController().signal,
  );
  return textRows(Buffer.concat(chunks), plan, outcome);
}

function textRows(
  packets: Buffer,
  plan: QueryPlan,
  outcome: { readonly rowCount: number; readonly nextSequence: number },
): string[] {
  const rows = readRows(packets, plan.columns.length, 250);
  assert.equal(rows.length, outcome.rowCount);
  assert.equal(outcome.nextSequence, (250 + rows.length) & 0xff);
  return rows.map((row) => row.map((value) => value?.toString() ?? 'NULL').join('|'));
}

/** Asks until the answer comes from memory; null when it never does. */
async function warm(hot: HotBlocks, plan: QueryPlan): Promise<string[] | null> {
  for (let ask = 0; ask < 6; ask += 1) {
    const answer = hot.answer(plan, 250);
    if (answer !== null) return textRows(answer.packets, plan, answer);
    await hot.settled();
  }
  return null;
}

/** 10,000 rows in five groups, three of a key; NULLs in v and name. */
const SORTED = `SELECT i // 3 AS k, CASE WHEN i % 7 = 0 THEN NULL ELSE (i * 31 % 50)::INTEGER END AS v,
  CASE WHEN i % 5 = 0 THEN NULL ELSE 'name ' || i END AS name FROM range(10000) t(i)`;

test('answers are those of the engine, for random look-ups over two files', async () => {
  await withHotBlocks(16 * MB, async (hot, engine, directory) => {
    const files = [
      await write(engine, join(directory, 'a.parquet'), CLICKS, SORTED),
      await write(
        engine,
        join(directory, 'b.parquet'),
        CLICKS,
        `SELECT k + 3000 AS k, v, name FROM (${SORTED})`,
      ),
    ];
    const random = seededRandom(20_261_128);
    const ops = ['=', '<', '<=', '>', '>='] as const;
    let fromMemory = 0;
    for (let round = 0; round < 400; round += 1) {
      const key = random.below(7000) - 300;
      const comparisons: LookUpComparison[] = [equal('k', key)];
      if (round % 3 === 1) {
        comparisons[0] = { column: 'k', op: '>=', value: BigInt(key) };
        comparisons.push({
          column: 'k',
          op: random.below(2) === 0 ? '<' : '<=',
          value: BigInt(key + random.below(200)),
        });
      }
      if (round % 4 === 2) {
        comparisons.push({
          column: 'v',
          op: ops[random.below(5)] ?? '=',
          value: BigInt(random.below(50)),
        });
      }
      const plan = planOf(CLICKS, files, comparisons);
      const expected = (await run(engine, plan)).sort();
      const known = hot.answer(plan, 250);
      if (known !== null) {
        fromMemory += 1;
        assert.deepEqual(textRows(known.packets, plan, known).sort(), expected, `round ${round}`);
      }
      assert.deepEqual((await run(engine, plan, hot)).sort(), expected, `round ${round}`);
      await hot.settled();
    }
    assert.ok(fromMemory > 200, `${fromMemory} answers from memory`);
  });
});

test('LIMIT and OFFSET count rows over all groups, and the numbers of packets go on', async () => {
  await withHotBlocks(16 * MB, async (hot, engine, directory) => {
    const file = await write(engine, join(directory, 'a.parquet'), CLICKS, SORTED);
    // Two groups meet within these keys.
    const range: LookUpComparison[] = [
      { column: 'k', op: '>', value: 600n },
      { column: 'k', op: '<=', value: 760n },
    ];
    const all = await warm(hot, planOf(CLICKS, [file], range));
    assert.equal(all?.length, 480);
    const some = planOf(CLICKS, [file], range, { offset: 200, most: 100 });
    assert.deepEqual(await warm(hot, some), all?.slice(200, 300));
    assert.deepEqual(await warm(hot, planOf(CLICKS, [file], range, { most: 0 })), []);
    assert.deepEqual(
      await warm(hot, planOf(CLICKS, [file], range, { offset: 479, most: 9 })),
      all?.slice(479),
    );
    assert.deepEqual(await warm(hot, planOf(CLICKS, [file], [equal('k', 99_999)])), []);
    assert.deepEqual(await warm(hot, planOf(CLICKS, [], [equal('k', 1)])), []);
  });
});

test('the first time goes to the engine, and a group is read once it is asked for again', async () => {
  await withHotBlocks(16 * MB, async (hot, engine, directory) => {
    const file = await write(engine, join(directory, 'a.parquet'), CLICKS, SORTED);
    const plan = planOf(CLICKS, [file], [equal('k', 5)]);
    assert.equal(hot.answer(plan, 0), null, 'its row groups are not known');
    await hot.settled();
    assert.equal(hot.answer(plan, 0), null, 'asked for once');
    await hot.settled();
    assert.equal(hot.usedBytes, 0);
    assert.equal(hot.answer(plan, 0), null, 'asked for twice: it is read now');
    await hot.settled();
    assert.equal(hot.answer(plan, 0)?.rowCount, 3);
    assert.equal(hot.answer(planOf(CLICKS, [file], [equal('k', 3000)]), 0), null, 'another group');
  });
});

test('columns, schema and file are told apart', async () => {
  await withHotBlocks(16 * MB, async (hot, engine, directory) => {
    const [a, b] = [
      await write(
        engine,
        join(directory, 'a.parquet'),
        CLICKS,
        "SELECT 1::BIGINT AS k, 2::INTEGER AS v, 'a' AS name",
      ),
      await write(
        engine,
        join(directory, 'b.parquet'),
        CLICKS,
        "SELECT 1::BIGINT AS k, 3::INTEGER AS v, 'b' AS name",
      ),
    ];
    const one = [equal('k', 1)];
    assert.deepEqual(await warm(hot, planOf(CLICKS, [a], one)), ['1|2|a']);
    assert.deepEqual(await warm(hot, planOf(CLICKS, [b], one)), ['1|3|b']);
    assert.deepEqual(await warm(hot, planOf(CLICKS, [a, b], one)), ['1|2|a', '1|3|b']);
    assert.deepEqual(await warm(hot, planOf(CLICKS, [a], one, { names: ['name', 'k', 'name'] })), [
      'a|1|a',
    ]);
    // v and name have changed their names, a column came, and the type of one is another.
    const later = schemaOf(
      column(1, 'k', BIGINT),
      column(2, 'name', { kind: 'DECIMAL', precision: 9, scale: 2 }),
      column(3, 'v', TEXT),
      { ...column(4, 'added', TEXT), initialDefault: 'new' },
    );
    const names = ['k', 'v', 'name', 'added'];
    assert.deepEqual(await warm(hot, planOf(later, [a], one, { names })), ['1|a|2.00|new']);
    const other = schemaOf(...later.columns.slice(0, 3), {
      ...column(4, 'added', TEXT),
      initialDefault: 'newer',
    });
    assert.deepEqual(await warm(hot, planOf(other, [a], one, { names })), ['1|a|2.00|newer']);
    // What is now called v was another column in the file: its statistics say nothing.
    const swapped = schemaOf(
      column(2, 'k', { kind: 'INT' }),
      column(1, 'v', BIGINT),
      column(3, 'name', TEXT),
    );
    assert.deepEqual(await warm(hot, planOf(swapped, [a], [equal('k', 2)])), ['2|1|a']);
    assert.deepEqual(await warm(hot, planOf(swapped, [a], [equal('k', 1)])), []);
  });
});

test('statistics of texts are no ranges of numbers', async () => {
  await withHotBlocks(16 * MB, async (hot, engine, directory) => {
    const texts = schemaOf(column(1, 'k', TEXT), column(2, 'v', { kind: 'INT' }));
    const file = await write(
      engine,
      join(directory, 'a.parquet'),
      texts,
      "SELECT * FROM (VALUES ('9', 1), ('10', 2), ('11', 3)) t(k, v)",
    );
    // The column became a number. As texts, 10 is the least of these, and 9 the greatest.
    const numbers = schemaOf(column(1, 'k', BIGINT), column(2, 'v', { kind: 'INT' }));
    for (const key of [9, 10, 11]) {
      const plan = planOf(numbers, [file], [equal('k', key)], { names: ['k', 'v'] });
      assert.deepEqual(await warm(hot, plan), [`${key}|${key - 8 || 1}`]);
    }
  });
});

test('files in no order, and NULL in the key', async () => {
  await withHotBlocks(16 * MB, async (hot, engine, directory, failures) => {
    const sql = `SELECT CASE WHEN k % 11 = 0 THEN NULL ELSE k END AS k, v, name FROM (${SORTED}) WHERE k < 2000 ORDER BY hash(k, name)`;
    const file = await write(engine, join(directory, 'a.parquet'), CLICKS, sql);
    for (const key of [1, 7, 11, 1999, 2000, -1]) {
      for (const comparison of [equal('k', key), equal('v', key)]) {
        const plan = planOf(CLICKS, [file], [comparison]);
        const known = await warm(hot, plan);
        assert.deepEqual(known?.sort(), (await run(engine, plan)).sort());
      }
    }
    const half = [equal('v', 30), { column: 'k', op: '>', value: 1000n } as const];
    assert.deepEqual(
      (await warm(hot, planOf(CLICKS, [file], half)))?.sort(),
      (await run(engine, planOf(CLICKS, [file], half))).sort(),
    );
    assert.deepEqual(failures, []);
  });
});

test('what is no look-up by its ranges stays with the engine', async () => {
  await withHotBlocks(16 * MB, async (hot, engine, directory) => {
    const file = await write(engine, join(directory, 'a.parquet'), CLICKS, SORTED);
    assert.equal(await warm(hot, planOf(CLICKS, [file], [equal('v', 30)])), null, 'five groups');
    const wide = planOf(CLICKS, [file], [{ column: 'k', op: '>=', value: 0n }]);
    assert.equal(await warm(hot, wide), null);
    const plan = planOf(CLICKS, [file], [equal('k', 3)]);
    const { lookUp: _, ...none } = plan;
    assert.equal(hot.answer(none, 0), null);
    assert.equal(hot.usedBytes, 0);
    // A row of a file that is in memory already is deleted.
    assert.equal((await warm(hot, plan))?.length, 3);
    const object = {
      id: asId<DeleteFileId>(1),
      volumeId: file.volumeId,
      key: 'd',
      sizeBytes: 1,
      rowCount: 1,
    };
    const fewer = { ...file, deletes: [object], deletedRows: 1 };
    assert.equal(await warm(hot, planOf(CLICKS, [fewer], [equal('k', 3)])), null);
    assert.equal(await warm(hot, planOf(CLICKS, [file, fewer], [equal('k', 3)])), null);
  });
});

test('bytes are bounded, and what is asked for most stays', async () => {
  const LIMIT = 400 * 1024;
  await withHotBlocks(LIMIT, async (hot, engine, directory) => {
    const sql = "SELECT i AS k, 1::INTEGER AS v, repeat('x', 20) AS name FROM range(40960) t(i)";
    const file = await write(engine, join(directory, 'a.parquet'), CLICKS, sql);
    const ask = (key: number): boolean =>
      hot.answer(planOf(CLICKS, [file], [equal('k', key)]), 0) !== null;
    for (let ask20 = 0; ask20 < 200; ask20 += 1) {
      ask(3);
      if (ask20 < 4) await hot.settled();
    }
    let most = 0;
    for (let round = 0; round < 5; round += 1) {
      for (let group = 0; group < 20; group += 1) {
        ask(group * 2048 + 1);
        await hot.settled();
        most = Math.max(most, hot.usedBytes);
      }
    }
    assert.ok(most > LIMIT / 2 && most <= LIMIT, `${most} bytes`);
    assert.ok(ask(4), 'the hottest group is still here');
    // Another one becomes much hotter than what is kept.
    assert.equal(ask(19 * 2048), false);
    for (let again = 0; again < 100; again += 1) {
      ask(19 * 2048);
      await hot.settled();
    }
    assert.ok(ask(19 * 2048), 'it came in');
    assert.ok(hot.usedBytes <= LIMIT);
  });
});

test('rows too large to be kept, a limit of nothing, and large answers go to the engine', async () => {
  await withHotBlocks(1 * MB, async (hot, engine, directory) => {
    const sql = "SELECT i AS k, 1::INTEGER AS v, repeat('x', 1000) AS name FROM range(2000) t(i)";
    const file = await write(engine, join(directory, 'a.parquet'), CLICKS, sql);
    assert.equal(await warm(hot, planOf(CLICKS, [file], [equal('k', 7)])), null);
    assert.equal(hot.usedBytes, 0);
    const off = new HotBlocks({ engine, resolve, maxBytes: 0, onFailed: unexpected });
    assert.equal(await warm(off, planOf(CLICKS, [file], [equal('k', 7)])), null);
    const large = new HotBlocks({ engine, resolve, maxBytes: 64 * MB, onFailed: unexpected });
    assert.equal((await warm(large, planOf(CLICKS, [file], [equal('k', 7)])))?.length, 1);
    const half: LookUpComparison[] = [{ column: 'k', op: '<', value: 1500n }];
    assert.equal(await warm(large, planOf(CLICKS, [file], half)), null, '1.5 MB');
    await large.close();
  });
});

test('a file that cannot be read is told once, and queries meet the cause in the engine', async () => {
  await withHotBlocks(16 * MB, async (hot, engine, directory, failures) => {
    const plan = planOf(CLICKS, [fileAt(join(directory, 'none.parquet'))], [equal('k', 7)]);
    assert.equal(await warm(hot, plan), null);
    assert.equal(failures.length, 1);
    await assert.rejects(run(engine, plan, hot));
  });
});

test('closing stops what is being read', async () => {
  await withHotBlocks(64 * MB, async (hot, engine, directory, failures) => {
    const sql = "SELECT i AS k, 1::INTEGER AS v, repeat('x', 20) AS name FROM range(2000) t(i)";
    const file = await write(engine, join(directory, 'a.parquet'), CLICKS, sql);
    const plan = planOf(CLICKS, [file], [equal('k', 7)]);
    hot.answer(plan, 0);
    await hot.settled();
    hot.answer(plan, 0);
    hot.answer(plan, 0);
    await hot.close();
    assert.equal(hot.usedBytes, 0);
    assert.equal(await warm(hot, plan), null);
    assert.deepEqual(failures, []);
  });
});
