// What a Stream Load answers: JSON with StarRocks' keys in its order, indented as it does it.
// SOURCE: StarRocks BE, stream_load_context (keys), FE RestBaseResult (labels).
import { AppError, toAppError } from '../../base/errors.ts';
import type { HttpAnswer, LoadEnd } from '../../model/body-load.ts';
import type { LoadFacts } from '../../model/load-facts.ts';

export interface LoadReport extends LoadEnd {
  readonly existingJobStatus?: 'RUNNING' | 'FINISHED';
  /** Null: it did not come to anything. */
  readonly facts: LoadFacts | null;
  readonly loadMs: number;
}

/**
 * ExistingJobStatus of a label that is taken by a transaction in this state; null = it is gone. Clients take FINISHED for
 * "my rows are in": of a load that was aborted in this moment they must hear RUNNING, ask again, and find the label free.
 */
export function jobStatus(
  state: 'PREPARE' | 'PREPARED' | 'COMMITTED' | 'VISIBLE' | 'ABORTED' | null,
): 'RUNNING' | 'FINISHED' {
  return state === 'VISIBLE' || state === 'COMMITTED' ? 'FINISHED' : 'RUNNING';
}

/** Whole milliseconds. */
const whole = (ms: number): number => Math.round(Math.max(0, ms));

/** `status`: of HTTP. */
export function loadAnswer(report: LoadReport, status = 200): HttpAnswer {
  const { facts, existingJobStatus, loadMs, ...end } = report;
  return { status, body: printReport(report), end };
}

function printReport(report: LoadReport): string {
  const { facts, existingJobStatus, errorUrl } = report;
  const { rowsLoaded = 0, rowsFiltered = 0, rowsUnselected = 0 } = facts ?? {};
  return printAnswer({
    TxnId: report.transactionId,
    Label: report.label,
    Status: report.status,
    ...(existingJobStatus === undefined ? {} : { ExistingJobStatus: existingJobStatus }),
    Message: report.message,
    NumberTotalRows: rowsLoaded + rowsFiltered + rowsUnselected,
    NumberLoadedRows: rowsLoaded,
    NumberFilteredRows: rowsFiltered,
    NumberUnselectedRows: rowsUnselected,
    LoadBytes: facts?.bodyBytes ?? 0,
    LoadTimeMs: whole(report.loadMs),
    BeginTxnTimeMs: whole(facts?.beginMs ?? 0),
    StreamLoadPlanTimeMs: whole(facts?.planMs ?? 0),
    ReadDataTimeMs: whole(facts?.readMs ?? 0),
    WriteDataTimeMs: whole(facts?.writeMs ?? 0),
    CommitAndPublishTimeMs: whole(facts?.commitMs ?? 0),
    ...(errorUrl === undefined ? {} : { ErrorURL: errorUrl }),
  });
}

/** The answer of a load that was not begun. */
export function refused(label: string, error: AppError): HttpAnswer {
  return loadAnswer(
    {
      transactionId: -1,
      label,
      status: 'Fail',
      message: errorText(error),
      facts: null,
      loadMs: 0,
    },
    answerStatus(error),
  );
}

export function printAnswer(answer: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(answer, null, 4)}\n`;
}

/** An error as clients get to see it: where StarRocks has words of its own, those alone. */
export function errorText(thrown: unknown): string {
  const error = thrown instanceof AppError ? thrown : toAppError(thrown);
  if (error.code === 'SQL_ANALYZE') return String(error.fields['detail']);
  return error.code === 'LABEL_ALREADY_EXISTS' ? error.message : error.fullMessage;
}

/** HTTP 401 only for who is not known; whatever else is wrong with a load is in its JSON. */
export function answerStatus(thrown: unknown): number {
  return toAppError(thrown).row.httpStatus === 401 ? 401 : 200;
}

/** Of requests about labels. */
export function labelAnswer(fields: Readonly<Record<string, string>> = {}): HttpAnswer {
  const body = { ...fields, status: 'OK', code: '0', msg: 'Success', message: 'OK' };
  return { status: 200, body: printAnswer(body) };
}

export function labelRefusal(thrown: unknown): HttpAnswer {
  const text = errorText(thrown);
  const body = { status: 'FAILED', code: '1', msg: text, message: text };
  return { status: answerStatus(thrown), body: printAnswer(body) };
}
