// `millrace start` as a user meets it: one ready line, clear errors for a taken port and a taken data
// directory, a clean end on SIGTERM, a start that goes on where the last one stopped.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openDemoProducer } from '../../src/kafka/client/admin.ts';
import { childrenOf } from '../support/process-tree.ts';
import { newDataDir, startServer } from '../support/start-server.ts';

const dataDir = newDataDir();
after(() => rmSync(dataDir, { recursive: true, force: true }));

/** Runs the command to its end. */
function run(
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['src/main.ts', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.once('exit', (code) => resolve({ code, stdout, stderr }));
  });
}

const PORTS = [
  '--query-port',
  '0',
  '--http-port',
  '0',
  '--cn-http-port',
  '0',
  '--broker-port',
  '0',
];

test('the FE and the query process run with bounded heaps, however they are started', async (context) => {
  const server = await startServer({ broker: 'off' });
  context.after(() => server.stop());
  const query = childrenOf(server.ready.dataDir).find(({ role }) => role === 'query');
  // The pid is that of the process that was started: it replaced itself.
  assert.equal(server.ready.pid, server.child.pid);
  for (const pid of [server.ready.pid, query?.pid]) {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    assert.equal(args.filter((arg) => arg.startsWith('--max-semi-space-size=')).length, 1);
    assert.equal(args.filter((arg) => arg.startsWith('--heap-growing-percent=')).length, 1);
  }
});

test('SHOW FRONTENDS and COMPUTE NODES have the ports that are listened on, though 0 was asked for', async (context) => {
  const server = await startServer({ broker: 'off' });
  context.after(() => server.stop());
  const { httpPort, queryPort, cnHttpPort } = server.ready;
  const cell = async (statement: string, column: string): Promise<string | null | undefined> => {
    const { columns, rows } = await server.sql(statement);
    return rows[0]?.[columns.indexOf(column)];
  };
  assert.equal(await cell('SHOW FRONTENDS', 'HttpPort'), String(httpPort));
  assert.equal(await cell('SHOW FRONTENDS', 'QueryPort'), String(queryPort));
  assert.equal(await cell('SHOW COMPUTE NODES', 'HttpPort'), String(cnHttpPort));
  assert.equal(await cell("SHOW PROC '/compute_nodes'", 'HttpPort'), String(cnHttpPort));
  const health = await fetch(`http://127.0.0.1:${cnHttpPort}/api/health`);
  assert.equal(health.status, 200);
});

test('start, load, stop, start again: everything is still there and loading goes on', async () => {
  const first = await startServer({ dataDir });
  assert.equal(first.ready.dataDir, dataDir);
  const producer = await openDemoProducer({ bootstrap: first.bootstrap, clientId: 'test' });
  await producer.createTopic('clicks', 1);
  await first.sql('CREATE DATABASE d');
  await first.sql('CREATE TABLE d.t (id bigint NOT NULL, name string) DISTRIBUTED BY HASH(id)');
  await first.sql(`CREATE ROUTINE LOAD d.j ON t PROPERTIES ("format"="json")
    FROM KAFKA ("kafka_broker_list"="${first.bootstrap}", "kafka_topic"="clicks",
      "kafka_partitions"="0", "kafka_offsets"="OFFSET_BEGINNING")`);
  await producer.send('clicks', 0, [
    Buffer.from('{"id": 1, "name": "a"}'),
    Buffer.from('{"id": 2}'),
  ]);
  await producer.close();
  await first.until('SELECT count(*) FROM d.t', (value) => value === '2');
  const brokerPort = first.ready.brokerPort ?? 0;

  const second = await run(['start', '--data-dir', dataDir, ...PORTS]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /is in use by another millrace process \(pid \d+\)/);

  const port = await run([
    'start',
    '--data-dir',
    `${dataDir}-x`,
    '--query-port',
    String(first.ready.queryPort),
    '--http-port',
    '0',
    '--cn-http-port',
    '0',
    '--broker-port',
    'off',
  ]);
  rmSync(`${dataDir}-x`, { recursive: true, force: true });
  assert.equal(port.code, 1);
  assert.match(port.stderr, /MySQL port \d+ is already in use .*--query-port/);

  const response = await fetch(`http://127.0.0.1:${first.ready.httpPort}/api/health`);
  assert.deepEqual(await response.json(), {
    status: 'ok',
    parts: { fe: 'ok', query: 'ok', loader: 'ok', broker: 'ok' },
  });
  const metrics = await (await fetch(`http://127.0.0.1:${first.ready.httpPort}/metrics`)).text();
  assert.match(metrics, /millrace_load_rows_total\{kind="routine_load",result="loaded"\} 2/);
  assert.match(metrics, /starrocks_be_load_rows\{type="routine_load"\} 2/);
  for (const name of ['begin', 'success', 'total_latency_ms_count'])
    assert.match(metrics, new RegExp(`starrocks_fe_txn_${name}\\{type="routine_load"\\} [1-9]`));
  assert.equal(await first.stop(), 0);

  const again = await startServer({ dataDir, brokerPort });
  try {
    assert.deepEqual((await again.sql('SELECT id, name FROM d.t ORDER BY id')).rows, [
      ['1', 'a'],
      ['2', null],
    ]);
    const more = await openDemoProducer({ bootstrap: again.bootstrap, clientId: 'test' });
    await more.send('clicks', 0, [Buffer.from('{"id": 3, "name": "c"}')]);
    await more.close();
    await again.until('SELECT count(*) FROM d.t', (value) => value === '3');
  } finally {
    assert.equal(await again.stop(), 0);
  }
});

test('the ports of HTTP and of the broker are named when they are taken', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = address !== null && typeof address === 'object' ? String(address.port) : '';
  const dir = newDataDir();
  try {
    const http = await run([
      'start',
      '--data-dir',
      dir,
      '--query-port',
      '0',
      '--http-port',
      port,
      '--cn-http-port',
      '0',
      '--broker-port',
      'off',
    ]);
    assert.equal(http.code, 1);
    assert.match(http.stderr, new RegExp(`HTTP port ${port} is already in use .*--http-port`));
    const broker = await run([
      'start',
      '--data-dir',
      dir,
      '--query-port',
      '0',
      '--http-port',
      '0',
      '--cn-http-port',
      '0',
      '--broker-port',
      port,
    ]);
    assert.equal(broker.code, 1);
    assert.match(broker.stderr, new RegExp(`port ${port} is already in use .*--broker-port`));
  } finally {
    taken.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('a wrong configuration names the file, the line and the nearest key', async () => {
  const dir = newDataDir();
  const conf = join(dir, 'fe.conf');
  writeFileSync(conf, '# ports\nquery_prot = 9030\n');
  try {
    const wrong = await run(['start', '--data-dir', dir, '--conf', conf]);
    assert.equal(wrong.code, 1);
    assert.match(
      wrong.stderr,
      /fe\.conf:2: unknown key 'query_prot' \(did you mean 'query_port'\?\)/,
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('usage errors exit with 2', async () => {
  assert.equal((await run(['start', '--query-port', 'abc'])).code, 2);
  assert.equal((await run(['nonsense'])).code, 2);
});
