// SHOW lists over a real catalog: every list has its columns, and those about nodes tell the truth.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHOW_LISTS } from '../../../../src/sql/ast/show.ts';
import { executeStatement } from '../../../../src/statements/execute.ts';
import { byteText } from '../../../../src/statements/show/byte-text.ts';
import { LISTS } from '../../../../src/statements/show/lists.ts';
import { newSession, openStatementRig, type StatementRig } from '../../../support/statement-rig.ts';

const ANY_TIME = new AbortController().signal;

async function show(rig: StatementRig, sql: string): Promise<Record<string, string | null>[]> {
  const outcome = await executeStatement(sql, rig.session, rig.services, ANY_TIME);
  assert(outcome.kind === 'rows');
  return outcome.rows.map((row) =>
    Object.fromEntries(outcome.columns.map(({ name }, index) => [name, row[index] ?? null])),
  );
}

test('every list answers with its columns, and rows as wide', async (context) => {
  const rig = await openStatementRig(context);
  rig.session.database = 'quickstart';
  for (const what of SHOW_LISTS) {
    const outcome = await executeStatement(`SHOW ${what}`, rig.session, rig.services, ANY_TIME);
    assert(outcome.kind === 'rows', what);
    assert.deepEqual(
      outcome.columns.map(({ name }) => name),
      LISTS[what].columns,
    );
    for (const row of outcome.rows) assert.equal(row.length, outcome.columns.length, what);
  }
});

test('FRONTENDS, COMPUTE NODES: the one of each', async (context) => {
  const rig = await openStatementRig(context);
  const [fe, ...others] = await show(rig, 'SHOW FRONTENDS');
  assert.deepEqual(others, []);
  assert.equal(fe?.['QueryPort'], '9030');
  assert.equal(fe?.['HttpPort'], '8030');
  assert.equal(fe?.['Alive'], 'true');
  assert.ok((fe?.['StartTime'] ?? '') < (fe?.['LastHeartbeat'] ?? ''));
  const [cn] = await show(rig, 'SHOW COMPUTE NODES');
  assert.equal(cn?.['Alive'], 'true');
  assert.equal(cn?.['ErrMsg'], '');
  // That it listens on; 8040 is configured.
  assert.equal(cn?.['HttpPort'], '8041');
  assert.match(cn?.['MemUsedPct'] ?? '', /^\d+\.\d\d %$/);
  const services = {
    ...rig.services,
    nodes: {
      ...rig.services.nodes,
      processes: async () => ({ query: 'ok', loader: 'starting again' }),
    },
  };
  const [dead] = await show({ ...rig, services }, 'SHOW COMPUTE NODES');
  assert.equal(dead?.['Alive'], 'false');
  assert.equal(dead?.['ErrMsg'], 'loader: starting again');
});

test('RUNNING QUERIES and PROC current_queries: the statements of others, without secrets', async (context) => {
  const rig = await openStatementRig(context);
  const secret = 'ALTER STORAGE VOLUME v SET ("aws.s3.secret_key" = "HUSH")';
  rig.sessions = [rig.session, newSession(5, null), newSession(6, secret)];
  assert.deepEqual(
    (await show(rig, 'SHOW RUNNING QUERIES')).map((row) => [row['QueryId'], row['State']]),
    [['6', 'RUNNING']],
  );
  const [query] = await show(rig, "SHOW PROC '/current_queries'");
  assert.equal(query?.['ConnectionId'], '6');
  assert.doesNotMatch(query?.['SQL'] ?? '', /HUSH/);
});

test('PROCESSLIST shows the first 100 letters, FULL all', async (context) => {
  const rig = await openStatementRig(context);
  const sql = `SELECT ${'1 + '.repeat(100)}1`;
  rig.sessions = [newSession(6, sql)];
  const [short] = await show(rig, 'SHOW PROCESSLIST');
  const [full] = await show(rig, 'SHOW FULL PROCESSLIST');
  assert.equal(short?.['Info'], sql.slice(0, 100));
  assert.equal(full?.['Info'], sql);
});

test('STATUS counts the connections', async (context) => {
  const rig = await openStatementRig(context);
  rig.sessions = [newSession(5, null), newSession(6, 'SELECT 1')];
  const rows = await show(
    rig,
    "SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Threads\\_%ed' OR Variable_name = 'Threads_running'",
  );
  assert.deepEqual(
    rows.map((row) => Object.values(row)),
    [
      ['Threads_cached', '0'],
      ['Threads_connected', '2'],
      ['Threads_created', '1'],
      ['Threads_running', '1'],
    ],
  );
  const [uptime] = await show(rig, "SHOW STATUS LIKE 'Uptime'");
  assert.ok(Number(uptime?.['Value']) >= 7);
});

test('sizes as StarRocks prints them', () => {
  assert.equal(byteText(0), '0.000 ');
  assert.equal(byteText(1023), '1023.000 ');
  assert.equal(byteText(1536), '1.500 KB');
  assert.equal(byteText(3 * 1024 ** 3), '3.000 GB');
  assert.equal(byteText(5_000 * 1024 ** 4), '5000.000 TB');
});
