// JSON logs by pino. One redact list for every secret that could reach a field.
import { type Logger, pino } from 'pino';
import type { Log, LogFields } from '../base/log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

const SECRETS = ['aws.s3.secret_key', 'aws.s3.access_key', 'sasl.password', 'sasl.jaas.config'];
const PEM = ['ssl.key.pem', 'ssl.key.password'];

const REDACT = [
  'password',
  'secret',
  'authorization',
  '*.password',
  '*.secret',
  ...[...SECRETS, ...PEM].flatMap((key) => [`["${key}"]`, `*["${key}"]`]),
];

/** Opens the log: JSON lines to standard error, or to `file` when given (appended). */
export function openLog(options: { level: LogLevel; role: string; file?: string }): Log {
  const destination = pino.destination(
    options.file === undefined
      ? { fd: 2, sync: true }
      : { dest: options.file, append: true, mkdir: true, sync: true },
  );
  const logger = pino(
    {
      level: options.level,
      base: { role: options.role, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACT, censor: '******' },
    },
    destination,
  );
  return wrap(logger);
}

function wrap(logger: Logger): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      logger[level](printable(fields), message);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => wrap(logger.child(printable(fields))),
  };
}

const MAX_CAUSES = 5;

/** The stack with those of its causes: the error a user reads seldom says where it began. */
function errorText(error: Error): string {
  const texts: string[] = [];
  let at: unknown = error;
  while (at instanceof Error && texts.length < MAX_CAUSES) {
    texts.push(at.stack ?? at.message);
    at = at.cause;
  }
  return texts.join('\nCaused by: ');
}

/** Bigints as text and errors as their stack: JSON has no form for either. */
function printable(fields: LogFields): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'bigint') out[name] = value.toString();
    else if (value instanceof Error) out[name] = errorText(value);
    else out[name] = value;
  }
  return out;
}
