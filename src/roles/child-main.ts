// Entry of a child process: reads its settings, runs its role until the channel to the parent closes.
import { systemClock } from '../base/clock.ts';
import { armFailpoints } from '../base/failpoints.ts';
import { type LogLevel, openLog } from '../telemetry/log.ts';
import type { ChildSettings } from './child-process.ts';

/** A role running in this process. */
export interface RunningRole {
  /** Resolves when the parent is gone or closed the channel. */
  readonly closed: Promise<void>;
  /** Lets go of everything; bounded by EXIT_MS. */
  stop(): Promise<void>;
}

/** A role that does not end in time is ended: nothing in it is durable but what was committed. */
const EXIT_MS = 3_000;

/** Runs a child role. `settingsJson` comes from the parent's command line. */
export async function runChild(settingsJson: string): Promise<void> {
  const settings = JSON.parse(settingsJson) as ChildSettings;
  armFailpoints(settings.failpoints);
  const log = openLog({
    level: settings.logLevel as LogLevel,
    role: settings.role,
    ...(settings.logFile === null ? {} : { file: settings.logFile }),
  });
  // A signal to the whole process group (Ctrl-C) reaches children too: the parent decides when they end.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('uncaughtException', (error) => {
    log.error('uncaught exception', { error });
    process.exit(70);
  });
  const role = await startRole(settings, log);
  await role.closed;
  systemClock.after(EXIT_MS, () => process.exit(0));
  await role.stop();
  process.exit(0);
}

async function startRole(
  settings: ChildSettings,
  log: ReturnType<typeof openLog>,
): Promise<RunningRole> {
  // Each role loads only what it needs: the broker no DuckDB, the loader no SQL.
  switch (settings.role) {
    case 'query':
      return (await import('./cn-query.ts')).startQueryNode(settings, log);
    case 'loader':
      return (await import('./cn-loader.ts')).startLoader(settings, log);
    case 'broker':
      return (await import('./broker.ts')).startBrokerRole(settings, log);
  }
}
