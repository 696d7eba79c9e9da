// What a message format does in the load path: messages become packed lines, each a JSON object for the
// engine's reader.
import type { RawBatch } from '../types.ts';
import type { PackedBatch } from './packed-batch.ts';

export interface Packer {
  /** Gets what packing the batch needs; packing itself never waits. */
  prepare(raw: RawBatch, signal: AbortSignal): Promise<void>;
  /** Fills `packed` from its batch and flushes it. */
  pack(packed: PackedBatch): void;
  /** Packs anew, row by row, what the engine's reader did not take; absent: there is nothing that it may not take. */
  packChecked?(packed: PackedBatch): void;
  /** The JSON text that a line had, for saying what is wrong with its row; null = not known any more. */
  lineOf(packed: PackedBatch, line: number): string | null;
}
