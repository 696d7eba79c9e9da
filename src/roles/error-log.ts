// The HTTP side of error log links: the rejected rows of a load as lines of text.
import { fail } from '../base/errors.ts';
import { errorLogSql, readErrorLogFile } from '../loads/error-log.ts';
import { STATISTICS_DATABASE } from '../model/system-tables.ts';
import { executeStatement } from '../statements/execute.ts';
import { taskSession } from '../statements/tasks.ts';
import type { Services } from '../statements/types.ts';

/** How long a client waits for its lines at most. */
const TIMEOUT_MS = 30_000;

/** One line per row, newest first. Throws UNKNOWN_ERROR_LOG, ERROR_LOG_GONE, and what reading the rows throws. */
export async function readErrorLog(services: Services, file: string): Promise<string> {
  const of = readErrorLogFile(services.catalog, file);
  if (of === null) throw fail('UNKNOWN_ERROR_LOG');
  // The link is the right to see them.
  const session = taskSession(
    { userName: 'root', userHost: '%', databaseName: STATISTICS_DATABASE, properties: {} },
    services,
  );
  const stop = new AbortController();
  const timer = services.clock.after(TIMEOUT_MS, () =>
    stop.abort(fail('TIMEOUT', { what: 'reading an error log', timeoutMs: TIMEOUT_MS, hint: '' })),
  );
  try {
    const outcome = await executeStatement(errorLogSql(of), session, services, stop.signal);
    if (outcome.kind !== 'query') return '';
    const rows = await services.readRows(outcome.plan, stop.signal);
    // A link to a transaction's rows is given only where it has some; a job may have none yet.
    if (rows.length === 0 && of.kind === 'transaction') throw fail('ERROR_LOG_GONE');
    return rows.map(([line]) => `${line?.toString('utf8') ?? ''}\n`).join('');
  } finally {
    timer.cancel();
  }
}
