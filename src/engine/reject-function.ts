// Scalar function `insert_reject(slot, code, row)`: how a running INSERT tells JavaScript about each row that
// it does not write, with the row's own values as JSON. It is called only for such rows, so good data costs
// nothing. A listener that throws ends the statement.
import type { Connection } from './connection.ts';

export const REJECT_FUNCTION = 'insert_reject';

/** Hears of one statement's rows, on the JavaScript thread, while the statement waits. */
export interface RejectListener {
  /** `row` is a JSON object of source texts. Throwing ends the statement. */
  onRow(code: number, row: string): void;
}

/** Listeners of running statements by slot; a slot belongs to one statement at a time. */
export class RejectRegistry {
  readonly #listeners = new Map<number, RejectListener>();
  #nextSlot = 1;

  /** Makes the function callable on every connection of the instance. Call once per instance. */
  install(connection: Connection): void {
    connection.registerScalarFunction({
      name: REJECT_FUNCTION,
      parameters: ['BIGINT', 'INTEGER', 'VARCHAR'],
      returns: 'BOOLEAN',
      volatile: true,
      seesNulls: true,
      call: (input, output) => {
        const columns = [0, 1, 2].map((index) => input.getColumnVector(index));
        for (let row = 0; row < input.rowCount; row += 1) {
          const [slot, code, text] = columns.map((column) => column.getItem(row));
          const listener = this.#listeners.get(Number(slot));
          if (listener === undefined) throw new Error(`no INSERT uses slot ${String(slot)}`);
          listener.onRow(Number(code), String(text ?? '{}'));
          output.setItem(row, false);
        }
      },
    });
  }

  /** A slot for one statement; `release` it when the statement has ended, whatever its end. */
  acquire(listener: RejectListener): { readonly slot: number; release(): void } {
    const slot = this.#nextSlot;
    this.#nextSlot += 1;
    this.#listeners.set(slot, listener);
    return { slot, release: () => this.#listeners.delete(slot) };
  }
}
