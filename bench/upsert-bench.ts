// Benchmark of upserts: a batch of 100,000 rows, half of its keys in a table of 1, 10 and 30 million rows (files of a
// million each, keys at random), through the sink and the look-up of older rows, as a commit does it: data file,
// delete object, all durable. BIGINT and text keys. Targets: 0.15, 0.3 and 0.5 s; text twice that.
// Run: node bench/upsert-bench.ts [--json] [--rows 1000000,10000000] [--keys bigint,string].
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
import { systemRandom } from '../src/base/random.ts';
import { DeleteBitmaps } from '../src/engine/delete-bitmaps.ts';
import { type Engine, openEngine } from '../src/engine/duckdb.ts';
import { type SourceReader, withSources } from '../src/engine/plan-sources.ts';
import type { LoadTarget, StagedTable } from '../src/model/load-plan.ts';
import { parquetCopyOptions } from '../src/model/parquet-layout.ts';
import type { SqlType } from '../src/model/sql-type.ts';
import type { ColumnSchema, DataFile, TableSchema, VolumeSpec } from '../src/model/table.ts';
import { type ResolveServices, runResolve } from '../src/pipeline/resolve-run.ts';
import { writeDeletes } from '../src/pipeline/sink/delete-file.ts';
import { appendKeyed } from '../src/pipeline/sink/keyed.ts';
import { LocalStore } from '../src/storage/local-store.ts';

const BATCH_ROWS = 100_000;
const FILE_ROWS = 1_000_000;
const REPEATS = 5;
const LIMITS_MS: Readonly<Record<number, number>> = {
  1000000: 150,
  10000000: 300,
  30000000: 500,
};

type KeyKind = 'bigint' | 'string';

interface Result {
  readonly keys: KeyKind;
  readonly rows: number;
  readonly stageMs: number;
  readonly resolveMs: number;
  readonly stageCpuMs: number;
  readonly resolveCpuMs: number;
  readonly totalMs: number;
  readonly limitMs: number;
  readonly deleteBytesPerRow: number;
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
  readonly #keys: KeyKind;
  readonly #store: LocalStore;
  files: DataFile[] = [];
  #nextTransaction = 1000;
  #nextDelete = 1;

  constructor(engine: Engine, directory: string, keys: KeyKind) {
    this.engine = engine;
    this.#keys = keys;
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
    for (let from = 0; from < rows; from += FILE_ROWS) {
      const id = this.files.length + 1;
      const key = `d/t-10/data/t${id}/${systemRandom.uuid()}.parquet`;
      mkdirSync(join(this.#root, `d/t-10/data/t${id}`), { recursive: true });
      const path = join(this.#root, key);
      await this.engine.withConnection((connection) =>
        connection.run(
          `COPY (${rowsSql(this.#keys, from, from + FILE_ROWS)}) TO '${path}' (${parquetCopyOptions(this.schema)})`,
        ),
      );
      this.#add(id, key, (await stat(path)).size, FILE_ROWS);
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

  /** One batch, half of it of keys that are there. */
  async upsert(rows: number): Promise<{
    stageMs: number;
    stageCpuMs: number;
    resolveMs: number;
    cpuMs: number;
    bytes: number;
  }> {
    const transactionId = asId<TransactionId>(this.#nextTransaction++);
    const half = BATCH_ROWS / 2;
    const first = systemRandom.below(1_000_000);
    const ordinals = `SELECT CAST(hash(i + ${first}) % ${rows} AS BIGINT) AS i FROM range(${half}) r(i) UNION ALL SELECT ${rows * 2 + transactionId * BATCH_ROWS} + i FROM range(${half}) r(i)`;
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
        staged: present(table, 'a staged table'),
        timeoutMs: 60_000,
      },
      this.services,
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
    const cpu = async (files: readonly DataFile[]): Promise<number> => {
      const runs: number[] = [];
      for (let run = 0; run <= REPEATS; run += 1) runs.push(await table.scanCpuMs(files, sql));
      // The first one fills what is kept.
      return median(runs.slice(1));
    };
    ratios[name] = (await cpu(table.files)) / (await cpu(whole));
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

async function withTable<T>(keys: KeyKind, work: (table: Table) => Promise<T>): Promise<T> {
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
    return await work(new Table(engine, directory, keys));
  } finally {
    await engine.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(keys: KeyKind, rows: number): Promise<Result> {
  return await withTable(keys, async (table) => {
    await table.fill(rows);
    // The first one warms the page cache and whatever the look-up keeps.
    await table.upsert(rows);
    const runs = [];
    for (let run = 0; run < REPEATS; run += 1) runs.push(await table.upsert(rows));
    const stageMs = median(runs.map((run) => run.stageMs));
    const resolveMs = median(runs.map((run) => run.resolveMs));
    const limitMs = (LIMITS_MS[rows] ?? Number.NaN) * (keys === 'string' ? 2 : 1);
    return {
      keys,
      rows,
      stageMs,
      resolveMs,
      stageCpuMs: median(runs.map((run) => run.stageCpuMs)),
      resolveCpuMs: median(runs.map((run) => run.cpuMs)),
      totalMs: median(runs.map((run) => run.stageMs + run.resolveMs)),
      limitMs,
      deleteBytesPerRow: median(runs.map((run) => run.bytes)) / (BATCH_ROWS / 2),
    };
  });
}

/** Ratios of scans of a table with 5% of its rows deleted; the limit is 1.8. */
async function measureScans(rows: number): Promise<Readonly<Record<string, number>>> {
  return await withTable('bigint', async (table) => {
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
      /** Rows of a table of which 5% are deleted, for the cost of scans; 0 = none. */
      deleted: { type: 'string', default: '10000000' },
    },
  });
  const results: Result[] = [];
  for (const keys of values.keys.split(',')) {
    for (const rows of values.rows.split(',').map(Number)) {
      results.push(await measure(keys === 'string' ? 'string' : 'bigint', rows));
      if (values.json) continue;
      const result = present(results.at(-1), 'a result');
      console.log(
        `${result.keys} ${rows / 1e6}M rows: stage ${result.stageMs.toFixed(0)} ms (CPU ${result.stageCpuMs.toFixed(0)} ms) + look-up ${result.resolveMs.toFixed(0)} ms (CPU ${result.resolveCpuMs.toFixed(0)} ms) = ${result.totalMs.toFixed(0)} ms, limit ${result.limitMs} ms; ${result.deleteBytesPerRow.toFixed(1)} bytes of deletes per row`,
      );
    }
  }
  const scanned = Number(values.deleted);
  const scans = scanned === 0 ? {} : await measureScans(scanned);
  if (values.json) console.log(JSON.stringify({ results, scans }));
}

await main();
