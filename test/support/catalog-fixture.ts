// A catalog in a temporary directory with one volume, database, table and running job, and requests
// that add up: for tests of catalog/ and commit/.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { present } from '../../src/base/assert.ts';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Epoch, TransactionId } from '../../src/base/ids.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { Catalog, NewTable, VolumeRecord } from '../../src/catalog/catalog.ts';
import type { LeaseRecord, LoadJobRecord } from '../../src/catalog/load-jobs.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { CatalogCommitter } from '../../src/commit/committer.ts';
import {
  type CommitHooks,
  type CommitLimits,
  DEFAULT_COMMIT_LIMITS,
} from '../../src/commit/types.ts';
import { dataFileKey } from '../../src/model/file-key.ts';
import type { CommitRequest, PartitionProgress } from '../../src/model/load-plan.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../../src/model/system-tables.ts';
import type { StagedFile, TableInfo } from '../../src/model/table.ts';

/** System clock whose wall time a test can push forward. */
export class ShiftedClock implements Clock {
  shiftMs = 0;
  nowMs(): number {
    return systemClock.nowMs() + this.shiftMs;
  }
  monotonicMs = systemClock.monotonicMs;
  sleep = systemClock.sleep;
  after = systemClock.after;
  every = systemClock.every;
}

export const TOPIC = 'clicks';
export const carryOn: CommitHooks = { onCommit: async () => ({ continueTask: true }) };

export const CLICKS: NewTable = {
  databaseName: 'quickstart',
  name: 'site_clicks',
  keysType: 'DUP_KEYS',
  columns: [
    {
      name: 'uid',
      type: { kind: 'BIGINT' },
      nullable: false,
      isKey: true,
      defaultValue: null,
      comment: 'uid',
    },
  ],
  volumeName: null,
  comment: '',
  distributedBy: ['uid'],
  buckets: null,
  properties: { replication_num: '1' },
};

export interface Fixture {
  readonly dataDir: string;
  readonly clock: ShiftedClock;
  catalog: Catalog;
  committer: CatalogCommitter;
  readonly volume: VolumeRecord;
  readonly table: TableInfo;
  readonly rejected: TableInfo;
  readonly job: LoadJobRecord;
  /** Closes and opens again, as after a restart of the FE. */
  reopen(): Promise<void>;
  end(): Promise<void>;
}

/** Ends with the test, however that ends: an open catalog would keep the process alive. */
export async function openFixture(
  test: Pick<TestContext, 'after'>,
  options: {
    readonly partitions?: number;
    readonly limits?: Partial<CommitLimits>;
    /** In a file system in memory, where there is one: for tests with very many commits. */
    readonly inMemory?: boolean;
  } = {},
): Promise<Fixture> {
  const base = options.inMemory === true && existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const dataDir = mkdtempSync(join(base, 'millrace-catalog-'));
  const clock = new ShiftedClock();
  const open = (): Promise<Catalog> => openCatalog({ dataDir, clock, random: systemRandom });
  const catalog = await open();
  const volume = await catalog.volumes.create({
    name: 'local',
    type: 'LOCAL',
    location: `file://${dataDir}/volume`,
    params: { 'aws.s3.secret_key': 'hush-hush' },
    enabled: true,
    comment: '',
  });
  await catalog.volumes.setDefault('local');
  await catalog.databases.create({ name: 'quickstart', volumeName: null, properties: {} });
  const table = await catalog.tables.create(CLICKS);
  const rejected = await catalog.tables.get(STATISTICS_DATABASE, REJECTED_RECORDS_TABLE);
  const job = await catalog.loadJobs.create({
    databaseId: table.databaseId,
    tableId: table.id,
    name: 'clicks',
    userName: 'root',
    userHost: '%',
    groupId: 'clicks_1',
    definitionJson: '{"property.sasl.password":"hush-hush"}',
  });
  await catalog.loadJobs.setState(job.id, ['NEED_SCHEDULE'], 'RUNNING', null);
  await catalog.loadJobs.addPositions(
    job.id,
    Array.from({ length: options.partitions ?? 1 }, (_, partition) => ({
      topic: TOPIC,
      partition,
      nextOffset: 0n,
    })),
  );
  const committerOf = (opened: Catalog): CatalogCommitter =>
    new CatalogCommitter({
      catalog: opened,
      limits: { ...DEFAULT_COMMIT_LIMITS, ...options.limits },
      rejectedTable: rejected.id,
    });
  const fixture: Fixture = {
    dataDir,
    clock,
    catalog,
    committer: committerOf(catalog),
    volume,
    table,
    rejected,
    job,
    async reopen() {
      await fixture.catalog.close();
      fixture.catalog = await open();
      fixture.committer = committerOf(fixture.catalog);
    },
    async end() {
      await fixture.catalog.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  test.after(() => fixture.end());
  return fixture;
}

export function grant(
  fixture: Fixture,
  taskId: string,
  partitions: readonly number[] = [0],
): Promise<LeaseRecord> {
  return fixture.catalog.leases.grant({
    taskId,
    jobId: fixture.job.id,
    node: 'cn1',
    partitions: partitions.map((partition) => ({ topic: TOPIC, partition })),
  });
}

export function stagedFile(
  fixture: Fixture,
  table: TableInfo,
  transactionId: TransactionId,
  rowCount: number,
  sizeBytes = 100,
): StagedFile {
  return {
    volumeId: fixture.volume.id,
    key: dataFileKey(table.prefix, transactionId, systemRandom.uuid()),
    sizeBytes,
    rowCount,
    columnStats: { uid: { min: '1', max: '9', nullCount: 0 } },
  };
}

export function progressOf(
  fromOffset: bigint,
  rows: { readonly loaded: number; readonly filtered?: number; readonly unselected?: number },
  partition = 0,
): PartitionProgress {
  const filtered = rows.filtered ?? 0;
  const unselected = rows.unselected ?? 0;
  const messages = rows.loaded + filtered + unselected;
  return {
    topic: TOPIC,
    partition,
    fromOffset,
    toOffset: fromOffset + BigInt(messages),
    receivedMessages: messages,
    consumedMessages: messages,
    skipped: { control: 0, aborted: 0, empty: 0, gap: 0 },
    receivedBytes: messages * 10,
    rowsLoaded: rows.loaded,
    rowsFiltered: filtered,
    rowsUnselected: unselected,
    lastTimestampMs: messages === 0 ? null : 1_718_217_035_111,
    latestOffset: fromOffset + BigInt(messages) + 5n,
  };
}

/** Begins a transaction and makes a request for it that adds up. */
export async function stage(
  fixture: Fixture,
  lease: LeaseRecord,
  progress: readonly PartitionProgress[],
  sizes: { readonly rejectedBytes?: number } = {},
): Promise<CommitRequest> {
  const { transactionId } = await fixture.committer.begin({
    taskId: lease.taskId,
    epoch: lease.epoch,
    coordinator: 'CN: cn1',
  });
  return requestOf(fixture, transactionId, lease.taskId, lease.epoch, progress, sizes);
}

export function requestOf(
  fixture: Fixture,
  transactionId: TransactionId,
  taskId: string,
  epoch: Epoch,
  progress: readonly PartitionProgress[],
  sizes: { readonly rejectedBytes?: number } = {},
): CommitRequest {
  const loaded = progress.reduce((total, entry) => total + entry.rowsLoaded, 0);
  const filtered = progress.reduce((total, entry) => total + entry.rowsFiltered, 0);
  const filesOf = (table: TableInfo, rows: number, sizeBytes?: number) => ({
    tableId: table.id,
    files: rows === 0 ? [] : [stagedFile(fixture, table, transactionId, rows, sizeBytes)],
  });
  return {
    transactionId,
    taskId,
    epoch,
    jobId: fixture.job.id,
    tables: [
      filesOf(fixture.table, loaded),
      filesOf(fixture.rejected, filtered, sizes.rejectedBytes),
    ],
    progress,
    executeMs: 12.4,
    errorSamples: [],
  };
}

export async function positionOf(fixture: Fixture, partition = 0): Promise<bigint> {
  const positions = await fixture.catalog.loadJobs.positions(fixture.job.id);
  return present(
    positions.find((position) => position.partition === partition),
    'the partition',
  ).nextOffset;
}

/** Rows that a reader sees in a table now. */
export async function visibleRows(fixture: Fixture, table: TableInfo): Promise<number> {
  const ref = { databaseName: table.databaseName, tableName: table.name };
  const { tables } = await fixture.catalog.snapshot([ref]);
  return (tables[0]?.files ?? []).reduce((total, file) => total + file.rowCount, 0);
}
