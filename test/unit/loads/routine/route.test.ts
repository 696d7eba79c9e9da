// Jobs of several tables: what a statement makes of them, and that SHOW CREATE ROUTINE LOAD prints one that makes the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asId,
  type DatabaseId,
  type FieldId,
  type TableId,
  type VolumeId,
} from '../../../../src/base/ids.ts';
import { compileTables } from '../../../../src/loads/routine/compile.ts';
import {
  defineRoutineLoad,
  type RoutineLoadDefinition,
} from '../../../../src/loads/routine/definition.ts';
import { createRoutineLoadText } from '../../../../src/loads/routine/show-create.ts';
import { withTableNames } from '../../../../src/loads/rows/route.ts';
import type { TableInfo } from '../../../../src/model/table.ts';
import { parseStatement } from '../../../../src/sql/parse.ts';

function tableOf(id: number, name: string, columns: readonly string[], isKeyed = false): TableInfo {
  return {
    id: asId<TableId>(id),
    databaseId: asId<DatabaseId>(2),
    databaseName: 'd',
    name,
    schema: {
      keysType: isKeyed ? 'PRIMARY_KEYS' : 'DUP_KEYS',
      columns: columns.map((column, index) => ({
        fieldId: asId<FieldId>(index + 1),
        name: column,
        type: { kind: 'VARCHAR', length: 50 },
        nullable: index > 0,
        isKey: index === 0,
        defaultValue: null,
        comment: '',
      })),
    },
    volumeId: asId<VolumeId>(3),
    prefix: `d/${name}-${id}/data`,
    comment: '',
    distributedBy: [],
    buckets: null,
    properties: {},
    createdMs: 0,
  };
}

const ORDERS = tableOf(1, 'orders', ['id', 'total'], true);
const VISITS = tableOf(2, 'my visits', ['id', 'page', 'at_']);
const TABLES = [ORDERS, VISITS];

function define(text: string): RoutineLoadDefinition {
  const statement = parseStatement(text);
  assert(statement.kind === 'create_routine_load');
  assert.deepEqual(
    [statement.table, ...statement.furtherTables].map(({ name }) => name),
    TABLES.map(({ name }) => name),
  );
  const mapOf = (properties: readonly { readonly key: string; readonly value: string }[]) =>
    Object.fromEntries(properties.map(({ key, value }) => [key, value]));
  const definition = defineRoutineLoad({
    load: statement.load,
    properties: mapOf(statement.properties),
    source: mapOf(statement.source.properties),
    sessionTimeZone: 'Etc/UTC',
  });
  return withTableNames(definition, TABLES);
}

const JOB = {
  databaseName: 'd',
  tableId: ORDERS.id,
  tableName: ORDERS.name,
  furtherTables: [{ id: VISITS.id, name: VISITS.name }],
  name: 'j',
  groupId: 'g',
};

for (const [what, clauses, properties] of [
  [
    'COLUMNS, WHERE',
    'COLUMNS (kind, id, total, page, at_ = upper(kind)), WHERE id > 3',
    `"route" = "if(kind = 'o', 'orders', 'my visits')", "route_unmatched" = "skip"`,
  ],
  ['names of columns', '', `"route" = "if(page IS NULL, 'orders', 'my visits')"`],
  [
    'UNNEST and metadata',
    `COLUMNS (list, e = UNNEST(list), id = get_json_string(e, '$.id'), at_ = _topic)`,
    `"route" = "concat(get_json_string(e, '$.t'), _partition)"`,
  ],
] as const)
  test(`SHOW CREATE ROUTINE LOAD prints a statement that makes the same job: ${what}`, () => {
    const first = define(
      `CREATE ROUTINE LOAD d.j ON orders, \`my visits\` ${clauses} PROPERTIES ("format" = "json", ${properties}) FROM KAFKA ("kafka_broker_list" = "k:9092", "kafka_topic" = "t")`,
    );
    const again = define(createRoutineLoadText(JOB, first));
    assert.deepEqual(compileTables(again, TABLES), compileTables(first, TABLES));
    assert.deepEqual(again.tables, ['orders', 'my visits']);
    assert.deepEqual(again.columns, first.columns);
  });

test('each table takes the columns that it has, all read the same fields and metadata', () => {
  const definition = define(
    `CREATE ROUTINE LOAD d.j ON orders, \`my visits\`, COLUMNS (kind, id, total, page, __op, at_ = concat(_topic, kind)) PROPERTIES ("format" = "json", "route" = "kind") FROM KAFKA ("kafka_broker_list" = "k:9092", "kafka_topic" = "t")`,
  );
  const { transforms, route } = compileTables(definition, TABLES);
  assert.deepEqual(
    transforms.map(({ outputs }) =>
      outputs.map(({ column, from }) => `${column.name} ${from.kind}`),
    ),
    [
      ['id field', 'total field'],
      ['id field', 'page field', 'at_ expression'],
    ],
  );
  assert.deepEqual(
    transforms.map(({ fields, metadata, operation }) => [fields, metadata, operation !== null]),
    [
      [['kind', 'id', 'total', 'page', '__op'], ['_topic'], true],
      [['kind', 'id', 'total', 'page', '__op'], ['_topic'], false],
    ],
  );
  assert.deepEqual(route, {
    duckdbSql: '"kind"',
    names: ['orders', 'my visits'],
    unmatched: 'reject',
  });
  // A table that is renamed keeps the name that the route gives.
  const renamed = [{ ...ORDERS, name: 'purchases' }, VISITS];
  assert.deepEqual(compileTables(definition, renamed).route?.names, ['orders', 'my visits']);
});
