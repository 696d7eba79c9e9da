// A change of columns as a commit: a version of its own, older schemas kept, leases gone in the same breath.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, fail } from '../../../src/base/errors.ts';
import { asId, type TableVersion } from '../../../src/base/ids.ts';
import type { SchemaHooks, SchemaMaker } from '../../../src/commit/schema-commit.ts';
import {
  carryOn,
  type Fixture,
  grant,
  openFixture,
  positionOf,
  progressOf,
  stage,
  visibleRows,
} from '../../support/catalog-fixture.ts';

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

const nothing: SchemaHooks = { onSchemaChange: async () => undefined };

const commented =
  (comment: string): SchemaMaker =>
  (table, nextFieldId) => ({
    schema: {
      ...table.schema,
      columns: table.schema.columns.map((column) => ({ ...column, comment })),
    },
    distributedBy: table.distributedBy,
    nextFieldId,
  });

const versionOf = async ({ catalog, table }: Fixture): Promise<number> =>
  Number((await catalog.tables.status([table.id]))[0]?.version);

test('each change is a version, and the schema of every version can be read', async (t) => {
  const fixture = await openFixture(t);
  const { committer, table } = fixture;
  assert.equal(await committer.changeSchema(table.id, commented('one'), nothing), true);
  const lease = await grant(fixture, 'task');
  const batch = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  await committer.commit(batch, carryOn);
  assert.equal(await committer.changeSchema(table.id, commented('two'), nothing), true);
  assert.equal(await versionOf(fixture), 4);
  await fixture.reopen();
  const { schemas } = fixture.catalog;
  const comments = await Promise.all(
    [1, 2, 3, 4].map(async (version) => {
      const schema = await schemas.at(table.id, asId<TableVersion>(version));
      return schema?.columns[0]?.comment;
    }),
  );
  assert.deepEqual(comments, ['uid', 'one', 'one', 'two']);
  assert.equal(await schemas.at(fixture.rejected.id, asId<TableVersion>(1)), null);
  assert.equal((await fixture.catalog.tables.byId(table.id))?.schema.columns[0]?.comment, 'two');
  const changes = await schemas.changes(table.databaseId);
  assert.deepEqual(
    changes.map((change) => change.schemaVersion),
    [1, 2],
  );
  assert.equal(await visibleRows(fixture, table), 5);
});

test('no change, a refused one and one that the hook refuses leave everything as it was', async (t) => {
  const fixture = await openFixture(t);
  const { committer, catalog, table } = fixture;
  assert.equal(await committer.changeSchema(table.id, () => null, nothing), false);
  const refuse: SchemaMaker = () => {
    throw fail('SQL_ANALYZE', { detail: 'no' });
  };
  await assert.rejects(committer.changeSchema(table.id, refuse, nothing), hasCode('SQL_ANALYZE'));
  const broken: SchemaHooks = {
    onSchemaChange: async () => {
      throw fail('INTERNAL', { detail: 'hook' });
    },
  };
  await assert.rejects(
    committer.changeSchema(table.id, commented('x'), broken),
    hasCode('INTERNAL'),
  );
  await assert.rejects(
    committer.changeSchema(fixture.rejected.id, commented('x'), nothing),
    hasCode('SYSTEM_OBJECT'),
  );
  assert.equal(await versionOf(fixture), 1);
  assert.deepEqual(await catalog.tables.byId(table.id), table);
  assert.deepEqual(await catalog.schemas.changes(table.databaseId), []);
});

test('a batch planned before the change cannot commit once its lease went with it', async (t) => {
  const fixture = await openFixture(t);
  const { committer, table, job } = fixture;
  const lease = await grant(fixture, 'task');
  const batch = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  const revoke: SchemaHooks = {
    onSchemaChange: async (scope, before, after) => {
      assert.equal(before.schema.columns[0]?.comment, 'uid');
      assert.equal(after.schema.columns[0]?.comment, 'new');
      await scope.leases.revokeJob(job.id, 'columns changed');
    },
  };
  await committer.changeSchema(table.id, commented('new'), revoke);
  await assert.rejects(committer.commit(batch, carryOn), hasCode('LEASE_LOST'));
  assert.equal(await positionOf(fixture), 0n);
  assert.equal(await visibleRows(fixture, table), 0);
  const again = await grant(fixture, 'task-2');
  const next = await stage(fixture, again, [progressOf(0n, { loaded: 5 })]);
  assert.equal((await committer.commit(next, carryOn)).state, 'VISIBLE');
  assert.equal(await visibleRows(fixture, table), 5);
});

test('a table that was dropped meanwhile has no columns to change', async (t) => {
  const fixture = await openFixture(t);
  const { table } = fixture;
  await fixture.catalog.tables.drop(table.databaseName, table.name);
  await assert.rejects(
    fixture.committer.changeSchema(table.id, commented('x'), nothing),
    hasCode('UNKNOWN_TABLE'),
  );
});
