import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedTimeZone, timeFormatter } from '../../../src/loads/time-zone.ts';

test('zones are stored in one form', () => {
  const cases: readonly [string, string | null][] = [
    ['Etc/UTC', 'Etc/UTC'],
    ['Asia/Shanghai', 'Asia/Shanghai'],
    ['SYSTEM', 'Etc/UTC'],
    ['CST', 'Asia/Shanghai'],
    ['+8:00', '+08:00'],
    ['-03:30', '-03:30'],
    ['+14:00', '+14:00'],
    ['-12:59', '-12:59'],
    ['+14:01', null],
    ['-13:00', null],
    ['+08:60', null],
    ['Mars/Base', null],
    ['', null],
    ["UTC'; DROP", null],
  ];
  for (const [text, stored] of cases) assert.equal(storedTimeZone(text), stored, text);
});

test('times are shown as StarRocks shows them', () => {
  const atMs = Date.UTC(2024, 5, 12, 15, 51, 12, 999);
  assert.equal(timeFormatter('Etc/UTC')(atMs), '2024-06-12 15:51:12');
  assert.equal(timeFormatter('Asia/Shanghai')(atMs), '2024-06-12 23:51:12');
  assert.equal(timeFormatter('-03:30')(atMs), '2024-06-12 12:21:12');
  assert.equal(timeFormatter('America/New_York')(Date.UTC(2024, 0, 1, 5)), '2024-01-01 00:00:00');
  assert.equal(timeFormatter('+08:00')(null), 'NULL');
});
