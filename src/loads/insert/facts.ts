// What an INSERT tells of itself in its transaction, however it ended: for SHOW LOAD and information_schema.
import type { AppError } from '../../base/errors.ts';
import type { InsertPlan, StagedInsert } from '../../model/insert-plan.ts';
import type { LoadFacts } from '../../model/load-facts.ts';

/** When an INSERT began, and what its parts took until now, ms. */
export interface InsertTimes {
  readonly startedMs: number;
  readonly beginMs: number;
  readonly writeMs: number;
}

type Rules = Pick<InsertPlan, 'strictMode' | 'maxFilterRatio' | 'timeoutMs'>;

export function insertFacts(
  plan: Rules,
  times: InsertTimes,
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
      strict_mode: String(plan.strictMode),
      max_filter_ratio: String(plan.maxFilterRatio),
      timeout: String(plan.timeoutMs / 1000),
    },
    trackingFile: null,
    errorSamples,
    clientAddress: null,
  };
}

/** Of one that failed: nothing was loaded, and the error knows how many rows were rejected until then. */
export function failedInsertFacts(plan: Rules, times: InsertTimes, error: AppError): LoadFacts {
  const { filtered, samples } = error.fields;
  const rowsFiltered = error.code === 'INSERT_FILTERED' ? Number(filtered) : 0;
  const errorSamples = rowsFiltered > 0 ? [String(samples)] : [];
  const facts = insertFacts(plan, times, { rowsLoaded: 0, rowsFiltered, errorSamples });
  return { ...facts, errorCode: error.code };
}
