// SUBMIT TASK: times of schedules, in zones too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeFormatter } from '../../../src/loads/time-zone.ts';
import { firstRun, startTime, taskVariables } from '../../../src/statements/tasks.ts';

test('a start in the past begins at the next multiple of the interval', () => {
  assert.equal(firstRun(1_000, 10_000, 500), 1_000);
  assert.equal(firstRun(1_000, 10_000, 1_000), 1_000);
  assert.equal(firstRun(1_000, 10_000, 1_001), 11_000);
  assert.equal(firstRun(1_000, 10_000, 11_000), 11_000);
  assert.equal(firstRun(1_000, 10_000, 35_500), 41_000);
});

test('START is a local time of the session', () => {
  const at = (text: string, zone: string): string =>
    new Date(startTime(text, timeFormatter(zone))).toISOString();
  assert.equal(at('2024-01-31 10:00:00', 'Etc/UTC'), '2024-01-31T10:00:00.000Z');
  assert.equal(at('2024-01-31T10:00', '+08:00'), '2024-01-31T02:00:00.000Z');
  assert.equal(at('2024-07-01 00:30:00', 'Europe/Berlin'), '2024-06-30T22:30:00.000Z');
  assert.equal(at('2024-03-31 03:30:00', 'Europe/Berlin'), '2024-03-31T01:30:00.000Z');
  assert.throws(() => at('2024-02-30 10:00', 'Etc/UTC') && at('soon', 'Etc/UTC'), /Invalid date/);
});

test('properties become variables of the run', () => {
  const variables = taskVariables({ 'session.query_timeout': '5' });
  assert.deepEqual([...variables], [['query_timeout', '5']]);
});
