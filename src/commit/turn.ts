// A table's turn: one holder at a time may resolve against the table's head and commit. Appends do
// not take it. Compaction does, and loads go before it.
import type { TableId } from '../base/ids.ts';

/** A turn that is held until it is released or its lease runs out. */
export interface Turn {
  readonly tableId: TableId;
  readonly ticket: number;
  readonly holder: string;
  readonly expiresMs: number;
}
