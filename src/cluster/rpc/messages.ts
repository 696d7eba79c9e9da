// Every message between the FE and its CN processes, in one place. Plain data only (v8 structured
// clone). The same messages cross machines later. Methods are grouped by who serves them.

import type { WireError } from '../../base/errors.ts';
import type { TableId, TransactionId, VolumeId } from '../../base/ids.ts';
import type {
  BodyLoadBegin,
  BodyLoadEnd,
  BodyLoadHead,
  HttpAnswer,
  LabelRequest,
  MergeAdmission,
  TransactionRequest,
} from '../../model/body-load.ts';
import type { ChangePlan, StagedChange } from '../../model/change-plan.ts';
import type { ColumnRewrite } from '../../model/column-rewrite.ts';
import type { InsertPlan, StagedInsert } from '../../model/insert-plan.ts';
import type {
  BegunTransaction,
  CommitRequest,
  CommitResult,
  StagedTable,
  TaskAssignment,
} from '../../model/load-plan.ts';
import type { MergePlan } from '../../model/merge-plan.ts';
import type { QueryPlan } from '../../model/query-plan.ts';
import type { Recount, RecountPlan } from '../../model/recount.ts';
import type { ReplayPlan, StagedReplay } from '../../model/replay-plan.ts';
import type { ResolvePlan } from '../../model/resolve-plan.ts';
import type {
  DataFile,
  StagedFile,
  StagedObject,
  TableInfo,
  TableSchema,
  VolumeSpec,
} from '../../model/table.ts';

export interface LoadedPosition {
  readonly topic: string;
  readonly partition: number;
  readonly latestOffset: bigint;
}

export interface CompactionPlan {
  readonly transactionId: TransactionId;
  readonly table: TableInfo;
  readonly volume: VolumeSpec;
  readonly volumes: readonly VolumeSpec[];
  readonly inputs: readonly DataFile[];
}

/** A compaction that was staged, and its inputs as they are by now, in the same order. */
export interface CarryPlan extends CompactionPlan {
  readonly output: StagedFile;
  readonly now: readonly DataFile[];
}

/** Files of a table that are to be written with other columns, one for one. */
export interface RewritePlan extends CompactionPlan {
  readonly after: TableSchema;
  readonly rewrites: readonly ColumnRewrite[];
}

/** All files of the table by now, with what each became. */
export interface RewriteDeletesPlan extends CompactionPlan {
  readonly outputs: readonly StagedFile[];
}

/** Served by the CN's query process. `query` streams result bytes (MySQL row packets) as chunks. */
export interface QueryNodeApi {
  query: {
    params: { readonly plan: QueryPlan; readonly firstSequence: number };
    /** After the last chunk. */
    result: { readonly rowCount: number; readonly nextSequence: number };
  };
  /** Runs an INSERT's query and stages its rows; they become visible by the FE's commit. */
  insert: {
    params: {
      readonly plan: InsertPlan;
      readonly transactionId: TransactionId;
      readonly label: string;
    };
    result: StagedInsert;
  };
  /** Finds the rows that a DELETE or UPDATE changes and stages what takes their place. */
  change: {
    params: {
      readonly plan: ChangePlan;
      readonly transactionId: TransactionId;
      readonly label: string;
    };
    result: StagedChange;
  };
  /** Looks up what a staged batch of a table with keys replaces; it becomes visible by the FE's commit. */
  resolve: { params: ResolvePlan; result: StagedTable };
  /** Makes one batch of what several loads of a transaction staged for a table with keys. */
  merge: { params: MergePlan; result: StagedTable };
  ping: {
    params: Record<string, never>;
    result: { readonly rssBytes: number; readonly keyIndex: KeyIndexFigures };
  };
}

/** The key index of a CN. Counts begin anew with its process. */
export interface KeyIndexFigures {
  /** Data files that have an index. */
  readonly files: number;
  readonly bytes: number;
  readonly memoryBytes: number;
  readonly builds: number;
  readonly failedBuilds: number;
  /** Data files that were looked up in: through their index; by reading them although they are large enough for one. */
  readonly indexedLookUps: number;
  readonly readLookUps: number;
}

/** Served by the CN's loader process. */
export interface LoaderApi {
  startTask: { params: TaskAssignment; result: Record<string, never> };
  /** Drains (commits what is staged) or drops at once; resolves when the task is gone. */
  stopTask: {
    params: { readonly taskId: string; readonly drain: boolean };
    result: Record<string, never>;
  };
  /** The tasks that run here, for comparing with the leases. */
  listTasks: { params: Record<string, never>; result: { readonly taskIds: readonly string[] } };
  /** Stages the next rejected rows of a job, and their marks; they become visible by the FE's commit. */
  replay: {
    params: {
      readonly plan: ReplayPlan;
      readonly transactionId: TransactionId;
      readonly label: string;
    };
    result: StagedReplay;
  };
  /** Reads a range of a topic again and counts what is there. */
  recount: { params: RecountPlan; result: Recount };
  /** Reads files again and says what of them is not as the metadata has it. */
  checkFiles: {
    params: {
      readonly schema: TableSchema;
      readonly volumes: readonly VolumeSpec[];
      readonly files: readonly DataFile[];
    };
    result: { readonly faults: readonly { readonly key: string; readonly detail: string }[] };
  };
  /** Opens the HTTP door, once (0 = any free port). Throws PORT_IN_USE. */
  openHttp: {
    params: {
      readonly port: number;
      readonly forwardToken: string;
      readonly maxLoads: number;
    };
    result: { readonly port: number };
  };
  /** Gives up the body of a load. */
  stopBody: {
    params: { readonly transactionId: TransactionId };
    result: Record<string, never>;
  };
  compact: { params: CompactionPlan; result: { readonly outputs: readonly StagedFile[] } };
  /** Stages what was deleted of the inputs meanwhile as deletes of the output; null: nothing was. */
  carryDeletes: { params: CarryPlan; result: { readonly carried: StagedObject | null } };
  /** The compaction was committed or given up: what is kept for it can go. */
  endCompaction: {
    params: { readonly transactionId: TransactionId };
    result: Record<string, never>;
  };
  rewrite: { params: RewritePlan; result: { readonly outputs: readonly StagedFile[] } };
  /** Stages what is deleted of the inputs as deletes of the outputs; null: nothing is. */
  rewriteDeletes: {
    params: RewriteDeletesPlan;
    result: {
      readonly carried: {
        readonly object: StagedObject;
        readonly positions: readonly number[];
      } | null;
    };
  };
  ping: { params: Record<string, never>; result: { readonly rssBytes: number } };
}

/** `unknown`: it never arrived, or is over. */
export type FoundBegin =
  | { readonly state: 'unknown' | 'waits' }
  | { readonly state: 'answered'; readonly begin: BodyLoadBegin };

/** Served by the FE for loads whose rows come as bodies. */
export interface BodyLoadApi {
  /** Whether a load may run, with its transaction and plan. `requestId` is new with each call. */
  beginLoad: {
    params: { readonly head: BodyLoadHead; readonly requestId: string };
    result: BodyLoadBegin;
  };
  /** What became of a `beginLoad`, after a lost answer. */
  findBegin: { params: { readonly requestId: string }; result: FoundBegin };
  /** Whether a request may load, and how it is merged with others. */
  admitMerge: { params: BodyLoadHead; result: MergeAdmission };
  /** Commits or aborts; the answer is for the client. Said again it gives the same answer. */
  endLoad: { params: BodyLoadEnd; result: HttpAnswer };
  /** A transaction for rejected rows of a load that failed. */
  beginRejects: {
    params: { readonly transactionId: TransactionId };
    result: BegunTransaction;
  };
  commitRejects: {
    params: {
      readonly transactionId: TransactionId;
      readonly staged: StagedTable;
      readonly rows: number;
    };
    result: Record<string, never>;
  };
  ofLabel: { params: LabelRequest; result: HttpAnswer };
  /** Of transactions of several loads; their loads begin and end as others do. */
  ofTransaction: { params: TransactionRequest; result: HttpAnswer };
  /** Lines of an error log. Throws UNKNOWN_ERROR_LOG. */
  errorLog: { params: { readonly file: string }; result: { readonly lines: string } };
}

/** Served by the FE to its CN processes. */
export interface FeApi extends BodyLoadApi {
  /** A new PREPARE transaction for a task's batch. Fails with LEASE_LOST when the epoch is old. */
  begin: { params: { readonly taskId: string; readonly epoch: number }; result: BegunTransaction };
  commit: { params: CommitRequest; result: CommitResult };
  /** State after a lost answer: what `commit` would have answered, or null when still PREPARE. */
  transactionState: {
    params: { readonly transactionId: TransactionId };
    result: CommitResult | null;
  };
  abort: {
    params: { readonly transactionId: TransactionId; readonly reason: string };
    result: Record<string, never>;
  };
  /** AUTO_INCREMENT values `first` .. `first + count - 1` of a table are the caller's. Throws UNKNOWN_TABLE. */
  reserveIds: {
    params: { readonly tableId: TableId; readonly count: number };
    result: { readonly first: number };
  };
  /** End offsets seen while idle, for LatestSourcePosition and lag; what keeps the task from its source, for OtherMsg. */
  reportPositions: {
    params: {
      readonly taskId: string;
      readonly epoch: number;
      readonly positions: readonly LoadedPosition[];
      readonly trouble: string | null;
    };
    result: Record<string, never>;
  };
  /** The task ended by itself; the scheduler decides between retry and PAUSED by the error's kind. */
  taskFailed: {
    params: { readonly taskId: string; readonly epoch: number; readonly error: WireError };
    result: Record<string, never>;
  };
}

/** What the CN's query process asks of the FE. */
export interface QueryFeApi extends Pick<FeApi, 'reserveIds' | 'beginRejects' | 'commitRejects'> {
  /** Whether each of the data files is part of its table now, in the order asked. */
  liveFiles: {
    params: { readonly files: readonly { readonly volumeId: VolumeId; readonly key: string }[] };
    result: { readonly live: readonly boolean[] };
  };
}

/** Served by the embedded broker's process. */
export interface BrokerApi {
  /** Listens on the port given (0 = any free one); a repeat answers the port it has. Throws PORT_IN_USE. */
  start: { params: { readonly port: number }; result: { readonly port: number } };
  ping: { params: Record<string, never>; result: { readonly rssBytes: number } };
}
