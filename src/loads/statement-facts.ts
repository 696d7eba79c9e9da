// What an INSERT (UPDATE, DELETE) tells of itself in its transaction, however it ended: for SHOW LOAD and
// information_schema.
import type { Clock } from '../base/clock.ts';
import type { AppError } from '../base/errors.ts';
import type { InsertPlan, StagedInsert } from '../model/insert-plan.ts';
import type { LoadFacts } from '../model/load-facts.ts';

/** When the statement began, and what its parts took until now, ms. */
export interface StatementTimes {
  readonly startedMs: number;
  readonly beginMs: number;
  readonly writeMs: number;
}

/** Times a statement from its making on. */
export class StatementTimer {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #sinceMs: number;
  #begunMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
    this.#sinceMs = clock.monotonicMs();
  }

  /** The transaction has begun. */
  begun(): void {
    this.#begunMs = this.#clock.monotonicMs();
  }

  times(): StatementTimes {
    const nowMs = this.#clock.monotonicMs();
    const begunMs = this.#begunMs ?? nowMs;
    return {
      startedMs: this.#startedMs,
      beginMs: Math.round(begunMs - this.#sinceMs),
      writeMs: Math.round(nowMs - begunMs),
    };
  }
}

/** What was asked for; a DELETE rejects nothing. */
export type StatementRules = Pick<InsertPlan, 'timeoutMs'> &
  Partial<Pick<InsertPlan, 'strictMode' | 'maxFilterRatio'>>;

export function statementFacts(
  { strictMode, maxFilterRatio, timeoutMs }: StatementRules,
  times: StatementTimes,
  staged: Pick<StagedInsert, 'rowsLoaded' | 'rowsFiltered' | 'errorSamples'>,
): LoadFacts {
  const { rowsLoaded, rowsFiltered, errorSamples } = staged;
  return {
    loadType: 'INSERT',
    rowsLoaded,
    rowsFiltered,
    // Its WHERE is a part of its query: what that leaves out never was a row of the load.
    rowsUnselected: 0,
    bodyBytes: 0,
    ...times,
    planMs: 0,
    readMs: 0,
    commitMs: null,
    properties: {
      ...(strictMode === undefined ? {} : { strict_mode: String(strictMode) }),
      ...(maxFilterRatio === undefined ? {} : { max_filter_ratio: String(maxFilterRatio) }),
      timeout: String(timeoutMs / 1000),
    },
    trackingFile: null,
    errorSamples,
    clientAddress: null,
  };
}

/** Of one that failed: nothing was loaded, and the error knows how many rows were rejected until then. */
export function failedFacts(
  rules: StatementRules,
  times: StatementTimes,
  error: AppError,
): LoadFacts {
  const { filtered, log } = error.fields;
  const rowsFiltered = error.code === 'INSERT_FILTERED' ? Number(filtered) : 0;
  const errorSamples = typeof log === 'string' ? (JSON.parse(log) as string[]) : [];
  const facts = statementFacts(rules, times, { rowsLoaded: 0, rowsFiltered, errorSamples });
  return { ...facts, errorCode: error.code };
}
