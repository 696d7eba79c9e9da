// One topic into many tables: which row goes where, in which form, and how those of no table are counted.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { asId, type TableId } from '../../../../src/base/ids.ts';
import type { KafkaLoadPlan, LoadedTable, LoadRoutes } from '../../../../src/model/load-plan.ts';
import type { SqlType } from '../../../../src/model/sql-type.ts';
import {
  CSV_FORMAT,
  column,
  makePlan,
  PipelineFixture,
  type PlanOptions,
  type StageResult,
} from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const TEXT: SqlType = { kind: 'VARCHAR', length: 100 };
const INT: SqlType = { kind: 'INT' };

/** A plan whose tables are `t0`, `t1`, ... in the order of `tables`. */
function routed(
  tables: readonly PlanOptions[],
  routes: Partial<LoadRoutes> = {},
  shared: Partial<PlanOptions> = {},
): KafkaLoadPlan {
  const plans = tables.map((options) => makePlan({ ...shared, ...options }));
  const loaded = plans.map(({ target, transform }, index): LoadedTable => {
    const tableId = asId<TableId>(20_000 + index);
    const tableName = `t${index}`;
    return { target: { ...target, tableId, tableName, prefix: `db/${tableName}/data` }, transform };
  });
  const [first, ...further] = loaded;
  assert(first !== undefined && plans[0] !== undefined);
  const given = {
    duckdbSql: '"to"',
    unmatched: 'reject' as const,
    names: loaded.map(({ target }) => target.tableName),
    ...routes,
  };
  return { ...plans[0], ...first, routes: { ...given, further } };
}

function countsOf({ staged }: StageResult): readonly number[] {
  return staged.progress.flatMap((progress) => [
    progress.consumedMessages,
    progress.rowsLoaded,
    progress.rowsFiltered,
    progress.rowsUnselected,
  ]);
}

const FIELDS = ['to', 'id', 'name'];
const IDS = { columns: [column('id', INT, { nullable: false })], fields: FIELDS };
const NAMES = { columns: [column('name', TEXT), column('id', INT)], fields: FIELDS };

test('each row goes to its table, in the columns of that table; others are rejected', async () => {
  const result = await fixture.load(routed([IDS, NAMES]), [
    '{"to":"t0","id":1,"name":"a"}',
    '{"to":"t1","id":2,"name":"b"}',
    '{"to":"t2","id":3}',
    '{"id":4}',
    '{"to":"t0","id":"x"}',
    '{"to":"t1","id":"x","name":"c"}',
    '{"to":"t0","id":5]}',
    '{}',
  ]);
  assert.deepEqual(result.tables, {
    t0: [['1']],
    t1: [
      ['b', '2'],
      ['c', null],
    ],
  });
  assert.deepEqual(
    result.rejected
      .map((row) => [
        JSON.parse(row['source_info'] ?? '').offset,
        row['error_code'],
        row['target_table'],
        row['error_column'],
        row['error_message']?.replace(/JSON: .*/, 'JSON'),
      ])
      .sort(([a], [b]) => a - b),
    [
      [2, 'NO_TABLE', 't0,t1', null, "route gives no table of the job: 't2' is none of t0, t1"],
      [3, 'NO_TABLE', 't0,t1', null, 'route gives no table of the job: NULL is none of t0, t1'],
      [
        4,
        'VALUE_OUT_OF_RANGE',
        't0',
        'id',
        "NULL value in non-nullable column 'id': 'x' does not convert to int(11)",
      ],
      [6, 'PARSE_ERROR', 't0,t1', null, 'Failed to parse the message as JSON'],
      [7, 'NO_TABLE', 't0,t1', null, 'route gives no table of the job: NULL is none of t0, t1'],
    ],
  );
  assert.deepEqual(countsOf(result), [8, 3, 5, 0]);
});

test('where rows of no table are passed over they count as unselected, unparsed ones are rejected', async () => {
  const result = await fixture.load(routed([IDS, NAMES], { unmatched: 'skip' }), [
    '{"to":"t0","id":1}',
    '{"to":"elsewhere","id":2}',
    '{"id":3}',
    '{"to":"t0","id":5]}',
  ]);
  assert.deepEqual(result.tables, { t0: [['1']], t1: [] });
  assert.deepEqual(countsOf(result), [4, 1, 1, 2]);
});

test('WHERE and strict mode are those of each table; a message that is no JSON is rejected by a constant route, too', async () => {
  const where = { where: '"id" > 1' };
  const result = await fixture.load(
    routed(
      [
        { ...IDS, ...where },
        { ...NAMES, ...where },
      ],
      { duckdbSql: `if("id" = '9', 't1', 't0')` },
      { strict: true },
    ),
    ['{"id":1}', '{"id":2}', '{"id":9,"name":"n"}', '{"id":"x"}', '{"id":3'.concat(']}')],
  );
  assert.deepEqual(result.tables, { t0: [['2']], t1: [['n', '9']] });
  assert.deepEqual(result.rejected.map((row) => [row['target_table'], row['error_code']]).sort(), [
    ['t0', 'VALUE_OUT_OF_RANGE'],
    ['t0,t1', 'PARSE_ERROR'],
  ]);
  assert.deepEqual(countsOf(result), [5, 2, 2, 1]);
});

test('tables with keys beside others, AUTO_INCREMENT, CSV', async () => {
  const seq = column('seq', { kind: 'BIGINT' }, { nullable: false, autoIncrement: true });
  const name = column('name', TEXT, { isKey: true, nullable: false });
  const plan = routed(
    [
      { columns: [name, column('id', INT)], keys: ['name'] },
      {
        columns: [column('id', INT), seq],
        outputs: [
          { column: column('id', INT), from: { kind: 'field', field: 'id' } },
          { column: { ...seq, fieldId: asId(2) }, from: { kind: 'default' } },
        ],
      },
    ],
    {},
    { format: CSV_FORMAT, fields: FIELDS },
  );
  const keyed = { ...plan, target: { ...plan.target, keys: ['name'] } };
  const result = await fixture.load(keyed, ['t0,1,a\nt1,2,b', 't0,3,a\nt0,4,c\nt1,5,d']);
  assert.deepEqual([...(result.tables['t0'] ?? [])].sort(), [
    ['a', '3'],
    ['c', '4'],
  ]);
  assert.deepEqual(
    result.tables['t1']?.map(([id]) => id),
    ['2', '5'],
  );
  const ids = (result.tables['t1'] ?? []).map(([, id]) => id);
  assert.equal(new Set(ids).size, 2);
  assert.equal(
    result.staged.tables.find(({ keyed: keys }) => keys !== undefined)?.keyed?.replacedRows,
    1,
  );
  assert.deepEqual(countsOf(result), [2, 5, 0, 0]);
});

test('each element of an UNNEST goes its own way', async () => {
  const unnest = [{ name: 'item', duckdbSql: '"items"', of: 'json' as const, field: 'items' }];
  const item = {
    columns: [column('item', TEXT), column('id', INT)],
    fields: ['id', 'items'],
    unnest,
  };
  const result = await fixture.load(routed([item, item], { duckdbSql: `concat('t', "item")` }), [
    '{"id":1,"items":["0","1","0"]}',
    '{"id":2,"items":["7"]}',
    '{"id":3,"items":5}',
    '{"id":4,"items":[]}',
  ]);
  assert.deepEqual(result.tables, {
    t0: [
      ['0', '1'],
      ['0', '1'],
    ],
    t1: [['1', '1']],
  });
  assert.deepEqual(result.rejected.map((row) => row['error_message']).sort(), [
    "Element 0: route gives no table of the job: 't7' is none of t0, t1",
    "UNNEST needs an array, '5' is none",
  ]);
  assert.deepEqual(countsOf(result), [4, 3, 2, 0]);
});

test('every row is in one table or rejected, whatever the batch (property)', async () => {
  const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.boolean()), {
    maxLength: 5000,
  });
  const tables = [IDS, IDS, IDS].map((options, index) => ({
    ...options,
    columns: [column('id', INT, { nullable: index === 1 })],
  }));
  for (const batch of fc.sample(rows, { numRuns: 6, seed: 3 })) {
    const messages = batch.map(([to, isGood], id) =>
      JSON.stringify({ to: `t${to}`, id: isGood ? id : null }),
    );
    const result = await fixture.load(routed(tables), messages);
    for (const to of [0, 1, 2]) {
      const wanted = batch.flatMap(([table, isGood], id) => {
        if (table !== to || (!isGood && to !== 1)) return [];
        return [[isGood ? String(id) : null]];
      });
      assert.deepEqual(result.tables[`t${to}`], wanted);
    }
    const bad = batch.filter(([to, isGood]) => to === 3 || (!isGood && to !== 1)).length;
    assert.deepEqual(countsOf(result), [batch.length, batch.length - bad, bad, 0]);
  }
});
