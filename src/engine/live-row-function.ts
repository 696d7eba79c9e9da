// Scalar function `row_is_there(slot, file, row)`: asks JavaScript about the few rows of a look-up whether they are deleted.
// Bitmaps stay where they are kept: for a handful of rows, handing them to the engine costs many times the look-up.
import type { Connection } from './connection.ts';
import type { FileBitmap, LiveRows } from './deleted-rows.ts';
import { columnBytes } from './vectors.ts';

const FUNCTION = 'row_is_there';

/** Bitmaps of running statements by slot; a slot belongs to one statement at a time. */
export class LiveRowRegistry {
  readonly #bitmaps = new Map<number, ReadonlyMap<number, Uint8Array>>();
  #nextSlot = 1;

  /** Makes the function callable on every connection of the instance. Call once per instance. */
  install(connection: Connection): void {
    connection.registerScalarFunction({
      name: FUNCTION,
      parameters: ['BIGINT', 'BIGINT', 'BIGINT'],
      returns: 'BOOLEAN',
      // Asked about the same row it gives the same answer: the engine may test other conditions first.
      volatile: false,
      seesNulls: true,
      call: (input, output) => {
        const slots = columnBytes(input, 0, 8);
        const files = columnBytes(input, 1, 8);
        const rows = columnBytes(input, 2, 8);
        for (let at = 0; at < input.rowCount; at += 1) {
          const slot = Number(slots.readBigInt64LE(at * 8));
          const bitmaps = this.#bitmaps.get(slot);
          if (bitmaps === undefined) throw new Error(`no statement uses slot ${slot}`);
          const row = Number(rows.readBigInt64LE(at * 8));
          const byte = bitmaps.get(Number(files.readBigInt64LE(at * 8)))?.[Math.floor(row / 8)];
          output.setItem(at, ((byte ?? 0) & (0x80 >> (row & 7))) === 0);
        }
      },
    });
  }

  /** The condition over the bitmaps (numbered as in the statement's read_parquet `f`); `release` it when the statement has ended. */
  acquire(bitmaps: readonly FileBitmap[]): { readonly live: LiveRows; release(): void } {
    const slot = this.#nextSlot;
    this.#nextSlot += 1;
    this.#bitmaps.set(slot, new Map(bitmaps.map(({ file, bits }) => [file, bits])));
    return {
      live: {
        joinSql: '',
        conditionSql: `${FUNCTION}(${slot}, CAST(f.file_index AS BIGINT), f.file_row_number)`,
      },
      release: () => this.#bitmaps.delete(slot),
    };
  }
}
