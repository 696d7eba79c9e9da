// Runs the load path on given messages without Kafka or an FE: plan, batch, stage, and the rows that come
// out of the Parquet files. For tests and benchmarks only.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import {
  asId,
  type FieldId,
  type JobId,
  type TableId,
  type TransactionId,
  type VolumeId,
} from '../../src/base/ids.ts';
import { systemRandom } from '../../src/base/random.ts';
import { DropRegistry } from '../../src/engine/drop-function.ts';
import { type Connection, type Engine, openEngine } from '../../src/engine/duckdb.ts';
import {
  type BegunTransaction,
  type FormatSpec,
  type KafkaLoadPlan,
  type LoadOutput,
  type LoadPlan,
  type LoadUnnest,
  loadedTables,
} from '../../src/model/load-plan.ts';
import type { SqlType } from '../../src/model/sql-type.ts';
import type { ColumnSchema, VolumeSpec } from '../../src/model/table.ts';
import type { Registry } from '../../src/pipeline/decode/schema-decoders.ts';
import { ScratchSpace } from '../../src/pipeline/decode/scratch.ts';
import { Stager } from '../../src/pipeline/stage.ts';
import { DROP_FUNCTION, ROWS_FUNCTION } from '../../src/pipeline/transform/drop-code.ts';
import type { MessageRun, RawBatch, SourceTrouble, StagedBatch } from '../../src/pipeline/types.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';

export const JSON_FORMAT: FormatSpec = {
  kind: 'json',
  jsonpaths: null,
  jsonRoot: '',
  stripOuterArray: false,
};
export const CSV_FORMAT: FormatSpec = {
  kind: 'csv',
  columnSeparator: ',',
  rowDelimiter: '\n',
  trimSpace: false,
  enclose: '',
  escape: '',
};

export function column(
  name: string,
  type: SqlType,
  more: Partial<ColumnSchema> = {},
): ColumnSchema {
  return {
    fieldId: asId<FieldId>(1),
    name,
    type,
    nullable: true,
    isKey: false,
    defaultValue: null,
    comment: '',
    ...more,
  };
}

export interface PlanOptions {
  readonly columns: readonly ColumnSchema[];
  readonly format?: FormatSpec;
  readonly fields?: readonly string[];
  readonly outputs?: readonly LoadOutput[];
  /** Key columns of a table with keys, and its `__op`. */
  readonly keys?: readonly string[];
  readonly operation?: LoadOutput;
  readonly where?: string;
  readonly unnest?: readonly LoadUnnest[];
  readonly strict?: boolean;
  readonly maxMessageBytes?: number;
  readonly keptMessageBytes?: number;
  readonly timeZone?: string;
  readonly sortBy?: readonly string[];
}

/** A plan that loads `columns` from fields of the same names unless told otherwise. */
export function makePlan(options: PlanOptions): KafkaLoadPlan {
  const columns = options.columns.map((c, index) => ({ ...c, fieldId: asId<FieldId>(index + 1) }));
  const volume: VolumeSpec = {
    id: asId<VolumeId>(10001),
    name: 'v',
    type: 'LOCAL',
    location: 'file:///unused',
    params: {},
  };
  const target = (name: string, id: number) => ({
    tableId: asId<TableId>(id),
    databaseName: 'db',
    tableName: name,
    volume,
    prefix: `db/${name}-${id}/data`,
    keys: name === 't' ? (options.keys ?? null) : null,
  });
  return {
    jobId: asId<JobId>(10002),
    jobName: 'job',
    userName: 'root',
    target: target('t', 10003),
    rejected: target('rejected_records', 10004),
    source: {
      kind: 'kafka',
      connection: { brokers: ['127.0.0.1:1'], properties: {} },
      topic: 'topic',
      isolation: 'read_committed',
      partitions: [{ partition: 0, offset: 0n }],
    },
    format: options.format ?? JSON_FORMAT,
    transform: {
      fields: options.fields ?? columns.map((c) => c.name),
      outputs:
        options.outputs ??
        columns.map((c) => ({ column: c, from: { kind: 'field', field: c.name } })),
      ...(options.unnest === undefined ? {} : { unnest: options.unnest }),
      operation: options.operation ?? null,
      update: null,
      whereSql: options.where ?? null,
      strictMode: options.strict ?? false,
      timeZone: options.timeZone ?? 'UTC',
      sortBy: options.sortBy ?? [],
    },
    limits: {
      maxBatchRows: 500_000,
      maxBatchBytes: 64 * 1024 * 1024,
      maxBatchIntervalMs: 10_000,
      freshnessMs: 1000,
      maxMessageBytes: options.maxMessageBytes ?? 64 * 1024 * 1024,
      keptMessageBytes: options.keptMessageBytes ?? 32 * 1024 * 1024,
    },
  };
}

export type TestMessage = string | Buffer | null;

/** One run of messages from offset 0 on in one partition. */
export function makeRun(
  messages: readonly TestMessage[],
  partition = 0,
  baseOffset = 0n,
): MessageRun {
  const values = messages.map((m) => (m === null ? null : Buffer.from(m)));
  const count = values.length;
  const valueStart = new Int32Array(count);
  const valueLength = new Int32Array(count);
  let at = 0;
  for (const [index, value] of values.entries()) {
    valueStart[index] = at;
    valueLength[index] = value === null ? -1 : value.length;
    at += value?.length ?? 0;
  }
  return {
    partition,
    bytes: Buffer.concat(values.filter((v) => v !== null)),
    count,
    valueStart,
    valueLength,
    keyStart: new Int32Array(count),
    keyLength: new Int32Array(count).fill(-1),
    headersStart: new Int32Array(0),
    headersLength: new Int32Array(0),
    baseOffset,
    offsetDelta: Int32Array.from({ length: count }, (_, index) => index),
    timestampMs: new Float64Array(count).fill(1_700_000_000_000),
  };
}

export function makeBatch(runs: readonly MessageRun[]): RawBatch {
  const ranges = new Map<number, { from: bigint; to: bigint }>();
  for (const run of runs) {
    const to = run.baseOffset + BigInt(run.count);
    const from = ranges.get(run.partition)?.from ?? run.baseOffset;
    ranges.set(run.partition, { from, to });
  }
  return {
    topic: 'topic',
    runs,
    ranges: [...ranges].map(([partition, { from, to }]) => ({
      partition,
      fromOffset: from,
      toOffset: to,
      control: 0,
      aborted: 0,
      gap: 0,
      latestOffset: to,
    })),
    messageCount: runs.reduce((sum, run) => sum + run.count, 0),
    heldBytes: runs.reduce((sum, run) => sum + run.bytes.length, 0),
    release: () => undefined,
  };
}

/** The smallest object store: files below one directory. */
export function directoryStore(root: string): ObjectStore {
  const pathOf = (key: string): string => join(root, key);
  const unused = (): never => {
    throw new Error('not part of this test store');
  };
  return {
    put: unused,
    async putFile(key, localPath) {
      await mkdir(dirname(pathOf(key)), { recursive: true });
      const file = await open(localPath, 'r+');
      await file.sync();
      await file.close();
      await rename(localPath, pathOf(key)).catch(() => copyFile(localPath, pathOf(key)));
    },
    putIfAbsent: unused,
    get: unused,
    getToFile: unused,
    head: unused,
    async delete(keys) {
      for (const key of keys) await rm(pathOf(key), { force: true });
    },
    list: unused,
    localPath: pathOf,
  };
}

export interface StageResult {
  readonly staged: StagedBatch;
  /** Rows of the target, values as text, in file order. */
  readonly rows: readonly (readonly (string | null)[])[];
  readonly rejected: readonly Readonly<Record<string, string | null>>[];
  /** Of a plan of several tables, by name. */
  readonly tables: Readonly<Record<string, readonly (readonly (string | null)[])[]>>;
}

/** Engine, directories and everything else that staging needs. Close it. */
export class PipelineFixture {
  readonly directory: string;
  readonly engine: Engine;
  readonly connection: Connection;
  readonly drops: DropRegistry;
  readonly scratch: ScratchSpace;
  readonly store: ObjectStore;
  /** What was passed over, by all stagers. */
  readonly notices: string[] = [];
  #transactions = 20_000;
  #nextId = 1;

  constructor(engine: Engine, connection: Connection, directory: string) {
    this.directory = directory;
    this.engine = engine;
    this.connection = connection;
    this.drops = new DropRegistry();
    this.drops.install(connection, { drop: DROP_FUNCTION, rows: ROWS_FUNCTION });
    this.scratch = new ScratchSpace(['/dev/shm', join(directory, 'scratch')], systemRandom);
    mkdirSync(join(directory, 'volume'));
    this.store = directoryStore(join(directory, 'volume'));
  }

  static async open(): Promise<PipelineFixture> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-pipeline-'));
    const engine = await openEngine({
      role: 'loader',
      threads: 1,
      memoryLimitBytes: 512 * 1024 * 1024,
      tempDirectory: join(directory, 'duckdb'),
      maxTempBytes: 1024 * 1024 * 1024,
      allowedDirectories: [],
      statementsAtOnce: 4,
      maxWaiting: 100,
      clock: systemClock,
    });
    const connection = await engine.connect();
    // As the loader does: scratch files are written anew under the same path.
    await connection.run('SET enable_external_file_cache=false');
    return new PipelineFixture(engine, connection, directory);
  }

  async close(): Promise<void> {
    await this.engine.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  begin(): BegunTransaction {
    this.#transactions += 1;
    return {
      transactionId: asId<TransactionId>(this.#transactions),
      label: `label_${this.#transactions}`,
      volumeId: asId<VolumeId>(10001),
    };
  }

  /** `registry` answers for every schema registry. */
  stager(
    plan: LoadPlan,
    registry?: Registry,
    onTrouble: (trouble: SourceTrouble | null) => void = () => undefined,
  ): Stager {
    return new Stager(plan, {
      onTrouble,
      onNotice: (text) => this.notices.push(text),
      ...(registry === undefined ? {} : { openRegistry: () => registry }),
      clock: systemClock,
      random: systemRandom,
      scratch: this.scratch,
      drops: this.drops,
      tempDirectory: this.directory,
      reserveIds: async (_, count) => {
        const first = this.#nextId;
        this.#nextId += count;
        return first;
      },
      targetStore: this.store,
      furtherStores: (plan.routes?.further ?? []).map(() => this.store),
      rejectedStore: this.store,
    });
  }

  /** The messages as one batch of partition 0. */
  batch(messages: readonly TestMessage[]): RawBatch {
    return makeBatch([makeRun(messages)]);
  }

  /** Stages the messages (all in partition 0 unless runs are given) and reads back what was written. */
  async load(
    plan: KafkaLoadPlan,
    messages: readonly TestMessage[] | readonly MessageRun[],
    registry?: Registry,
  ): Promise<StageResult> {
    const given = messages.filter(isRun);
    const runs =
      given.length > 0 ? given : [makeRun(messages.filter((m): m is TestMessage => !isRun(m)))];
    const stager = this.stager(plan, registry);
    const batch = makeBatch(runs);
    await stager.prepare(batch, new AbortController().signal);
    const packed = stager.pack(batch);
    const staged = await stager.stage(
      packed,
      this.begin(),
      this.connection,
      new AbortController().signal,
    );
    const filesOf = (id: TableId): string[] =>
      staged.tables
        .filter((table) => table.tableId === id)
        .flatMap((table) => table.files.map((file) => join(this.directory, 'volume', file.key)));
    const tables: Record<string, (string | null)[][]> = {};
    for (const { target } of loadedTables(plan))
      tables[target.tableName] = await this.#rows(filesOf(target.tableId));
    return {
      staged,
      tables,
      rows: await this.#rows(filesOf(plan.target.tableId)),
      rejected: await this.#objects(filesOf(plan.rejected.tableId)),
    };
  }

  async #rows(paths: readonly string[]): Promise<(string | null)[][]> {
    return (await this.#objects(paths)).map((row) => Object.values(row));
  }

  async #objects(paths: readonly string[]): Promise<Record<string, string | null>[]> {
    if (paths.length === 0) return [];
    const list = paths.map((path) => `'${path}'`).join(', ');
    const rows = await this.connection.objects(
      `SELECT COLUMNS(*)::VARCHAR FROM read_parquet([${list}])`,
    );
    return rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, value === null ? null : String(value)]),
      ),
    );
  }
}

function isRun(value: TestMessage | MessageRun): value is MessageRun {
  return value !== null && typeof value === 'object' && 'baseOffset' in value;
}
