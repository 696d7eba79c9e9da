// `millrace start`: starts everything, says how to go on, ends cleanly on Ctrl-C and SIGTERM. On a
// terminal it talks to a person (logs go to a file); otherwise it prints one JSON line when ready.
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { failpointsFromEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { type RunningServer, startAllInOne } from '../roles/all-in-one.ts';
import { report } from './report.ts';

export interface StartFlags {
  readonly dataDir: string;
  readonly queryPort: number | undefined;
  readonly httpPort: number | undefined;
  readonly cnHttpPort: number | undefined;
  readonly brokerPort: number | 'off' | undefined;
  readonly confFiles: readonly string[];
  readonly demo: boolean;
}

/** Runs until a signal or a fatal error; resolves with the exit code. */
export async function runStart(flags: StartFlags): Promise<number> {
  const interactive = process.stdout.isTTY === true;
  const config = loadConfig(flags.confFiles);
  const kafka = config.text('kafka_broker_list');
  // A real Kafka takes the embedded broker's place unless a port is asked for.
  const brokerPort = flags.brokerPort ?? (kafka === '' ? config.int('broker_port') : 'off');
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  // A bug: nothing durable depends on an orderly end, and whoever started this starts it again.
  process.on('uncaughtException', (error) => endWithBug(error));
  const server = await startAllInOne({
    dataDir: flags.dataDir,
    queryPort: flags.queryPort ?? config.int('query_port'),
    httpPort: flags.httpPort ?? config.int('http_port'),
    cnHttpPort: flags.cnHttpPort ?? config.int('be_http_port'),
    brokerPort: brokerPort === 'off' ? null : brokerPort,
    config,
    failpoints: failpointsFromEnvironment(),
    logFile: interactive ? join(flags.dataDir, 'logs', 'millrace.log') : null,
  });
  let exitCode = 0;
  try {
    if (interactive) process.stdout.write(welcome(server));
    else process.stdout.write(`${readyLine(server)}\n`);
    if (flags.demo) {
      const { runDemo } = await import('./demo.ts');
      await runDemo({
        server,
        kafka: kafka === '' ? null : kafka,
        clock: systemClock,
        signal: stop.signal,
        interactive,
        write: (text) => process.stdout.write(text),
      });
    }
    await Promise.race([aborted(stop.signal), server.failed]);
  } catch (error) {
    if (!stop.signal.aborted) exitCode = report(error);
  } finally {
    if (interactive) process.stdout.write('\nstopping ...\n');
    await server.stop();
    if (interactive) process.stdout.write('stopped; the next start goes on from here\n');
  }
  return exitCode;
}

function endWithBug(error: unknown): never {
  report(error);
  process.exit(70);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}

/** The line that scripts wait for. */
function readyLine(server: RunningServer): string {
  return JSON.stringify({
    ready: true,
    queryPort: server.queryPort,
    httpPort: server.httpPort,
    cnHttpPort: server.cnHttpPort,
    brokerPort: server.brokerPort,
    dataDir: server.dataDir,
    pid: process.pid,
  });
}

function welcome(server: RunningServer): string {
  const broker =
    server.brokerPort === null
      ? 'off'
      : `127.0.0.1:${server.brokerPort}   (embedded, for trying out and for tests)`;
  return [
    '',
    '  Millrace is running.',
    `    SQL      mysql -h127.0.0.1 -P${server.queryPort} -uroot`,
    ...(server.rootIsOpen
      ? ["             root has no password yet: SET PASSWORD = PASSWORD('...')"]
      : []),
    `    HTTP     http://127.0.0.1:${server.httpPort}/api/health   /metrics`,
    `    loads    http://127.0.0.1:${server.httpPort}/api/{db}/{table}/_stream_load   (compute node: ${server.cnHttpPort})`,
    `    Kafka    ${broker}`,
    `    files    ${server.filesLocation}`,
    `    state    ${server.dataDir}   (logs in logs/millrace.log)`,
    '    Ctrl-C ends it; the next start goes on from here.',
    '',
    '',
  ].join('\n');
}
