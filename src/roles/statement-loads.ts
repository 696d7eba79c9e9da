// INSERT, UPDATE and DELETE over the CN's query process.
import type { ResolvingCommitter } from '../commit/resolving.ts';
import { Changes } from '../loads/change/service.ts';
import { Inserts } from '../loads/insert/service.ts';
import type { FeOptions } from './fe.ts';

export function makeInserts(options: FeOptions, committer: ResolvingCommitter): Inserts {
  const { cn, clock, random, log, metrics, host } = options;
  return new Inserts({
    committer,
    clock,
    random,
    log,
    metrics,
    coordinator: `FE: ${host}`,
    stage: async (request, limits) => (await cn.query()).call('insert', request, limits),
  });
}

export function makeChanges(options: FeOptions, committer: ResolvingCommitter): Changes {
  const { cn, clock, random, log, metrics, host } = options;
  return new Changes({
    committer,
    turns: committer.turns,
    clock,
    random,
    log,
    metrics,
    coordinator: `FE: ${host}`,
    stage: async (request, limits) => (await cn.query()).call('change', request, limits),
  });
}
