// Which changes of columns a Routine Load goes on through, and which pause it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asId,
  type DatabaseId,
  type FieldId,
  type TableId,
  type VolumeId,
} from '../../../../src/base/ids.ts';
import { defineRoutineLoad } from '../../../../src/loads/routine/definition.ts';
import { problemOf } from '../../../../src/loads/routine/on-schema-change.ts';
import type { ColumnSchema, TableInfo } from '../../../../src/model/table.ts';
import { parseStatement } from '../../../../src/sql/parse.ts';

function tableOf(...columns: readonly (readonly [id: number, name: string])[]): TableInfo {
  return {
    id: asId<TableId>(1),
    databaseId: asId<DatabaseId>(2),
    databaseName: 'd',
    name: 't',
    schema: {
      keysType: 'DUP_KEYS',
      columns: columns.map(
        ([id, name]): ColumnSchema => ({
          fieldId: asId<FieldId>(id),
          name,
          type: { kind: 'INT' },
          nullable: true,
          isKey: id === 1,
          defaultValue: null,
          comment: '',
        }),
      ),
    },
    volumeId: asId<VolumeId>(3),
    prefix: 'd/t-1/data',
    comment: '',
    distributedBy: [],
    buckets: null,
    properties: {},
    createdMs: 0,
  };
}

function problem(
  clauses: string,
  properties: Record<string, string>,
  after: TableInfo,
  others: readonly TableInfo[] = [],
) {
  const statement = parseStatement(
    `CREATE ROUTINE LOAD j ON t ${clauses} FROM KAFKA ("kafka_topic" = "t")`,
  );
  assert(statement.kind === 'create_routine_load');
  const definition = defineRoutineLoad({
    load: statement.load,
    properties,
    source: {
      kafka_broker_list: 'kafka:9092',
      kafka_topic: 't',
      ...(properties['format'] === 'avro' ? { 'confluent.schema.registry.url': 'http://r' } : {}),
    },
    sessionTimeZone: 'Etc/UTC',
  });
  return problemOf(definition, BEFORE, after, (table) => [table, ...others]);
}

const BEFORE = tableOf([1, 'a'], [2, 'b'], [3, 'c']);
const JSON_FORMAT = { format: 'json' };

test('JSON by name goes on through new, dropped and moved columns, not through a new name', () => {
  const by = (after: TableInfo): string | null => problem('', JSON_FORMAT, after);
  assert.equal(by(tableOf([1, 'a'], [4, 'x'], [2, 'b'], [3, 'c'])), null);
  assert.equal(by(tableOf([1, 'a'], [3, 'c'])), null);
  assert.equal(by(tableOf([3, 'c'], [1, 'a'], [2, 'b'])), null);
  assert.match(String(by(tableOf([1, 'a'], [2, 'z'], [3, 'c']))), /column b .* is now called z/);
  // Two names exchanged: each column would get the other's field.
  assert.match(String(by(tableOf([1, 'a'], [2, 'c'], [3, 'b']))), /column b .* is now called c/);
});

test('Avro by name goes on as JSON does', () => {
  const added = tableOf([1, 'a'], [4, 'x'], [2, 'b'], [3, 'c']);
  assert.equal(problem('', { format: 'avro' }, added), null);
  const paths = { format: 'avro', jsonpaths: '["$.a", "$.b", "$.c"]' };
  const moved = tableOf([1, 'a'], [3, 'c'], [2, 'b']);
  assert.match(String(problem('', paths, moved)), /position/);
});

test('what goes by position pauses when positions change', () => {
  const added = tableOf([1, 'a'], [2, 'b'], [3, 'c'], [4, 'x']);
  assert.match(String(problem('', {}, added)), /by their position/);
  const paths = { format: 'json', jsonpaths: '["$.a", "$.b", "$.c"]' };
  assert.match(String(problem('', paths, tableOf([1, 'a'], [3, 'c'], [2, 'b']))), /position/);
  assert.equal(problem('COLUMNS (a, b, c)', {}, added), null);
  assert.equal(problem('COLUMNS (a, b, c)', paths, added), null);
});

test('COLUMNS that name a column which is gone', () => {
  const dropped = tableOf([1, 'a'], [3, 'c']);
  assert.equal(problem('COLUMNS (a, b, c)', {}, dropped), null);
  assert.match(
    String(problem('COLUMNS (a, x, b = x + 1)', {}, dropped)),
    /Column 'b' of COLUMNS is not in table t/,
  );
  const renamed = tableOf([1, 'a'], [2, 'z'], [3, 'c']);
  assert.match(String(problem('COLUMNS (a, b, c)', {}, renamed)), /is now called z/);
});

test('a job of several tables goes on where one of them gets a column, and pauses where a name is gone', () => {
  const other = { ...tableOf([1, 'a'], [2, 'd']), id: asId<TableId>(7), name: 'u' };
  const route = { format: 'json', route: "if(a = '1', 't', 'u')" };
  const by = (clauses: string, after: TableInfo): string | null =>
    problem(clauses, route, after, [other]);
  assert.equal(by('', tableOf([1, 'a'], [2, 'b'], [3, 'c'], [4, 'd'])), null);
  assert.match(
    String(by('', tableOf([1, 'a'], [2, 'b'], [3, 'd']))),
    /column c .* is now called d/,
  );
  const computed = 'COLUMNS (a, x, c = x)';
  assert.equal(by(computed, tableOf([1, 'a'], [3, 'c'])), null);
  assert.match(String(by(computed, tableOf([1, 'a']))), /'c' of COLUMNS is not in table t, u/);
});
