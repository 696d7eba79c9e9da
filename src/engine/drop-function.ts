// Scalar function `load_drop(slot, ordinal, suspect, code)`: how a running COPY tells JavaScript about
// each row it does not write. Gives true where the row shall be written after all. It is called only
// for such rows, so good data costs nothing. Must never throw for bad data. And `load_rows(slot, line, suspect,
// count)`, called for every line of a load whose lines have several rows: gives the ordinal of the line's first row.
import type { Connection } from './connection.ts';
import { columnBytes } from './vectors.ts';

/** Hears of one statement's rows. Called in row order, on the JavaScript thread, while the statement waits. */
export interface DropListener {
  /** True = write the row. */
  onRow(ordinal: number, suspect: boolean, code: number): boolean;
  /** The line has so many rows, below 0 = none for a reason; gives the ordinal of the first, -1 = none. */
  onLine(line: number, suspect: boolean, count: number): number;
}

/** Listeners of running statements by slot; a slot belongs to one statement at a time. */
export class DropRegistry {
  readonly #listeners = new Map<number, DropListener>();
  #nextSlot = 1;

  /** Makes both callable on every connection of the instance. Call once per instance. */
  install(connection: Connection, names: { readonly drop: string; readonly rows: string }): void {
    this.#installRows(connection, names.rows);
    connection.registerScalarFunction({
      name: names.drop,
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
          const listener = this.#listenerOf(Number(slots.readBigInt64LE(row * 8)));
          const ordinal = Number(ordinals.readBigInt64LE(row * 8));
          const keep = listener.onRow(ordinal, suspects[row] === 1, codes.readInt32LE(row * 4));
          output.setItem(row, keep);
        }
      },
    });
  }

  #installRows(connection: Connection, name: string): void {
    connection.registerScalarFunction({
      name,
      parameters: ['BIGINT', 'BIGINT', 'BOOLEAN', 'BIGINT'],
      returns: 'BIGINT',
      volatile: true,
      seesNulls: true,
      call: (input, output) => {
        const rows = input.rowCount;
        const slots = columnBytes(input, 0, 8);
        const lines = columnBytes(input, 1, 8);
        const suspects = columnBytes(input, 2, 1);
        const counts = columnBytes(input, 3, 8);
        for (let row = 0; row < rows; row += 1) {
          const listener = this.#listenerOf(Number(slots.readBigInt64LE(row * 8)));
          const line = Number(lines.readBigInt64LE(row * 8));
          const count = Number(counts.readBigInt64LE(row * 8));
          output.setItem(row, BigInt(listener.onLine(line, suspects[row] === 1, count)));
        }
      },
    });
  }

  #listenerOf(slot: number): DropListener {
    const listener = this.#listeners.get(slot);
    if (listener === undefined) throw new Error(`no load uses slot ${slot}`);
    return listener;
  }

  /** A slot for one statement; `release` it when the statement has ended, whatever its end. */
  acquire(listener: DropListener): { readonly slot: number; release(): void } {
    const slot = this.#nextSlot;
    this.#nextSlot += 1;
    this.#listeners.set(slot, listener);
    return { slot, release: () => this.#listeners.delete(slot) };
  }
}
