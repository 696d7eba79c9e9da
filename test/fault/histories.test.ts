// Random histories of tables of each model on real processes that are killed with kill -9: what test/integration/model
// does in one process, in small numbers. MILLRACE_SEED repeats a run, MILLRACE_HISTORIES says how many of each model.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { faultSeed } from '../support/fault-rig.ts';
import { histories } from '../support/history.ts';
import { HistoryPlayer } from '../support/history-player.ts';
import { RealTheatre } from '../support/real-theatre.ts';

const HISTORIES = Number(process.env['MILLRACE_HISTORIES'] ?? 6);
const STEPS = 12;

let theatre: RealTheatre;
before(async () => {
  theatre = await RealTheatre.open();
});
after(() => theatre.close());

const seed = faultSeed();
for (const model of ['DUPLICATE', 'PRIMARY', 'UNIQUE', 'AGGREGATE'] as const)
  test(`${HISTORIES} histories of a ${model} KEY table, seed ${seed}`, async () => {
    let played = 0;
    await fc.assert(
      fc.asyncProperty(
        histories(STEPS, { onlyKills: true, fewest: STEPS / 2 }),
        async (history) => {
          await new HistoryPlayer(theatre, model, history).play();
          played += 1;
        },
      ),
      { seed, numRuns: HISTORIES },
    );
    assert.ok(played >= HISTORIES);
  });
