// Deleted rows from writing to reading: position-delete objects, and scans that leave their rows out.
import assert from 'node:assert/strict';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError } from '../../../../src/base/errors.ts';
import {
  asId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TableId,
  type TransactionId,
  type VolumeId,
} from '../../../../src/base/ids.ts';
import { seededRandom } from '../../../../src/base/random.ts';
import { DeleteBitmaps } from '../../../../src/engine/delete-bitmaps.ts';
import type { Connection, Engine } from '../../../../src/engine/duckdb.ts';
import { type SourceReader, withSources } from '../../../../src/engine/plan-sources.ts';
import type { StagedDeletes } from '../../../../src/model/load-plan.ts';
import { parquetCopyOptions } from '../../../../src/model/parquet-layout.ts';
import type { QueryScan } from '../../../../src/model/query-plan.ts';
import type { DataFile, TableSchema, VolumeSpec } from '../../../../src/model/table.ts';
import { writeDeletes } from '../../../../src/pipeline/sink/delete-file.ts';
import { LocalStore } from '../../../../src/storage/local-store.ts';
import { withEngine } from '../../../support/engine-fixture.ts';

const column = (fieldId: number, name: string, type: 'BIGINT' | 'JSON') => ({
  fieldId: asId<FieldId>(fieldId),
  name,
  type: { kind: type } as const,
  nullable: true,
  isKey: fieldId === 1,
  defaultValue: null,
  comment: '',
});
// Names that a join could mix up.
const schema: TableSchema = {
  keysType: 'PRIMARY_KEYS',
  columns: [column(1, 'file', 'BIGINT'), column(2, 'bits', 'BIGINT')],
};
const ROWS = 5000;
const signal = new AbortController().signal;

class Table {
  readonly #engine: Engine;
  readonly #root: string;
  readonly #volume: VolumeSpec;
  files: readonly DataFile[] = [];
  readonly reader: SourceReader;
  #transaction = 1;
  #deletes = 1;
  readonly random = seededRandom(3);

  constructor(engine: Engine, directory: string, cacheBytes: number) {
    this.#engine = engine;
    this.#root = join(directory, 'volume');
    const location = `file://${this.#root}`;
    this.#volume = { id: asId<VolumeId>(1), name: 'v', type: 'LOCAL', location, params: {} };
    const resolve: SourceReader['resolve'] = async (files) => ({
      paths: files.map(({ key }) => join(this.#root, key)),
      release: () => undefined,
    });
    this.reader = { resolve, deletes: new DeleteBitmaps(resolve, cacheBytes) };
  }

  /** A file of ROWS rows: `file` counts from `first` on. */
  async addFile(first: number): Promise<void> {
    const id = this.files.length + 1;
    const key = `d/t-10/data/t${id}/00000000-0000-4000-a000-00000000000${id}.parquet`;
    await mkdir(join(this.#root, `d/t-10/data/t${id}`), { recursive: true });
    await this.#engine.withConnection((connection) =>
      connection.run(
        `COPY (SELECT ${first} + j AS file, j AS bits FROM range(${ROWS}) t(j)) TO '${join(this.#root, key)}' (${parquetCopyOptions(schema)})`,
      ),
    );
    const file: DataFile = {
      id: asId<FileId>(id),
      transactionId: asId<TransactionId>(id),
      volumeId: this.#volume.id,
      key,
      sizeBytes: (await stat(join(this.#root, key))).size,
      rowCount: ROWS,
      columnStats: {},
      deletes: [],
      deletedRows: 0,
    };
    this.files = [...this.files, file];
  }

  query<T>(
    work: (connection: Connection, withClause: string) => Promise<T>,
    scan: Partial<QueryScan> = {},
  ): Promise<T> {
    const whole: QueryScan = {
      placeholder: '__scan0',
      schema,
      columns: ['file', 'bits'],
      files: this.files,
      ...scan,
    };
    const sources = { scans: [whole], inlineTables: [], volumes: [this.#volume] };
    return this.#engine.withConnection((connection) =>
      withSources(this.reader, connection, sources, signal, (withClause) =>
        work(connection, withClause),
      ),
    );
  }

  values(where = 'true'): Promise<readonly number[]> {
    return this.query(async (connection, withClause) => {
      const sql = `${withClause}SELECT file FROM __scan0 WHERE ${where} ORDER BY 1`;
      return (await connection.rows(sql)).map(([value]) => Number(value));
    });
  }

  /** Deletes the rows that match, as a commit does; gives what was staged. */
  async delete(where: string): Promise<StagedDeletes | null> {
    const staged = await this.query(
      async (connection, withClause) => {
        await connection.run(
          `CREATE TEMP TABLE __gone AS ${withClause}SELECT __file, __row FROM __scan0 WHERE ${where}`,
        );
        return await writeDeletes(
          {
            target: {
              tableId: asId<TableId>(10),
              databaseName: 'd',
              tableName: 't',
              volume: this.#volume,
              prefix: 'd/t-10/data',
              keys: ['file'],
            },
            store: new LocalStore({ root: this.#root, where: this.#root }),
            volumes: [this.#volume],
          },
          asId<TransactionId>(100 + this.#transaction++),
          {
            random: this.random,
            tempDirectory: join(this.#root, '..', 'tmp'),
            resolve: this.reader.resolve,
          },
          connection,
          this.files,
          '__gone',
          { signal },
        );
      },
      { positions: true },
    );
    if (staged === null) return null;
    const object = { ...staged.object, id: asId<DeleteFileId>(this.#deletes++) };
    this.files = this.files.map((file) => {
      const touched = staged.touched.find(({ fileId }) => fileId === file.id);
      if (touched === undefined) return file;
      assert.equal(touched.newestPatch, file.deletes.at(-1)?.id ?? null);
      const kept = file.deletes.filter(({ id }) => !touched.replaces.includes(id));
      return {
        ...file,
        deletes: [...kept, object],
        deletedRows: file.deletedRows + touched.newPositions,
      };
    });
    return staged;
  }
}

async function withTable(
  cacheBytes: number,
  work: (table: Table, engine: Engine) => Promise<void>,
): Promise<void> {
  await withEngine({}, async (engine, directory) => {
    await work(new Table(engine, directory, cacheBytes), engine);
  });
}

for (const cacheBytes of [0, 1_000_000]) {
  test(`deleted rows are not read, over several files and deltas (cache ${cacheBytes})`, async () => {
    await withTable(cacheBytes, async (table) => {
      for (const first of [0, 5000, 10_000]) await table.addFile(first);
      const all = new Set(Array.from({ length: 3 * ROWS }, (_, i) => i));
      const gone = async (where: string, test: (value: number) => boolean): Promise<void> => {
        await table.delete(where);
        for (const value of [...all]) if (test(value)) all.delete(value);
        assert.deepEqual(await table.values(), [...all]);
      };
      // One file, the ends of it, then rows of two files, then of a file that has deletes already.
      await gone('file IN (5000, 9999)', (v) => v === 5000 || v === 9999);
      await gone('file % 7 = 0 AND file < 10000', (v) => v % 7 === 0 && v < 10_000);
      await gone('file BETWEEN 5990 AND 6010', (v) => v >= 5990 && v <= 6010);
      assert.deepEqual(await table.values('file >= 14998'), [14_998, 14_999]);
      assert.deepEqual(await table.values('file < 5'), [1, 2, 3, 4]);
      const count = await table.query(
        async (connection, withClause) =>
          await connection.rows(`${withClause}SELECT count(*) FROM __scan0`),
        { columns: [] },
      );
      assert.equal(Number(count[0]?.[0]), all.size);
      assert.ok(table.reader.deletes.bytes <= cacheBytes, 'the bound of the cache holds');
    });
  });
}

test('what nothing matches writes nothing; a whole file may be deleted', async () => {
  await withTable(0, async (table) => {
    await table.addFile(0);
    assert.equal(await table.delete('file < 0'), null);
    const staged = await table.delete('true');
    assert.equal(staged?.object.rowCount, ROWS);
    assert.deepEqual(await table.values(), []);
    assert.equal(await table.delete('true'), null, 'a deleted row is not deleted again');
  });
});

test('an object is what Iceberg wants: paths and positions, sorted, with their field ids', async () => {
  await withTable(0, async (table, engine) => {
    for (const first of [0, 5000]) await table.addFile(first);
    const staged = await table.delete('file IN (4999, 3, 5001)');
    assert.match(staged?.object.key ?? '', /^d\/t-10\/data\/t101\/[0-9a-f-]{36}-deletes\.parquet$/);
    const { paths } = await table.reader.resolve(
      table.files.flatMap((file) => file.deletes.slice(0, 1)).slice(0, 1),
      [],
      signal,
    );
    await engine.withConnection(async (connection) => {
      const rows = await connection.rows(`SELECT file_path, pos FROM read_parquet('${paths[0]}')`);
      assert.deepEqual(
        rows.map(([path, pos]) => [String(path).replace(/^.*volume\//, ''), Number(pos)]),
        [
          ['d/t-10/data/t1/00000000-0000-4000-a000-000000000001.parquet', 3],
          ['d/t-10/data/t1/00000000-0000-4000-a000-000000000001.parquet', 4999],
          ['d/t-10/data/t2/00000000-0000-4000-a000-000000000002.parquet', 1],
        ],
      );
      const ids = await connection.rows(
        `SELECT name, field_id FROM parquet_schema('${paths[0]}') WHERE field_id IS NOT NULL ORDER BY 1`,
      );
      assert.deepEqual(
        ids.map(([name, id]) => [name, Number(id)]),
        [
          ['file_path', 2147483546],
          ['pos', 2147483545],
        ],
      );
    });
  });
});

test('an object that does not hold what the metadata says is an error, not a wrong answer', async () => {
  await withTable(0, async (table) => {
    await table.addFile(0);
    await table.delete('file < 10');
    table.files = table.files.map((file) => ({ ...file, deletedRows: 11 }));
    await assert.rejects(
      table.values(),
      (thrown: unknown) =>
        thrown instanceof AppError && /10 rows of .* 11 by the metadata/.test(thrown.fullMessage),
    );
  });
});

test('many small objects become one, of each file those that it has; positions are written a few times only', async () => {
  await withTable(1_000_000, async (table) => {
    for (const first of [0, 5000]) await table.addFile(first);
    const all = new Set(Array.from({ length: 2 * ROWS }, (_, i) => i));
    let written = 0;
    let most = 0;
    for (let round = 0; round < 80; round += 1) {
      // Every tenth round touches one file only.
      const where = round % 10 === 0 ? 'file < 5000' : 'true';
      const staged = await table.delete(`file % 83 = ${round} AND ${where}`);
      for (const v of [...all]) if (v % 83 === round && (round % 10 > 0 || v < 5000)) all.delete(v);
      written += staged?.object.rowCount ?? 0;
      most = Math.max(most, ...table.files.map((file) => file.deletes.length));
    }
    assert.deepEqual(await table.values(), [...all]);
    assert.ok(most <= 20, `${most} objects of one file`);
    const deleted = 2 * ROWS - all.size;
    assert.ok(written <= 4 * deleted, `${written} positions written for ${deleted} deleted rows`);
  });
});
