// Failures of commands for people: one clear line on standard error, and an exit code for scripts.
import { type AppError, toAppError } from '../base/errors.ts';

/** One clear line on standard error, and the exit code that goes with it. */
export function report(thrown: unknown): number {
  const answer = serverAnswer(thrown);
  if (answer !== null) {
    process.stderr.write(`${answer}\n`);
    return 1;
  }
  const away = noServer(thrown);
  if (away !== null) {
    process.stderr.write(`millrace: ${away}\n`);
    return 3;
  }
  const error: AppError = toAppError(thrown);
  process.stderr.write(`millrace: ${error.fullMessage}\n`);
  if (error.kind === 'internal' && error.cause instanceof Error) {
    process.stderr.write(`${error.cause.stack ?? ''}\n`);
    return 70;
  }
  return error.kind === 'retry' ? 3 : 1;
}

/** A statement's or login's error as the mysql command line prints it; null when the error is another. */
function serverAnswer(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('sqlMessage' in thrown)) return null;
  const errno = 'errno' in thrown ? String(thrown.errno) : '';
  const state = 'sqlState' in thrown ? String(thrown.sqlState) : '';
  return `ERROR ${errno} (${state}): ${String(thrown.sqlMessage)}`;
}

const NO_SERVER = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'PROTOCOL_CONNECTION_LOST',
];

function noServer(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown)) return null;
  if (!NO_SERVER.includes(String(thrown.code))) return null;
  const detail = thrown.message === '' ? String(thrown.code) : thrown.message;
  return `no server answers there (${detail}): is millrace start running, and on this --host and --port?`;
}
