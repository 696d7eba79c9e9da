// Failures of commands for people: one clear line on standard error, and an exit code for scripts.
import { type AppError, toAppError } from '../base/errors.ts';

/** One clear line on standard error, and the exit code that goes with it. */
export function report(thrown: unknown): number {
  const known = connectionRefused(thrown);
  if (known !== null) {
    process.stderr.write(`millrace: ${known}\n`);
    return 3;
  }
  const error: AppError = toAppError(thrown);
  process.stderr.write(`millrace: ${error.fullMessage}\n`);
  if (error.kind === 'internal' && error.cause instanceof Error) {
    // mysql2's errors are the server's own answer: its text is all there is to say.
    if ('sqlState' in error.cause) return 1;
    process.stderr.write(`${error.cause.stack ?? ''}\n`);
    return 70;
  }
  return error.kind === 'retry' ? 3 : 1;
}

function connectionRefused(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown)) return null;
  if (thrown.code === 'ECONNREFUSED') {
    return 'no server answers there: is millrace start running, and on this --port?';
  }
  if ('sqlMessage' in thrown && 'errno' in thrown && 'sqlState' in thrown) {
    return `ERROR ${String(thrown.errno)} (${String(thrown.sqlState)}): ${String(thrown.sqlMessage)}`;
  }
  return null;
}
