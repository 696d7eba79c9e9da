// Every metric is declared here and nowhere else; docs/reference/metrics.md is generated from the
// table. Base units, `_total` for counters, no unbounded labels (never a load label or a query text). Those named
// `starrocks_` have StarRocks' names and units.
import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';

interface MetricRow {
  /** `summary`: with the label `quantile`, as StarRocks shows latencies. */
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

const LATENCY_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const GROUP_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

const FRESHNESS_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 5, 10, 30, 60, 300, 3600];
/** Of jobs that have not ended. */
const PARTITION = ['job', 'topic', 'partition'] as const;

export const METRICS = {
  millrace_load_rows_total: {
    type: 'counter',
    help: 'Rows of committed load transactions by result (loaded, filtered, unselected).',
    labels: ['kind', 'result'],
  },
  millrace_load_bytes_total: {
    type: 'counter',
    help: 'Bytes of message values of committed load transactions.',
    labels: ['kind'],
  },
  millrace_load_transactions_total: {
    type: 'counter',
    help: 'Load transactions by end state (visible, aborted).',
    labels: ['kind', 'state'],
  },
  millrace_load_commit_seconds: {
    type: 'histogram',
    help: 'Time of the metadata transaction of a load commit.',
    labels: ['kind'],
    buckets: LATENCY_SECONDS,
  },
  millrace_insert_group_statements: {
    type: 'histogram',
    help: 'Statements of each transaction that small INSERTs of VALUES may share.',
    labels: [],
    buckets: GROUP_SIZES,
  },
  millrace_turn_wait_seconds: {
    type: 'histogram',
    help: "How long a load, a change or a compaction waited for its table's turn.",
    labels: ['rank'],
    buckets: LATENCY_SECONDS,
  },
  millrace_routine_load_jobs: {
    type: 'gauge',
    help: 'Routine Load jobs by state.',
    labels: ['state'],
  },
  millrace_routine_load_lag_records: {
    type: 'gauge',
    help: 'Records between the committed position and the end of the partition, summed per job.',
    labels: ['job'],
  },
  millrace_routine_load_failures: {
    type: 'gauge',
    help: 'Failures in a row of a job since its last commit; 0 = it is well.',
    labels: ['job'],
  },
  millrace_routine_load_unstable: {
    type: 'gauge',
    help: '1 where a running job is shown as UNSTABLE, else 0.',
    labels: ['job'],
  },
  millrace_routine_load_freshness_seconds: {
    type: 'histogram',
    help: 'From the timestamp of the last message of a batch to its commit.',
    labels: ['job'],
    buckets: FRESHNESS_SECONDS,
  },
  millrace_routine_load_commit_seconds: {
    type: 'histogram',
    help: 'Time of the commit of a batch as its job sees it, the wait for the turn of its table included.',
    labels: ['job'],
    buckets: LATENCY_SECONDS,
  },
  millrace_routine_load_partition_lag_records: {
    type: 'gauge',
    help: 'Records between the committed position and the end of a partition.',
    labels: PARTITION,
  },
  millrace_routine_load_partition_lag_seconds: {
    type: 'gauge',
    help: 'Age of the last loaded message of a partition where more wait, else 0.',
    labels: PARTITION,
  },
  millrace_routine_load_partition_retention_seconds: {
    type: 'gauge',
    help: 'Until Kafka may delete the first message of a partition that was not read yet; absent where none waits or none is deleted.',
    labels: PARTITION,
  },
  millrace_routine_load_partition_rows_total: {
    type: 'counter',
    help: 'Rows of a partition by what became of them (loaded, filtered, unselected), as the ledger has them.',
    labels: [...PARTITION, 'result'],
  },
  millrace_routine_load_partition_bytes_total: {
    type: 'counter',
    help: 'Bytes of message values of a partition, as the ledger has them.',
    labels: PARTITION,
  },
  millrace_queries_total: {
    type: 'counter',
    help: 'Statements answered over MySQL by result (ok, error).',
    labels: ['result'],
  },
  millrace_query_seconds: {
    type: 'histogram',
    help: 'Time from a statement to the end of its result.',
    labels: [],
    buckets: LATENCY_SECONDS,
  },
  millrace_login_failures_total: {
    type: 'counter',
    help: 'Log-ins refused, by door (mysql, http).',
    labels: ['door'],
  },
  millrace_mysql_connections: { type: 'gauge', help: 'Open MySQL connections.', labels: [] },
  millrace_process_restarts_total: {
    type: 'counter',
    help: 'Child processes started again after they ended by themselves.',
    labels: ['role'],
  },
  millrace_process_resident_bytes: {
    type: 'gauge',
    help: 'Resident memory of each process.',
    labels: ['role'],
  },
  millrace_table_files: { type: 'gauge', help: 'Live data files of all tables.', labels: [] },
  millrace_compactions_total: {
    type: 'counter',
    help: 'Compactions by result (done, lost, failed).',
    labels: ['result'],
  },
  millrace_compaction_bytes_total: {
    type: 'counter',
    help: 'Bytes of files that compactions merged.',
    labels: [],
  },
  millrace_compaction_rows_total: {
    type: 'counter',
    help: 'Rows of files that compactions merged.',
    labels: [],
  },
  millrace_key_index_bytes: {
    type: 'gauge',
    help: 'Bytes of the key index, by where they are (disk, memory).',
    labels: ['where'],
  },
  millrace_key_index_files: {
    type: 'gauge',
    help: 'Data files that have a key index.',
    labels: [],
  },
  millrace_key_index_builds_total: {
    type: 'counter',
    help: 'Key indexes of data files that were built, by result (done, failed).',
    labels: ['result'],
  },
  millrace_key_look_ups_total: {
    type: 'counter',
    help: 'Data files large enough for a key index that keys of a load were looked up in, by path (index, files).',
    labels: ['path'],
  },
  millrace_rejected_store_bytes: {
    type: 'gauge',
    help: 'Bytes of kept rejected rows.',
    labels: [],
  },
  starrocks_fe_txn_begin: {
    type: 'counter',
    help: 'Transactions that began, by kind of load.',
    labels: ['type'],
  },
  starrocks_fe_txn_reject: {
    type: 'counter',
    help: 'Transactions that were refused, by kind of load: a label that is taken, a limit.',
    labels: ['type'],
  },
  starrocks_fe_txn_success: {
    type: 'counter',
    help: 'Transactions that became visible, by kind of load.',
    labels: ['type'],
  },
  starrocks_fe_txn_failed: {
    type: 'counter',
    help: 'Transactions that were aborted, by kind of load.',
    labels: ['type'],
  },
  starrocks_fe_txn_total_latency_ms: {
    type: 'summary',
    help: 'From the beginning of a load to its rows being visible, by kind of load.',
    labels: ['type'],
  },
  starrocks_fe_txn_write_latency_ms: {
    type: 'summary',
    help: 'From the beginning of a load to its commit, by kind of load.',
    labels: ['type'],
  },
  starrocks_fe_txn_publish_latency_ms: {
    type: 'summary',
    help: 'From the commit of a load to its rows being visible, by kind of load.',
    labels: ['type'],
  },
  starrocks_fe_txn_stream_load_begin_num: {
    type: 'gauge',
    help: 'Begin requests of transactions of Stream Loads that are under way.',
    labels: [],
  },
  starrocks_fe_txn_stream_load_begin_latency_ms: {
    type: 'summary',
    help: 'Time of begin requests of transactions of Stream Loads.',
    labels: [],
  },
  starrocks_fe_txn_stream_load_load_num: {
    type: 'gauge',
    help: 'Loads of transactions of Stream Loads that are under way.',
    labels: [],
  },
  starrocks_fe_txn_stream_load_load_latency_ms: {
    type: 'summary',
    help: 'Time of loads of transactions of Stream Loads.',
    labels: [],
  },
  starrocks_fe_txn_stream_load_prepare_num: {
    type: 'gauge',
    help: 'Prepare requests of transactions of Stream Loads that are under way.',
    labels: [],
  },
  starrocks_fe_txn_stream_load_prepare_latency_ms: {
    type: 'summary',
    help: 'Time of prepare requests of transactions of Stream Loads.',
    labels: [],
  },
  starrocks_fe_txn_stream_load_commit_num: {
    type: 'gauge',
    help: 'Commit requests of transactions of Stream Loads that are under way.',
    labels: [],
  },
  starrocks_fe_txn_stream_load_commit_latency_ms: {
    type: 'summary',
    help: 'Time of commit requests of transactions of Stream Loads.',
    labels: [],
  },
  starrocks_fe_txn_stream_load_rollback_num: {
    type: 'gauge',
    help: 'Rollback requests of transactions of Stream Loads that are under way.',
    labels: [],
  },
  starrocks_fe_txn_stream_load_rollback_latency_ms: {
    type: 'summary',
    help: 'Time of rollback requests of transactions of Stream Loads.',
    labels: [],
  },
  starrocks_be_txn_request: {
    type: 'counter',
    help: 'Requests for transactions of Stream Loads, single ones too: begin, prepare, commit, rollback; exec = a load.',
    labels: ['type'],
  },
  starrocks_be_stream_load: {
    type: 'counter',
    help: 'Bytes of bodies that came (receive_bytes), and rows of them that were written (load_rows).',
    labels: ['type'],
  },
  starrocks_be_load_rows: {
    type: 'counter',
    help: 'Rows that became visible, by kind of load.',
    labels: ['type'],
  },
  starrocks_be_load_bytes: {
    type: 'counter',
    help: 'Bytes of bodies or messages whose rows became visible, by kind of load.',
    labels: ['type'],
  },
  starrocks_be_streaming_load_requests_total: {
    type: 'counter',
    help: 'Stream Loads that were accepted.',
    labels: [],
  },
  starrocks_be_streaming_load_bytes: {
    type: 'counter',
    help: 'Bytes of the bodies of Stream Loads.',
    labels: [],
  },
  starrocks_be_streaming_load_duration_ms: {
    type: 'counter',
    help: 'Time that Stream Loads took, summed.',
    labels: [],
  },
  starrocks_be_streaming_load_current_processing: {
    type: 'gauge',
    help: 'Stream Loads whose bodies are on their way.',
    labels: [],
  },
  starrocks_be_transaction_streaming_load_requests_total: {
    type: 'counter',
    help: 'Loads of transactions of Stream Loads that were accepted.',
    labels: [],
  },
  starrocks_be_transaction_streaming_load_bytes: {
    type: 'counter',
    help: 'Bytes of the bodies of loads of transactions of Stream Loads.',
    labels: [],
  },
  starrocks_be_transaction_streaming_load_duration_ms: {
    type: 'counter',
    help: 'Time that loads of transactions of Stream Loads took, summed.',
    labels: [],
  },
  starrocks_be_transaction_streaming_load_current_processing: {
    type: 'gauge',
    help: 'Loads of transactions of Stream Loads whose bodies are on their way.',
    labels: [],
  },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;
export type MetricLabels = Readonly<Record<string, string>>;

export interface Metrics {
  add(name: MetricName, value: number, labels?: MetricLabels): void;
  set(name: MetricName, value: number, labels?: MetricLabels): void;
  /** Of a histogram or summary, in the unit that its name ends with. */
  observe(name: MetricName, value: number, labels?: MetricLabels): void;
  /** Forgets all label sets of a metric, before it is set anew. */
  reset(name: MetricName): void;
  /** Forgets one label set. */
  forget(name: MetricName, labels: MetricLabels): void;
  /** Prometheus text format. */
  text(): Promise<string>;
}

type Metric = Counter | Gauge | Histogram | Summary;

/** As StarRocks shows them. */
const PERCENTILES = [0.75, 0.95, 0.98, 0.99, 0.999];

export function openMetrics(): Metrics {
  const registry = new Registry();
  const made = new Map<string, Metric>();
  for (const [name, row] of Object.entries<MetricRow>(METRICS)) {
    const common = { name, help: row.help, labelNames: [...row.labels], registers: [registry] };
    if (row.type === 'counter') made.set(name, new Counter(common));
    else if (row.type === 'gauge') made.set(name, new Gauge(common));
    else if (row.type === 'summary')
      made.set(name, new Summary({ ...common, percentiles: PERCENTILES }));
    else made.set(name, new Histogram({ ...common, buckets: [...(row.buckets ?? [])] }));
  }
  const any = (name: MetricName): Metric => {
    const metric = made.get(name);
    if (metric === undefined) throw new TypeError(`no metric ${name}`);
    return metric;
  };
  const find = <T extends Metric>(
    name: MetricName,
    kind: abstract new (...args: never[]) => T,
  ): T => {
    const metric = made.get(name);
    if (!(metric instanceof kind)) throw new TypeError(`metric ${name} is not a ${kind.name}`);
    return metric;
  };
  return {
    add: (name, value, labels = {}) => find(name, Counter).inc({ ...labels }, value),
    set: (name, value, labels = {}) => find(name, Gauge).set({ ...labels }, value),
    observe: (name, value, labels = {}) => {
      const metric = any(name);
      if (metric instanceof Summary) metric.observe({ ...labels }, value);
      else find(name, Histogram).observe({ ...labels }, value);
    },
    reset: (name) => any(name).reset(),
    forget: (name, labels) => any(name).remove({ ...labels }),
    text: () => registry.metrics(),
  };
}
