// Metrics that are read from the metadata when somebody looks at them.

import { REJECTED_RECORDS_TABLE } from '../model/system-tables.ts';
import type { FeOptions } from './fe.ts';
import { type LoadGauges, refreshRoutineLoads } from './load-metrics.ts';

type GaugeOptions = Pick<FeOptions, 'processes'> & LoadGauges;

/** What /metrics serves, in Prometheus text form. */
export async function metricsText(options: GaugeOptions): Promise<string> {
  await refreshGauges(options);
  return options.metrics.text();
}

/** Gauges that are cheap to read only when somebody looks. */
async function refreshGauges(options: GaugeOptions): Promise<void> {
  const { catalog, metrics, processes } = options;
  await refreshRoutineLoads(options);
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
