// Partitions that a condition leaves: exactly those that hold a wanted value where values are listed, and never one
// less than needed where they are compared.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asId, type FieldId, type PartitionId } from '../../../src/base/ids.ts';
import { holds, type Partition, type PartitionBounds } from '../../../src/model/partition.ts';
import type { SqlType } from '../../../src/model/sql-type.ts';
import type { ColumnSchema } from '../../../src/model/table.ts';
import type { ColumnExpression, TypedExpression } from '../../../src/query/expression.ts';
import { prunePartitions } from '../../../src/query/prune-partitions.ts';

const INT: SqlType = { kind: 'INT' };
const BOOLEAN: SqlType = { kind: 'BOOLEAN' };
const column: ColumnSchema = {
  name: 'a',
  fieldId: asId<FieldId>(1),
  type: INT,
  nullable: true,
  isKey: true,
  defaultValue: null,
  comment: '',
};
const a: ColumnExpression = { kind: 'column', type: INT, relation: 't', column: 'a', display: 'a' };
const number = (value: number): TypedExpression => ({
  kind: 'literal',
  type: INT,
  text: String(value),
});
const compare = (op: '=' | '<' | '>=' | '<>', value: number): TypedExpression => ({
  kind: 'comparison',
  type: BOOLEAN,
  op,
  left: a,
  right: number(value),
});
const or = (left: TypedExpression, right: TypedExpression): TypedExpression => ({
  kind: 'logical',
  type: BOOLEAN,
  op: 'OR',
  left,
  right,
});
const isNull = (negated: boolean): TypedExpression => ({
  kind: 'is_null',
  type: BOOLEAN,
  operand: a,
  negated,
});

const partition = (bounds: PartitionBounds, index: number): Partition => ({
  id: asId<PartitionId>(index + 1),
  name: `p${index}`,
  isTemporary: false,
  bounds,
  properties: {},
  createdMs: 0,
});

function kept(
  kind: 'range' | 'list',
  list: readonly Partition[],
  condition: TypedExpression,
): readonly string[] {
  const items = [{ fieldId: column.fieldId, transform: { kind: 'identity' as const } }];
  const partitions = { partitioning: { kind, items, automatic: false }, list };
  const wanted = { alias: 't', filters: [], conditions: [condition] };
  return prunePartitions(partitions, [column], wanted).map(({ name }) => name);
}

/** Ranges that follow each other, the first and the last one open or not; or lists, one with NULL. */
const ranges = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 6 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([cuts, first, last]) => {
    const sorted = cuts.toSorted((x, y) => x - y).map(String);
    const ends = [...(first ? [null] : []), ...sorted, ...(last ? [null] : [])];
    return ends
      .slice(1)
      .map((upper, index) =>
        partition({ kind: 'range', lower: [ends[index] ?? null], upper: [upper] }, index),
      );
  });
const lists = fc
  .uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 8 })
  .map((values) => {
    const keys = [...values.map((value) => [String(value)]), [null]];
    const cut = Math.ceil(keys.length / 2);
    return [keys.slice(0, cut), keys.slice(cut)].map((part, index) =>
      partition({ kind: 'list', values: part }, index),
    );
  });

const anyPartitions = fc.oneof(
  ranges.map((list) => ({ kind: 'range' as const, list })),
  lists.map((list) => ({ kind: 'list' as const, list })),
);

test('IN and OR leave exactly the partitions that hold one of the values', () => {
  fc.assert(
    fc.property(
      anyPartitions,
      fc.array(fc.integer({ min: -25, max: 25 }), { minLength: 1, maxLength: 4 }),
      ({ kind, list }, values) => {
        const expected = list
          .filter(({ bounds }) => values.some((value) => holds([INT], bounds, [String(value)])))
          .map(({ name }) => name);
        const items = values.map(number);
        const inList: TypedExpression = {
          kind: 'in_list',
          type: BOOLEAN,
          operand: a,
          negated: false,
          items,
        };
        assert.deepEqual(kept(kind, list, inList), expected);
        const either = values.map((value) => compare('=', value)).reduce(or);
        assert.deepEqual(kept(kind, list, either), expected);
      },
    ),
  );
});

test('a partition with a row for which the condition is true is kept', () => {
  const values = Array.from({ length: 61 }, (_, index) => index - 30);
  fc.assert(
    fc.property(
      anyPartitions,
      fc.constantFrom('<' as const, '>=' as const, '<>' as const),
      fc.integer({ min: -25, max: 25 }),
      fc.integer({ min: -25, max: 25 }),
      ({ kind, list }, op, x, y) => {
        const truth = {
          '<': (v: number) => v < x,
          '>=': (v: number) => v >= x,
          '<>': (v: number) => v !== x,
        };
        const needed = list
          .filter(({ bounds }) =>
            values.some((v) => (truth[op](v) || v === y) && holds([INT], bounds, [String(v)])),
          )
          .map(({ name }) => name);
        const found = kept(kind, list, or(compare(op, x), compare('=', y)));
        assert.deepEqual(
          needed.filter((name) => !found.includes(name)),
          [],
        );
      },
    ),
  );
});

test('NULL lies in the first range or in the list that names it', () => {
  const range = (lower: string | null, upper: string, index: number): Partition =>
    partition({ kind: 'range', lower: [lower], upper: [upper] }, index);
  assert.deepEqual(kept('range', [range(null, '5', 0), range('5', '9', 1)], isNull(false)), ['p0']);
  assert.deepEqual(kept('range', [range('1', '5', 0), range('5', '9', 1)], isNull(false)), []);
  const list = [
    partition({ kind: 'list', values: [['1'], [null]] }, 0),
    partition({ kind: 'list', values: [['2']] }, 1),
    partition({ kind: 'list', values: [[null]] }, 2),
  ];
  assert.deepEqual(kept('list', list, isNull(false)), ['p0', 'p2']);
  assert.deepEqual(kept('list', list, isNull(true)), ['p0', 'p1']);
});
