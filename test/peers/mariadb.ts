// A real MariaDB server for tests: Debian's mariadb-server, installed when it is not there, run on
// 127.0.0.1 with a data directory of its own. It is the independent judge of what MySQL and we share.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mysql2/promise';
import { debianProgram, freePort, runOk, startServerProcess } from './processes.ts';

export interface MariadbPeer {
  readonly port: number;
  /** A connection as the administrator that gives every value as text. */
  connect(): Promise<Connection>;
  close(): Promise<void>;
}

/**
 * Starts a server with an empty data directory: UTC, utf8mb4 compared byte by byte (spaces at the end too), no strict
 * mode (a bad
 * value is NULL or cut, not an error), time zones by name.
 */
export async function startMariadb(): Promise<MariadbPeer> {
  const program = await debianProgram('mariadbd', 'mariadb-server');
  const installer = await debianProgram('mariadb-install-db', 'mariadb-server');
  const zones = await debianProgram('mariadb-tzinfo-to-sql', 'mariadb-server');
  const folder = await mkdtemp(join(tmpdir(), 'millrace-mariadb-'));
  const dataDir = join(folder, 'data');
  const common = ['--no-defaults', `--datadir=${dataDir}`, '--user=root'];
  await runOk(installer, [...common, '--auth-root-authentication-method=normal', '--skip-test-db']);
  const port = await freePort();
  const server = await startServerProcess(
    program,
    [
      ...common,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      '--skip-grant-tables',
      '--skip-log-bin',
      '--innodb-buffer-pool-size=8M',
      '--innodb-flush-log-at-trx-commit=0',
      '--character-set-server=utf8mb4',
      '--collation-server=utf8mb4_nopad_bin',
      '--default-time-zone=+00:00',
      '--max-allowed-packet=64M',
      '--sql-mode=',
    ],
    { port },
  );
  const close = async (): Promise<void> => {
    await server.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };
  const connect = (): Promise<Connection> => openConnection(port);
  try {
    const sql = await runOk(zones, ['/usr/share/zoneinfo'], { timeoutMs: 60_000 });
    const connection = await connect();
    await connection.query('USE mysql');
    await connection.query(sql);
    await connection.end();
  } catch (error) {
    await close();
    throw error;
  }
  return { port, connect, close };
}

async function openConnection(port: number): Promise<Connection> {
  const connection = await createConnection({
    host: '127.0.0.1',
    port,
    user: 'root',
    multipleStatements: true,
    charset: 'utf8mb4_bin',
    typeCast: (field) => field.string('utf-8'),
  });
  // mysql2 has no name for the binary collation of literals: they take the connection's.
  await connection.query("SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin, time_zone = '+00:00'");
  return connection;
}
