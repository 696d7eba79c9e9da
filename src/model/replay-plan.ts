// ReplayPlan (FE -> CN): rejected rows that go through their job's definition once more. Plain data, structured-clone
// safe. What the CN stages from it, rows and marks together, is invisible until the FE commits.
import type { ChangePlan } from './change-plan.ts';
import type { KafkaLoadPlan, StagedTable } from './load-plan.ts';
import type { QueryScan } from './query-plan.ts';

/** Places of records in `_statistics_.rejected_records`: `c0`, `c1` as in a ChangePlan, `c2`, ... are PLACE_COLUMNS. */
export type RecordPlaces = Pick<ChangePlan, 'duckdbSql' | 'inlineTables' | 'volumes'> & {
  readonly scans: readonly QueryScan[];
};

/** What is read of a record to choose by: columns of the table, in the order of the places' `c2`, `c3`, ... */
export const PLACE_COLUMNS = [
  'txn_id',
  'message_topic',
  'message_partition',
  'message_offset',
  'row_start',
  'message_kept',
  'message_size',
] as const;

export interface ReplayPlan {
  /** The job as it is now; positions and limits of batches do not matter. */
  readonly load: KafkaLoadPlan;
  /** Records that are to be replayed. */
  readonly wanted: RecordPlaces;
  /** All records of the job that hold the value of a message: for those whose value is kept with another one. */
  readonly holders: RecordPlaces;
  /** At most so many records. */
  readonly limit: number;
  readonly timeoutMs: number;
}

/** What the CN staged: durable files of the transaction, not visible yet. */
export interface StagedReplay {
  readonly tables: readonly StagedTable[];
  /** Records that were taken; 0 = there are none. */
  readonly records: number;
  /** There were others. */
  readonly more: boolean;
  /** Those of them that are marked as replayed. */
  readonly replayed: number;
  /** Records that are written again as they were, with a mark or with why they cannot be replayed. */
  readonly copies: number;
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
  readonly rowsUnselected: number;
  readonly errorSamples: readonly string[];
}
