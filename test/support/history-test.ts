// The model test of one model of tables: random histories in one process, each in a table of its own, as many as the time
// allows. A failing one is made shorter and printed. MILLRACE_SEED=<seed> (and MILLRACE_PATH=<path>) repeats it;
// MILLRACE_HISTORIES and MILLRACE_SECONDS say how many at most, and for how long.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/base/clock.ts';
import { settledWithin } from '../../src/base/queue.ts';
import { systemRandom } from '../../src/base/random.ts';
import { histories } from './history.ts';
import { HistoryPlayer } from './history-player.ts';
import type { KeysModel } from './table-model.ts';
import { World } from './world.ts';

const STEPS = 10;
/** The same ones in each `npm test`; MILLRACE_SEED=random and MILLRACE_HISTORIES=1000 look for new ones. */
const SEED = 668486076;
const HISTORIES = 500;
const SECONDS = 200;
const CLOSE_MS = 20_000;

const setting = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

export function testHistories(model: KeysModel): void {
  const seed =
    process.env['MILLRACE_SEED'] === 'random'
      ? systemRandom.below(2 ** 31 - 1)
      : setting('MILLRACE_SEED', SEED);
  const path = process.env['MILLRACE_PATH'];
  const numRuns = setting('MILLRACE_HISTORIES', HISTORIES);
  const seconds = setting('MILLRACE_SECONDS', SECONDS);
  let world: World;
  before(async () => {
    world = await World.open();
  });
  // After a history that hangs the world may not end: the process does.
  after(() => settledWithin(systemClock, world.close(), CLOSE_MS));

  test(`up to ${numRuns} histories of a ${model} KEY table, seed ${seed}`, {
    timeout: seconds * 10_000,
  }, async (context) => {
    let played = 0;
    let playing: Promise<void> = Promise.resolve();
    await fc.assert(
      fc.asyncProperty(histories(STEPS), async (history) => {
        playing = new HistoryPlayer(world, model, history).play();
        await playing;
        played += 1;
      }),
      {
        seed,
        numRuns,
        interruptAfterTimeLimit: seconds * 1000,
        ...(path === undefined ? {} : { path }),
      },
    );
    // When the time is over the last one is not waited for: it would go on beside the world's end.
    await playing;
    assert.ok(played > 0, 'at least one history was played');
    context.diagnostic(`${played} histories; ${world.lost} calls or answers were lost`);
  });
}
