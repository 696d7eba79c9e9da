// Metrics that are read from the metadata when somebody looks at them.
import { REJECTED_RECORDS_TABLE } from '../model/system-tables.ts';
import type { FeOptions } from './fe.ts';

type GaugeOptions = Pick<FeOptions, 'catalog' | 'metrics' | 'processes'>;

/** What /metrics serves, in Prometheus text form. */
export async function metricsText(options: GaugeOptions): Promise<string> {
  await refreshGauges(options);
  return options.metrics.text();
}

/** Gauges that are cheap to read only when somebody looks. */
async function refreshGauges({ catalog, metrics, processes }: GaugeOptions): Promise<void> {
  const jobs = await catalog.loadJobs.list({ all: true });
  metrics.reset('millrace_routine_load_jobs');
  metrics.reset('millrace_routine_load_lag_records');
  const states = new Map<string, number>();
  const allPositions = await catalog.loadJobs.allPositions();
  for (const job of jobs) {
    states.set(job.state, (states.get(job.state) ?? 0) + 1);
    if (job.state !== 'RUNNING') continue;
    const positions = allPositions.get(job.id) ?? [];
    const lag = positions.reduce(
      (sum, entry) => sum + Number((entry.latestOffset ?? entry.nextOffset) - entry.nextOffset),
      0,
    );
    metrics.set('millrace_routine_load_lag_records', Math.max(0, lag), {
      job: `${job.databaseName}.${job.name}`,
    });
  }
  for (const [state, count] of states) metrics.set('millrace_routine_load_jobs', count, { state });
  const tables = await catalog.tables.all();
  const status = await catalog.tables.status(tables.map((table) => table.id));
  metrics.set(
    'millrace_table_files',
    status.reduce((sum, entry) => sum + entry.fileCount, 0),
  );
  const rejected = tables.find((table) => table.name === REJECTED_RECORDS_TABLE);
  const store = status.find((entry) => entry.tableId === rejected?.id);
  metrics.set('millrace_rejected_store_bytes', store?.sizeBytes ?? 0);
  await processes();
}
