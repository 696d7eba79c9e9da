// The answer to one of several requests that were merged into a load: StarRocks' keys of a Stream Load, whose counts of
// rows are not known for a single request, then those of merge commit.
import { present } from '../../base/assert.ts';
import type { HttpAnswer, LoadEnd } from '../../model/body-load.ts';
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
export interface MergedEnd extends LoadEnd {
  /** Of the HTTP answer. */
  readonly http: number;
}

const whole = (ms: number): number => Math.round(Math.max(0, ms));

export function mergedAnswer(request: MergedRequest, end: MergedEnd, nowMs: number): HttpAnswer {
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

/** What the front end answers to the merged load. */
export function mergedEnd({ status: http, end }: HttpAnswer): MergedEnd {
  return { ...present(end, 'the end of a merged load'), http };
}
