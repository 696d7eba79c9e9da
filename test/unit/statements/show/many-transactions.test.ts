// SHOW TRANSACTION and SHOW LOAD of a database with more transactions than a list holds: the newest are listed, an
// older one is found by its id or its label, in its own database only.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogCommitter } from '../../../../src/commit/committer.ts';
import { DEFAULT_COMMIT_LIMITS } from '../../../../src/commit/types.ts';
import {
  REJECTED_RECORDS_TABLE,
  STATISTICS_DATABASE,
} from '../../../../src/model/system-tables.ts';
import { parseStatement } from '../../../../src/sql/parse.ts';
import { systemTable } from '../../../../src/statements/information-schema/system-databases.ts';
import { wantedOfTable } from '../../../../src/statements/wanted.ts';
import { openStatementRig } from '../../../support/statement-rig.ts';

const MANY = 2_005;
const SHOWN = 2_000;

test('the newest 2,000 are listed; an older one is found by what it is called', async (context) => {
  const rig = await openStatementRig(context);
  const { catalog } = rig.services;
  const rejected = await catalog.tables.get(STATISTICS_DATABASE, REJECTED_RECORDS_TABLE);
  const committer = new CatalogCommitter({
    catalog,
    limits: { ...DEFAULT_COMMIT_LIMITS, running: () => ({ perDatabase: 2 * MANY, perNode: -1 }) },
    rejectedTable: rejected.id,
  });
  const { id: tableId, databaseId } = await catalog.tables.get('quickstart', 'site_clicks');
  const load = { databaseId, tableId, source: 'INSERT_STREAMING', coordinator: 'FE: x' } as const;
  const { transactionId: first } = await committer.beginOther({ ...load, label: 'Oldest' });
  for (let at = 1; at < MANY; at += 1) await committer.beginOther({ ...load, label: `l${at}` });
  await rig.run('CREATE DATABASE other');
  rig.session.database = 'quickstart';

  const labels = async (sql: string): Promise<readonly (string | null)[]> => {
    const rows = await rig.run(sql);
    assert(rows !== 'ok');
    return rows.map((row) => row[1] ?? null);
  };
  for (const [what, id] of [
    ['TRANSACTION', 'id'],
    ['LOAD', 'JobId'],
  ] as const) {
    const all = await labels(`SHOW ${what}`);
    assert.equal(all.length, SHOWN, what);
    // SHOW LOAD lists the oldest first. SOURCE: StarRocks docs, SHOW LOAD: by JobId unless told otherwise.
    assert.equal(what === 'LOAD' ? all.at(-1) : all[0], `l${MANY - 1}`);
    assert.ok(!all.includes('Oldest'));
    for (const where of [
      `${id} = ${first}`,
      `'Oldest' = Label`,
      `Label = 'Oldest' AND ${id} < ${first + 1}`,
    ]) {
      assert.deepEqual(await labels(`SHOW ${what} WHERE ${where}`), ['Oldest'], where);
    }
    assert.deepEqual(await labels(`SHOW ${what} WHERE Label = 'l2004'`), ['l2004']);
    // The condition still holds in full.
    assert.deepEqual(await labels(`SHOW ${what} WHERE Label = 'Oldest' AND ${id} > ${first}`), []);
    assert.deepEqual(await labels(`SHOW ${what} FROM other WHERE Label = 'Oldest'`), []);
    assert.deepEqual(await labels(`SHOW ${what} FROM other WHERE ${id} = ${first}`), []);
    // A list cannot look up every way in which it is asked.
    assert.deepEqual(await labels(`SHOW ${what} WHERE Label = 'Oldest' OR ${id} = 1`), []);
  }

  // Loads are found by ranges, too: page after page.
  for (const where of [
    `JobId <= ${first}`,
    `${first} >= JobId`,
    `JobId BETWEEN 1 AND ${first}`,
    `JobId IN (${first})`,
    `Label IN ('Oldest', 'nowhere')`,
    `CreateTime <= '2999-01-01 00:00:00' AND JobId < ${first + 1}`,
  ]) {
    assert.deepEqual(await labels(`SHOW LOAD WHERE ${where}`), ['Oldest'], where);
  }
  assert.equal((await labels(`SHOW LOAD WHERE JobId < ${first + 100}`)).length, 100);
  const listed = async (where: string): Promise<readonly (string | null)[]> => {
    const statement = parseStatement(`SELECT * FROM information_schema.loads AS l WHERE ${where}`);
    assert(statement.kind === 'query');
    const wanted = wantedOfTable(statement, ({ name }) => name === 'loads');
    const view = await systemTable('information_schema', 'loads', rig, wanted);
    return view?.rows.map((row) => row[1] ?? null) ?? [];
  };
  assert.equal((await listed('true')).length, SHOWN);
  for (const where of [
    `l.LABEL = 'Oldest'`,
    `ID = ${first}`,
    `ID <= ${first} AND STATE = 'LOADING'`,
    `LABEL IN ('Oldest') AND DB_NAME = 'quickstart'`,
  ]) {
    // Beside the newest, which the query itself leaves out.
    const rows = await listed(where);
    assert.deepEqual([rows.length, rows.at(-1)], [SHOWN + 1, 'Oldest'], where);
  }
  assert.equal((await listed(`CREATE_TIME < '2999-01-01'`)).length, SHOWN);
  assert.equal((await listed(`CREATE_TIME < '1999-01-01'`)).length, SHOWN);

  // One that runs is found behind any number of those that ended.
  for (const { id } of await catalog.transactions.list({ databaseId, limit: MANY })) {
    if (id !== first) await committer.abort(id, 'x');
  }
  assert.deepEqual(await rig.run(`SHOW PROC '/transactions/quickstart'`), [
    ['running', '1'],
    ['finished', String(MANY - 1)],
  ]);
  assert.deepEqual(await labels(`SHOW PROC '/transactions/quickstart/running'`), ['Oldest']);
  assert.equal((await labels(`SHOW PROC '/transactions/${databaseId}/finished'`)).length, SHOWN);
});
