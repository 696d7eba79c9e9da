// A real PostgreSQL for tests, Debian's, with logical decoding on: on 127.0.0.1, in a data directory of its own. It
// refuses to run as root and becomes the user that its package made.
import { appendFile, chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  aptInstall,
  debianProgram,
  exists,
  freePort,
  runOk,
  startServerProcess,
} from './processes.ts';

const PROGRAMS = '/usr/lib/postgresql';
const USER = 'postgres';

export interface PostgresPeer {
  readonly port: number;
  /** Runs statements; rows of the last one as lists of texts, '' for NULL. */
  sql(text: string): Promise<string[][]>;
  close(): Promise<void>;
}

/** Folder of initdb and postgres, which Debian keeps off PATH. */
async function programFolder(): Promise<string> {
  const find = async (): Promise<string | undefined> => {
    const versions = (await exists(PROGRAMS)) ? await readdir(PROGRAMS) : [];
    for (const version of versions.toSorted().reverse()) {
      const folder = join(PROGRAMS, version, 'bin');
      if (await exists(join(folder, 'initdb'))) return folder;
    }
    return undefined;
  };
  const present = await find();
  if (present !== undefined) return present;
  // Its package would make a database and start a server for it.
  await aptInstall('postgresql-common');
  await appendFile('/etc/postgresql-common/createcluster.conf', 'create_main_cluster = false\n');
  await aptInstall('postgresql');
  const folder = await find();
  if (folder === undefined) throw new Error(`postgresql is installed but not below ${PROGRAMS}`);
  return folder;
}

export async function startPostgres(): Promise<PostgresPeer> {
  const programs = await programFolder();
  const psql = await debianProgram('psql', 'postgresql-client');
  const folder = await mkdtemp(join(tmpdir(), 'millrace-postgres-'));
  const isRoot = process.getuid?.() === 0;
  const as = isRoot
    ? ['setpriv', '--reuid', USER, '--regid', USER, '--init-groups', '--pdeathsig', 'KILL']
    : [];
  const command = (name: string, args: readonly string[]): [string, string[]] => {
    const [program = '', ...rest] = [...as, join(programs, name), ...args];
    return [program, rest];
  };
  if (isRoot) {
    await chmod(folder, 0o755);
    await runOk('install', ['-d', '-o', USER, '-g', USER, '-m', '700', join(folder, 'data')]);
  }
  const dataDir = join(folder, 'data');
  await runOk(
    ...command('initdb', ['-D', dataDir, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--no-sync']),
  );
  const port = await freePort();
  const settings = {
    wal_level: 'logical',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    fsync: 'off',
    shared_buffers: '16MB',
    timezone: 'UTC',
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const server = await startServerProcess(...command('postgres', ['-D', dataDir, ...flags]), {
    port,
  });
  return {
    port,
    sql: async (text) => {
      const to = ['-h', '127.0.0.1', '-p', String(port), '-U', USER, '-d', 'postgres'];
      const how = ['-q', '-A', '-t', '-F', '\t', '-v', 'ON_ERROR_STOP=1', '-c', text];
      const printed = await runOk(psql, [...to, ...how]);
      const lines = printed.split('\n').filter((line) => line !== '');
      return lines.map((line) => line.split('\t'));
    },
    close: async () => {
      await server.end('SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
