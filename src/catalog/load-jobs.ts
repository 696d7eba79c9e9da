// Routine load jobs, their positions and their tasks' leases. Rows only: what a state means and when
// it changes is decided in loads/ and commit/.
import type { DatabaseId, Epoch, JobId, TableId } from '../base/ids.ts';

export type LoadJobState = 'NEED_SCHEDULE' | 'RUNNING' | 'PAUSED' | 'STOPPED' | 'CANCELLED';

/** STOPPED and CANCELLED jobs never run again. */
export function isFinalJobState(state: LoadJobState): boolean {
  return state === 'STOPPED' || state === 'CANCELLED';
}

/** Shown as `ErrorReason{errCode = <n>, msg='<text>'}`. */
export interface LoadJobReason {
  readonly errCode: number;
  readonly message: string;
}

/** Numbers of SHOW ROUTINE LOAD's Statistic (loadedRows etc. over the job's life). */
export interface LoadJobCounters {
  readonly receivedBytes: number;
  readonly errorRows: number;
  readonly committedTaskNum: number;
  readonly abortedTaskNum: number;
  readonly loadedRows: number;
  readonly totalRows: number;
  readonly unselectedRows: number;
  /** Starts at 1, as StarRocks' does. */
  readonly taskExecuteTimeMs: number;
}

/** A table that a job loads. */
export interface JobTable {
  readonly id: TableId;
  /** Its id as text where it is gone. */
  readonly name: string;
}

/** All tables that a job loads, in the order of its statement. */
export function tablesOfJob({
  tableId,
  tableName,
  furtherTables = [],
}: Pick<LoadJobRecord, 'tableId' | 'tableName' | 'furtherTables'>): readonly JobTable[] {
  return [{ id: tableId, name: tableName }, ...furtherTables];
}

export interface LoadJobRecord {
  readonly id: JobId;
  readonly databaseId: DatabaseId;
  /** Names fall back to the id as text where the object is gone, as StarRocks shows them. */
  readonly databaseName: string;
  readonly tableId: TableId;
  readonly tableName: string;
  /** The tables behind the first one, of a job that loads several; absent = none. */
  readonly furtherTables?: readonly JobTable[];
  readonly name: string;
  /** The account that made it: its rights are looked at whenever the job is scheduled. */
  readonly userName: string;
  readonly userHost: string;
  readonly groupId: string;
  readonly state: LoadJobState;
  readonly reason: LoadJobReason | null;
  /** What loads/routine needs to run and show the job, as JSON text; encrypted at rest (it holds passwords). */
  readonly definitionJson: string;
  readonly counters: LoadJobCounters;
  /** Rows since the error window began: see max_error_number. */
  readonly windowErrorRows: number;
  readonly windowTotalRows: number;
  /** The last failure of a task, for OtherMsg. */
  readonly otherMessage: { readonly atMs: number; readonly text: string } | null;
  /** Failures in a row since the last commit; 0 = it is well. */
  readonly failures: number;
  readonly failingSinceMs: number | null;
  /** When a PAUSED job resumes by itself; null = it waits for a person. */
  readonly resumeMs: number | null;
  /** Messages wait and nothing is committed; null = not so. */
  readonly stalled: LoadJobStall | null;
  readonly createdMs: number;
  readonly pausedMs: number | null;
  readonly endedMs: number | null;
}

export interface LoadJobStall {
  readonly sinceMs: number;
  readonly message: string;
  /** How often its tasks were started anew for it. */
  readonly restarts: number;
}

export interface NewLoadJob {
  readonly databaseId: DatabaseId;
  readonly tableId: TableId;
  readonly furtherTableIds?: readonly TableId[];
  readonly name: string;
  /** The account that made it: its rights are looked at whenever the job is scheduled. */
  readonly userName: string;
  readonly userHost: string;
  readonly groupId: string;
  readonly definitionJson: string;
}

export interface PositionRecord {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to read; -2 = OFFSET_BEGINNING and -1 = OFFSET_END until resolved. */
  readonly nextOffset: bigint;
  /** Timestamp of the last consumed message, ms since the epoch. */
  readonly lastTimestampMs: number | null;
  /** End offset as last seen. */
  readonly latestOffset: bigint | null;
}

export interface LoadJobs {
  /** By id. `databaseId` narrows; `all` false leaves out STOPPED and CANCELLED ones. */
  list(filter: {
    readonly databaseId?: DatabaseId;
    readonly all: boolean;
  }): Promise<readonly LoadJobRecord[]>;
  byId(id: JobId): Promise<LoadJobRecord | null>;
  /** All jobs of that name, newest last; at most one is not final. */
  byName(databaseId: DatabaseId, name: string): Promise<readonly LoadJobRecord[]>;
  /** NEED_SCHEDULE. Throws JOB_NAME_USED. */
  create(job: NewLoadJob): Promise<LoadJobRecord>;
  /**
   * Compare-and-set on the state: false when it is not one of `from`. Sets pausedMs at PAUSED (clears it
   * at NEED_SCHEDULE), endedMs at a final state. A final state takes its tasks' leases away.
   */
  setState(
    id: JobId,
    from: readonly LoadJobState[],
    to: LoadJobState,
    reason: LoadJobReason | null,
  ): Promise<boolean>;
  /** Replaces the definition (ALTER). */
  setDefinition(id: JobId, definitionJson: string): Promise<void>;
  /** Begins a new error window. */
  resetWindow(id: JobId): Promise<void>;
  setOtherMessage(id: JobId, text: string): Promise<void>;
  /** Counts a failure. Gives the failures in a row. */
  noteFailure(id: JobId): Promise<number>;
  /** When the job, which is paused, resumes by itself. */
  setResume(id: JobId, resumeMs: number): Promise<void>;
  /** No failures, no stall, nothing to resume: it commits, or a person took it in hand. */
  noteHealthy(id: JobId): Promise<void>;
  /** Sets the stall, or counts one more restart of the same one. */
  noteStall(id: JobId, stall: Omit<LoadJobStall, 'restarts'>): Promise<void>;
  /** PAUSED -> NEED_SCHEDULE where its time to resume by itself has come. False when it has not, or not any more. */
  resumeDue(id: JobId, nowMs: number): Promise<boolean>;
  /** Adds to abortedTaskNum. */
  countAborted(id: JobId, tasks: number): Promise<void>;
  /** By topic and partition. */
  positions(id: JobId): Promise<readonly PositionRecord[]>;
  /** Of every job, in one read. */
  allPositions(): Promise<ReadonlyMap<JobId, readonly PositionRecord[]>>;
  /** Adds partitions that are not there yet; present ones stay as they are. One that was there once begins a new segment of the ledger. */
  addPositions(
    id: JobId,
    positions: readonly {
      readonly topic: string;
      readonly partition: number;
      readonly nextOffset: bigint;
    }[],
  ): Promise<void>;
  /** The job reads none of its partitions, or of the topic's, any more. Their ledger stays. */
  removePositions(id: JobId, topic?: string): Promise<void>;
  /** Compare-and-set of a position outside a commit: resolving a symbolic one, or ALTER of a paused job. False when it is no longer `from`. */
  movePosition(
    id: JobId,
    topic: string,
    partition: number,
    from: bigint,
    to: bigint,
  ): Promise<boolean>;
  /** Notes end offsets seen (LatestSourcePosition). */
  reportLatest(
    id: JobId,
    topic: string,
    latest: readonly { readonly partition: number; readonly latestOffset: bigint }[],
  ): Promise<void>;
}

export interface LeaseRecord {
  readonly taskId: string;
  readonly jobId: JobId;
  readonly epoch: Epoch;
  readonly node: string;
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
  readonly grantedMs: number;
}

/** Who may commit for which partitions. Taking a lease away also aborts its open transactions. */
export interface TaskLeases {
  /**
   * A lease with a new, larger epoch. Leases of the same task, and of the same job where partitions
   * overlap, end with it. Throws UNKNOWN_JOB when the job is gone or final.
   */
  grant(lease: {
    readonly taskId: string;
    readonly jobId: JobId;
    readonly node: string;
    readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
  }): Promise<LeaseRecord>;
  /** No error when it is gone. */
  revoke(taskId: string, reason: string): Promise<void>;
  revokeJob(jobId: JobId, reason: string): Promise<void>;
  /** Those of every load of the table. */
  revokeTable(tableId: TableId, reason: string): Promise<void>;
  revokeNode(node: string, reason: string): Promise<void>;
  find(taskId: string): Promise<LeaseRecord | null>;
  list(jobId?: JobId): Promise<readonly LeaseRecord[]>;
}
