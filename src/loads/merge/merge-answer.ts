// The answer to one of several requests that were merged into a load: StarRocks' keys of a Stream Load, whose counts of
// rows are not known for a single request, then those of merge commit.
import type { HttpAnswer } from '../../model/body-load.ts';
import { printAnswer } from '../stream/answer.ts';

export interface MergedRequest {
  /** The label that the client gave, or one made for it. */
  readonly id: string;
  /** Monotonic. */
  readonly startedMs: number;
  readonly bodyBytes: number;
  readonly readMs: number;
  /** It waited so long for a load to be begun. */
  readonly planMs: number;
  /** Left of the window when it was taken into it. */
  readonly leftMs: number;
  /** From then to the end of the load; 0 = it did not wait. */
  readonly finishMs: number;
}

/** What became of the merged load. */
export interface LoadEnd {
  /** -1 = none was begun. */
  readonly transactionId: number;
  readonly label: string;
  readonly status: string;
  readonly message: string;
  readonly errorUrl?: string;
  /** Of the HTTP answer. */
  readonly http: number;
}

const whole = (ms: number): number => Math.round(Math.max(0, ms));

export function mergedAnswer(request: MergedRequest, end: LoadEnd, nowMs: number): HttpAnswer {
  return {
    status: end.http,
    body: printAnswer({
      TxnId: end.transactionId,
      Label: end.label,
      Status: end.status,
      Message: end.message,
      NumberTotalRows: 0,
      NumberLoadedRows: 0,
      NumberFilteredRows: 0,
      NumberUnselectedRows: 0,
      LoadBytes: request.bodyBytes,
      LoadTimeMs: whole(nowMs - request.startedMs),
      BeginTxnTimeMs: 0,
      StreamLoadPlanTimeMs: 0,
      ReadDataTimeMs: whole(request.readMs),
      WriteDataTimeMs: 0,
      CommitAndPublishTimeMs: 0,
      ...(end.errorUrl === undefined ? {} : { ErrorURL: end.errorUrl }),
      RequestId: request.id,
      LeftTimeMs: whole(request.leftMs),
      PendingTimeMs: 0,
      WaitPlanTimeMs: whole(request.planMs),
      WaitFinishTimeMs: whole(request.finishMs),
      LeftMergeTimeMs: whole(request.leftMs),
    }),
  };
}

/** What an answer of the front end to the merged load says. */
export function readLoadEnd({ status: http, body }: HttpAnswer): LoadEnd {
  const told = JSON.parse(body) as Readonly<Record<string, unknown>>;
  const { TxnId, Label, Status, Message, ErrorURL } = told;
  return {
    transactionId: Number(TxnId),
    label: String(Label),
    status: String(Status),
    message: String(Message),
    ...(ErrorURL === undefined ? {} : { errorUrl: String(ErrorURL) }),
    http,
  };
}
