// Metrics of Routine Load: per job and partition from the metadata when somebody looks, latencies at each commit.
import type { JobId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { LoadJobRecord, LoadJobs, PositionRecord } from '../catalog/load-jobs.ts';
import { lagSeconds, messagesBehind, unstableReason } from '../loads/routine/health.ts';
import type { RetentionWatch } from '../loads/routine/retention-watch.ts';
import type { PartitionProgress } from '../model/load-plan.ts';
import type { MetricLabels, MetricName, Metrics } from '../telemetry/metrics.ts';
import type { FeOptions } from './fe.ts';

const PER_JOB = [
  'millrace_routine_load_jobs',
  'millrace_routine_load_lag_records',
  'millrace_routine_load_failures',
  'millrace_routine_load_unstable',
  'millrace_routine_load_partition_lag_records',
  'millrace_routine_load_partition_lag_seconds',
  'millrace_routine_load_partition_retention_seconds',
  'millrace_routine_load_partition_rows_total',
  'millrace_routine_load_partition_bytes_total',
] as const satisfies readonly MetricName[];

const LATENCIES = [
  'millrace_routine_load_freshness_seconds',
  'millrace_routine_load_commit_seconds',
] as const satisfies readonly MetricName[];

interface CommitTimesOptions {
  readonly catalog: { readonly loadJobs: Pick<LoadJobs, 'byId'>; nowMs(): number };
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Notes how long commits take. Knows each job's label from its first commit on, as long as it has not ended. */
export class CommitTimes {
  readonly #options: CommitTimesOptions;
  readonly #labels = new Map<JobId, string>();

  constructor(options: CommitTimesOptions) {
    this.#options = options;
  }

  /** A batch became visible. Never rejects: nobody's commit may fail, or wait, for a figure of it. */
  async note(jobId: JobId, seconds: number, progress: readonly PartitionProgress[]): Promise<void> {
    const { catalog, log } = this.#options;
    const visibleMs = catalog.nowMs();
    try {
      const job = this.#labels.get(jobId) ?? (await this.#findLabel(jobId));
      if (job !== null) this.#observe(job, seconds, progress, visibleMs);
    } catch (error) {
      log.warn('the time of a commit was not noted', { jobId, error });
    }
  }

  #observe(
    job: string,
    seconds: number,
    progress: readonly PartitionProgress[],
    visibleMs: number,
  ): void {
    const { metrics } = this.#options;
    metrics.observe('millrace_routine_load_commit_seconds', seconds, { job });
    for (const { lastTimestampMs } of progress) {
      // -1: the message has no timestamp.
      if (lastTimestampMs === null || lastTimestampMs < 0) continue;
      const ageMs = Math.max(0, visibleMs - lastTimestampMs);
      metrics.observe('millrace_routine_load_freshness_seconds', ageMs / 1000, { job });
    }
  }

  async #findLabel(jobId: JobId): Promise<string | null> {
    const { catalog, metrics } = this.#options;
    const job = await catalog.loadJobs.byId(jobId);
    if (job === null) return null;
    // So that jobs of the past do not pile up.
    for (const [other, label] of this.#labels) {
      const ended = await catalog.loadJobs.byId(other);
      if (ended !== null && ended.endedMs === null) continue;
      this.#labels.delete(other);
      for (const name of LATENCIES) metrics.forget(name, { job: label });
    }
    this.#labels.set(jobId, jobLabel(job));
    return jobLabel(job);
  }
}

function jobLabel({ databaseName, name }: LoadJobRecord): string {
  return `${databaseName}.${name}`;
}

export interface LoadGauges extends Pick<FeOptions, 'catalog' | 'metrics' | 'config'> {
  readonly retention: Pick<RetentionWatch, 'leftMs' | 'warning'>;
}

export async function refreshRoutineLoads({
  catalog,
  metrics,
  config,
  retention,
}: LoadGauges): Promise<void> {
  for (const name of PER_JOB) metrics.reset(name);
  const jobs = await catalog.loadJobs.list({ all: true });
  const allPositions = await catalog.loadJobs.allPositions();
  const limits = {
    nowMs: catalog.nowMs(),
    thresholdSeconds: config.int('routine_load_unstable_threshold_second'),
  };
  const live = new Map<number, string>();
  const states = new Map<string, number>();
  for (const job of jobs) {
    states.set(job.state, (states.get(job.state) ?? 0) + 1);
    if (job.endedMs !== null) continue;
    const label = { job: jobLabel(job) };
    live.set(job.id, label.job);
    const positions = allPositions.get(job.id) ?? [];
    const warning = retention.warning(job.id, positions);
    const unstable = unstableReason(job, positions, { ...limits, warning }) === null ? 0 : 1;
    metrics.set('millrace_routine_load_failures', job.failures, label);
    metrics.set('millrace_routine_load_unstable', unstable, label);
    metrics.set('millrace_routine_load_lag_records', Number(messagesBehind(positions)), label);
    for (const position of positions) {
      const labels = showPartition(metrics, label.job, position, limits.nowMs);
      const leftMs = retention.leftMs(job.id, position);
      if (leftMs !== null)
        metrics.set('millrace_routine_load_partition_retention_seconds', leftMs / 1000, labels);
    }
  }
  for (const [state, count] of states) metrics.set('millrace_routine_load_jobs', count, { state });
  for (const row of await catalog.ledger.list()) {
    const job = live.get(row.jobId);
    if (job === undefined) continue;
    const labels = { job, topic: row.topic, partition: String(row.partition) };
    metrics.add('millrace_routine_load_partition_bytes_total', row.receivedBytes, labels);
    const rows = {
      loaded: row.rowsLoaded,
      filtered: row.rowsFiltered,
      unselected: row.rowsUnselected,
    };
    for (const [result, count] of Object.entries(rows)) {
      metrics.add('millrace_routine_load_partition_rows_total', count, { ...labels, result });
    }
  }
}

function showPartition(
  metrics: Metrics,
  job: string,
  position: PositionRecord,
  nowMs: number,
): MetricLabels {
  const labels = { job, topic: position.topic, partition: String(position.partition) };
  const records = Number(messagesBehind([position]));
  metrics.set('millrace_routine_load_partition_lag_records', records, labels);
  const seconds = lagSeconds(position, nowMs) ?? 0;
  metrics.set('millrace_routine_load_partition_lag_seconds', seconds, labels);
  return labels;
}
