// Keeps the rows that a running INSERT rejects, with why, and ends it when it holds enough of them. Called on
// the JavaScript thread while the statement waits: quick. Bounded in bytes.
import { present } from '../../base/assert.ts';
import { type AppError, fail } from '../../base/errors.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { RejectListener } from '../../engine/reject-function.ts';
import type { InsertPlan } from '../../model/insert-plan.ts';
import { CODE_KINDS, OPERATION } from './drop-code.ts';
import { MOST_KEPT, type RejectedRow } from './error-rows.ts';
import { REJECT_CODE } from './insert-sql.ts';
import {
  describeNoPartition,
  describeOperation,
  describeReject,
  shorten,
} from './rejected-rows.ts';

/** Texts of rejected rows that are held until they are written. */
const MAX_HELD_CHARACTERS = 32 * 1024 * 1024;
const FIRST_SAMPLES = 1;
/** Reasons that an INSERT which fails leaves in its transaction: the rows are kept elsewhere. */
const FAILED_SAMPLES = 3;

/** What the recorder goes by. */
export type RejectRules = Pick<InsertPlan, 'outputs' | 'strictMode' | 'maxFilterRatio'>;

export class RejectRecorder implements RejectListener {
  readonly #plan: RejectRules;
  readonly #transactionId: TransactionId;
  readonly #held: { readonly code: number; readonly row: string }[] = [];
  #heldCharacters = 0;
  #failure: AppError | null = null;

  constructor(plan: RejectRules, transactionId: TransactionId) {
    this.#plan = plan;
    this.#transactionId = transactionId;
  }

  get count(): number {
    return this.#held.length;
  }

  /** Why the recorder ended the statement; null when it did not. */
  get failure(): AppError | null {
    return this.#failure;
  }

  onRow(code: number, row: string): void {
    this.#held.push({ code, row });
    this.#heldCharacters += row.length;
    // It fails, whatever comes: it goes on only for the sake of the rows that are kept of it.
    if (this.#plan.maxFilterRatio === 0 && this.#isEnough)
      this.#end(this.#filtered(`at least ${this.count}`));
    if (this.#heldCharacters > MAX_HELD_CHARACTERS) {
      this.#end(
        fail('LIMIT_EXCEEDED', {
          what: 'text of rejected rows of one INSERT',
          actual: `more than ${MAX_HELD_CHARACTERS} characters in ${this.count} rows`,
          limit: MAX_HELD_CHARACTERS,
          hint: `mend the data: ${this.samples(FIRST_SAMPLES).join('')}`,
        }),
      );
    }
  }

  /** Throws INSERT_FILTERED when too large a share of the rows was rejected. */
  check(rowsLoaded: number): void {
    const rows = rowsLoaded + this.count;
    if (this.count > rows * this.#plan.maxFilterRatio) throw this.#filtered(rows);
  }

  *rows(): Generator<RejectedRow> {
    for (const { code, row } of this.#held) yield this.#describe(code, row);
  }

  /** The first ones, as many as are kept of a statement that failed. */
  *kept(): Generator<RejectedRow> {
    let bytes = 0;
    for (const { code, row } of this.#held.slice(0, MOST_KEPT.rows)) {
      const described = this.#describe(code, row);
      bytes += described.raw.length;
      if (bytes > MOST_KEPT.bytes) return;
      yield described;
    }
  }

  get #isEnough(): boolean {
    return this.count >= MOST_KEPT.rows || this.#heldCharacters >= MOST_KEPT.bytes;
  }

  samples(count: number): readonly string[] {
    return this.#held.slice(0, count).map(({ code, row }) => {
      const { message } = this.#describe(code, row);
      return `Error: ${message}. Row: ${shorten(row)}`;
    });
  }

  #describe(code: number, text: string): RejectedRow {
    const fields = JSON.parse(text) as Readonly<Record<string, string | null>>;
    const kind = code % CODE_KINDS;
    if (kind === REJECT_CODE.operation) {
      return {
        raw: Buffer.from(text),
        fields,
        ...describeOperation(fields[OPERATION]),
        source: null,
      };
    }
    const place = Math.floor(code / CODE_KINDS);
    const { column } = present(this.#plan.outputs[place], 'output of a reject code');
    const value = fields[column.name];
    const reason =
      kind === REJECT_CODE.noPartition
        ? describeNoPartition(column.name, value)
        : describeReject(column, value, kind === REJECT_CODE.strict);
    return {
      raw: Buffer.from(text),
      fields,
      ...reason,
      column: column.name,
      source: null,
    };
  }

  #filtered(rows: number | string): AppError {
    return fail('INSERT_FILTERED', {
      mode: this.#plan.strictMode ? ' in strict mode' : '',
      transactionId: this.#transactionId,
      filtered: this.count,
      rows,
      samples: this.samples(FIRST_SAMPLES).join(' '),
      log: JSON.stringify(this.samples(FAILED_SAMPLES)),
    });
  }

  #end(failure: AppError): never {
    this.#failure = failure;
    throw failure;
  }
}
