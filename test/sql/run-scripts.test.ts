// Plays every script of this folder over the real wire port of one server, each in a database of its
// own. `fixture.sqltest` comes first: it makes the tables that the others read. With
// MILLRACE_SQLTEST_REWRITE=<part of a name> the rows that came are written into those scripts.
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection, FieldPacket } from 'mysql2/promise';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { parseScript, playBlock, rewriteScript, type ScriptTarget } from '../support/sql-script.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const FIXTURE = 'fixture';
const rewrite = process.env['MILLRACE_SQLTEST_REWRITE'];
const names = globSync('test/sql/*.sqltest')
  .map((path) => basename(path, '.sqltest'))
  .sort((a, b) => Number(b === FIXTURE) - Number(a === FIXTURE) || (a < b ? -1 : 1));

describe('SQL scripts', () => {
  let server: TestServer;
  let admin: KafkaAdmin;
  let directory: string;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-sqltest-'));
    server = await startServer({});
    admin = await openKafkaAdmin({
      connection: { brokers: [server.bootstrap], properties: {} },
      clientId: 'sqltest',
    });
  });

  after(async () => {
    await admin.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const name of names) {
    test(name, async () => {
      const connections = new Map([['root', await server.connect()]]);
      const connection = openOf(connections, 'root');
      try {
        const database = name === FIXTURE ? FIXTURE : `s_${name.replaceAll('-', '_')}`;
        await connection.query(`CREATE DATABASE ${database}`);
        await connection.query(`USE ${database}`);
        // Volumes need directories that exist.
        for (const part of ['v1', 'v2', 'v3']) {
          mkdirSync(join(directory, name, part), { recursive: true });
        }
        const target = targetOf(server, connections, admin, {
          BROKER: server.bootstrap,
          DIR: join(directory, name),
          DB: database,
        });
        const path = `test/sql/${name}.sqltest`;
        const text = readFileSync(path, 'utf8');
        if (rewrite !== undefined && name.includes(rewrite)) {
          writeFileSync(path, await rewriteScript(text, target));
          return;
        }
        for (const block of parseScript(text)) await playBlock(block, target);
      } finally {
        for (const open of connections.values()) open.destroy();
      }
    });
  }
});

/** The connection of that name. */
function openOf(connections: ReadonlyMap<string, Connection>, name: string): Connection {
  const found = connections.get(name);
  if (found === undefined) throw new Error(`no connection ${name}`);
  return found;
}

function targetOf(
  server: TestServer,
  connections: Map<string, Connection>,
  admin: KafkaAdmin,
  variables: Record<string, string>,
): ScriptTarget {
  let current = 'root';
  return {
    variables,
    connect: async (user, password, database) => {
      connections.get(user)?.destroy();
      const options = { user, password, ...(database === undefined ? {} : { database }) };
      connections.set(user, await server.connect(options));
      current = user;
    },
    switchTo: (user) => {
      openOf(connections, user);
      current = user;
    },
    query: async (sql) => {
      const [rows, fields] = await openOf(connections, current).query({ sql, rowsAsArray: true });
      if (!Array.isArray(rows) || !Array.isArray(fields)) return { columns: [], rows: [] };
      // Several statements: the last result set counts.
      const several = fields.some((entry) => Array.isArray(entry) || entry === undefined);
      const last = several ? fields.findLastIndex((entry) => Array.isArray(entry)) : -1;
      const lastRows: unknown = several ? rows[last] : rows;
      const lastFields: unknown = several ? fields[last] : fields;
      return {
        columns: ((lastFields ?? []) as FieldPacket[]).map((field) => field.name),
        rows: (lastRows ?? []) as (string | null)[][],
      };
    },
    makeTopic: async (name, partitions) => {
      // Scripts give messages dates long past, which the broker's retention would remove at any moment.
      await admin.createTopic(name, partitions, { 'retention.ms': '-1' });
    },
    sendRecords: (topic, partition, records) =>
      admin.send(
        records.map(({ value, key, timestamp, headers }) => ({
          topic,
          partition,
          value: bytesOf(value),
          ...(key === undefined ? {} : { key: bytesOf(key) }),
          ...(timestamp === undefined ? {} : { timestampMs: timestamp }),
          headers: (headers ?? []).map(([name, text]) => [name, bytesOf(text)] as const),
        })),
      ),
    dropTopic: (name) => admin.deleteTopic(name),
    send: (topic, partition, values) =>
      admin.send(
        values.map((value) => ({
          topic,
          partition,
          value: Buffer.from(value),
        })),
      ),
  };
}

const BASE64 = 'base64:';

function bytesOf(text: string): Buffer {
  return text.startsWith(BASE64)
    ? Buffer.from(text.slice(BASE64.length), 'base64')
    : Buffer.from(text);
}
