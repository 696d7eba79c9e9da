// Commands that look after a running server: sweep and doctor. Clients of the wire like any other.
import { type Command, InvalidArgumentError } from 'commander';

/** A port number of an option. Throws InvalidArgumentError. */
export function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65535) {
    throw new InvalidArgumentError('a port is a number from 0 to 65535');
  }
  return value;
}

/** Adds the commands; `setExitCode` is called where it is not 0. */
export function addServerCommands(program: Command, setExitCode: (code: number) => void): void {
  addServerCommand(program, 'sweep')
    .description('delete what nothing names any more in the volumes, or list what would go')
    .option('--dry-run', 'list only')
    .action(async (options: ServerFlags & { readonly dryRun?: boolean }) => {
      const { runSql } = await import('./sql.ts');
      const statement = options.dryRun === true ? 'ADMIN SWEEP DRY RUN' : 'ADMIN SWEEP';
      const text = await runSql(statement, { ...options, database: undefined, format: 'table' });
      process.stdout.write(`${text}\n`);
    });
  addServerCommand(program, 'doctor')
    .description('check that what the metadata names is there and right')
    .option('--deep', 'read every file again and compare counts, deletes and statistics')
    .option('--table <tables...>', 'database.table, only these')
    .action(async (options: ServerFlags & DoctorFlags) => {
      const { runDoctor } = await import('./doctor.ts');
      const isWhole = await runDoctor({
        ...options,
        deep: options.deep === true,
        tables: options.table ?? [],
        write: (line) => process.stdout.write(`${line}\n`),
      });
      if (!isWhole) setExitCode(1);
    });
}

/** A command that talks to a running server. */
function addServerCommand(program: Command, name: string): Command {
  return program
    .command(name)
    .option('--host <host>', 'server address', '127.0.0.1')
    .option('--port <port>', 'MySQL port', port, 9030)
    .option('--user <user>', 'user', 'root')
    .option('--password <password>', 'password', '');
}

interface ServerFlags {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

interface DoctorFlags {
  readonly deep?: boolean;
  readonly table?: string[];
}
