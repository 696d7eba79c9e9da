// Benchmark of upserts: a batch of 100,000 rows, half of its keys in a table of 1, 10 and 30 million rows (files of a
// million each, keys at random), through the sink and the look-up of older rows, as a commit does it: data file,
// delete object, all durable. BIGINT and text keys. Targets: 0.15, 0.3 and 0.5 s; text twice that.
// Each is measured twice in turn, with and without the key index on disk. The index must take 40 bytes a row at most,
// and in memory what it is given.
// Run: node bench/upsert-bench.ts [--json] [--rows 1000000,10000000 (0 = none)] [--keys bigint,string] [--batch 100000]
// [--file-rows 1000000] [--deleted 10000000].

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { present } from '../src/base/assert.ts';
import { systemClock } from '../src/base/clock.ts';
import {
  asId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TableId,
  type TableVersion,
  type TransactionId,
  type VolumeId,
} from '../src/base/ids.ts';
import { silentLog } from '../src/base/log.ts';
import { systemRandom } from '../src/base/random.ts';
import { DeleteBitmaps } from '../src/engine/delete-bitmaps.ts';
import { type Engine, openEngine } from '../src/engine/duckdb.ts';
import { KeyIndex } from '../src/engine/key-index/key-index.ts';
import { type SourceReader, withSources } from '../src/engine/plan-sources.ts';
import type { LoadTarget, StagedTable } from '../src/model/load-plan.ts';
import { parquetCopyOptions } from '../src/model/parquet-layout.ts';
import type { SqlType } from '../src/model/sql-type.ts';
import type { ColumnSchema, DataFile, TableSchema, VolumeSpec } from '../src/model/table.ts';
import { type ResolveServices, runResolve } from '../src/pipeline/resolve-run.ts';
import { writeDeletes } from '../src/pipeline/sink/delete-file.ts';
import { appendKeyed, keySchema } from '../src/pipeline/sink/keyed.ts';
import { LocalStore } from '../src/storage/local-store.ts';

const REPEATS = 5;
const INDEX_BYTES_A_ROW = 40;
const INDEX_MEMORY_BYTES = 128 * 1024 * 1024;
const SCAN_REPEATS = 11;
const LIMITS_MS: Readonly<Record<number, number>> = {
  1000000: 150,
  10000000: 300,
  30000000: 500,
};

interface Sizes {
  readonly batchRows: number;
  readonly fileRows: number;
}

type KeyKind = 'bigint' | 'string';

interface Result {
  readonly keys: KeyKind;
  readonly through: 'index' | 'scan';
  readonly rows: number;
  readonly stageMs: number;
  readonly resolveMs: number;
  readonly stageCpuMs: number;
  readonly resolveCpuMs: number;
  readonly totalMs: number;
  readonly limitMs: number;
  readonly deleteBytesPerRow: number;
  readonly index: {
    readonly bytesPerRow: number;
    readonly memoryBytes: number;
    readonly buildMs: number;
  };
}

interface Upserted {
  readonly stageMs: number;
  readonly stageCpuMs: number;
  readonly resolveMs: number;
  readonly cpuMs: number;
  readonly bytes: number;
}

function column(fieldId: number, name: string, type: SqlType): ColumnSchema {
  const rest = { nullable: fieldId > 1, isKey: fieldId === 1, defaultValue: null, comment: '' };
  return { fieldId: asId<FieldId>(fieldId), name, type, ...rest };
}

function schemaOf(keys: KeyKind): TableSchema {
  const key: SqlType = keys === 'bigint' ? { kind: 'BIGINT' } : { kind: 'VARCHAR', length: 64 };
  return {
    keysType: 'PRIMARY_KEYS',
    columns: [
      column(1, 'k', key),
      column(2, 'a', { kind: 'BIGINT' }),
      column(3, 'b', { kind: 'DOUBLE' }),
      column(4, 'c', { kind: 'VARCHAR', length: 100 }),
    ],
  };
}

/** The i-th key: spread over the whole range, so that no file can be left out. */
function keySql(keys: KeyKind, ordinal: string): string {
  const mixed = `CAST(hash(${ordinal}) >> 1 AS BIGINT)`;
  return keys === 'bigint' ? mixed : `'user-' || lpad(CAST(${mixed} AS VARCHAR), 19, '0')`;
}

function rowsSql(keys: KeyKind, from: number, to: number): string {
  return `SELECT ${keySql(keys, 'i')} AS k, i AS a, i * 0.5 AS b, 'text ' || (i % 1000) AS c FROM range(${from}, ${to}) r(i)`;
}

class Table {
  readonly engine: Engine;
  readonly schema: TableSchema;
  readonly services: ResolveServices;
  readonly target: LoadTarget;
  readonly volume: VolumeSpec;
  readonly #root: string;
  readonly #directory: string;
  index: KeyIndex | null = null;
  readonly #keys: KeyKind;
  readonly #batchRows: number;
  readonly #fileRows: number;
  readonly #store: LocalStore;
  files: DataFile[] = [];
  #nextTransaction = 1000;
  #nextDelete = 1;

  constructor(engine: Engine, directory: string, keys: KeyKind, { batchRows, fileRows }: Sizes) {
    this.engine = engine;
    this.#keys = keys;
    this.#batchRows = batchRows;
    this.#fileRows = fileRows;
    this.#directory = directory;
    this.#root = join(directory, 'volume');
    this.schema = schemaOf(keys);
    const location = `file://${this.#root}`;
    this.volume = { id: asId<VolumeId>(1), name: 'v', type: 'LOCAL', location, params: {} };
    this.#store = new LocalStore({ root: this.#root, where: this.#root });
    const resolve: SourceReader['resolve'] = async (files) => ({
      paths: files.map(({ key }) => join(this.#root, key)),
      release: () => undefined,
    });
    this.services = {
      engine,
      resolve,
      deletes: new DeleteBitmaps(resolve, 64 * 1024 * 1024),
      random: systemRandom,
      tempDirectory: join(directory, 'tmp'),
      openStore: async () => this.#store,
      reserveIds: async () => 1,
      keyIndex: null,
    };
    this.target = {
      tableId: asId<TableId>(10),
      databaseName: 'd',
      tableName: 't',
      volume: this.volume,
      prefix: 'd/t-10/data',
      keys: ['k'],
    };
  }

  async fill(rows: number): Promise<void> {
    for (let from = 0; from < rows; from += this.#fileRows) {
      const id = this.files.length + 1;
      const key = `d/t-10/data/t${id}/${systemRandom.uuid()}.parquet`;
      mkdirSync(join(this.#root, `d/t-10/data/t${id}`), { recursive: true });
      const path = join(this.#root, key);
      await this.engine.withConnection((connection) =>
        connection.run(
          `COPY (${rowsSql(this.#keys, from, Math.min(rows, from + this.#fileRows))}) TO '${path}' (${parquetCopyOptions(this.schema)})`,
        ),
      );
      this.#add(id, key, (await stat(path)).size, Math.min(this.#fileRows, rows - from));
    }
  }

  #add(id: number, key: string, sizeBytes: number, rowCount: number): void {
    this.files.push({
      id: asId<FileId>(id),
      transactionId: asId<TransactionId>(id),
      volumeId: this.volume.id,
      key,
      sizeBytes,
      rowCount,
      columnStats: {},
      deletes: [],
      deletedRows: 0,
    });
  }

  /** Indexes all files; gives the milliseconds that it took. */
  async buildIndex(): Promise<number> {
    const started = performance.now();
    this.index = await KeyIndex.open({
      directory: join(this.#directory, 'keys'),
      maxBytes: 64 * 1024 ** 3,
      memoryBytes: INDEX_MEMORY_BYTES,
      minRows: this.#fileRows,
      incarnation: 'a-b-c',
      engine: this.engine,
      resolve: this.services.resolve,
      clock: systemClock,
      log: silentLog,
    });
    this.index.choose(this.files, keySchema(this.schema, ['k']), [this.volume], this.#batchRows);
    await this.index.settled();
    return performance.now() - started;
  }

  /** One batch, half of it of keys that are there. */
  async upsert(rows: number, useKeyIndex: boolean): Promise<Upserted> {
    const transactionId = asId<TransactionId>(this.#nextTransaction++);
    const half = this.#batchRows / 2;
    const first = systemRandom.below(1_000_000);
    const ordinals = `SELECT CAST(hash(i + ${first}) % ${rows} AS BIGINT) AS i FROM range(${half}) r(i) UNION ALL SELECT ${rows * 2 + transactionId * this.#batchRows} + i FROM range(${half}) r(i)`;
    const batch = `SELECT ${keySql(this.#keys, 'i')} AS k, i AS a, i * 0.5 AS b, 'new ' || (i % 1000) AS c, 0 AS __op, row_number() OVER () AS __ordinal FROM (${ordinals})`;
    const cpuBefore = process.cpuUsage();
    const started = performance.now();
    const { table } = await this.engine.withConnection((connection) =>
      appendKeyed(
        {
          target: this.target,
          schema: this.schema,
          store: this.#store,
          keys: ['k'],
          update: null,
          sortBy: [],
        },
        transactionId,
        this.services,
        connection,
        batch,
        () => undefined,
        {},
      ),
    );
    const staged = performance.now();
    const stageCpu = process.cpuUsage(cpuBefore);
    const cpu = process.cpuUsage();
    const resolved = await runResolve(
      {
        transactionId,
        target: this.target,
        schema: this.schema,
        version: asId<TableVersion>(1),
        files: this.files,
        volumes: [this.volume],
        useKeyIndex,
        staged: present(table, 'a staged table'),
        timeoutMs: 60_000,
      },
      { ...this.services, keyIndex: this.index },
      new AbortController().signal,
    );
    const used = process.cpuUsage(cpu);
    const ended = performance.now();
    this.#commit(resolved);
    return {
      stageMs: staged - started,
      resolveMs: ended - staged,
      stageCpuMs: (stageCpu.user + stageCpu.system) / 1000,
      cpuMs: (used.user + used.system) / 1000,
      bytes: resolved.deletes?.object.sizeBytes ?? 0,
    };
  }

  /** CPU ms of one statement over files as the version has them. */
  async scanCpuMs(files: readonly DataFile[], sql: string): Promise<number> {
    const columns = ['a', 'b', 'c'];
    const scan = { placeholder: '__scan0', schema: this.schema, columns, files };
    const sources = { scans: [scan], inlineTables: [], volumes: [this.volume] };
    const { signal } = new AbortController();
    const before = process.cpuUsage();
    await this.engine.withConnection((connection) =>
      withSources(this.services, connection, sources, signal, (withClause) =>
        connection.rows(`${withClause}${sql}`),
      ),
    );
    const used = process.cpuUsage(before);
    return (used.user + used.system) / 1000;
  }

  /** Deletes so many of all rows, at random, in one commit. */
  async deleteShare(share: number): Promise<void> {
    const transactionId = asId<TransactionId>(this.#nextTransaction++);
    const scan = {
      placeholder: '__scan0',
      schema: this.schema,
      columns: ['a'],
      files: this.files,
      positions: true as const,
    };
    const sources = { scans: [scan], inlineTables: [], volumes: [this.volume] };
    const { signal } = new AbortController();
    const deletes = await this.engine.withConnection((connection) =>
      withSources(this.services, connection, sources, signal, async (withClause) => {
        await connection.run(
          `CREATE OR REPLACE TEMP TABLE __gone AS ${withClause}SELECT __file, __row FROM __scan0 WHERE hash(a) % 10000 < ${share * 10_000}`,
        );
        const to = { target: this.target, store: this.#store, volumes: [this.volume] };
        return await writeDeletes(
          to,
          transactionId,
          this.services,
          connection,
          this.files,
          '__gone',
          {
            signal,
          },
        );
      }),
    );
    const table = { tableId: this.target.tableId, files: [] };
    this.#commit(deletes === null ? table : { ...table, deletes });
  }

  /** As the metadata does. */
  #commit({ files, deletes }: StagedTable): void {
    if (deletes !== undefined) {
      const object = { ...deletes.object, id: asId<DeleteFileId>(this.#nextDelete++) };
      const touched = new Map(deletes.touched.map((entry) => [entry.fileId, entry]));
      this.files = this.files.map((file) => {
        const entry = touched.get(file.id);
        if (entry === undefined) return file;
        const kept = file.deletes.filter(({ id }) => !entry.replaces.includes(id));
        const deletedRows = file.deletedRows + entry.newPositions;
        return { ...file, deletes: [...kept, object], deletedRows };
      });
    }
    for (const { key, sizeBytes, rowCount } of files) {
      this.#add(this.files.length + 1, key, sizeBytes, rowCount);
    }
  }
}

/** CPU of scans with so many rows deleted at random, over the same without: what deletes cost readers. */
async function deletedScans(
  table: Table,
  share: number,
): Promise<Readonly<Record<string, number>>> {
  const whole = table.files.map((file) => ({ ...file, deletes: [], deletedRows: 0 }));
  await table.deleteShare(share);
  const ratios: Record<string, number> = {};
  for (const [name, sql] of Object.entries(SCANS)) {
    // In turns: what else the machine does meets both. The first of each fills what is kept.
    const spent: Record<'deleted' | 'whole', number[]> = { deleted: [], whole: [] };
    for (let run = 0; run <= SCAN_REPEATS; run += 1) {
      spent.deleted.push(await table.scanCpuMs(table.files, sql));
      spent.whole.push(await table.scanCpuMs(whole, sql));
    }
    ratios[name] = median(spent.deleted.slice(1)) / median(spent.whole.slice(1));
  }
  return ratios;
}

const SCANS: Readonly<Record<string, string>> = {
  sum: 'SELECT sum(a), sum(b) FROM __scan0',
  'group by': 'SELECT c, count(*), sum(a) FROM __scan0 GROUP BY c',
  filter: 'SELECT count(*) FROM __scan0 WHERE a % 1000 = 7',
  'top 10': 'SELECT a, b FROM __scan0 ORDER BY b DESC LIMIT 10',
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function withTable<T>(
  keys: KeyKind,
  sizes: Sizes,
  work: (table: Table) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-upsert-'));
  const engine = await openEngine({
    role: 'query',
    threads: 2,
    memoryLimitBytes: 2 * 1024 ** 3,
    tempDirectory: join(directory, 'spill'),
    maxTempBytes: 4 * 1024 ** 3,
    allowedDirectories: [directory],
    statementsAtOnce: 4,
    maxWaiting: 100,
    clock: systemClock,
  });
  try {
    return await work(new Table(engine, directory, keys, sizes));
  } finally {
    await engine.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(keys: KeyKind, rows: number, sizes: Sizes): Promise<readonly Result[]> {
  const { batchRows, fileRows } = sizes;
  return await withTable(keys, sizes, async (table) => {
    await table.fill(rows);
    const buildMs = await table.buildIndex();
    const index = present(table.index, 'an index').load();
    assert.equal(index.files, Math.ceil(rows / fileRows), 'every file is indexed');
    const runs = { scan: [] as Upserted[], index: [] as Upserted[] };
    // The first two warm the page cache and whatever the look-up keeps; they stay, with their files and deletes.
    for (const through of ['scan', 'index'] as const) await table.upsert(rows, through === 'index');
    // Each batch then meets the same table: else its size would grow with the repeats.
    const { files } = table;
    for (let run = 0; run < REPEATS; run += 1) {
      for (const through of ['scan', 'index'] as const) {
        table.files = files;
        runs[through].push(await table.upsert(rows, through === 'index'));
      }
    }
    const { memoryBytes } = present(table.index, 'an index').load();
    const bytesPerRow = index.bytes / rows;
    assert.ok(bytesPerRow <= INDEX_BYTES_A_ROW, `${bytesPerRow} bytes a row`);
    assert.ok(memoryBytes <= INDEX_MEMORY_BYTES, `${memoryBytes} bytes in memory`);
    const limitMs = (LIMITS_MS[rows] ?? Number.NaN) * (keys === 'string' ? 2 : 1);
    const figure = (through: 'scan' | 'index', of: (run: Upserted) => number): number =>
      median(runs[through].map(of));
    return (['scan', 'index'] as const).map((through) => ({
      keys,
      through,
      rows,
      stageMs: figure(through, (run) => run.stageMs),
      resolveMs: figure(through, (run) => run.resolveMs),
      stageCpuMs: figure(through, (run) => run.stageCpuMs),
      resolveCpuMs: figure(through, (run) => run.cpuMs),
      totalMs: figure(through, (run) => run.stageMs + run.resolveMs),
      limitMs,
      deleteBytesPerRow: figure(through, (run) => run.bytes) / (batchRows / 2),
      index: { bytesPerRow, memoryBytes, buildMs },
    }));
  });
}

/** Ratios of scans of a table with 5% of its rows deleted; the limit is 1.8. */
async function measureScans(rows: number): Promise<Readonly<Record<string, number>>> {
  return await withTable('bigint', { batchRows: 100_000, fileRows: 1_000_000 }, async (table) => {
    await table.fill(rows);
    const ratios = await deletedScans(table, 0.05);
    for (const [name, ratio] of Object.entries(ratios)) {
      console.error(`5% of ${rows / 1e6}M rows deleted, ${name}: ${ratio.toFixed(2)} x`);
    }
    return ratios;
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      rows: { type: 'string', default: '1000000,10000000,30000000' },
      keys: { type: 'string', default: 'bigint,string' },
      batch: { type: 'string', default: '100000' },
      'file-rows': { type: 'string', default: '1000000' },
      /** Rows of a table of which 5% are deleted, for the cost of scans; 0 = none. */
      deleted: { type: 'string', default: '10000000' },
    },
  });
  const results: Result[] = [];
  for (const keys of values.keys.split(',')) {
    for (const rows of values.rows
      .split(',')
      .map(Number)
      .filter((count) => count > 0)) {
      const measured = await measure(keys === 'string' ? 'string' : 'bigint', rows, {
        batchRows: Number(values.batch),
        fileRows: Number(values['file-rows']),
      });
      results.push(...measured);
      if (values.json) continue;
      for (const result of measured) print(result);
    }
  }
  const scanned = Number(values.deleted);
  const scans = scanned === 0 ? {} : await measureScans(scanned);
  if (values.json) console.log(JSON.stringify({ results, scans }));
}

function print(result: Result): void {
  const { bytesPerRow, memoryBytes, buildMs } = result.index;
  const index =
    result.through === 'scan'
      ? ''
      : `; index of ${bytesPerRow.toFixed(1)} bytes a row, ${(memoryBytes / 1024 ** 2).toFixed(0)} MB in memory, built in ${(buildMs / 1000).toFixed(1)} s`;
  console.log(
    `${result.keys} ${result.rows / 1e6}M rows, ${result.through}: stage ${result.stageMs.toFixed(0)} ms (CPU ${result.stageCpuMs.toFixed(0)} ms) + look-up ${result.resolveMs.toFixed(0)} ms (CPU ${result.resolveCpuMs.toFixed(0)} ms) = ${result.totalMs.toFixed(0)} ms, limit ${result.limitMs} ms; ${result.deleteBytesPerRow.toFixed(1)} bytes of deletes per row${index}`,
  );
}

await main();
