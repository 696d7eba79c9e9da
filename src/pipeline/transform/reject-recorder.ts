// Keeps the rows that a running INSERT rejects, with why, and ends it as soon as there are too many. Called on
// the JavaScript thread while the statement waits: quick. Bounded in bytes.
import { present } from '../../base/assert.ts';
import { type AppError, fail } from '../../base/errors.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { RejectListener } from '../../engine/reject-function.ts';
import type { InsertPlan } from '../../model/insert-plan.ts';
import { CODE_KINDS, OPERATION } from './drop-code.ts';
import type { RejectedRow } from './error-rows.ts';
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
/** Reasons that an INSERT which fails leaves behind, and their texts together: they become a part of the metadata. */
const MOST_REASONS = 100;
const MAX_REASON_CHARACTERS = 16 * 1024;

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
    if (this.#plan.maxFilterRatio === 0) this.#end(this.#filtered('at least 1'));
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

  samples(count: number): readonly string[] {
    return this.#held.slice(0, count).map(({ code, row }) => {
      const { message } = this.#describe(code, row);
      return `Error: ${message}. Row: ${shorten(row)}`;
    });
  }

  /** The first of the samples, as many as there is room for; one at least. */
  #reasons(): readonly string[] {
    const reasons: string[] = [];
    let characters = 0;
    for (const sample of this.samples(MOST_REASONS)) {
      characters += sample.length;
      if (reasons.length > 0 && characters > MAX_REASON_CHARACTERS) break;
      reasons.push(sample);
    }
    return reasons;
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
      log: JSON.stringify(this.#reasons()),
    });
  }

  #end(failure: AppError): never {
    this.#failure = failure;
    throw failure;
  }
}
