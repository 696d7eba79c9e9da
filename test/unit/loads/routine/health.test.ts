// When a job resumes by itself, when it is unstable, what counts as behind; and the freshness target's forms.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, fail } from '../../../../src/base/errors.ts';
import { asId, type JobId } from '../../../../src/base/ids.ts';
import type { LoadJobRecord, PositionRecord } from '../../../../src/catalog/load-jobs.ts';
import { freshnessMs, readFreshness } from '../../../../src/loads/routine/freshness.ts';
import {
  lagSeconds,
  messagesBehind,
  pauseReason,
  REASONS,
  reasonCode,
  resumeAfterMs,
  unstableReason,
} from '../../../../src/loads/routine/health.ts';
import { ProgressWatch } from '../../../../src/loads/routine/progress-watch.ts';

function position(changes: Partial<PositionRecord> = {}): PositionRecord {
  return {
    topic: 't',
    partition: 0,
    nextOffset: 5n,
    lastTimestampMs: 1_000,
    latestOffset: 5n,
    ...changes,
  };
}

test('what heals waits longer each time; what does not waits for a person', () => {
  const denied = fail('KAFKA_AUTHORIZATION', { operation: 'Read', resource: 'topic t' });
  assert.deepEqual(
    [1, 2, 3, 5, 6, 40].map((failures) => resumeAfterMs(denied, failures)),
    [30_000, 60_000, 120_000, 480_000, 600_000, 600_000],
  );
  assert.equal(resumeAfterMs(fail('INTERNAL', { detail: 'x' }), 1), 30_000);
  for (const error of [
    fail('LOAD_TOO_MANY_FILTERED', { filtered: 1, rows: 1, ratio: 0, samples: '' }),
    fail('LOAD_PARSE_ERROR', { count: 1, samples: '' }),
    fail('KAFKA_TOPIC_RECREATED', { topic: 't', oldId: 'a', newId: 'b' }),
  ]) {
    assert.equal(resumeAfterMs(error, 1), null);
  }
});

test('reasons have the numbers of StarRocks', () => {
  assert.equal(reasonCode(fail('LOAD_PARSE_ERROR', { count: 1, samples: '' })), 5611);
  assert.equal(reasonCode(fail('KAFKA_UNKNOWN_TOPIC', { topic: 't' })), 4);
  assert.equal(
    reasonCode(fail('KAFKA_TOPIC_RECREATED', { topic: 't', oldId: 'a', newId: 'b' })),
    5607,
  );
  assert.equal(reasonCode(fail('CANCELLED')), REASONS.tasksAbort);
  const range = { topic: 't', partition: 3, logStart: 50n, logEnd: 90n };
  const lost = pauseReason(fail('KAFKA_OFFSET_OUT_OF_RANGE', { ...range, offset: 40n }));
  assert.equal(lost.errCode, 104);
  assert.match(lost.message, /^offset 40 of Kafka topic 't' partition 3 is out of range/);
  const behind = pauseReason(fail('KAFKA_OFFSET_OUT_OF_RANGE', { ...range, offset: 91n }));
  assert.equal(behind.errCode, 5607);
  assert.match(
    behind.message,
    /^Consume offset: 91 is greater than the latest offset: 90 in kafka partition: 3\. You can modify 'kafka_offsets' property through ALTER ROUTINE LOAD and RESUME the job/,
  );
});

test('messages behind: unknown ends and positions count as none', () => {
  assert.equal(messagesBehind([]), 0n);
  assert.equal(messagesBehind([position({ latestOffset: null })]), 0n);
  assert.equal(messagesBehind([position({ nextOffset: -1n, latestOffset: 9n })]), 0n);
  assert.equal(messagesBehind([position({ latestOffset: 3n })]), 0n);
  assert.equal(
    messagesBehind([position({ latestOffset: 7n }), position({ latestOffset: 8n })]),
    5n,
  );
  assert.equal(lagSeconds(position(), 9_000), null);
  assert.equal(lagSeconds(position({ latestOffset: 6n }), 9_500), 8);
  assert.equal(lagSeconds(position({ latestOffset: 6n, lastTimestampMs: null }), 9_500), null);
});

test('UNSTABLE: by the age of the last message while more wait, or because it stalled', () => {
  const limits = { nowMs: 3_702_000, thresholdSeconds: 3600 };
  const running = { state: 'RUNNING', stalled: null } as const;
  const late = [position({ partition: 3, latestOffset: 6n })];
  assert.deepEqual(unstableReason(running, late, limits), {
    errCode: 105,
    message:
      'The lag [3701] of partition [3] exceeds Config.routine_load_unstable_threshold_second [3600]',
  });
  assert.equal(unstableReason(running, [position()], limits), null);
  assert.equal(unstableReason({ ...running, state: 'PAUSED' }, late, limits), null);
  const stalled = { sinceMs: 1, message: 'stuck', restarts: 1 };
  assert.deepEqual(unstableReason({ ...running, stalled }, [], limits), {
    errCode: 105,
    message: 'stuck',
  });
});

test('the watch: only messages that wait without a commit for the whole time are a stall', () => {
  let nowMs = 1_000_000;
  const watch = new ProgressWatch({ monotonicMs: () => nowMs, nowMs: () => nowMs });
  const id = asId<JobId>(1);
  const job = { id, stalled: null, otherMessage: null } as unknown as LoadJobRecord;
  const behind = [position({ latestOffset: 25n })];
  assert.equal(watch.look(job, [position()], 60_000), null);
  nowMs += 600_000;
  watch.heard(id);
  // It was idle: the time begins with the first message that waits.
  assert.equal(watch.look(job, [position()], 60_000), null);
  nowMs += 59_000;
  assert.equal(watch.look(job, behind, 60_000), null);
  watch.committed(id);
  nowMs += 59_000;
  assert.equal(watch.look(job, behind, 60_000), null);
  nowMs += 1_000;
  const stall = watch.look(job, behind, 60_000);
  assert.equal(stall?.sinceMs, nowMs - 60_000);
  assert.match(stall?.message ?? '', /^20 messages wait and nothing was committed since 1970-/);
  // What was started anew has its whole time.
  nowMs += 59_000;
  assert.equal(watch.look(job, behind, 60_000), null);
  assert.equal(watch.committed(id), true);
  assert.equal(watch.committed(id), false);
});

test('the watch: a job that hears nothing of Kafka has stalled, too, until it hears again', () => {
  let nowMs = 1_000_000;
  const watch = new ProgressWatch({ monotonicMs: () => nowMs, nowMs: () => nowMs });
  const id = asId<JobId>(1);
  const job = {
    id,
    stalled: null,
    otherMessage: { text: 'no answer' },
  } as unknown as LoadJobRecord;
  const still = [position()];
  // Of a job that nobody looks at nothing is kept.
  watch.heard(id);
  for (let at = 0; at < 20; at += 1) {
    assert.equal(watch.look(job, still, 60_000), null);
    nowMs += 50_000;
    watch.heard(id);
  }
  nowMs += 59_000;
  assert.equal(watch.look(job, still, 60_000), null);
  nowMs += 1_000;
  const stall = watch.look(job, still, 60_000);
  assert.equal(stall?.sinceMs, nowMs - 60_000);
  assert.match(
    stall?.message ?? '',
    /^nothing was heard of Kafka since 1970-.*, the tasks are started anew; last trouble: no answer$/,
  );
  const ill = { ...job, stalled: { sinceMs: 1, message: '', restarts: 1 } } as LoadJobRecord;
  assert.equal(watch.isWellAgain(ill, still), false);
  watch.heard(id);
  assert.equal(watch.isWellAgain(ill, [position({ latestOffset: 25n })]), false);
  assert.equal(watch.isWellAgain(ill, still), true);
  // Reports come every ten seconds: a shorter limit is none for silence; without partitions there is no task.
  nowMs += 29_000;
  assert.equal(watch.look(job, still, 1_000), null);
  nowMs += 600_000;
  assert.equal(watch.look(job, [], 1_000), null);
});

test('freshness: from 100 ms to an hour, with a unit or in milliseconds', () => {
  assert.deepEqual(
    ['100ms', '500', '2s', '1 minute', ' 10 SECONDS ', '60m'].map(readFreshness),
    [100, 500, 2_000, 60_000, 10_000, 3_600_000],
  );
  for (const text of ['99ms', '0', '-1s', '61m', '1 day', 'fast', '', '1.5s']) {
    assert.throws(
      () => readFreshness(text),
      (error: unknown) =>
        error instanceof AppError && /freshness should be a time from 100 ms/.test(error.message),
      text,
    );
  }
  assert.equal(freshnessMs({}, 1_000), 1_000);
  assert.equal(freshnessMs({ freshness: '200ms' }, 1_000), 200);
});
