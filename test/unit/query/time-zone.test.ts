// Local wall time of an instant, fixed offsets and named zones with summer time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fixedOffsetSeconds,
  isTimeZone,
  localDatetime,
  localToUtcSql,
  settledOffset,
  utcToLocalSql,
} from '../../../src/query/time-zone.ts';
import { errorOf } from './harness.ts';

test('offsets and zones', () => {
  assert.equal(fixedOffsetSeconds('+08:00'), 28800);
  assert.equal(fixedOffsetSeconds('-3:30'), -12600);
  assert.equal(fixedOffsetSeconds('Etc/UTC'), 0);
  assert.equal(fixedOffsetSeconds('Asia/Shanghai'), null);
  assert.equal(isTimeZone('Asia/Shanghai'), true);
  assert.equal(isTimeZone("x' || y"), false);
});

test('local time', () => {
  const summer = Date.UTC(2024, 6, 1, 12, 0, 0, 250);
  assert.equal(localDatetime(summer, 'Europe/Berlin', true), '2024-07-01 14:00:00.250000');
  assert.equal(
    localDatetime(Date.UTC(2024, 0, 1, 12), 'Europe/Berlin', true),
    '2024-01-01 13:00:00',
  );
  assert.equal(localDatetime(summer, '-03:30', false), '2024-07-01 08:30:00');
  assert.equal(localDatetime(0, 'Asia/Kolkata', false), '1970-01-01 05:30:00');
});

test('a zone without summer time is arithmetic from its last change on', () => {
  const shanghai = settledOffset('Asia/Shanghai');
  assert.equal(shanghai?.offsetSeconds, 28800);
  // Its last change was on 1991-09-15.
  assert.ok((shanghai?.sinceMs ?? 0) > Date.UTC(1991, 8, 15));
  assert.ok((shanghai?.sinceMs ?? Infinity) < Date.UTC(1992, 0, 15));
  assert.equal(settledOffset('Asia/Kathmandu')?.offsetSeconds, 20700);
  assert.equal(settledOffset('Europe/Berlin'), null);
  assert.equal(settledOffset('Australia/Lord_Howe'), null);
});

test('SQL: UTC is free, offsets are arithmetic, a name that is none is refused', () => {
  assert.equal(utcToLocalSql('UTC', 'x'), 'x');
  assert.equal(localToUtcSql('+01:00', 'x'), '(x - to_seconds(3600))');
  assert.match(
    utcToLocalSql('Asia/Shanghai', 'x'),
    /timezone\('Asia\/Shanghai', timezone\('UTC', x\)\)/,
  );
  assert.match(
    errorOf(() => utcToLocalSql("a'b", 'x')),
    /Unknown or incorrect time zone: 'a'b'/,
  );
});
