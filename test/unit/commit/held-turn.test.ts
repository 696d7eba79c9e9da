// Work that is longer than the lease of its turn: renewed while it goes on, told to end when the turn is lost, given
// back in every case.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { AppError, fail } from '../../../src/base/errors.ts';
import { asId, type TableId } from '../../../src/base/ids.ts';
import { underTurn } from '../../../src/commit/held-turn.ts';
import type { TableTurns, Turn } from '../../../src/commit/turn.ts';

const TABLE = asId<TableId>(7);
const TURN: Turn = { tableId: TABLE, ticket: 1, holder: 'x', expiresMs: 0 };
const REQUEST = { rank: 'LOAD', holder: 'x', leaseMs: 3000, waitMs: 10 } as const;

/** Sleepers wake when the test says so, or by their signal. */
class Sleepers {
  readonly asked: number[] = [];
  #wake: (() => void) | undefined;

  readonly clock: Clock = {
    ...systemClock,
    sleep: (ms, signal) => {
      this.asked.push(ms);
      return new Promise((resolve, reject) => {
        this.#wake = resolve;
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    },
  };

  async wake(): Promise<void> {
    this.#wake?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Rig {
  readonly sleepers: Sleepers;
  readonly turns: TableTurns;
  readonly steps: string[];
}

function rig(changed: Partial<TableTurns> = {}): Rig {
  const steps: string[] = [];
  const turns: TableTurns = {
    acquire: async () => TURN,
    renew: async (turn) => {
      steps.push('renew');
      return turn;
    },
    release: async () => {
      steps.push('release');
    },
    ...changed,
  };
  return { sleepers: new Sleepers(), turns, steps };
}

function run<T>(
  { sleepers, turns }: Rig,
  work: (turn: Turn, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> {
  return underTurn({ turns, clock: sleepers.clock }, TABLE, REQUEST, signal, work);
}

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

test('the lease is renewed as long as the work goes on, and the turn is given back after it', async () => {
  const made = rig();
  const work = Promise.withResolvers<string>();
  const result = run(made, () => work.promise);
  await made.sleepers.wake();
  await made.sleepers.wake();
  await made.sleepers.wake();
  assert.deepEqual(made.steps, ['renew', 'renew']);
  assert.ok(made.sleepers.asked.every((ms) => ms === 1000));
  work.resolve('done');
  assert.equal(await result, 'done');
  assert.deepEqual(made.steps, ['renew', 'renew', 'release']);
});

test('a turn that is lost ends the work with that reason', async () => {
  const made = rig({
    renew: async () => {
      throw fail('TURN_LOST', { tableId: TABLE, holder: 'x' });
    },
  });
  const result = run(
    made,
    (_turn, signal) =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  );
  const rejected = assert.rejects(result, hasCode('TURN_LOST'));
  await made.sleepers.wake();
  await made.sleepers.wake();
  await rejected;
  assert.deepEqual(made.steps, ['release']);
});

test('work that fails, and a turn that cannot be given back: the work says what happened', async () => {
  const failing = rig();
  await assert.rejects(
    run(failing, async () => {
      throw fail('CANCELLED');
    }),
    hasCode('CANCELLED'),
  );
  assert.deepEqual(failing.steps, ['release']);
  const stuck = rig({
    release: async () => {
      throw fail('METADATA_UNAVAILABLE', { detail: 'x' });
    },
  });
  assert.equal(await run(stuck, async () => 'done'), 'done');
});

test('who waits for the turn can be ended; a turn that comes too late is given back', async () => {
  const late = Promise.withResolvers<Turn>();
  const made = rig({ acquire: () => late.promise });
  const stop = new AbortController();
  const result = run(made, async () => 'never', stop.signal);
  const rejected = assert.rejects(result, hasCode('CANCELLED'));
  stop.abort(fail('CANCELLED'));
  await rejected;
  assert.deepEqual(made.steps, []);
  late.resolve(TURN);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(made.steps, ['release']);
});

test('the signal of the work is also the one given', async () => {
  const made = rig();
  const stop = new AbortController();
  const result = run(
    made,
    async (_turn, signal) => {
      stop.abort(fail('CANCELLED'));
      signal.throwIfAborted();
    },
    stop.signal,
  );
  await assert.rejects(result, hasCode('CANCELLED'));
  assert.deepEqual(made.steps, ['release']);
});
