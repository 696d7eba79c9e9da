// What a statement handler gets and gives: session, services, outcome. Handlers never see the wire.
import type { AccessControl } from '../access/access-control.ts';
import type { Principal } from '../access/access-view.ts';
import type { Clock } from '../base/clock.ts';
import type { TableId, TableVersion } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Compactor } from '../commit/compactor.ts';
import type { PartitionMaker } from '../commit/partition-commit.ts';
import type { SchemaMaker } from '../commit/schema-commit.ts';
import type { SweepPlan } from '../commit/sweep.ts';
import type { Config } from '../config/load.ts';
import type { Changes } from '../loads/change/service.ts';
import type { ErrorLogOf } from '../loads/error-log.ts';
import type { Inserts } from '../loads/insert/service.ts';
import type { LedgerChecks } from '../loads/routine/ledger-check.ts';
import type { Replays } from '../loads/routine/replay.ts';
import type { RoutineLoads } from '../loads/routine/service.ts';
import type { TopicSampler } from '../loads/sample/infer.ts';
import type { SmallFileService } from '../loads/small-files.ts';
import type { SqlTransaction, SqlTransactions } from '../loads/transaction/sql.ts';
import type { ConstantResult, QueryPlan } from '../model/query-plan.ts';
import type { TableInfo, VolumeSpec } from '../model/table.ts';
import type { TablePoint } from '../model/table-point.ts';
import type { UserValue } from '../query/catalog.ts';
import type { Statement, StatementKind } from '../sql/ast/statement.ts';
import type { AlterJobs } from './alter-jobs.ts';
import type { Prepared } from './prepared.ts';

/** One connection's state. Lives as long as the connection. */
export interface Session {
  readonly connectionId: number;
  /** Name that the client logged in with, and its address. What it may do is by `principal`. */
  readonly user: string;
  readonly host: string;
  /** For whom statements run: changed by SET ROLE and EXECUTE AS. */
  principal: Principal;
  readonly connectedMs: number;
  database: string | null;
  /** SET values of this session, by lower-case name. */
  readonly variables: Map<string, string>;
  readonly userVariables: Map<string, UserValue>;
  /** Shared by copies of the session: has it ever made a temporary table? */
  readonly temporary: { used: boolean };
  /** Shared by copies of the session: statements that its client sent. */
  readonly counted: { questions: number };
  /** Shared by copies of the session: what the last statement but SHOW WARNINGS left behind. */
  readonly warnings: { left: readonly string[] };
  /** Shared by copies of the session: what it has between BEGIN and COMMIT or ROLLBACK. */
  readonly explicit: { transaction: SqlTransaction | null };
  /** Statements made by PREPARE ... FROM, by lower-case name. */
  readonly prepared: Map<string, Prepared>;
  /** What runs now, for SHOW PROCESSLIST. */
  running: { readonly sql: string; readonly startedMs: number } | null;
}

/** The connections of this FE, for SHOW PROCESSLIST and KILL. */
export interface Connections {
  list(): readonly Session[];
  /** False when there is no such connection. */
  kill(connectionId: number, queryOnly: boolean): boolean;
  /** What the wire knows of a connection; null when there is no such connection. */
  wire(connectionId: number): WireFigures | null;
  totals(): ServerFigures;
}

/** Bytes as the protocol makes them: compressed where it is, before TLS. */
export interface WireFigures {
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly isCompressed: boolean;
  /** In OpenSSL's words; null: not encrypted. */
  readonly tls: { readonly version: string; readonly cipher: string } | null;
}

/** Of all connections since the server began. */
export interface ServerFigures {
  /** Clients that came, those that were turned away too. */
  readonly connections: number;
  /** Most that were open at once. */
  readonly maxUsed: number;
  readonly questions: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Object stores of volumes, as statements need them. */
export interface VolumeAccess {
  /** Writes, reads and deletes a probe object. Throws STORAGE_ACCESS with what failed. */
  check(volume: VolumeSpec): Promise<void>;
  /** Marks the location as this metadata's. Throws VOLUME_TAKEN when another Millrace owns it. */
  claim(volume: VolumeSpec): Promise<void>;
}

/** The processes of this Millrace, for SHOW FRONTENDS, SHOW COMPUTE NODES and SHOW STATUS. */
export interface Nodes {
  /** The FE itself, once it listens. */
  frontend(): {
    readonly host: string;
    readonly queryPort: number;
    readonly httpPort: number;
    readonly startedMs: number;
  };
  /** The CN: the port that it listens on, whatever is configured. */
  computeNode(): { readonly httpPort: number };
  /** Process -> `ok`, or what is wrong. */
  processes(): Promise<Readonly<Record<string, string>>>;
}

export interface Services {
  readonly access: AccessControl;
  readonly catalog: Catalog;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly routineLoads: RoutineLoads;
  /** Reads messages of Kafka topics, for who wants to know what is in them. */
  readonly sampleTopic: TopicSampler;
  readonly replays: Pick<Replays, 'run'>;
  readonly ledgerChecks: Pick<LedgerChecks, 'check'>;
  readonly smallFiles: SmallFileService;
  readonly inserts: Pick<Inserts, 'run' | 'explain'>;
  readonly changes: Pick<Changes, 'run' | 'explain'>;
  readonly transactions: Pick<SqlTransactions, 'begin' | 'load' | 'commit' | 'rollback'>;
  readonly connections: Connections;
  readonly volumes: VolumeAccess;
  readonly nodes: Nodes;
  /** All rows of a small result, as text; null = NULL. Throws LIMIT_EXCEEDED above 64 MB. */
  readonly readRows: (
    plan: QueryPlan,
    signal: AbortSignal,
  ) => Promise<readonly (readonly (Buffer | null)[])[]>;
  /** The link to the rejected rows of a job or a load. */
  readonly errorLogUrl: (of: ErrorLogOf) => string;
  /** What /metrics serves, in Prometheus text form. */
  readonly metricsText: () => Promise<string>;
  /** SET GLOBAL values, kept in memory and in the catalog. */
  readonly globals: Map<string, string>;
  readonly newUuid: () => string;
  /** What merges the files of tables. */
  readonly compactions: Pick<Compactor, 'list' | 'request'>;
  /** Changes of columns that write the table's files anew, in the background. */
  readonly alterJobs: Pick<AlterJobs, 'submit' | 'cancel' | 'progress'>;
  /** Takes all rows out of a table, at one new version. */
  readonly truncate: (tableId: TableId) => Promise<number>;
  /** Makes, drops, empties or alters partitions of a table. False = nothing to change. */
  readonly changePartitions: (tableId: TableId, make: PartitionMaker) => Promise<boolean>;
  /** A partition that was dropped comes back. Throws NOT_IN_RECYCLE_BIN, PARTITION_EXISTS, PARTITION_OVERLAPS. */
  readonly recoverPartition: (tableId: TableId, name: string) => Promise<void>;
  /** Changes a table's columns at one new version and has its loads planned anew. False = nothing to change. Throws NeedsRewrite. */
  readonly changeSchema: (tableId: TableId, make: SchemaMaker) => Promise<boolean>;
  /** One sweep, or (`dryRun`) what it would do. */
  readonly sweep: (dryRun: boolean) => Promise<SweepPlan>;
  /** Whether what the metadata says of a table is so; `deep` reads its files again. */
  readonly checkTable: (
    table: TableInfo,
    deep: boolean,
    signal: AbortSignal,
  ) => Promise<{
    readonly problems: readonly string[];
    readonly objects: number;
    readonly filesRead: number;
  }>;
  /** The rows of an older version become the table's, at one new version. */
  readonly rollback: (tableId: TableId, at: TablePoint) => Promise<TableVersion | null>;
}

export interface StatementContext {
  readonly session: Session;
  readonly services: Services;
  /** The statement's own text, for errors and result column names. */
  readonly text: string;
  /** Aborted when the client is gone or the statement was killed. */
  readonly signal: AbortSignal;
  /** Throws NOT_AUTHORIZED when the session may not run the statement. */
  readonly checkRights: (statement: Statement) => Promise<void>;
  /** Runs another statement in this one's place, as EXECUTE does; `text` is what its positions point into. */
  readonly run: (statement: Statement, text: string) => Promise<Outcome>;
}

export type Outcome =
  | {
      readonly kind: 'ok';
      readonly affectedRows?: number;
      readonly warnings?: number;
      readonly info?: string;
      /** What the user should know, a line each: for SHOW WARNINGS, and counted as warnings. */
      readonly remarks?: readonly string[];
    }
  | ({ readonly kind: 'rows' } & ConstantResult)
  /** Rows that a CN makes. */
  | { readonly kind: 'query'; readonly plan: QueryPlan };

/** The node type of a kind, also where one node type has several kinds. */
export type StatementFor<K extends StatementKind> = Statement extends infer S
  ? S extends { readonly kind: infer SK }
    ? K extends SK
      ? S
      : never
    : never
  : never;

export type Handler<K extends StatementKind> = (
  statement: StatementFor<K>,
  context: StatementContext,
) => Promise<Outcome>;

export const OK: Outcome = { kind: 'ok' };

/** A result of text columns. */
export function textRows(
  names: readonly string[],
  rows: readonly (readonly (string | null)[])[],
): Outcome {
  return {
    kind: 'rows',
    columns: names.map((name) => ({ name, type: { kind: 'VARCHAR', length: 1024 } })),
    rows,
  };
}
