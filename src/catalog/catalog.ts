// The catalog: typed access to all metadata, the one source of truth. Statements, scheduler and
// commit use it; nobody else touches SQL. It makes nothing visible by itself: see commit/.
import type { Clock } from '../base/clock.ts';
import type { AppError } from '../base/errors.ts';
import type { DatabaseId, Epoch, TableId, TableVersion, VolumeId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { Partition, Partitioning, PartitionTransform } from '../model/partition.ts';
import type { ColumnSchema, DataFile, TableInfo, VolumeSpec, VolumeType } from '../model/table.ts';
import type { TablePoint } from '../model/table-point.ts';
import type { Accounts } from './account-records.ts';
import type { AlterJobStore } from './alter-job-store.ts';
import type { AuditStore } from './audit-store.ts';
import type { BeginStore } from './begin-store.ts';
import type { CommitStore } from './commit-store.ts';
import type { DeleteStore } from './delete-store.ts';
import type { LoadJobs, TaskLeases } from './load-jobs.ts';
import type { PartitionFileStore } from './partition-files.ts';
import type { NewPartition, PartitionStore } from './partition-store.ts';
import type { RecycleBin } from './recycle-bin.ts';
import type { RetentionStore } from './retention-store.ts';
import type { SchemaStore } from './schema-store.ts';
import type { SmallFiles } from './small-files.ts';
import type { Tasks } from './task-store.ts';
import type { TransactionChannelStore } from './transaction-channels.ts';
import type { TransactionLoadStore } from './transaction-loads.ts';
import type { Transactions } from './transactions.ts';
import type { TurnStore } from './turn-store.ts';
import type { VersionStore } from './version-store.ts';
import type { ViewRecord, Views } from './views.ts';

export interface CatalogOptions {
  /** Absolute path; made (mode 0700) when absent. Holds metadata.db, metadata.key and millrace.pid. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Called once when the metadata is lost for this process (its thread ended): it cannot go on. */
  readonly onLost?: (error: AppError) => void;
}

/** A storage volume with clear secrets plus what the catalog knows about it. */
export interface VolumeRecord extends VolumeSpec {
  readonly enabled: boolean;
  readonly comment: string;
  readonly isDefault: boolean;
  readonly createdMs: number;
}

export interface NewVolume {
  readonly name: string;
  readonly type: VolumeType;
  readonly location: string;
  readonly params: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  readonly comment: string;
}

export interface Volumes {
  /** By name. */
  list(): Promise<readonly VolumeRecord[]>;
  /** Null when there is none. */
  find(name: string): Promise<VolumeRecord | null>;
  /** Throws UNKNOWN_VOLUME. */
  get(name: string): Promise<VolumeRecord>;
  /** Throws UNKNOWN_VOLUME. */
  byId(id: VolumeId): Promise<VolumeRecord>;
  /** Throws VOLUME_EXISTS. */
  create(volume: NewVolume): Promise<VolumeRecord>;
  /** `params` are merged over the stored ones. Throws UNKNOWN_VOLUME. */
  alter(
    name: string,
    changes: {
      readonly params?: Readonly<Record<string, string>>;
      readonly comment?: string;
      readonly enabled?: boolean;
    },
  ): Promise<void>;
  /** Throws UNKNOWN_VOLUME, VOLUME_IN_USE (default, or a database, table or file that still counts on it names it). */
  drop(name: string): Promise<void>;
  /** Throws UNKNOWN_VOLUME, VOLUME_DISABLED. */
  setDefault(name: string): Promise<void>;
  default(): Promise<VolumeRecord | null>;
}

export interface DatabaseRecord {
  readonly id: DatabaseId;
  readonly name: string;
  /** The volume that new tables take by default; null where the catalog had no default volume. */
  readonly volumeId: VolumeId | null;
  readonly volumeName: string | null;
  /** information_schema, sys and _statistics_: cannot be changed by statements. */
  readonly isSystem: boolean;
  readonly properties: Readonly<Record<string, string>>;
  readonly createdMs: number;
}

export interface Databases {
  /** By name. */
  list(): Promise<readonly DatabaseRecord[]>;
  find(name: string): Promise<DatabaseRecord | null>;
  /** Throws UNKNOWN_DATABASE. */
  get(name: string): Promise<DatabaseRecord>;
  byId(id: DatabaseId): Promise<DatabaseRecord | null>;
  /**
   * `volumeName` null = the default volume at this moment. Throws DATABASE_EXISTS, UNKNOWN_VOLUME,
   * NO_DEFAULT_VOLUME, VOLUME_DISABLED.
   */
  create(database: {
    readonly name: string;
    readonly volumeName: string | null;
    readonly properties: Readonly<Record<string, string>>;
  }): Promise<DatabaseRecord>;
  /**
   * Drops its tables and views too and cancels its load jobs. It stays in the recycle bin for a while, unless
   * `force`. Throws DATABASE_DOES_NOT_EXIST, SYSTEM_OBJECT.
   */
  drop(name: string, force?: boolean): Promise<void>;
  /** Throws UNKNOWN_DATABASE, SYSTEM_OBJECT, DATABASE_EXISTS, UNKNOWN_VOLUME, VOLUME_DISABLED. */
  alter(name: string, changes: DatabaseChanges): Promise<void>;
}

export interface DatabaseChanges {
  readonly name?: string;
  /** For tables that are made from now on. */
  readonly volumeName?: string;
  /** Put over the stored ones. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** A column before the catalog has given it its ids. */
export type NewColumn = Omit<ColumnSchema, 'fieldId' | 'nestedIds'>;

export interface NewTable {
  readonly databaseName: string;
  readonly name: string;
  readonly keysType: TableInfo['schema']['keysType'];
  /** Field ids are given by the catalog, 1.. in this order. */
  readonly columns: readonly NewColumn[];
  /** ORDER BY (names of `columns`); absent: the key. */
  readonly sortKey?: readonly string[];
  /** Null = the database's volume. */
  readonly volumeName: string | null;
  readonly comment: string;
  readonly distributedBy: readonly string[];
  readonly buckets: number | null;
  readonly properties: Readonly<Record<string, string>>;
  /** PARTITION BY with the partitions made at once. Absent: none. */
  readonly partitions?: {
    readonly kind: Partitioning['kind'];
    readonly automatic: boolean;
    readonly items: readonly { readonly column: string; readonly transform: PartitionTransform }[];
    readonly list: readonly NewPartition[];
  };
  /** Of a temporary table: visible to this session only. Absent: an ordinary table. */
  readonly sessionId?: string;
}

/** What SHOW and the planners of compaction want to know without reading the files. */
export interface TableStatus {
  readonly tableId: TableId;
  readonly version: TableVersion;
  readonly fileCount: number;
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** Commit of the current version; null for a table that nothing was loaded into. */
  readonly updatedMs: number | null;
}

export interface Tables {
  /** Live tables of a database by name, temporary ones left out. Throws UNKNOWN_DATABASE. */
  list(databaseName: string): Promise<readonly TableInfo[]>;
  /** Every live table of every database, system tables included, temporary ones not, by id. */
  all(): Promise<readonly TableInfo[]>;
  /** With a session its temporary table of that name comes before the ordinary one. */
  find(databaseName: string, tableName: string, sessionId?: string): Promise<TableInfo | null>;
  /** As find. Throws UNKNOWN_DATABASE, UNKNOWN_TABLE. */
  get(databaseName: string, tableName: string, sessionId?: string): Promise<TableInfo>;
  /** The temporary tables of a session in a database, by name. Throws UNKNOWN_DATABASE. */
  listTemporary(databaseName: string, sessionId: string): Promise<readonly TableInfo[]>;
  /** Temporary tables of all databases by id, of one session or (null) of all. */
  temporary(sessionId: string | null): Promise<readonly TemporaryTable[]>;
  /** Drops all temporary tables of a session. */
  dropSession(sessionId: string): Promise<void>;
  /** A table of a session becomes an ordinary one. Throws TABLE_EXISTS, UNKNOWN_TABLE. */
  promote(id: TableId): Promise<void>;
  /** Throws UNKNOWN_TABLE, TABLE_EXISTS, SYSTEM_OBJECT. */
  alter(id: TableId, changes: TableChanges): Promise<void>;
  /** Two tables of one database exchange their names. Throws UNKNOWN_TABLE, SYSTEM_OBJECT. */
  swap(a: TableId, b: TableId): Promise<void>;
  /** Null when it never existed or was dropped. */
  byId(id: TableId): Promise<TableInfo | null>;
  /** Throws UNKNOWN_DATABASE, SYSTEM_OBJECT, TABLE_EXISTS, UNKNOWN_VOLUME, NO_DEFAULT_VOLUME, VOLUME_DISABLED. */
  create(table: NewTable): Promise<TableInfo>;
  /**
   * Its load jobs become CANCELLED. It stays in the recycle bin for a while, unless it is temporary or `force`.
   * As find. Throws UNKNOWN_TABLE, SYSTEM_OBJECT.
   */
  drop(databaseName: string, tableName: string, options?: DropOptions): Promise<void>;
  /** Takes the next `count` AUTO_INCREMENT values and gives the first: each is given out once. Throws UNKNOWN_TABLE. */
  reserveAutoIds(id: TableId, count: number): Promise<number>;
  /** Status of live tables; unknown ids are left out. */
  status(ids: readonly TableId[]): Promise<readonly TableStatus[]>;
}

export interface DropOptions {
  /** Its temporary tables come before the ordinary ones. */
  readonly sessionId?: string;
  /** For good, past the recycle bin. */
  readonly force?: boolean;
}

/** A temporary table with the session that it belongs to. */
export interface TemporaryTable {
  readonly table: TableInfo;
  readonly sessionId: string;
}

export interface TableChanges {
  readonly name?: string;
  readonly comment?: string;
  /** Put over the stored ones. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** Values by name, which outlive a restart. */
export interface Settings {
  all(): Promise<ReadonlyMap<string, string>>;
  set(name: string, value: string): Promise<void>;
}

/** One row of information_schema.routine_load_ledger; kept for ever. */
export interface LedgerRow {
  readonly jobId: number;
  readonly topic: string;
  readonly partition: number;
  /** 1.., a new one begins where a person moved the position by hand. */
  readonly segment: number;
  readonly fromOffset: bigint;
  /** Exclusive. toOffset - fromOffset = received + skippedGap. */
  readonly toOffset: bigint;
  /** received = consumed + skippedControl + skippedAborted + skippedEmpty. */
  readonly received: number;
  readonly consumed: number;
  readonly skippedControl: number;
  readonly skippedAborted: number;
  readonly skippedEmpty: number;
  readonly skippedGap: number;
  readonly receivedBytes: number;
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
  readonly rowsUnselected: number;
  readonly firstCommitMs: number;
  readonly lastCommitMs: number;
}

export interface Ledger {
  list(jobId?: number): Promise<readonly LedgerRow[]>;
}

export interface TableRef {
  readonly databaseName: string;
  readonly tableName: string;
  /** Its temporary tables come before the ordinary ones. */
  readonly sessionId?: string;
  /** The table as it was: its files and schema then. Absent: as it is. */
  readonly at?: TablePoint;
}

export interface SnapshotTable {
  readonly table: TableInfo;
  readonly version: TableVersion;
  /** In commit order. Those of temporary partitions too: queries leave them out. */
  readonly files: readonly DataFile[];
  /** Live ones, by id. */
  readonly partitions: readonly Partition[];
}

export interface Snapshot {
  /** In the order asked; null where there is no such table (or database). */
  readonly tables: readonly (SnapshotTable | null)[];
  /** Views that the references name, in the order asked; null where there is none, or a table comes first. */
  readonly views: readonly (ViewRecord | null)[];
  /** Every database there is. */
  readonly databaseNames: ReadonlySet<string>;
  /** Every volume that the files lie in. */
  readonly volumes: readonly VolumeSpec[];
}

/** The repositories. Inside `transaction` they act in that transaction. */
export interface CatalogScope {
  readonly volumes: Volumes;
  readonly databases: Databases;
  readonly tables: Tables;
  readonly views: Views;
  readonly accounts: Accounts;
  readonly tasks: Tasks;
  /** SET GLOBAL. */
  readonly variables: Settings;
  /** ADMIN SET FRONTEND CONFIG. */
  readonly frontendConfig: Settings;
  readonly loadJobs: LoadJobs;
  readonly leases: TaskLeases;
  readonly transactions: Transactions;
  readonly ledger: Ledger;
  /** What transactions of several loads have staged. Only commit/ writes. */
  readonly transactionLoads: TransactionLoadStore;
  /** Channels that loads of a transaction come by. Only commit/ writes. */
  readonly transactionChannels: TransactionChannelStore;
  /** Only for commit/: the statements that begin a transaction. */
  readonly begins: BeginStore;
  /** Only for commit/: the statements that make rows visible. */
  readonly commits: CommitStore;
  /** Only for commit/: deleted rows of data files. */
  readonly deletes: DeleteStore;
  /** Only for commit/: the rows of tables' turns. */
  readonly turns: TurnStore;
  readonly partitions: PartitionStore;
  /** Only for commit/: rows that leave with their partitions. */
  readonly partitionFiles: PartitionFileStore;
  /** Schemas of tables over their versions. */
  readonly schemas: SchemaStore;
  /** Changes of columns that run in the background. */
  readonly alterJobs: AlterJobStore;
  /** Only for commit/: what may be swept. */
  readonly retention: RetentionStore;
  /** The versions of tables that can be read. */
  readonly versions: VersionStore;
  /** Whether a table's metadata agrees with itself. */
  readonly audit: AuditStore;
  /** What was dropped and can be recovered. */
  readonly recycleBin: RecycleBin;
  /** Files of CREATE FILE. */
  readonly smallFiles: SmallFiles;
}

export interface Catalog extends CatalogScope {
  /** UUID of this metadata, made once; a bucket prefix belongs to one. */
  readonly incarnation: string;
  /** This FE's epoch as the leader, one more at each start; every commit checks it. */
  readonly leaderEpoch: Epoch;
  /** 32 hex digits that nobody can guess for the text, always the same ones: for links that need no log-in. */
  token(text: string): string;
  /** The database's clock, ms since the epoch; never steps back within a process. */
  nowMs(): number;
  /** Runs `work` in one transaction (rolled back when it throws). Use only the scope it is given: the catalog's own methods would wait for ever and so throw. */
  transaction<T>(work: (scope: CatalogScope) => Promise<T>): Promise<T>;
  /**
   * Heads and live files of all the tables (or what they were at a point), and the volumes they lie in, from ONE
   * metadata read. Throws UNKNOWN_VERSION, NO_VERSION_THEN.
   */
  snapshot(refs: readonly TableRef[]): Promise<Snapshot>;
  /**
   * What `read` gives, from memory where nothing was written to the metadata since it was read under this key.
   * `read` depends on the key and the metadata alone; its answer is shared, so nobody may change it.
   */
  remember<T>(key: readonly string[], read: () => Promise<T>): Promise<T>;
  /**
   * As `remember`, of what only definitions say (databases, tables, partitions, volumes, views): commits and loads do
   * not have it read anew.
   */
  rememberDefinition<T>(key: readonly string[], read: () => Promise<T>): Promise<T>;
  /** One table by its id, and the volumes of its files, as `snapshot` gives them; null when it was dropped. */
  snapshotOf(
    id: TableId,
  ): Promise<{ readonly entry: SnapshotTable; readonly volumes: readonly VolumeSpec[] } | null>;
  /** Flushes and releases the data directory. Idempotent. */
  close(): Promise<void>;
}

export const INFORMATION_SCHEMA = 'information_schema';
export const SYS = 'sys';
/** TableInfo.volumeId of system tables: each of their files names its own volume. */
export const EACH_FILE_ITS_OWN_VOLUME = 0;
