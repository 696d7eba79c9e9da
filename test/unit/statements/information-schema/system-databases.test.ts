// System views over a real catalog: every view makes rows that fit its columns, and lists itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineRoutineLoad } from '../../../../src/loads/routine/definition.ts';
import {
  isSystemDatabase,
  SYSTEM_VIEWS,
  systemTable,
  systemView,
  systemViewNames,
} from '../../../../src/statements/information-schema/system-databases.ts';
import { cellsOf, viewColumns } from '../../../../src/statements/information-schema/view.ts';
import { openStatementRig } from '../../../support/statement-rig.ts';

test('every view makes rows that fit its columns', async (context) => {
  const rig = await openStatementRig(context);
  // The fixture's own job has no definition.
  const [job] = await rig.services.catalog.loadJobs.list({ all: true });
  const definition = defineRoutineLoad({
    load: {
      columnSeparator: null,
      rowDelimiter: null,
      columns: null,
      partitions: null,
      where: null,
    },
    properties: { format: 'json' },
    source: { kafka_broker_list: 'kafka:9092', kafka_topic: 'clicks' },
    sessionTimeZone: 'Etc/UTC',
  });
  assert(job !== undefined);
  await rig.services.catalog.loadJobs.setDefinition(job.id, JSON.stringify(definition));
  await rig.run('CREATE DATABASE d');
  await rig.run('CREATE TABLE d.t (k INT, v VARCHAR(10) DEFAULT "x")');
  const filled: string[] = [];
  for (const [database, views] of Object.entries(SYSTEM_VIEWS)) {
    for (const [name, view] of Object.entries(views)) {
      assert.equal(name, name.toLowerCase());
      const names = view.columns.map((column) => column.name.toLowerCase());
      assert.equal(new Set(names).size, names.length, `${name} has no column twice`);
      if (typeof view.rows === 'object') continue;
      const table = await systemTable(database, name.toUpperCase(), rig);
      assert.deepEqual(table?.columns, view.columns);
      for (const row of table?.rows ?? []) assert.equal(row.length, view.columns.length);
      if ((table?.rows.length ?? 0) > 0) filled.push(name);
    }
  }
  for (const name of ['schemata', 'tables', 'columns', 'partitions_meta', 'tables_config']) {
    assert.ok(filled.includes(name), name);
  }
  for (const name of [
    'routine_load_jobs',
    'keywords',
    'engines',
    'session_variables',
    'be_configs',
    'fe_metrics',
  ]) {
    assert.ok(filled.includes(name), name);
  }
});

test('the views list themselves in tables and columns', async (context) => {
  const rig = await openStatementRig(context);
  const tables = await systemTable('information_schema', 'tables', rig);
  const named = new Set(tables?.rows.map((row) => `${row[1] ?? ''}.${row[2] ?? ''}`));
  for (const database of Object.keys(SYSTEM_VIEWS)) {
    for (const name of systemViewNames(database)) assert.ok(named.has(`${database}.${name}`), name);
  }
  const columns = await systemTable('information_schema', 'columns', rig);
  const own = columns?.rows.filter((row) => row[1] === 'sys' && row[2] === 'role_edges');
  assert.deepEqual(
    own?.map((row) => row[3]),
    ['FROM_ROLE', 'TO_ROLE', 'TO_USER'],
  );
});

test('names are found in any case, and only known ones', () => {
  assert.equal(isSystemDatabase('Information_Schema'), true);
  assert.equal(isSystemDatabase('constructor'), false);
  assert.notEqual(systemView('SYS', 'Role_Edges'), undefined);
  assert.equal(systemView('sys', 'constructor'), undefined);
  assert.equal(systemView('sys', 'tables'), undefined);
  assert.deepEqual(systemViewNames('fixture'), []);
});

test('columns are written in short, and a row names only columns', () => {
  const columns = viewColumns('long ID, v64 NAME LABEL, bool DONE');
  assert.deepEqual(
    columns.map(({ name, type }) => [name, type.kind]),
    [
      ['ID', 'BIGINT'],
      ['NAME', 'VARCHAR'],
      ['LABEL', 'VARCHAR'],
      ['DONE', 'BOOLEAN'],
    ],
  );
  assert.deepEqual(cellsOf(columns, { DONE: false, ID: 5n }), ['5', null, null, 'false']);
  assert.throws(() => cellsOf(columns, { ID: 1, NAEM: 'x' }), /a row has only columns: ID, NAEM/);
  assert.throws(() => viewColumns('lnog ID'), /type 'lnog' is known/);
});
