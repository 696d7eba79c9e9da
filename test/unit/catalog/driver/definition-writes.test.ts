// Which writes make remembered definitions old: commits do not, everything that is not known to be harmless does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayChangeDefinitions } from '../../../../src/catalog/driver/definition-writes.ts';
import {
  CLICKS,
  carryOn,
  grant,
  openFixture,
  progressOf,
  stage,
} from '../../../support/catalog-fixture.ts';

test('statements by what they write', () => {
  const harmless = [
    'select * from "tables"',
    'insert into "files" ("id") values (?)',
    'update "transactions" set "state" = ? where "id" = ?',
    'delete from "table_turns" where "table_id" = ?',
    'update "tables" set "head_version" = "head_version" + ?, "live_files" = "live_files" + ?, "live_rows" = "live_rows" + ?, "live_bytes" = "live_bytes" + ? where "id" = ? and "dropped_ms" is null returning "id"',
    'update "tables" set "next_auto_id" = "next_auto_id" + ? where "id" = ?',
  ];
  const others = [
    'update "tables" set "head_version" = ?, "schema_json" = ? where "id" = ?',
    'update "tables" set "dropped_ms" = ? where "id" = ?',
    'update "tables" set "head_version" = ?',
    'insert into "tables" ("id") values (?)',
    'delete from "partitions" where "id" = ?',
    'update "volumes" set "enabled" = ? where "id" = ?',
    'insert into "something new" ("id") values (?)',
    'with x as (select 1) delete from "files"',
    'create table "files" ("id" integer)',
    'replace into "files" values (1)',
  ];
  for (const sql of harmless) assert.equal(mayChangeDefinitions(sql), false, sql);
  for (const sql of others) assert.equal(mayChangeDefinitions(sql), true, sql);
  assert.equal(mayChangeDefinitions(String(harmless[4])), false, 'asked again');
});

test('loads and commits leave remembered definitions as they are; a new definition does not', async (t) => {
  const fixture = await openFixture(t);
  const { catalog } = fixture;
  let reads = 0;
  const ask = (): Promise<number> => catalog.rememberDefinition(['x'], async () => ++reads);
  await ask();
  const lease = await grant(fixture, 't1');
  await ask();
  const before = reads;
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 2 })]);
  assert.equal((await fixture.committer.commit(request, carryOn)).state, 'VISIBLE');
  await ask();
  assert.equal(reads, before, 'a commit is no new definition');
  await catalog.tables.create({ ...CLICKS, name: 'other' });
  await ask();
  assert.equal(reads, before + 1);
});
