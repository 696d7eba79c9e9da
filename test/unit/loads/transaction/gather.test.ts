// What the loads of one transaction come to, by table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asId, type TableId, type VolumeId } from '../../../../src/base/ids.ts';
import {
  gatherLoads,
  needsMerge,
  putTogether,
  runsOf,
} from '../../../../src/loads/transaction/gather.ts';
import type { StagedTable } from '../../../../src/model/load-plan.ts';
import type { StagedPart } from '../../../../src/model/staged-part.ts';
import type { StagedFile } from '../../../../src/model/table.ts';

const A = asId<TableId>(1);
const B = asId<TableId>(2);
const REJECTED = asId<TableId>(9);

const file = (key: string): StagedFile => ({
  volumeId: asId<VolumeId>(1),
  key,
  sizeBytes: 1,
  rowCount: 1,
  columnStats: {},
});

const keyed = { deletes: null, replacedRows: 0 };

function load(targetId: TableId, tables: readonly StagedTable[], more: Partial<StagedPart> = {}) {
  return {
    tables,
    rowsLoaded: 1,
    rowsFiltered: 0,
    errorSamples: [],
    targetId,
    rewrittenVersion: 0,
    rowsUnselected: 2,
    bodyBytes: 3,
    ...more,
  } satisfies StagedPart;
}

test('tables in the order of their first loads, parts in the order of the loads, sums of all', () => {
  const gathered = gatherLoads([
    load(B, [{ tableId: B, files: [file('b1')] }]),
    load(
      A,
      [
        { tableId: A, files: [file('a1')] },
        { tableId: REJECTED, files: [file('r1')] },
      ],
      { rowsFiltered: 1, errorSamples: ['one', 'two'] },
    ),
    load(B, [{ tableId: B, files: [file('b2')] }], { errorSamples: ['three', 'four'] }),
    load(A, [{ tableId: REJECTED, files: [file('r2')] }], { rowsLoaded: 0, rowsFiltered: 1 }),
  ]);
  assert.deepEqual(
    gathered.targets.map(({ tableId }) => tableId),
    [B, A],
  );
  const keys = gathered.tables.map((table) => [
    table.tableId,
    putTogether(table).files.map(({ key }) => key),
  ]);
  assert.deepEqual(keys, [
    [B, ['b1', 'b2']],
    [A, ['a1']],
    [REJECTED, ['r1', 'r2']],
  ]);
  assert.ok(!gathered.tables.some(needsMerge));
  const { rowsLoaded, rowsFiltered, rowsUnselected, bodyBytes, errorSamples } = gathered;
  assert.deepEqual([rowsLoaded, rowsFiltered, rowsUnselected, bodyBytes], [3, 2, 8, 12]);
  assert.deepEqual(errorSamples, ['one', 'two', 'three']);
});

test('several parts with keys are merged, a single one is not; those without rows do not count', () => {
  const empty = load(A, [{ tableId: A, files: [], keyed }], { rowsLoaded: 0 });
  const one = load(A, [{ tableId: A, files: [file('a1')], keyed }]);
  const deletes = load(A, [{ tableId: A, files: [], keyed: { ...keyed, deletes: file('k') } }]);
  const [single] = gatherLoads([empty, one]).tables;
  assert.ok(single !== undefined && !needsMerge(single));
  assert.deepEqual(
    putTogether(single).files.map(({ key }) => key),
    ['a1'],
  );
  const [both] = gatherLoads([one, empty, deletes]).tables;
  assert.ok(both !== undefined && needsMerge(both));
  assert.equal(both.parts.length, 2);
  assert.throws(() => putTogether(both), /rows that only add/);
});

test('loads made for different forms of a table go by the older one, which the commit refuses', () => {
  const { targets } = gatherLoads([
    load(A, [], { rewrittenVersion: 7 }),
    load(A, [], { rewrittenVersion: 3 }),
  ]);
  assert.deepEqual(targets, [{ tableId: A, rewrittenVersion: 3 }]);
});

test('a transaction whose loads have no rows has targets all the same', () => {
  const { targets, tables } = gatherLoads([load(A, []), load(B, [{ tableId: B, files: [] }])]);
  assert.equal(targets.length, 2);
  assert.deepEqual(tables, []);
});

test('parts of one way are one run; those that only delete go with any', () => {
  const rule = { partial: true, condition: null, timeZone: 'UTC' };
  const whole = (key: string): StagedTable => ({ tableId: A, files: [file(key)], keyed });
  const some = (key: string, given: readonly string[]): StagedTable => ({
    tableId: A,
    files: [],
    keyed: { ...keyed, draft: { file: file(key), rule, given } },
  });
  const deletes = (key: string): StagedTable => ({
    tableId: A,
    files: [],
    keyed: { ...keyed, deletes: file(key) },
  });
  const runs = runsOf([
    ...[deletes('d1'), some('p1', ['k', 'v']), some('p2', ['k', 'v']), deletes('d2')],
    ...[some('p3', ['k', 'w']), whole('w1'), deletes('d3'), whole('w2'), some('p4', ['k', 'v'])],
  ]);
  assert.deepEqual(
    runs.map(({ draft, parts }) => [draft?.given.join('') ?? null, parts.length]),
    [
      ['kv', 4],
      ['kw', 1],
      [null, 3],
      ['kv', 1],
    ],
  );
  assert.deepEqual(
    runsOf([deletes('d1')]).map(({ draft }) => draft),
    [null],
  );
  assert.deepEqual(runsOf([]), []);
});
