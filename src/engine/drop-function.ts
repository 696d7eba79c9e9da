// Scalar function `load_drop(slot, ordinal, suspect, code)`: how a running COPY tells JavaScript about
// each row it does not write. Gives true where the row shall be written after all. It is called only
// for such rows, so good data costs nothing. Must never throw for bad data.
import type { Connection } from './connection.ts';
import { columnBytes } from './vectors.ts';

/** Hears of one statement's rows. Called in row order, on the JavaScript thread, while the statement waits. */
export interface DropListener {
  /** True = write the row. */
  onRow(ordinal: number, suspect: boolean, code: number): boolean;
}

/** Listeners of running statements by slot; a slot belongs to one statement at a time. */
export class DropRegistry {
  readonly #listeners = new Map<number, DropListener>();
  #nextSlot = 1;

  /** Makes `name` callable on every connection of the instance. Call once per instance. */
  install(connection: Connection, name: string): void {
    connection.registerScalarFunction({
      name,
      parameters: ['BIGINT', 'BIGINT', 'BOOLEAN', 'INTEGER'],
      returns: 'BOOLEAN',
      volatile: true,
      seesNulls: true,
      call: (input, output) => {
        const rows = input.rowCount;
        const slots = columnBytes(input, 0, 8);
        const ordinals = columnBytes(input, 1, 8);
        const suspects = columnBytes(input, 2, 1);
        const codes = columnBytes(input, 3, 4);
        for (let row = 0; row < rows; row += 1) {
          const slot = Number(slots.readBigInt64LE(row * 8));
          const listener = this.#listeners.get(slot);
          if (listener === undefined) throw new Error(`no load uses slot ${slot}`);
          const ordinal = Number(ordinals.readBigInt64LE(row * 8));
          const keep = listener.onRow(ordinal, suspects[row] === 1, codes.readInt32LE(row * 4));
          output.setItem(row, keep);
        }
      },
    });
  }

  /** A slot for one statement; `release` it when the statement has ended, whatever its end. */
  acquire(listener: DropListener): { readonly slot: number; release(): void } {
    const slot = this.#nextSlot;
    this.#nextSlot += 1;
    this.#listeners.set(slot, listener);
    return { slot, release: () => this.#listeners.delete(slot) };
  }
}
