// Partitions by the clock, over the ends of years, leap days and changes of summer time: names, bounds, what is dropped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { present } from '../../../../src/base/assert.ts';
import {
  asId,
  type DatabaseId,
  type FieldId,
  type PartitionId,
  type TableId,
  type VolumeId,
} from '../../../../src/base/ids.ts';
import type { Partition } from '../../../../src/model/partition.ts';
import type { TableInfo } from '../../../../src/model/table.ts';
import { keepPartitions, keptPartitions } from '../../../../src/statements/partitions/keep.ts';
import { CLICKS } from '../../../support/catalog-fixture.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

type Unit = 'HOUR' | 'DAY' | 'WEEK' | 'MONTH' | 'YEAR';
type Properties = Readonly<Record<string, string>>;

function tableOf(kind: 'DATE' | 'DATETIME', properties: Properties): TableInfo {
  const fieldId = asId<FieldId>(1);
  const [column] = CLICKS.columns;
  return {
    id: asId<TableId>(10003),
    databaseId: asId<DatabaseId>(10002),
    databaseName: 'd',
    name: 't',
    schema: {
      keysType: 'DUP_KEYS',
      columns: [{ ...present(column, 'a column'), fieldId, name: 'at', type: { kind } }],
    },
    volumeId: asId<VolumeId>(10001),
    prefix: 'd/t-10003/data',
    comment: '',
    distributedBy: [],
    buckets: null,
    properties,
    createdMs: 0,
    partitioning: {
      kind: 'range',
      automatic: false,
      items: [{ fieldId, transform: { kind: 'identity' } }],
    },
  };
}

const dynamic = (unit: Unit, more: Properties): Properties => ({
  'dynamic_partition.time_unit': unit,
  ...Object.fromEntries(
    Object.entries(more).map(([name, value]) => [`dynamic_partition.${name}`, value]),
  ),
});

let lastId = 0;

/** The partitions after the clock was looked at. */
function kept(
  table: TableInfo,
  partitions: readonly Partition[],
  nowMs: number,
): readonly Partition[] {
  const change = keptPartitions(table, partitions, nowMs);
  if (change === null) return partitions;
  const dropped = new Set(change.drop ?? []);
  const made = (change.add ?? []).map((one): Partition => {
    lastId += 1;
    return { ...one, id: asId<PartitionId>(lastId), createdMs: nowMs };
  });
  return [...partitions.filter(({ id }) => !dropped.has(id)), ...made];
}

/** `name [lower, upper)` of each, in order of time. */
function shown(partitions: readonly Partition[]): readonly string[] {
  return partitions
    .flatMap(({ name, bounds }) =>
      bounds.kind === 'range' ? [{ name, lower: bounds.lower[0], upper: bounds.upper[0] }] : [],
    )
    .toSorted((a, b) => String(a.lower).localeCompare(String(b.lower)))
    .map(({ name, lower, upper }) => `${name} [${lower}, ${upper})`);
}

/** What there is in a new table at a moment. */
function made(kind: 'DATE' | 'DATETIME', properties: Properties, now: string): readonly string[] {
  return shown(kept(tableOf(kind, properties), [], Date.parse(now)));
}

test('days over a leap day and the end of a year', () => {
  const days = dynamic('DAY', { end: '2', history_partition_num: '1' });
  assert.deepEqual(made('DATE', days, '2024-02-28T12:00:00Z'), [
    'p20240227 [2024-02-27, 2024-02-28)',
    'p20240228 [2024-02-28, 2024-02-29)',
    'p20240229 [2024-02-29, 2024-03-01)',
    'p20240301 [2024-03-01, 2024-03-02)',
  ]);
  assert.deepEqual(made('DATE', days, '2023-02-28T12:00:00Z').slice(2), [
    'p20230301 [2023-03-01, 2023-03-02)',
    'p20230302 [2023-03-02, 2023-03-03)',
  ]);
  assert.deepEqual(made('DATETIME', days, '2025-12-31T23:59:59.999Z'), [
    'p20251230 [2025-12-30 00:00:00, 2025-12-31 00:00:00)',
    'p20251231 [2025-12-31 00:00:00, 2026-01-01 00:00:00)',
    'p20260101 [2026-01-01 00:00:00, 2026-01-02 00:00:00)',
    'p20260102 [2026-01-02 00:00:00, 2026-01-03 00:00:00)',
  ]);
});

test('months with a first day of their own, years, and a prefix', () => {
  const months = dynamic('MONTH', {
    end: '1',
    history_partition_num: '1',
    start_day_of_month: '28',
  });
  assert.deepEqual(made('DATE', months, '2023-03-27T00:00:00Z'), [
    'p202301 [2023-01-28, 2023-02-28)',
    'p202302 [2023-02-28, 2023-03-28)',
    'p202303 [2023-03-28, 2023-04-28)',
  ]);
  assert.equal(made('DATE', months, '2024-12-28T00:00:00Z')[1], 'p202412 [2024-12-28, 2025-01-28)');
  const years = dynamic('YEAR', { end: '1', prefix: 'y_' });
  assert.deepEqual(made('DATE', years, '2024-02-29T00:00:00Z'), [
    'y_2024 [2024-01-01, 2025-01-01)',
    'y_2025 [2025-01-01, 2026-01-01)',
  ]);
});

/** The first days of weeks and their names, as java.util.Calendar of a JDK 17 in its locale `en` counts them. */
const WEEKS = [
  ['2016-12-26', '2016_53'],
  ['2019-12-30', '2019_53'],
  ['2020-02-24', '2020_09'],
  ['2020-05-25', '2020_22'],
  ['2021-01-04', '2021_02'],
  ['2022-12-26', '2022_53'],
  ['2023-01-02', '2023_01'],
  ['2023-12-25', '2023_52'],
  ['2024-01-01', '2024_01'],
  ['2024-12-30', '2024_53'],
  ['2026-11-23', '2026_48'],
  ['2027-12-27', '2027_53'],
  ['2028-12-25', '2028_53'],
  ['2029-01-01', '2029_01'],
] as const;

test('names of weeks are those that StarRocks gives', () => {
  for (const [day, name] of WEEKS) {
    const [first] = made('DATE', dynamic('WEEK', { end: '1' }), `${day}T08:00:00Z`);
    assert.equal(first?.split(', ')[0], `p${name} [${day}`);
  }
});

test('weeks that begin on another day; two of a year that StarRocks would give one name', () => {
  const wednesdays = dynamic('WEEK', { end: '1', start_day_of_week: '3' });
  // SOURCE: StarRocks, DynamicPartitionUtil: Sunday the 24th is in the week of Wednesday the 20th.
  assert.deepEqual(made('DATE', wednesdays, '2020-05-24T00:00:00Z'), [
    'p2020_21 [2020-05-20, 2020-05-27)',
    'p2020_22 [2020-05-27, 2020-06-03)',
  ]);
  const sundays = dynamic('WEEK', { end: '2', start_day_of_week: '7' });
  assert.deepEqual(made('DATE', sundays, '2028-12-24T00:00:00Z'), [
    'p2028_53 [2028-12-24, 2028-12-31)',
    'p2028_53_2 [2028-12-31, 2029-01-07)',
    'p2029_02 [2029-01-07, 2029-01-14)',
  ]);
});

test('the zone says which day and hour it is; hours have no gap where summer time begins or ends', () => {
  const days = (zone: string): Properties => dynamic('DAY', { end: '1', time_zone: zone });
  const day = (zone: string): string | undefined =>
    made('DATE', days(zone), '2025-12-31T20:00:00Z')[0]?.slice(0, 9);
  assert.deepEqual(['Asia/Shanghai', '+08:00', 'UTC', 'America/New_York'].map(day), [
    'p20260101',
    'p20260101',
    'p20251231',
    'p20251231',
  ]);
  const hours = dynamic('HOUR', { end: '2', time_zone: 'America/New_York' });
  // 06:30 is 01:30, half an hour before clocks go from 2 to 3.
  assert.deepEqual(made('DATETIME', hours, '2026-03-08T06:30:00Z'), [
    'p2026030801 [2026-03-08 01:00:00, 2026-03-08 02:00:00)',
    'p2026030802 [2026-03-08 02:00:00, 2026-03-08 03:00:00)',
    'p2026030803 [2026-03-08 03:00:00, 2026-03-08 04:00:00)',
  ]);
  // 05:30 and 06:30 are both 01:30.
  const [first, second] = ['2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z'].map((now) =>
    made('DATETIME', hours, now),
  );
  assert.deepEqual(first, second);
  assert.equal(first?.[0], 'p2026110101 [2026-11-01 01:00:00, 2026-11-01 02:00:00)');
});

test('what ended before the start is dropped, what reaches past it stays', () => {
  const table = tableOf('DATE', dynamic('DAY', { start: '-2', end: '1' }));
  const partitions = kept(table, [], Date.parse('2024-02-28T00:00:00Z'));
  const later = kept(table, partitions, Date.parse('2024-03-02T00:00:00Z'));
  assert.deepEqual(shown(later), [
    'p20240229 [2024-02-29, 2024-03-01)',
    'p20240302 [2024-03-02, 2024-03-03)',
    'p20240303 [2024-03-03, 2024-03-04)',
  ]);
});

test('after a change of the unit the first new one begins where the last old one ends', () => {
  const months = kept(
    tableOf('DATE', dynamic('MONTH', { end: '1' })),
    [],
    Date.parse('2022-07-10T00:00:00Z'),
  );
  const weeks = tableOf('DATE', dynamic('WEEK', { end: '1' }));
  assert.deepEqual(shown(kept(weeks, months, Date.parse('2022-08-30T00:00:00Z'))), [
    'p202207 [2022-07-01, 2022-08-01)',
    'p202208 [2022-08-01, 2022-09-01)',
    'p2022_36 [2022-09-01, 2022-09-05)',
    'p2022_37 [2022-09-05, 2022-09-12)',
  ]);
});

test('partition_live_number and partition_ttl', () => {
  const days = kept(
    tableOf('DATE', dynamic('DAY', { end: '2', history_partition_num: '4' })),
    [],
    Date.parse('2025-01-02T00:00:00Z'),
  );
  const names = (properties: Properties, now: string): readonly string[] =>
    shown(kept(tableOf('DATE', properties), days, Date.parse(now))).map((text) => text.slice(0, 9));
  assert.deepEqual(names({ partition_live_number: '2' }, '2025-01-02T00:00:00Z'), [
    'p20250101',
    'p20250102',
    'p20250103',
    'p20250104',
  ]);
  assert.deepEqual(names({ partition_ttl: '3 DAY' }, '2025-01-04T00:00:00Z'), [
    'p20250101',
    'p20250102',
    'p20250103',
    'p20250104',
  ]);
  assert.deepEqual(names({ partition_live_number: '-1' }, '2026-01-02T00:00:00Z').length, 7);
});

test('at any moment, in any zone: now is covered, there are no gaps or overlaps, names are distinct, and once is enough', () => {
  const units = ['HOUR', 'DAY', 'WEEK', 'MONTH', 'YEAR'] as const;
  const zones = ['Etc/UTC', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', '-09:30'];
  const setting = fc.record({
    unit: fc.constantFrom(...units),
    zone: fc.constantFrom(...zones),
    nowMs: fc.integer({ min: Date.UTC(1999, 11, 1), max: Date.UTC(2060, 0, 1) }),
    end: fc.integer({ min: 1, max: 60 }),
    history: fc.integer({ min: 0, max: 60 }),
    week: fc.integer({ min: 1, max: 7 }),
    month: fc.integer({ min: 1, max: 28 }),
    laterMs: fc.integer({ min: 0, max: 400 * 86_400_000 }),
  });
  fc.assert(
    fc.property(setting, ({ unit, zone, nowMs, end, history, week, month, laterMs }) => {
      const table = tableOf(
        'DATETIME',
        dynamic(unit, {
          time_zone: zone,
          end: String(end),
          history_partition_num: String(history),
          start: '-70',
          start_day_of_week: String(week),
          start_day_of_month: String(month),
        }),
      );
      let partitions: readonly Partition[] = [];
      for (const at of [nowMs, nowMs + laterMs]) {
        partitions = kept(table, partitions, at);
        assert.equal(keptPartitions(table, partitions, at), null, 'nothing is left to do');
        const lines = shown(partitions).map((text) => /^(\S+) \[(.+), (.+)\)$/.exec(text) ?? []);
        assert.equal(new Set(lines.map(([, name]) => name)).size, lines.length, 'names');
        assert.ok(lines.every(([, , lower = '', upper = '']) => lower < upper));
        const recent = lines.slice(-(end + history + 1));
        for (const [index, [, , lower]] of recent.entries()) {
          if (index > 0) assert.equal(lower, recent[index - 1]?.[3], 'no gap');
        }
        const local = new Date(at).toLocaleString('sv-SE', {
          timeZone: zone,
        });
        assert.ok(recent.some(([, , lower = '', upper = '']) => lower <= local && local < upper));
      }
    }),
    { numRuns: 500 },
  );
});

test('the clock of the front end decides', async () => {
  const clock = new ManualClock(Date.parse('2026-12-31T23:59:00Z'));
  const table = tableOf('DATE', dynamic('DAY', { end: '1', start: '-1' }));
  let partitions: readonly Partition[] = [];
  const services = {
    clock,
    changePartitions: async (
      _: TableId,
      make: (now: TableInfo, all: readonly Partition[]) => unknown,
    ) => {
      const isChanged = make(table, partitions) !== null;
      partitions = kept(table, partitions, clock.nowMs());
      return isChanged;
    },
  };
  await keepPartitions(table, services);
  await clock.advance(60_000);
  await keepPartitions(table, services);
  assert.deepEqual(shown(partitions), [
    'p20261231 [2026-12-31, 2027-01-01)',
    'p20270101 [2027-01-01, 2027-01-02)',
    'p20270102 [2027-01-02, 2027-01-03)',
  ]);
});
