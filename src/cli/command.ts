// The command line: start, sql, check-sql. `child` is how the FE starts its other processes. Exit codes: 0 done,
// 1 a user's mistake or a failed statement, 2 usage, 3 unavailable, 70 a bug.
import { resolve } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { ROW_FORMATS, type RowFormat } from './print-rows.ts';
import { report } from './report.ts';
import { addServerCommands, port } from './server-commands.ts';

/** Runs one command; resolves with the exit code. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('millrace')
    .description('Kafka topics and files into open tables on object storage, with SQL on top')
    .exitOverride();
  program
    .command('start')
    .description('run everything in one go: FE, CN, embedded metadata, embedded broker')
    .option('--data-dir <dir>', 'where all state lives', '.millrace')
    .option('--query-port <port>', 'MySQL port, 0 = any free one', port)
    .option('--http-port <port>', 'HTTP port, 0 = any free one', port)
    .option('--cn-http-port <port>', 'HTTP port of the compute node, 0 = any free one', port)
    .option(
      '--broker-port <port>',
      'port of the embedded broker, 0 = any free one, or off',
      brokerPort,
    )
    .option('--conf <files...>', 'fe.conf and cn.conf')
    .option('--demo', 'make topic test2, a table and a Routine Load job, and show rows flowing')
    .action(async (options: StartFlags) => {
      // Each command loads only its own parts.
      const { runStart } = await import('./start.ts');
      exitCode = await runStart({
        dataDir: resolve(options.dataDir),
        queryPort: options.queryPort,
        httpPort: options.httpPort,
        cnHttpPort: options.cnHttpPort,
        brokerPort: options.brokerPort,
        confFiles: options.conf ?? [],
        demo: options.demo === true,
      });
    });
  program
    .command('sql')
    .description('run statements against a running Millrace and print the rows')
    .requiredOption('-e, --execute <sql>', 'the statements')
    .option('--host <host>', 'server address', '127.0.0.1')
    .option('--port <port>', 'MySQL port', port, 9030)
    .option('--user <user>', 'user', 'root')
    .option('--password <password>', 'password', '')
    .option('--database <database>', 'database to use')
    .addOption(
      new Option('--format <format>', 'how rows are printed')
        .choices([...ROW_FORMATS])
        .default('table'),
    )
    .action(async (options: SqlFlags) => {
      const { runSql } = await import('./sql.ts');
      const text = await runSql(options.execute, { ...options, database: options.database });
      if (text !== '') process.stdout.write(`${text}\n`);
    });
  addServerCommands(program, (code) => {
    exitCode = code;
  });
  program
    .command('check-sql')
    .description('tell which statements of a file work here, differ from StarRocks or are missing')
    .argument('<file>', 'SQL statements, parted by ;')
    .option('--all', 'list the statements that work, too')
    .addOption(
      new Option('--format <format>', 'how the report is printed')
        .choices(['text', 'json'])
        .default('text'),
    )
    .action(async (path: string, options: CheckFlags) => {
      const { checkFile, exitCodeOf, printReport } = await import('./check-sql.ts');
      const checked = checkFile(path);
      const report = printReport(path, checked, options.format, options.all === true);
      process.stdout.write(`${report}\n`);
      exitCode = exitCodeOf(checked);
    });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error);
  }
}

interface StartFlags {
  readonly dataDir: string;
  readonly queryPort?: number;
  readonly httpPort?: number;
  readonly cnHttpPort?: number;
  readonly brokerPort?: number | 'off';
  readonly conf?: string[];
  readonly demo?: boolean;
}

interface CheckFlags {
  readonly all?: boolean;
  readonly format: 'text' | 'json';
}

interface SqlFlags {
  readonly execute: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database?: string;
  readonly format: RowFormat;
}

function brokerPort(text: string): number | 'off' {
  return text === 'off' ? 'off' : port(text);
}
