// Partial updates of 10 of 100 columns over all rows of a PRIMARY KEY table: column mode (an overlay) against row mode
// (whole rows), from the batch to the durable objects of its commit. And what a reader of the ten columns pays before
// the overlay, with one, with four, and after the compaction that puts them in. Target: 3 times as fast as row mode.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { present } from '../src/base/assert.ts';
import { systemClock } from '../src/base/clock.ts';
import {
  asId,
  type DatabaseId,
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
import { withSources } from '../src/engine/plan-sources.ts';
import type { LoadTarget, PartialUpdateMode, StagedTable } from '../src/model/load-plan.ts';
import { parquetCopyOptions, stagedFileFromStats } from '../src/model/parquet-layout.ts';
import type { SqlType } from '../src/model/sql-type.ts';
import type { ColumnSchema, DataFile, TableInfo, VolumeSpec } from '../src/model/table.ts';
import { type ResolveServices, runResolve } from '../src/pipeline/resolve-run.ts';
import { appendKeyed } from '../src/pipeline/sink/keyed.ts';
import { LocalStore } from '../src/storage/local-store.ts';
import { runCompaction } from '../src/tables/compaction-run.ts';
import { type BenchResult, median, type Run, round, summarize } from './report.ts';

const COLUMNS = 100;
const GIVEN = 10;
const FILE_ROWS = 250_000;
const MANY_OVERLAYS = 4;
const READS = 5;

/** Beside the key: whole numbers, fractions and texts in turn. */
const TYPES: readonly (readonly [SqlType, (ordinal: number) => string])[] = [
  [{ kind: 'BIGINT' }, (n) => `CAST(i * ${n} % 1000003 AS BIGINT)`],
  [{ kind: 'DOUBLE' }, (n) => `i * 0.5 + ${n}`],
  [{ kind: 'VARCHAR', length: 40 }, (n) => `'text ' || (i * ${n} % 5000)`],
];

function typeOf(ordinal: number) {
  return present(TYPES[ordinal % TYPES.length], 'a type');
}

const SCHEMA: readonly ColumnSchema[] = Array.from({ length: COLUMNS }, (_, ordinal) => ({
  fieldId: asId<FieldId>(ordinal + 1),
  name: ordinal === 0 ? 'k' : `c${ordinal}`,
  type: ordinal === 0 ? { kind: 'BIGINT' } : typeOf(ordinal)[0],
  nullable: ordinal > 0,
  isKey: ordinal === 0,
  defaultValue: null,
  comment: '',
}));

/** Rows of keys `from` to `to` with the first columns; `seed` makes their values. */
function rowsSql(columns: number, seed: number, from: number, to: number): string {
  const values = SCHEMA.slice(1, columns).map(
    ({ name }, index) => `${typeOf(index + 1)[1](index + 1 + seed)} AS ${name}`,
  );
  return `SELECT CAST(i AS BIGINT) AS k, ${values.join(', ')} FROM range(${from}, ${to}) r(i)`;
}

class Table {
  readonly #engine: Engine;
  readonly #store: LocalStore;
  readonly #services: ResolveServices;
  readonly #volume: VolumeSpec;
  readonly #target: LoadTarget;
  readonly #info: TableInfo;
  #next = 1;
  files: readonly DataFile[] = [];

  constructor(engine: Engine, directory: string) {
    const root = join(directory, 'volume');
    this.#engine = engine;
    this.#store = new LocalStore({ root, where: root });
    const resolve = async (files: readonly { readonly key: string }[]) => ({
      paths: files.map(({ key }) => join(root, key)),
      release: () => undefined,
    });
    this.#services = {
      engine,
      resolve,
      deletes: new DeleteBitmaps(resolve, 64 * 1024 * 1024),
      random: systemRandom,
      tempDirectory: join(directory, 'tmp'),
      openStore: async () => this.#store,
      reserveIds: async () => 1,
      keyIndex: null,
    };
    const location = `file://${root}`;
    this.#volume = { id: asId<VolumeId>(1), name: 'v', type: 'LOCAL', location, params: {} };
    this.#info = {
      id: asId<TableId>(10),
      databaseId: asId<DatabaseId>(1),
      databaseName: 'd',
      name: 't',
      schema: { keysType: 'PRIMARY_KEYS', columns: SCHEMA },
      volumeId: this.#volume.id,
      prefix: 'd/t-10/data',
      comment: '',
      distributedBy: [],
      buckets: null,
      properties: {},
      createdMs: 0,
    };
    this.#target = {
      tableId: this.#info.id,
      databaseName: 'd',
      tableName: 't',
      volume: this.#volume,
      prefix: this.#info.prefix,
      keys: ['k'],
    };
  }

  async fill(rows: number): Promise<void> {
    const files: DataFile[] = [];
    const { schema } = this.#info;
    for (let from = 0; from < rows; from += FILE_ROWS) {
      const id = this.#next++;
      const key = `d/t-10/data/t${id}/${systemRandom.uuid()}.parquet`;
      const path = present(this.#store.localPath(key), 'a local volume');
      mkdirSync(dirname(path), { recursive: true });
      const [stats] = await this.#engine.withConnection((connection) =>
        connection.objects(
          `COPY (${rowsSql(COLUMNS, 0, from, Math.min(rows, from + FILE_ROWS))}) TO '${path}' (${parquetCopyOptions(schema)})`,
        ),
      );
      const target = { volumeId: this.#volume.id, key, schema };
      files.push(this.#fileOf(stagedFileFromStats(present(stats, 'statistics'), target), id));
    }
    this.files = files;
  }

  #fileOf(staged: StagedTable['files'][number], transaction: number): DataFile {
    const [id, transactionId] = [
      asId<FileId>(this.#next++),
      asId<TransactionId>(Math.max(1, transaction)),
    ];
    return { ...staged, id, transactionId, deletes: [], deletedRows: 0 };
  }

  /** Stages and resolves a batch with new values of the given columns for the rows from `from` on; nothing of the table changes. */
  async update(
    rows: number,
    mode: PartialUpdateMode,
    seed: number,
    from = 0,
  ): Promise<StagedTable> {
    const transactionId = asId<TransactionId>(this.#next++);
    const given = SCHEMA.slice(0, GIVEN + 1);
    const batch = `SELECT *, 0 AS __op, k AS __ordinal FROM (${rowsSql(GIVEN + 1, seed, from, rows)})`;
    const { schema } = this.#info;
    const { table } = await this.#engine.withConnection((connection) =>
      appendKeyed(
        {
          target: this.#target,
          schema: { ...schema, columns: given },
          store: this.#store,
          keys: ['k'],
          update: { partial: true, mode, condition: null, timeZone: 'UTC' },
          sortBy: [],
        },
        transactionId,
        this.#services,
        connection,
        batch,
        () => undefined,
        {},
      ),
    );
    return await runResolve(
      {
        transactionId,
        target: this.#target,
        schema,
        version: asId<TableVersion>(1),
        files: this.files,
        volumes: [this.#volume],
        staged: present(table, 'a staged table'),
        timeoutMs: 600_000,
        useKeyIndex: false,
      },
      this.#services,
      new AbortController().signal,
    );
  }

  /** The table's files with the overlay of a staged batch. */
  overlaid({ overlay }: StagedTable): readonly DataFile[] {
    const { object, fieldIds, touched } = present(overlay, 'an overlay');
    const committed = { ...object, fieldIds, id: asId<DeleteFileId>(this.#next++) };
    return this.files.map((file) => {
      const own = present(
        touched.find(({ fileId }) => fileId === file.id),
        'all files are touched',
      );
      const added = { object: committed, part: own.part, rows: own.rows };
      return { ...file, overlays: [...(file.overlays ?? []), added] };
    });
  }

  /** What the files hold, in new ones. */
  async compacted(): Promise<readonly DataFile[]> {
    const transactionId = asId<TransactionId>(this.#next++);
    const { tempDirectory, random } = this.#services;
    mkdirSync(tempDirectory, { recursive: true });
    const outputs = await runCompaction(
      {
        transactionId,
        table: this.#info,
        volume: this.#volume,
        volumes: [this.#volume],
        inputs: this.files,
      },
      { engine: this.#engine, stores: async () => this.#store, tempDirectory, random },
      new AbortController().signal,
    );
    return outputs.map((file) => this.#fileOf(file, transactionId));
  }

  /** CPU seconds of reading the given columns of all rows (median), and what was read. */
  async read(): Promise<{ readonly cpuSeconds: number; readonly answer: string }> {
    const columns = SCHEMA.slice(1, GIVEN + 1).map(({ name }) => name);
    const scan = { placeholder: '__scan0', schema: this.#info.schema, columns, files: this.files };
    const sources = { scans: [scan], inlineTables: [], volumes: [this.#volume] };
    const { signal } = new AbortController();
    const list = columns.map((name) => `max(${name}), count(${name})`).join(', ');
    let answer = '';
    const cpu: number[] = [];
    for (let read = 0; read <= READS; read += 1) {
      const before = process.cpuUsage();
      const [row] = await this.#engine.withConnection((connection) =>
        withSources(this.#services, connection, sources, signal, (withClause) =>
          connection.rows(`${withClause}SELECT ${list} FROM __scan0`),
        ),
      );
      const { user, system } = process.cpuUsage(before);
      // The first one warms the page cache.
      if (read > 0) cpu.push((user + system) / 1e6);
      answer = String(row);
    }
    return { cpuSeconds: median(cpu), answer };
  }
}

async function withTable<T>(work: (table: Table) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-partial-'));
  const engine = await openEngine({
    role: 'query',
    threads: 2,
    memoryLimitBytes: 2 * 1024 ** 3,
    tempDirectory: join(directory, 'spill'),
    maxTempBytes: 8 * 1024 ** 3,
    allowedDirectories: [directory],
    statementsAtOnce: 4,
    maxWaiting: 100,
    clock: systemClock,
  });
  try {
    return await work(new Table(engine, directory));
  } finally {
    await engine.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function timed(rows: number, work: () => Promise<unknown>): Promise<Run> {
  const before = process.cpuUsage();
  const startMs = systemClock.monotonicMs();
  await work();
  const { user, system } = process.cpuUsage(before);
  return {
    rows,
    seconds: (systemClock.monotonicMs() - startMs) / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** The ratio is of CPU time; `wallRatio` of wall time. Reads are in times of a read without overlays. */
export async function partialUpdate(rows: number, repeats: number): Promise<BenchResult> {
  return await withTable(async (table) => {
    await table.fill(rows);
    const [columnRuns, rowRuns]: [Run[], Run[]] = [[], []];
    const staged: StagedTable[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      columnRuns.push(
        await timed(rows, async () => {
          staged.push(await table.update(rows, 'column', 7));
        }),
      );
      rowRuns.push(await timed(rows, () => table.update(rows, 'row', 7)));
    }
    const plain = await table.read();
    table.files = table.overlaid(present(staged[0], 'a staged batch'));
    const one = await table.read();
    for (let overlay = 1; overlay < MANY_OVERLAYS; overlay += 1) {
      // Not all rows: one of all takes the place of those before it.
      table.files = table.overlaid(await table.update(rows, 'column', 7 + overlay, overlay));
    }
    const many = await table.read();
    table.files = await table.compacted();
    const merged = await table.read();
    if (merged.answer !== many.answer || one.answer === plain.answer) {
      throw new Error(`reads differ: ${many.answer} and ${merged.answer}`);
    }
    const seconds = (runs: readonly Run[]): number => median(runs.map((run) => run.seconds));
    const figures = {
      wallRatio: round(seconds(rowRuns) / seconds(columnRuns)),
      readOneOverlay: round(one.cpuSeconds / plain.cpuSeconds),
      [`read${MANY_OVERLAYS}Overlays`]: round(many.cpuSeconds / plain.cpuSeconds),
      readMerged: round(merged.cpuSeconds / plain.cpuSeconds),
    };
    const baseline = { name: 'row mode', runs: rowRuns };
    return summarize('partial-update', columnRuns, baseline, figures);
  });
}
