import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchPace } from '../../../src/pipeline/batch-pace.ts';

test('a fast commit leaves nine tenths of the target to the wait for rows', () => {
  const pace = new BatchPace(1000);
  assert.equal(pace.tickMs, 900);
  pace.note(30);
  assert.equal(pace.tickMs, 900);
});

test('what staging and commit take is left of the target, up to six tenths', () => {
  const pace = new BatchPace(1000);
  pace.note(400);
  assert.equal(pace.tickMs, 500);
  pace.note(5000);
  assert.equal(pace.tickMs, 400);
});

test('one slow batch is forgotten', () => {
  const pace = new BatchPace(1000);
  pace.note(400);
  for (let batch = 0; batch < 20; batch += 1) pace.note(20);
  assert.equal(pace.tickMs, 900);
});

test('a job with a short target does not commit ever more often', () => {
  const pace = new BatchPace(100);
  assert.equal(pace.tickMs, 90);
  pace.note(80);
  assert.equal(pace.tickMs, 90);
  const double = new BatchPace(200);
  assert.equal(double.tickMs, 180);
  double.note(200);
  assert.equal(double.tickMs, 90);
});
