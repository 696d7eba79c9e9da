// How rows lie in the files of a load: in the order of the sort key, with generated columns and computed defaults.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { asId, type FieldId } from '../../../../src/base/ids.ts';
import type { ColumnSchema } from '../../../../src/model/table.ts';
import { generatedColumnSql } from '../../../../src/query/generated-column.ts';
import { column, makePlan, PipelineFixture } from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const id = column('id', { kind: 'INT' });
const name = column('name', { kind: 'VARCHAR', length: 20 });

/** Columns of one table have different ids; `id` has 1. */
function numbered(columns: readonly ColumnSchema[]): readonly ColumnSchema[] {
  return columns.map((each, index) => ({ ...each, fieldId: asId<FieldId>(index + 2) }));
}

test('rows are sorted, NULL first, rows of equal keys as they came', async () => {
  const plan = makePlan({ columns: [id, name], sortBy: ['id'] });
  const messages = [
    '{"id":3,"name":"a"}',
    '{"id":1,"name":"z"}',
    '{"name":"none"}',
    '{"id":3,"name":"A"}',
    '{"id":1,"name":"y"}',
  ];
  const { rows } = await fixture.load(plan, messages);
  assert.deepEqual(rows, [
    [null, 'none'],
    ['1', 'z'],
    ['1', 'y'],
    ['3', 'a'],
    ['3', 'A'],
  ]);
});

test('a LARGEINT sorts as a number though it is stored as text', async () => {
  const big = column('big', { kind: 'LARGEINT' });
  const plan = makePlan({ columns: [big], sortBy: ['big'] });
  const { rows } = await fixture.load(plan, ['{"big":10}', '{"big":9}', '{"big":-11}']);
  assert.deepEqual(rows, [['-11'], ['9'], ['10']]);
});

test('generated columns are computed from the converted columns, a failure is NULL', async () => {
  const twice = { ...column('twice', { kind: 'BIGINT' }), generated: 'id * 2 + length(name)' };
  const wide = { ...column('wide', { kind: 'BIGINT' }), generated: 'CAST(id AS BIGINT) << 62' };
  const columns = [id, ...numbered([name, twice, wide])];
  const plan = makePlan({
    columns: [id, name],
    sortBy: ['id'],
    outputs: columns.map((each) => ({
      column: each,
      from:
        each.generated === undefined
          ? { kind: 'field', field: each.name }
          : { kind: 'generated', duckdbSql: generatedColumnSql(each, columns, 'UTC') },
    })),
  });
  const { rows } = await fixture.load(plan, [
    '{"id":"7","name":"abc"}',
    '{"id":"bad","name":"abc"}',
    '{"id":1,"name":""}',
  ]);
  assert.deepEqual(
    rows.map(([first, , third]) => [first, third]),
    [
      [null, null],
      ['1', '2'],
      ['7', '17'],
    ],
  );
});

test('each row has an id of its own, all rows of a batch the same time', async () => {
  const uuid = { ...column('u', { kind: 'VARCHAR', length: 36 }), defaultValue: 'uuid()' };
  const number = { ...column('n', { kind: 'LARGEINT' }), defaultValue: 'uuid_numeric()' };
  const made = { ...column('t', { kind: 'DATETIME' }), defaultValue: 'CURRENT_TIMESTAMP(6)' };
  const text = {
    ...column('x', { kind: 'VARCHAR', length: 20 }),
    defaultValue: 'uuid()',
    defaultIsText: true,
  } as const;
  const plan = makePlan({
    columns: [id],
    outputs: [
      { column: id, from: { kind: 'field', field: 'id' } },
      ...numbered([uuid, number, made, text]).map(
        (each) => ({ column: each, from: { kind: 'default' } }) as const,
      ),
    ],
  });
  const { rows } = await fixture.load(plan, ['{"id":1}', '{"id":2}', '{"id":3}']);
  assert.equal(new Set(rows.map((row) => row[1])).size, 3);
  assert.ok(rows.every((row) => /^[0-9a-f-]{36}$/.test(row[1] ?? '')));
  assert.equal(new Set(rows.map((row) => row[2])).size, 3);
  assert.ok(rows.every((row) => /^\d{1,38}$/.test(row[2] ?? '')));
  assert.equal(new Set(rows.map((row) => row[3])).size, 1);
  assert.deepEqual(new Set(rows.map((row) => row[4])), new Set(['uuid()']));
});

test('a row without an AUTO_INCREMENT value gets the one of its line, unique over batches', async () => {
  const counted = column('n', { kind: 'BIGINT' }, { nullable: false, autoIncrement: true });
  const plan = makePlan({ columns: [id, counted], strict: true });
  const first = await fixture.load(plan, [
    '{"id":1}',
    '{"id":"bad"}',
    '{"id":2,"n":7000}',
    '{"id":3}',
  ]);
  assert.equal(first.rejected.length, 1);
  const [one, , three] = first.rows.map((row) => Number(row[1]));
  assert.deepEqual(
    first.rows.map((row) => row[0]),
    ['1', '2', '3'],
  );
  assert.equal(first.rows[1]?.[1], '7000');
  assert.equal(three, (one ?? 0) + 3);
  const second = await fixture.load(plan, ['{"id":4}', '{"id":5}']);
  const ids = [...first.rows, ...second.rows].map((row) => row[1]);
  assert.equal(new Set(ids).size, 5);
});
