// Failures of commands for people: one clear line on standard error, and an exit code for scripts.
import { type AppError, toAppError } from '../base/errors.ts';

/** One clear line on standard error, and the exit code that goes with it. */
export function report(thrown: unknown): number {
  const known = ofClient(thrown);
  if (known !== null) {
    process.stderr.write(`millrace: ${known.text}\n`);
    return known.exitCode;
  }
  const error: AppError = toAppError(thrown);
  process.stderr.write(`millrace: ${error.fullMessage}\n`);
  if (error.kind === 'internal') {
    const cause = error.cause instanceof Error ? error.cause : error;
    process.stderr.write(`${cause.stack ?? ''}\n`);
    return 70;
  }
  return error.kind === 'retry' ? 3 : 1;
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no server answers there: is millrace start running, and on this --port?',
  ENOTFOUND: 'the host of --host is not known',
  EAI_AGAIN: 'the host of --host is not known',
  EHOSTUNREACH: 'the host of --host is not reachable',
  ENETUNREACH: 'the host of --host is not reachable',
  ETIMEDOUT: 'no server answers there in time: check --host and --port',
  ECONNRESET: 'the server closed the connection',
  EPIPE: 'the server closed the connection',
  PROTOCOL_CONNECTION_LOST: 'the server closed the connection',
};

/** What the MySQL client says: the server's own answer, or that there was none. Null for anything else. */
function ofClient(thrown: unknown): { readonly text: string; readonly exitCode: number } | null {
  if (!(thrown instanceof Error)) return null;
  if ('sqlMessage' in thrown && 'errno' in thrown && 'sqlState' in thrown) {
    const { errno, sqlState, sqlMessage } = thrown;
    return { text: `ERROR ${errno} (${sqlState}): ${sqlMessage}`, exitCode: 1 };
  }
  const code = 'code' in thrown ? String(thrown.code) : '';
  const text = Object.hasOwn(UNREACHABLE, code) ? UNREACHABLE[code] : undefined;
  return text === undefined ? null : { text, exitCode: 3 };
}
