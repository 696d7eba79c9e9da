// StagedPart: what one load of a transaction of several staged. Plain data that JSON keeps as it is: it waits in the
// metadata until all parts become visible together.
import type { TableId } from '../base/ids.ts';
import type { StagedInsert } from './insert-plan.ts';

export interface StagedPart
  extends Pick<StagedInsert, 'tables' | 'rowsLoaded' | 'rowsFiltered' | 'errorSamples'> {
  /** The table that was loaded; `tables` may hold that of rejected rows, too, or nothing. */
  readonly targetId: TableId;
  /** `rewrittenVersion` of the table that the rows were made for; 0 = none was. */
  readonly rewrittenVersion: number;
  readonly rowsUnselected: number;
  /** Of a body; 0 for statements. */
  readonly bodyBytes: number;
  /** What its parts took, in ms; absent: nobody asks. */
  readonly times?: Readonly<Record<'planMs' | 'readMs' | 'writeMs', number>>;
}
