// MariaDB's `mysql` command line as a user's terminal shows it: boxes, `N rows in set`, `\G`.
import { type CommandResult, debianProgram, run } from './processes.ts';

export interface MysqlOptions {
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  readonly timeoutMs?: number;
  /** Further arguments. */
  readonly args?: readonly string[];
}

/**
 * What the terminal shows after each statement of `text`, in order, errors among it, without the echo of
 * the statements. Goes on after an error, as a terminal does.
 */
export async function mysqlCli(
  port: number,
  text: string,
  options: MysqlOptions = {},
): Promise<string> {
  const { stdout } = await mysqlRun(port, text, options);
  return withoutEchoes(stdout);
}

/** -vvv echoes every statement between two rules, then a blank line; and says Bye. */
function withoutEchoes(printed: string): string {
  const rule = '--------------';
  const shown: string[] = [];
  let echo = false;
  let afterEcho = false;
  for (const line of printed.split('\n')) {
    if (line === rule) {
      afterEcho = echo;
      echo = !echo;
    } else if (!echo && !(afterEcho && line === '')) {
      shown.push(line);
      afterEcho = false;
    }
  }
  return shown.join('\n').replace(/\nBye\n$/, '\n');
}

/** The raw run of the same: exit code, standard output with the echo of the statements, errors in it. */
export async function mysqlRun(
  port: number,
  text: string,
  options: MysqlOptions = {},
): Promise<CommandResult> {
  const program = await debianProgram('mysql', 'mariadb-client');
  const args = [
    '--no-defaults',
    '-h127.0.0.1',
    `-P${port}`,
    `-u${options.user ?? 'root'}`,
    ...(options.password === undefined ? [] : [`-p${options.password}`]),
    '-vvv',
    // Results and errors in the order in which they happen.
    '--unbuffered',
    '--table',
    '--force',
    '--default-character-set=utf8mb4',
    ...(options.args ?? []),
    ...(options.database === undefined ? [] : [options.database]),
  ];
  const shell = `exec "$0" "$@" 2>&1`;
  return run('/bin/sh', ['-c', shell, program, ...args], {
    input: text,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  });
}
