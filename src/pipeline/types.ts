// What the stages of the load path hand to each other: source -> decode -> transform -> sink ->
// StagedBatch -> CommitPort. Types only; nothing here reaches a reader or keeps state.
import type { Epoch, TableId, TransactionId } from '../base/ids.ts';
import type { FeApi, LoadedPosition } from '../cluster/rpc/messages.ts';
import type { BegunTransaction, CommitRequest, StagedTable } from '../model/load-plan.ts';

/**
 * Messages of one partition as one decoded piece: positions into `bytes`, no object per message.
 * Only messages at or past the partition's position that a reader may see; in offset order.
 */
export interface MessageRun {
  readonly partition: number;
  /** Holds keys and values; stays unchanged for as long as the batch lives. */
  readonly bytes: Buffer;
  readonly count: number;
  /** Start of each value in `bytes`. */
  readonly valueStart: Int32Array;
  /** Length of each value, -1 = null. */
  readonly valueLength: Int32Array;
  /** Empty, as keyLength, where no message has a key. */
  readonly keyStart: Int32Array;
  /** Length of each key, -1 = null. */
  readonly keyLength: Int32Array;
  /** Where each message's headers lie (see readRecordHeaders); empty, as headersLength, where no message has any. */
  readonly headersStart: Int32Array;
  /** Bytes; 1 = no headers. */
  readonly headersLength: Int32Array;
  readonly baseOffset: bigint;
  /** Added to `baseOffset`. */
  readonly offsetDelta: Int32Array;
  /** Milliseconds since the epoch, -1 = none. */
  readonly timestampMs: Float64Array;
  /**
   * Where the values lie as lines one behind the other that the engine's reader takes as they are: JSON objects, or
   * CSV rows, if those have as many fields as the plan. Only the very last one may be without its line break.
   */
  readonly lines?: LineBlock;
  /** The values are elements of an outer array that was taken apart already (strip_outer_array of a body). */
  readonly isElements?: true;
}

/** Half-open range of a run's bytes. */
export interface LineBlock {
  readonly start: number;
  readonly end: number;
  readonly longestBytes: number;
  /** CSV fields that are typed (see typed-fields.ts) are spelled as the engine's reader wants them. */
  readonly arePlain?: boolean;
  readonly areAscii?: boolean;
}

/** How far one partition moved within a batch, before decoding. */
export interface PartitionRange {
  readonly partition: number;
  readonly fromOffset: bigint;
  /** Next offset to read. */
  readonly toOffset: bigint;
  /** Offsets that control batches, aborted transactions and gaps took; empty messages are found by decoding. */
  readonly control: number;
  readonly aborted: number;
  readonly gap: number;
  /** End offset as last seen (LSO for read_committed). */
  readonly latestOffset: bigint;
}

/** What a source read: runs in the order received plus each touched partition's range. */
export interface RawBatch {
  /** 'body': not from a topic; an offset is the number of a row in the body, from 1. */
  readonly origin?: 'body';
  readonly topic: string;
  readonly runs: readonly MessageRun[];
  readonly ranges: readonly PartitionRange[];
  readonly messageCount: number;
  /** Bytes that the runs keep in memory. */
  readonly heldBytes: number;
  /** Gives the buffers back to the source: nothing of the runs may be used afterwards. */
  release(): void;
}

/** One thing that keeps a source from reading, shown to the user while it is retried. */
export interface SourceTrouble {
  readonly message: string;
  readonly attempts: number;
}

/**
 * Where raw data comes from. `read` is called by one caller at a time; a source may fetch ahead by
 * one request. Errors of kind `retry` are retried inside the source and shown through `onTrouble`;
 * everything it throws ends the task.
 */
export interface Source {
  /**
   * The next data: ends at `maxRows` messages, `maxBytes` bytes, `fillMs`, or when there is no more to
   * read now; null = none came within `waitMs`. May go over the limits by one fetched answer.
   */
  read(limits: SourceLimits, signal: AbortSignal): Promise<RawBatch | null>;
  /** True when the last answers said that there is more to read at once. */
  readonly behind: boolean;
  /** End offsets as last seen, for lag. */
  latestOffsets(): readonly LoadedPosition[];
  close(): Promise<void>;
}

export interface SourceLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
  /** How long to wait for the first data. */
  readonly waitMs: number;
  /** How long to go on collecting once there is data, while there is more to read. */
  readonly fillMs: number;
}

type Port<Name extends keyof FeApi> = (
  params: FeApi[Name]['params'],
) => Promise<FeApi[Name]['result']>;

/** The FE as a task sees it. Any call may fail with its answer lost; `commit` is then resolved through `transactionState`. */
export interface CommitPort {
  readonly begin: Port<'begin'>;
  readonly commit: Port<'commit'>;
  readonly transactionState: Port<'transactionState'>;
  readonly abort: Port<'abort'>;
  readonly reserveIds: Port<'reserveIds'>;
  readonly reportPositions: Port<'reportPositions'>;
  readonly taskFailed: Port<'taskFailed'>;
}

/**
 * Has the first rejected rows of a transaction that fails shown in one of their own, which `stage` writes for; null:
 * there are none. Never rejects.
 */
export type KeepRejects = (
  failed: TransactionId,
  stage: (
    own: Pick<BegunTransaction, 'transactionId'>,
  ) => Promise<{ readonly staged: StagedTable; readonly rows: number } | null>,
) => Promise<void>;

/** Takes so many AUTO_INCREMENT values of a table; gives the first. Those that no row gets are lost: ids have gaps. */
export type ReserveIds = (tableId: TableId, count: number) => Promise<number>;

/** What staging a batch made: durable files and the ledger's numbers, everything of a commit but who asks. */
export type StagedBatch = Pick<CommitRequest, 'tables' | 'progress' | 'errorSamples'>;

/** What a running task shows of itself. */
export interface TaskStatus {
  readonly taskId: string;
  readonly epoch: Epoch;
  readonly jobName: string;
  readonly state: 'running' | 'draining' | 'ended';
  readonly rowsLoaded: number;
  readonly commits: number;
  /** Why the source waits, null when it does not. */
  readonly trouble: SourceTrouble | null;
}
