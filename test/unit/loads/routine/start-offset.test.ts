// Starts of partitions: what is understood and refused, what is stored, and the offset that each means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OffsetSpec } from '../../../../src/kafka/client/cluster.ts';
import {
  readOffset,
  resolveStarts,
  type StartOffset,
  startText,
} from '../../../../src/loads/routine/start-offset.ts';

test('texts come back as they are stored', () => {
  const stored = (text: string): string => startText(readOffset(text));
  assert.equal(stored(' offset_end-1000'), 'OFFSET_END - 1000');
  assert.equal(stored('OFFSET_BEGINNING +5 '), 'OFFSET_BEGINNING + 5');
  assert.equal(stored('timestamp: 1795860000000'), 'TIMESTAMP:1795860000000');
  assert.equal(stored('TIMESTAMP:2026-11-28 10:00:00'), '2026-11-28 10:00:00');
  assert.equal(stored('2026-11-28T10:00:00.5'), '2026-11-28 10:00:00.5');
  assert.equal(stored('2026-11-28'), '2026-11-28');
  assert.equal(stored('7'), '7');
  for (const text of ['OFFSET_END - 1000', 'TIMESTAMP:5', '2026-11-28 10:00:00', '7', 'OFFSET_END'])
    assert.equal(stored(stored(text)), text);
});

test('what is no start', () => {
  const refuses = (text: string, message: RegExp): void =>
    assert.throws(() => readOffset(text), message, text);
  refuses('OFFSET_END + 1', /outside of the partition: OFFSET_END \+ 1/);
  refuses('OFFSET_BEGINNING - 1', /outside of the partition/);
  refuses('OFFSET_END - x', /must be a integer: OFFSET_END - x/);
  refuses('2026-02-30 10:00:00', /2026-02-30 10:00:00 is no time of the calendar/);
  refuses('2026-02-28 25:00:00', /no time of the calendar/);
  refuses('2026-2-8', /must be a integer/);
  refuses('TIMESTAMP:-1', /TIMESTAMP:-1 is no time: expected/);
  refuses('TIMESTAMP:', /is no time: expected/);
  refuses('TIMESTAMP:9999999999999999', /is no time: expected/);
});

/** Partitions 0 and 1 hold offsets 10 to 99, partition 2 none of 10. */
async function resolve(
  starts: readonly StartOffset[],
  timeZone = 'UTC',
): Promise<{ readonly offsets: readonly (bigint | undefined)[]; readonly asked: OffsetSpec[] }> {
  const asked: OffsetSpec[] = [];
  const found = await resolveStarts({
    probe: {
      offsets: async (_connection, _topic, partitions, at) => {
        asked.push(at);
        const offset = at === 'earliest' ? 10n : at === 'latest' ? 100n : 50n;
        return new Map(partitions.map((p) => [p, p === 2 ? 10n : offset] as const));
      },
    },
    connection: { brokers: [], properties: {} },
    topic: 't',
    starts: new Map(starts.map((start, partition) => [partition, start])),
    timeZone,
  });
  return { offsets: starts.map((_, partition) => found.get(partition)), asked };
}

test('distances are cut at the other end of the partition', async () => {
  const near = readOffset('OFFSET_END - 20');
  const { offsets, asked } = await resolve([near, readOffset('OFFSET_END - 1000'), near]);
  assert.deepEqual(offsets, [80n, 10n, 10n]);
  assert.deepEqual(asked, ['earliest', 'latest']);
  const forward = await resolve([
    readOffset('OFFSET_BEGINNING + 5'),
    readOffset('OFFSET_BEGINNING+90000'),
  ]);
  assert.deepEqual(forward.offsets, [15n, 100n]);
});

test('numbers ask nothing; equal times and ends are asked for once', async () => {
  assert.deepEqual((await resolve([5n, 6n])).asked, []);
  const times = await resolve(
    [readOffset('2026-11-28 10:00:00'), readOffset('TIMESTAMP:1795831200000')],
    '+08:00',
  );
  assert.deepEqual(times.asked, [{ timestampMs: 1_795_831_200_000 }]);
  assert.deepEqual(times.offsets, [50n, 50n]);
  const ends = await resolve([readOffset('OFFSET_END'), readOffset('OFFSET_BEGINNING'), 3n]);
  assert.deepEqual(ends.offsets, [100n, 10n, 3n]);
});

test('times in a zone whose clocks change', async () => {
  const at = async (text: string): Promise<string> => {
    const { asked } = await resolve([readOffset(text)], 'Europe/Berlin');
    const [spec] = asked;
    return typeof spec === 'object' ? new Date(spec.timestampMs).toISOString() : String(spec);
  };
  assert.equal(await at('2026-07-01 12:00:00.25'), '2026-07-01T10:00:00.250Z');
  // Twice: in summer time first.
  assert.equal(await at('2026-10-25 02:30:00'), '2026-10-25T00:30:00.000Z');
  // Never: clocks go from 02:00 to 03:00.
  assert.equal(await at('2026-03-29 02:30:00'), '2026-03-29T00:30:00.000Z');
  assert.equal(await at('1970-01-01 00:00:00'), '1970-01-01T00:00:00.000Z');
});
