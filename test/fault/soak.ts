// A long random run: `npm run soak -- --minutes 30 [--seed N]`. Plain and transactional topics load, compaction
// and sweep run, and something is killed every few seconds; every so often all stops for the exactly-once
// check. Ends with the first difference (exit code 1) or when the time is over.
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { FaultRig } from '../support/fault-rig.ts';
import { childrenOf } from '../support/process-tree.ts';
import type { TopicWriter } from '../support/topic-writer.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? systemClock.nowMs() % 1_000_000_007);
const endMs = systemClock.monotonicMs() + Number(values.minutes) * 60_000;
const random = seededRandom(seed);
const cleanUps: (() => Promise<void>)[] = [];
console.log(`soak of ${values.minutes} minutes, seed ${seed}`);

const CONF = {
  version_retention_second: 2,
  // Also how long files stay for queries that run: the check of millions of rows beside other work takes over 10 s.
  query_timeout_second: 60,
  lake_autovacuum_partition_naptime_seconds: 2,
};
/** Rounds between two checks. */
const KILLS_PER_ROUND = 6;

const ACTIONS: Readonly<Record<string, (rig: FaultRig) => Promise<void>>> = {
  fe: async (rig) => {
    await rig.kill();
    await rig.start({ failpoints: randomFailpoint() });
  },
  'fe twice': async (rig) => {
    await rig.kill();
    await rig.startAndKill(100 + random.below(2000));
    await rig.start();
  },
  stop: async (rig) => {
    const code = await rig.server.stop();
    if (code !== 0) throw new Error(`SIGTERM ended with ${code}\n${rig.server.logTail}`);
    await rig.start();
  },
  loader: async (rig) => rig.killChildIfThere('loader'),
  query: async (rig) => rig.killChildIfThere('query'),
  'pause and resume': async (rig) => {
    // The server may be on its way out by a failpoint: then there is nothing to pause.
    const paused = await rig.server.sql('PAUSE ROUTINE LOAD FOR d.plain').catch(() => null);
    if (paused === null) return;
    await rig.server.sql('RESUME ROUTINE LOAD FOR d.plain').catch(async (error: unknown) => {
      await rig.server.exited;
      await restartIfDead(rig);
      await rig.server.sql('RESUME ROUTINE LOAD FOR d.plain').catch(() => console.log(error));
    });
  },
};

/** An answer that gets lost, or a death at a step, some hits from now. */
function randomFailpoint(): string {
  const at = 1 + random.below(20);
  const points = [
    `fe:rpc.answer:commit=lose@${at}`,
    `fe:rpc.answer:begin=lose@${at}`,
    `loader:task.after-copy=error@${at}`,
    `loader:task.after-commit=kill@${at}`,
    `fe:commit.in-sql=kill@${at}`,
    `fe:compaction.after-sql=kill@${1 + (at % 3)}`,
    '',
  ];
  return points[random.below(points.length)] ?? '';
}

async function produce(
  goesOn: () => boolean,
  plain: TopicWriter,
  transactional: TopicWriter,
): Promise<void> {
  while (goesOn()) {
    await plain.write(1 + random.below(3000), 500);
    await transactional.transaction(
      1 + random.below(1500),
      random.below(4) === 0 ? 'abort' : 'commit',
    );
    await systemClock.sleep(random.below(100));
  }
}

/** A failpoint may have ended the server by now. */
async function restartIfDead(rig: FaultRig): Promise<void> {
  const { exitCode, signalCode } = rig.server.child;
  if (exitCode === null && signalCode === null) return;
  if (signalCode !== 'SIGKILL') throw new Error(`server ended: ${exitCode}\n${rig.server.logTail}`);
  await rig.start();
}

async function soak(): Promise<void> {
  const rig = await FaultRig.open({ after: (work) => void cleanUps.push(work) }, { conf: CONF });
  await rig.start();
  const plain = await rig.writer('plain', 4, { badEvery: 1009 });
  const transactional = await rig.writer('transactional', 2, { transactionalId: 'soak' });
  await rig.load(plain, 'plain');
  await rig.load(transactional, 'transactional');
  for (let round = 1; systemClock.monotonicMs() < endMs; round += 1) {
    let producing = true;
    const flow = produce(() => producing, plain, transactional);
    const done: string[] = [];
    for (let kill = 0; kill < KILLS_PER_ROUND; kill += 1) {
      await systemClock.sleep(200 + random.below(3000));
      await restartIfDead(rig);
      const names = Object.keys(ACTIONS);
      const name = names[random.below(names.length)] ?? 'fe';
      done.push(name);
      await ACTIONS[name]?.(rig);
    }
    producing = false;
    await flow;
    // Without failpoints that are still to come.
    await restartIfDead(rig);
    await rig.kill();
    await rig.start();
    await rig.assertExact(120_000);
    const rows = plain.manifest.rows + transactional.manifest.rows;
    const files = await rig.metric('millrace_table_files');
    console.log(`round ${round}: exact; ${rows} rows, ${files} files; ${done.join(', ')}`);
    const children = childrenOf(rig.dataDir).length;
    if (children !== 2) throw new Error(`${children} children where 2 belong`);
  }
}

try {
  await soak();
} catch (error) {
  console.error(error);
  console.error(`seed ${seed}`);
  process.exitCode = 1;
} finally {
  for (const work of cleanUps) await work();
}
