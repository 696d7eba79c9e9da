// What becomes of a proposal of a load: one ALTER TABLE, noted with the job; nothing where the table has it already; an
// error with the statement to run where it cannot be.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fail } from '../../../src/base/errors.ts';
import type { LoadJobRecord } from '../../../src/catalog/load-jobs.ts';
import { changeSchema, NeedsRewrite } from '../../../src/commit/schema-commit.ts';
import { parseDefinition } from '../../../src/loads/routine/service.ts';
import type { SchemaProposal } from '../../../src/model/schema-proposal.ts';
import type { SqlType } from '../../../src/model/sql-type.ts';
import { type EvolveServices, evolveSchema } from '../../../src/statements/evolve-schema.ts';
import { openStatementRig } from '../../support/statement-rig.ts';

const INT: SqlType = { kind: 'INT' };
const BIGINT: SqlType = { kind: 'BIGINT' };

async function open(context: TestContext, columns: string, job = '', clauses = '') {
  const rig = await openStatementRig(context);
  const { catalog } = rig.services;
  await rig.run('CREATE DATABASE d');
  await rig.run(`CREATE TABLE d.t (${columns}) DUPLICATE KEY (id)`);
  await rig.run(
    `CREATE ROUTINE LOAD d.j ON t ${clauses} PROPERTIES ("format" = "json", "schema_evolution" = "add_columns" ${job})
     FROM KAFKA ("kafka_broker_list" = "b:1", "kafka_topic" = "x")`,
  );
  const found = async (): Promise<LoadJobRecord> => {
    const { id } = await catalog.databases.get('d');
    const [record] = await catalog.loadJobs.byName(id, 'j');
    assert(record !== undefined);
    return record;
  };
  const services: EvolveServices = {
    catalog,
    missingRight: () => null,
    changeSchema: (tableId, make, hooks) => changeSchema(catalog, tableId, make, hooks),
  };
  const evolve = async (proposal: Partial<SchemaProposal>, other: Partial<EvolveServices> = {}) => {
    const whole = { add: [], widen: [], conflicts: [], ...proposal };
    const evolved = await evolveSchema(await found(), whole, { ...services, ...other });
    return evolved.kind === 'refused' ? evolved.error.fullMessage : evolved;
  };
  const described = async (): Promise<readonly string[]> => {
    const rows = await rig.run('DESC d.t');
    return rows === 'ok' ? [] : rows.map((row) => row.slice(0, 2).join(' '));
  };
  return { rig, found, evolve, described };
}

test('columns are added and widened by one statement, and noted with the job', async (context) => {
  const { found, evolve, described } = await open(
    context,
    `id INT, n SMALLINT DEFAULT "7" COMMENT "kept", name VARCHAR(9) DEFAULT "a'b"`,
    '',
    'COLUMNS (id, n, name)',
  );
  const proposal = {
    add: [{ name: 'x', type: BIGINT }],
    widen: [
      { name: 'n', type: INT },
      { name: 'name', type: { kind: 'VARCHAR', length: 64 } as const },
    ],
  };
  assert.deepEqual(await evolve(proposal), {
    kind: 'changed',
    statement: `ALTER TABLE d.t ADD COLUMN x bigint(20) NULL, MODIFY COLUMN n int(11) NULL DEFAULT '7' COMMENT 'kept', MODIFY COLUMN name varchar(64) NULL DEFAULT 'a\\'b'`,
  });
  assert.deepEqual(await described(), [
    'id int(11)',
    'n int(11)',
    'name varchar(64)',
    'x bigint(20)',
  ]);
  const definition = parseDefinition(await found());
  assert.equal(definition.columnsAdded, 1);
  assert.deepEqual(
    definition.columns?.map(({ name }) => name),
    ['id', 'n', 'name', 'x'],
  );
  // Another task, or the same one after a kill, asks for it once more; names have no letter case.
  assert.deepEqual(await evolve(proposal), { kind: 'unchanged' });
  assert.deepEqual(await evolve({ add: [{ name: 'X', type: INT }] }), { kind: 'unchanged' });
  assert.equal(parseDefinition(await found()).columnsAdded, 1);
});

test('what is added counts over the job, also after ALTER', async (context) => {
  const { rig, evolve } = await open(context, 'id INT', ', "schema_evolution_max_columns" = "2"');
  const add = (...names: readonly string[]) =>
    evolve({ add: names.map((name) => ({ name, type: INT })) });
  assert.deepEqual(await add('a'), {
    kind: 'changed',
    statement: 'ALTER TABLE d.t ADD COLUMN a int(11) NULL',
  });
  const over =
    /they have 2 new fields, and the job may add 1 more columns .*ADD COLUMN b int\(11\) NULL, ADD COLUMN c int\(11\) NULL/;
  assert.match(String(await add('b', 'c')), over);
  await rig.run('PAUSE ROUTINE LOAD FOR d.j');
  await rig.run('ALTER ROUTINE LOAD FOR d.j PROPERTIES ("max_error_number" = "5")');
  assert.match(String(await add('b', 'c')), over);
  await rig.run('ALTER ROUTINE LOAD FOR d.j PROPERTIES ("schema_evolution" = "none")');
  assert.deepEqual(await add('b'), { kind: 'unchanged' });
});

test('conflicts name the statement that a person may run, where there is one', async (context) => {
  const { evolve } = await open(
    context,
    'id INT NOT NULL, n INT NOT NULL, f BOOLEAN, a ARRAY<INT>',
  );
  const conflict = (column: string, type: SqlType | null) =>
    evolve({ conflicts: [{ column, type }] });
  const fit = (text: unknown): string =>
    /What would make it fit: (.*?) \(nothing of/.exec(String(text))?.[1] ?? String(text);
  assert.equal(
    fit(await conflict('n', { kind: 'VARCHAR', length: 65_533 })),
    'ALTER TABLE d.t MODIFY COLUMN n varchar(65533) NOT NULL',
  );
  assert.equal(fit(await conflict('n', null)), 'ALTER TABLE d.t MODIFY COLUMN n int(11) NULL');
  assert.match(String(await conflict('n', null)), /no field for column n, which is NOT NULL/);
  // A truth value becomes a text, which holds numbers too.
  assert.equal(
    fit(await conflict('f', INT)),
    'ALTER TABLE d.t MODIFY COLUMN f varchar(65533) NULL',
  );
  assert.equal(fit(await conflict('id', null)), 'there is no such statement');
  assert.equal(fit(await conflict('a', INT)), 'there is no such statement');
  assert.equal(
    fit(await conflict('a', { kind: 'ARRAY', element: BIGINT })),
    'ALTER TABLE d.t MODIFY COLUMN a array<bigint(20)> NULL',
  );
});

test('a missing right, a change that is refused, one that would write files, one that runs, a bug', async (context) => {
  const { rig, evolve, described } = await open(context, 'id INT, `day` DATE');
  const table = () => rig.services.catalog.tables.get('d', 't');
  const proposal = { add: [{ name: 'x', type: INT }] };
  const throwing = (error: unknown): Partial<EvolveServices> => ({
    changeSchema: async () => {
      throw error;
    },
  });
  const denied = fail('NOT_AUTHORIZED', { detail: 'no ALTER' });
  assert.match(
    String(await evolve(proposal, { missingRight: () => denied })),
    /the account of the job may not change it .*ALTER TABLE d\.t ADD COLUMN x int\(11\) NULL/,
  );
  assert.match(
    String(await evolve({ add: [{ name: 'x y', type: INT }] })),
    /Incorrect column name 'x y'/,
  );
  const rewriting = await evolve(proposal, throwing(new NeedsRewrite(await table())));
  assert.match(String(rewriting), /its files would be written anew/);
  const running = throwing(fail('ALTER_RUNNING', { table: 't' }));
  assert.deepEqual(await evolve(proposal, running), { kind: 'unchanged' });
  await assert.rejects(evolve(proposal, throwing(new Error('bug'))), /bug/);
  await assert.rejects(
    evolve(proposal, throwing(fail('TIMEOUT', { what: 'x', timeoutMs: 1, hint: '' }))),
    /took longer/,
  );
  assert.deepEqual(await described(), ['id int(11)', 'day date']);
});
