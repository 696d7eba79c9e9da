// What the requests of a transaction of Stream Loads answer: JSON with StarRocks' keys in its order, status words and
// messages as it spells them. SOURCE: StarRocks, transaction_stream_load.cpp, TransactionLoadAction, and its docs.
import { type AppError, toAppError } from '../../base/errors.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { HttpAnswer } from '../../model/body-load.ts';
import { answerStatus, errorText, printAnswer } from '../stream/answer.ts';

export type TransactionStatus =
  | 'OK'
  | 'LABEL_ALREADY_EXISTS'
  | 'FAILED'
  | 'TXN_NOT_EXISTS'
  | 'TXN_IN_PROCESSING'
  | 'INTERNAL_ERROR'
  | 'Commit Timeout'
  | 'Publish Timeout';

/** Sums over the loads of the transaction. */
export interface TransactionCounts {
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
  readonly rowsUnselected: number;
  readonly bodyBytes: number;
}

/** What parts of it took, in ms. */
export interface TransactionTimes {
  readonly loadMs: number;
  readonly planMs: number;
  readonly readMs: number;
  readonly writeMs: number;
  readonly commitMs: number;
}

/** As StarRocks spells them; clients compare some of them. */
export const MESSAGES = {
  emptyLabel: 'Empty label.',
  noDatabase: 'No database selected.',
  noTable: 'No table selected.',
  noTableFirst: 'Table name must be specified when calling /begin/transaction/ first time',
  noChannel: 'Must provide channel_id when stream load begin.',
  noChannelCount: 'Must provide channel_num when stream load begin.',
  notExist: 'Transcation Not Exist',
  invalidState: 'Transcation State Invalid',
  committedAlready: 'Transaction already commited',
  commitTimeout: 'commit timeout',
} as const;

export function beginAnswer(label: string, transactionId: TransactionId, ms: number): HttpAnswer {
  return ok({ ...head('OK', '', label), TxnId: transactionId, BeginTxnTimeMs: whole(ms) });
}

/** Of a channel; `ms` null: another one had begun the transaction. */
export function channelBegunAnswer(
  label: string,
  transactionId: TransactionId,
  count: number,
  { ms = null, message = '' }: { readonly ms?: number | null; readonly message?: string },
): HttpAnswer {
  return ok({
    ...head('OK', message, label),
    TxnId: transactionId,
    BeginChannel: count,
    ...(ms === null ? {} : { BeginTxnTimeMs: whole(ms) }),
  });
}

/** Of a channel while others are open. */
export function channelPreparedAnswer(
  label: string,
  transactionId: TransactionId,
  channels: PreparedChannels,
): HttpAnswer {
  return ok({ ...head('OK', '', label), TxnId: transactionId, ...channelFields(channels) });
}

export interface PreparedChannels {
  /** Null: all. */
  readonly channel: number | null;
  readonly prepared: number;
}

/** Keys of an answer that says how many channels are prepared. */
function channelFields({ channel, prepared }: PreparedChannels) {
  return { ...(channel === null ? {} : { ChannelId: channel }), 'Prepared Channel Num': prepared };
}

/** `seq`: how many loads of the transaction came before. */
export function loadedAnswer(
  label: string,
  transactionId: TransactionId,
  counts: TransactionCounts,
  times: Pick<TransactionTimes, 'planMs' | 'readMs'> & { readonly seq: number },
): HttpAnswer {
  return ok({
    ...head('OK', '', label),
    TxnId: transactionId,
    LoadBytes: counts.bodyBytes,
    StreamLoadPlanTimeMs: whole(times.planMs),
    ReceivedDataTimeMs: whole(times.readMs),
    Seq: times.seq,
    ...rows(counts),
  });
}

/** Of prepare and commit. */
export function endedAnswer(
  label: string,
  transactionId: TransactionId,
  counts: TransactionCounts,
  times: TransactionTimes,
  message = '',
  channels: PreparedChannels | null = null,
): HttpAnswer {
  return ok({
    ...head('OK', message, label),
    TxnId: transactionId,
    ...(channels === null ? {} : channelFields(channels)),
    ...rows(counts),
    LoadBytes: counts.bodyBytes,
    LoadTimeMs: whole(times.loadMs),
    StreamLoadPlanTimeMs: whole(times.planMs),
    ReceivedDataTimeMs: whole(times.readMs),
    WriteDataTimeMs: whole(times.writeMs),
    CommitAndPublishTimeMs: whole(times.commitMs),
  });
}

export function rolledBackAnswer(): HttpAnswer {
  return ok({ Status: 'OK', Message: '' });
}

/** The label is another transaction's: one that runs, or one that is over. */
export function labelUsedAnswer(label: string, message: string, isRunning: boolean): HttpAnswer {
  return ok({
    Status: 'LABEL_ALREADY_EXISTS',
    ExistingJobStatus: isRunning ? 'RUNNING' : 'FINISHED',
    Message: message,
    Label: label,
  });
}

export function failedAnswer(status: TransactionStatus, message: string, label = ''): HttpAnswer {
  return ok(head(status, message, label));
}

/** HTTP 401 only for who is not known; else 200 with what is wrong. */
export function errorAnswer(thrown: unknown, label: string): HttpAnswer {
  const error = toAppError(thrown);
  const status = statusOf(error);
  const message = status === 'TXN_NOT_EXISTS' ? MESSAGES.notExist : messageOf(error);
  return { ...failedAnswer(status, message, label), status: answerStatus(error) };
}

function messageOf(error: AppError): string {
  const isState = error.code === 'TRANSACTION_STATE' || error.code === 'TRANSACTION_ABORTED';
  const text = errorText(error);
  return isState ? `${MESSAGES.invalidState}: ${text}` : text;
}

function statusOf(error: AppError): TransactionStatus {
  if (error.code === 'TRANSACTION_BUSY') return 'TXN_IN_PROCESSING';
  if (error.code === 'UNKNOWN_LABEL' || error.code === 'UNKNOWN_TRANSACTION')
    return 'TXN_NOT_EXISTS';
  return error.kind === 'internal' ? 'INTERNAL_ERROR' : 'FAILED';
}

function head(status: TransactionStatus, message: string, label: string) {
  return { Status: status, Message: message, ...(label === '' ? {} : { Label: label }) };
}

function rows({ rowsLoaded, rowsFiltered, rowsUnselected }: TransactionCounts) {
  return {
    NumberTotalRows: rowsLoaded + rowsFiltered + rowsUnselected,
    NumberLoadedRows: rowsLoaded,
    NumberFilteredRows: rowsFiltered,
    NumberUnselectedRows: rowsUnselected,
  };
}

function ok(answer: Readonly<Record<string, unknown>>): HttpAnswer {
  return { status: 200, body: printAnswer(answer) };
}

function whole(ms: number): number {
  return Math.round(Math.max(0, ms));
}
