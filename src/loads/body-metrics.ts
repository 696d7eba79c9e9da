// What is counted of Stream Loads and of requests of their transactions, under the names that StarRocks has for it, so that
// dashboards made for it go on. SOURCE: StarRocks FE, HttpMetricRegistry; BE, stream load and transaction metrics.
import type { Clock } from '../base/clock.ts';
import {
  type BodyLoadBegin,
  type BodyLoadEnd,
  type BodyLoadHead,
  bodyKey,
  type HttpAnswer,
  type TransactionRequest,
} from '../model/body-load.ts';
import type { Metrics } from '../telemetry/metrics.ts';

type Op = TransactionRequest['op'] | 'load';

const HANDLED = {
  begin: 'starrocks_fe_txn_stream_load_begin_num',
  load: 'starrocks_fe_txn_stream_load_load_num',
  prepare: 'starrocks_fe_txn_stream_load_prepare_num',
  commit: 'starrocks_fe_txn_stream_load_commit_num',
  rollback: 'starrocks_fe_txn_stream_load_rollback_num',
} as const satisfies Record<Op, string>;

const LATENCY = {
  begin: 'starrocks_fe_txn_stream_load_begin_latency_ms',
  load: 'starrocks_fe_txn_stream_load_load_latency_ms',
  prepare: 'starrocks_fe_txn_stream_load_prepare_latency_ms',
  commit: 'starrocks_fe_txn_stream_load_commit_latency_ms',
  rollback: 'starrocks_fe_txn_stream_load_rollback_latency_ms',
} as const satisfies Record<Op, string>;

const SINGLE = {
  requests: 'starrocks_be_streaming_load_requests_total',
  bytes: 'starrocks_be_streaming_load_bytes',
  duration: 'starrocks_be_streaming_load_duration_ms',
  current: 'starrocks_be_streaming_load_current_processing',
} as const;

const OF_TRANSACTION = {
  requests: 'starrocks_be_transaction_streaming_load_requests_total',
  bytes: 'starrocks_be_transaction_streaming_load_bytes',
  duration: 'starrocks_be_transaction_streaming_load_duration_ms',
  current: 'starrocks_be_transaction_streaming_load_current_processing',
} as const;

interface OpenBody {
  readonly isSingle: boolean;
  readonly sinceMs: number;
}

export class BodyMetrics {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  /** Bodies on their way, by `bodyKey`: what ends twice is counted once. */
  readonly #open = new Map<string, OpenBody>();
  readonly #handled: Record<TransactionRequest['op'], number> = {
    begin: 0,
    prepare: 0,
    commit: 0,
    rollback: 0,
  };

  constructor({ metrics, clock }: { readonly metrics: Metrics; readonly clock: Clock }) {
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** A request of a transaction, from its beginning to its answer. */
  async ofTransaction(
    { op }: TransactionRequest,
    answer: () => Promise<HttpAnswer>,
  ): Promise<HttpAnswer> {
    const sinceMs = this.#clock.monotonicMs();
    this.#metrics.add('starrocks_be_txn_request', 1, { type: op });
    this.#handle(op, 1);
    try {
      return await answer();
    } finally {
      this.#handle(op, -1);
      this.#metrics.observe(LATENCY[op], this.#clock.monotonicMs() - sinceMs);
    }
  }

  /** A load that was asked for; one that may not run is not counted. */
  began({ ofTransaction }: Pick<BodyLoadHead, 'ofTransaction'>, begun: BodyLoadBegin): void {
    if (begun.kind === 'answer') return;
    const isSingle = ofTransaction !== true;
    const { load } = begun;
    const key = bodyKey(load.begun.transactionId, load.loadId);
    this.#open.set(key, { isSingle, sinceMs: this.#clock.monotonicMs() });
    if (isSingle) this.#metrics.add('starrocks_be_txn_request', 1, { type: 'begin' });
    this.#metrics.add('starrocks_be_txn_request', 1, { type: 'exec' });
    this.#metrics.add((isSingle ? SINGLE : OF_TRANSACTION).requests, 1);
    this.#showOpen();
  }

  /** Its answer is out. */
  ended(end: BodyLoadEnd): void {
    const key = bodyKey(end.transactionId, end.loadId);
    const body = this.#open.get(key);
    if (body === undefined) return;
    this.#open.delete(key);
    const { outcome } = end;
    const { isSingle, sinceMs } = body;
    const names = isSingle ? SINGLE : OF_TRANSACTION;
    const isStaged = outcome.kind === 'staged';
    const { bodyBytes, rowsLoaded } = isStaged ? outcome.staged : outcome.counts;
    const tookMs = this.#clock.monotonicMs() - sinceMs;
    this.#metrics.add(names.bytes, bodyBytes);
    this.#metrics.add(names.duration, tookMs);
    this.#metrics.add('starrocks_be_stream_load', bodyBytes, { type: 'receive_bytes' });
    if (isStaged) this.#metrics.add('starrocks_be_stream_load', rowsLoaded, { type: 'load_rows' });
    if (isSingle) {
      const type = isStaged ? 'commit' : 'rollback';
      this.#metrics.add('starrocks_be_txn_request', 1, { type });
    } else this.#metrics.observe(LATENCY.load, tookMs);
    this.#showOpen();
  }

  /** Nobody ends them any more. */
  loaderGone(): void {
    this.#open.clear();
    this.#showOpen();
  }

  #handle(op: TransactionRequest['op'], change: 1 | -1): void {
    this.#handled[op] += change;
    this.#metrics.set(HANDLED[op], this.#handled[op]);
  }

  #showOpen(): void {
    let singles = 0;
    for (const { isSingle } of this.#open.values()) singles += isSingle ? 1 : 0;
    const others = this.#open.size - singles;
    this.#metrics.set(SINGLE.current, singles);
    this.#metrics.set(OF_TRANSACTION.current, others);
    this.#metrics.set(HANDLED.load, others);
  }
}
