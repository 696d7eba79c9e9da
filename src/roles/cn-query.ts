// The CN's query process: a locked DuckDB instance that reads local files and cached copies, and sends
// MySQL row packets to the FE. Knows no catalog: a plan names all it may read.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import type { QueryNodeApi } from '../cluster/rpc/messages.ts';
import { openEngine } from '../engine/duckdb.ts';
import { createQueryRunner } from '../engine/query-runner.ts';
import type { RunningRole } from './child-main.ts';
import { type ChildSettings, connectToParent } from './child-process.ts';
import { openFileResolver } from './file-resolver.ts';

/** Below the thread pool's 32 by the 8 that files and DNS need. */
const STATEMENTS_AT_ONCE = 16;
const MAX_WAITING = 1000;
const MAX_SPILL_BYTES = 20 * 1024 ** 3;

interface NoCalls {
  none: { params: null; result: null };
}

export async function startQueryNode(settings: ChildSettings, log: Log): Promise<RunningRole> {
  const { dataDir } = settings;
  const cacheDirectory = join(dataDir, 'cache');
  const engine = await openEngine({
    role: 'query',
    threads: availableParallelism(),
    memoryLimitBytes: settings.memoryLimitBytes,
    tempDirectory: join(dataDir, 'tmp', 'query'),
    maxTempBytes: MAX_SPILL_BYTES,
    allowedDirectories: [cacheDirectory, join(dataDir, 'volumes')],
    statementsAtOnce: STATEMENTS_AT_ONCE,
    maxWaiting: MAX_WAITING,
    clock: systemClock,
  });
  const resolve = await openFileResolver({
    cacheDirectory,
    maxBytes: settings.cacheMaxBytes,
    incarnation: settings.incarnation,
    inPlace: join(dataDir, 'volumes'),
    clock: systemClock,
    random: systemRandom,
  });
  const runner = createQueryRunner({ engine, resolve, clock: systemClock });
  const peer = connectToParent<QueryNodeApi, NoCalls>(
    {
      query: ({ plan, firstSequence }, { push, signal }) =>
        runner.run(plan, firstSequence, push, signal),
      ping: async () => ({ rssBytes: process.memoryUsage.rss() }),
    },
    { clock: systemClock, rpcTimeoutMs: settings.rpcTimeoutMs },
  );
  log.info('query process ready');
  return {
    closed: peer.closed,
    stop: () => engine.close(),
  };
}
