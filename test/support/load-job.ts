// A table of users and a Routine Load job into it, as most tests against a real Kafka need them.
import assert from 'node:assert/strict';
import { readLedger } from './ledger.ts';
import type { TestServer } from './start-server.ts';

export interface LoadJobOptions {
  readonly bootstrap: string;
  /** Job, table and topic have this name unless `topic` says otherwise. */
  readonly name: string;
  readonly topic?: string;
  /** Properties of FROM KAFKA: `property.security.protocol` and so on. */
  readonly source?: Readonly<Record<string, string>>;
  /** Columns of the table (default: id, name). */
  readonly columns?: string;
}

/** CREATE TABLE. */
export async function createUsers(
  server: TestServer,
  name: string,
  columns = 'id BIGINT, name STRING',
): Promise<void> {
  await server.sql('CREATE DATABASE IF NOT EXISTS compat');
  await server.sql('USE compat');
  await server.sql(`CREATE TABLE ${name} (${columns}) DISTRIBUTED BY HASH(id)`);
}

/** CREATE ROUTINE LOAD from the beginning of a topic with JSON objects. */
export async function createJob(server: TestServer, options: LoadJobOptions): Promise<void> {
  const source = {
    kafka_broker_list: options.bootstrap,
    kafka_topic: options.topic ?? options.name,
    'property.kafka_default_offsets': 'OFFSET_BEGINNING',
    ...options.source,
  };
  const text = Object.entries(source).map(([key, value]) => `"${key}" = "${value}"`);
  await server.sql(
    `CREATE ROUTINE LOAD ${options.name} ON ${options.name} PROPERTIES ("format" = "json") FROM KAFKA (${text.join(', ')})`,
  );
}

/** Table and job. */
export async function loadUsers(server: TestServer, options: LoadJobOptions): Promise<void> {
  await createUsers(server, options.name, options.columns);
  await createJob(server, options);
}

/** The message of the error that a statement ends with. */
export async function errorOf(server: TestServer, sql: string): Promise<string> {
  try {
    await server.sql(sql);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new assert.AssertionError({ message: `no error from ${sql}` });
}

/** Cells of the job's row of SHOW ROUTINE LOAD by column name. */
export async function showJob(server: TestServer, name: string): Promise<Record<string, string>> {
  const { columns, rows } = await server.sql(`SHOW ALL ROUTINE LOAD FOR ${name}`);
  const row = rows.at(-1);
  assert.ok(row !== undefined, `no job ${name}`);
  return Object.fromEntries(columns.map((column, index) => [column, row[index] ?? '']));
}

/** RESUME; that the job has resumed by itself meanwhile is as good. */
export async function resume(server: TestServer, name: string): Promise<void> {
  const message = await server.sql(`RESUME ROUTINE LOAD FOR ${name}`).then(
    () => '',
    (error: unknown) => String(error),
  );
  if (message !== '') assert.match(message, /Could not transform (RUNNING|NEED_SCHEDULE) to/);
}

/** Waits until the job has the state; its row then. */
export async function untilState(
  server: TestServer,
  name: string,
  state: string,
  timeoutMs = 60_000,
): Promise<Record<string, string>> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const row = await showJob(server, name);
    if (row['State'] === state) return row;
    if (performance.now() > until)
      assert.fail(`${name} is ${JSON.stringify(row)}, not ${state}\n${server.logTail}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until ids 0 .. count-1 are all there; then that each is there once, and that the ledger balances. */
export async function assertUsers(
  server: TestServer,
  name: string,
  count: number,
  timeoutMs = 60_000,
): Promise<void> {
  await server.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) >= count, timeoutMs);
  const { rows } = await server.sql(
    `SELECT count(*), count(DISTINCT id), min(id), max(id), sum(id), sum(CASE WHEN name = concat('user-', id) THEN 1 ELSE 0 END) FROM ${name}`,
  );
  const sum = (BigInt(count) * BigInt(count - 1)) / 2n;
  const wanted = [count, count, 0, count - 1, sum, count].map(String);
  assert.deepEqual(rows, [wanted]);
  const ledger = await readLedger(server, name);
  assert.equal(ledger.loaded, count);
  assert.equal(ledger.consumed, count);
  assert.equal(ledger.filtered + ledger.unselected, 0);
}
