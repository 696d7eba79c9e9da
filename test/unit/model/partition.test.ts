// Partitions: the SQL that finds a row's partition agrees with the bounds, keys with the engine's own times.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asId, type FieldId, type PartitionId } from '../../../src/base/ids.ts';
import {
  addUnits,
  boundsOfKey,
  canonicalValue,
  compareBounds,
  holds,
  nameOfKey,
  overlap,
  type PartitionBounds,
  type Partitioning,
  type PartitionKey,
  STEP_UNITS,
  TRUNC_UNITS,
  truncate,
} from '../../../src/model/partition.ts';
import { type PartitionRouting, routeSqls } from '../../../src/model/partition-routing.ts';
import { duckdbType, type SqlType } from '../../../src/model/sql-type.ts';
import { withEngine } from '../../support/engine-fixture.ts';

const INT: SqlType = { kind: 'INT' };
const DATE: SqlType = { kind: 'DATE' };
const DATETIME: SqlType = { kind: 'DATETIME' };
const TEXT: SqlType = { kind: 'VARCHAR', length: 20 };

const identity = { kind: 'identity' } as const;

function literal(type: SqlType, text: string | null): string {
  const value = text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`;
  return `CAST(${value} AS ${duckdbType(type)})`;
}

/** The values that routing adds to rows. */
async function routed(
  engine: Parameters<Parameters<typeof withEngine>[1]>[0],
  routing: PartitionRouting,
  rows: readonly PartitionKey[],
): Promise<readonly (readonly (string | null)[])[]> {
  const names = routing.columns.map(({ name }) => name);
  const tuples = rows.map(
    (row, index) =>
      `(${index}, ${routing.columns.map(({ type }, i) => literal(type, row[i] ?? null)).join(', ')})`,
  );
  const sql = `SELECT ${routeSqls(routing).join(', ')} FROM (VALUES ${tuples.join(', ')}) AS t(__n, ${names.join(', ')}) ORDER BY __n`;
  const found = await engine.withConnection((connection) => connection.rows(sql));
  return found.map((row) => row.map((value) => (value === null ? null : String(value))));
}

const small = fc.option(fc.integer({ min: -3, max: 12 }).map(String), { freq: 6 });

test('ranges: each row finds the partition that holds it, or none', async () => {
  await withEngine({ threads: 1 }, async (engine) => {
    const types = [INT, INT];
    const bound = fc.tuple(small, small);
    await fc.assert(
      fc.asyncProperty(
        fc.array(bound, { minLength: 2, maxLength: 8 }),
        fc.array(bound, { minLength: 1, maxLength: 12 }),
        async (bounds, rows) => {
          const sorted = bounds
            .map(([a, b]): PartitionKey => [a ?? '0', b ?? '0'])
            .sort((a, b) => compareBounds(types, a, b, 'lower'));
          // Neighbours, with a hole where two are the same, open at both ends.
          const edges: PartitionKey[] = [[null, null], ...sorted, [null, null]];
          const partitions = edges.slice(1).flatMap((upper, index) => {
            const lower = edges[index] ?? [];
            const isHole = index % 3 === 2 || String(lower) === String(upper);
            const range: PartitionBounds = { kind: 'range', lower, upper };
            return isHole && index > 0 ? [] : [{ id: asId<PartitionId>(index + 1), bounds: range }];
          });
          const columns = ['a', 'b'].map((name) => ({ name, type: INT, transform: identity }));
          const found = await routed(engine, { kind: 'fixed', columns, partitions }, rows);
          const expected = rows.map((row) => {
            const one = partitions.find(({ bounds: range }) => holds(types, range, row));
            return [one === undefined ? null : String(one.id)];
          });
          assert.deepEqual(found, expected);
        },
      ),
      { numRuns: Number(process.env['FC_RUNS'] ?? 60) },
    );
  });
});

test('lists: values, NULL and tuples', async () => {
  await withEngine({ threads: 1 }, async (engine) => {
    const columns = [
      { name: 'city', type: TEXT, transform: identity },
      { name: 'n', type: INT, transform: identity },
    ];
    const partitions = [
      { id: asId<PartitionId>(1), bounds: listOf(['oslo', '1'], ["o'hara", '2']) },
      { id: asId<PartitionId>(2), bounds: listOf([null, '1'], [null, null]) },
    ];
    const rows = [
      ['oslo', '1'],
      ['oslo', '2'],
      ["o'hara", '2'],
      [null, '1'],
      [null, null],
      ['x', null],
    ];
    const found = await routed(engine, { kind: 'fixed', columns, partitions }, rows);
    assert.deepEqual(found, [['1'], [null], ['1'], ['2'], ['2'], [null]]);
    const none = await routed(engine, { kind: 'fixed', columns, partitions: [] }, rows);
    assert.deepEqual(new Set(none.flat()), new Set([null]));
  });
});

function listOf(...values: readonly PartitionKey[]): PartitionBounds {
  return { kind: 'list', values };
}

const moment = fc
  .date({ min: new Date('0002-01-01'), max: new Date('9990-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 19).replace('T', ' '));

test('keys of date_trunc and time_slice are where their units begin, and the made range holds the row', async () => {
  await withEngine({ threads: 1 }, async (engine) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(moment, { minLength: 1, maxLength: 10 }),
        fc.constantFrom(...TRUNC_UNITS),
        fc.constantFrom(...STEP_UNITS),
        fc.integer({ min: 1, max: 40 }),
        async (moments, unit, sliceUnit, count) => {
          const rows = moments.map((text) => [text]);
          const trunc = { kind: 'date_trunc', unit } as const;
          const slice = { kind: 'time_slice', unit: sliceUnit, count } as const;
          for (const transform of [trunc, slice]) {
            const columns = [{ name: 'moment', type: DATETIME, transform }];
            const keys = await routed(engine, { kind: 'automatic', columns }, rows);
            const items = [{ fieldId: asId<FieldId>(1), transform }];
            const partitioning: Partitioning = { kind: 'range', items, automatic: true };
            for (const [index, key] of keys.entries()) {
              const text = moments[index] ?? '';
              if (transform.kind === 'date_trunc') {
                assert.equal(key[0], truncate(DATETIME, text, unit));
              }
              const bounds = boundsOfKey(partitioning, [DATETIME], key);
              assert.equal(holds([DATETIME], bounds, [text]), true, `${text} ${key[0]}`);
            }
          }
        },
      ),
      { numRuns: Number(process.env['FC_RUNS'] ?? 40) },
    );
  });
});

test('canonical values', () => {
  assert.equal(canonicalValue(INT, '+007'), '7');
  assert.equal(canonicalValue(INT, '2147483648'), null);
  assert.equal(canonicalValue(DATE, '20240131'), '2024-01-31');
  assert.equal(canonicalValue(DATE, '2024-1-3 00:00:00'), '2024-01-03');
  assert.equal(canonicalValue(DATE, '2024-02-30'), null);
  assert.equal(canonicalValue(DATETIME, '2024-01-31'), '2024-01-31 00:00:00');
  assert.equal(canonicalValue(DATETIME, '2024-01-31 01:02:03.500'), '2024-01-31 01:02:03.5');
  assert.equal(canonicalValue(DATETIME, '2024-01-31 25:00:00'), null);
  assert.equal(canonicalValue({ kind: 'BOOLEAN' }, '1'), 'true');
  assert.equal(canonicalValue({ kind: 'DOUBLE' }, '1'), null);
});

test('times: steps keep the last day of a month, names show their unit', () => {
  assert.equal(addUnits(DATE, '2024-01-31', 'month', 1), '2024-02-29');
  assert.equal(addUnits(DATE, '2024-01-31', 'quarter', -1), '2023-10-31');
  assert.equal(addUnits(DATETIME, '2024-12-31 23:00:00', 'hour', 2), '2025-01-01 01:00:00');
  assert.equal(addUnits(DATE, '0099-12-31', 'day', 1), '0100-01-01');
  assert.equal(truncate(DATE, '2024-05-05', 'week'), '2024-04-29');
  const by = (unit: (typeof TRUNC_UNITS)[number]): Partitioning => ({
    kind: 'range',
    automatic: true,
    items: [{ fieldId: asId<FieldId>(1), transform: { kind: 'date_trunc', unit } }],
  });
  assert.equal(nameOfKey(by('hour'), ['2024-01-31 07:00:00']), 'p2024013107');
  assert.equal(nameOfKey(by('day'), ['2024-01-31']), 'p20240131');
  assert.equal(nameOfKey(by('year'), ['2024-01-01 00:00:00']), 'p2024');
  const list: Partitioning = {
    kind: 'list',
    automatic: true,
    items: [{ fieldId: asId<FieldId>(1), transform: identity }],
  };
  assert.equal(nameOfKey(list, ['-5', 'a b/c']), 'p_5_abc');
});

test('overlapping ranges', () => {
  const range = (lower: string | null, upper: string | null): PartitionBounds => ({
    kind: 'range',
    lower: [lower],
    upper: [upper],
  });
  assert.equal(overlap([INT], range('1', '5'), range('5', '9')), false);
  assert.equal(overlap([INT], range('1', '6'), range('5', '9')), true);
  assert.equal(overlap([INT], range(null, '6'), range('5', null)), true);
  assert.equal(overlap([INT], range('7', null), range(null, '7')), false);
  assert.equal(overlap([TEXT], listOf(['a']), listOf(['b'], ['a'])), true);
});
