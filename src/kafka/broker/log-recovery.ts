// Opens a partition's directory: finds its segments, checks the one that was appended to last batch by
// batch (the process may have been killed in mid-write), and rebuilds the producer state. It may cut
// the tail of a log at a batch boundary; it must never drop a whole batch with a good checksum.
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { readTextIfThere } from './disk.ts';
import { ProducerTable, type SavedProducerTable } from './producer-table.ts';
import { Segment, segmentFile } from './segment.ts';
import type { EffectiveTopicConfig } from './topic-config.ts';

export interface PartitionLogOptions {
  readonly directory: string;
  /** The topic's settings as they are now. */
  readonly config: () => EffectiveTopicConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxProducers: number;
}

export interface OpenedLog {
  readonly segments: Segment[];
  readonly producers: ProducerTable;
  readonly startOffset: bigint;
}

interface Snapshot {
  readonly createdAtMs: number;
  readonly producers: SavedProducerTable;
}

/** Opens (or creates) the log in `options.directory`; the last segment is open for appends after. */
export function openLog(options: PartitionLogOptions): OpenedLog {
  const { directory, clock } = options;
  fs.mkdirSync(directory, { recursive: true });
  const bases = segmentBases(directory);
  const segments: Segment[] = [];
  let producers = new ProducerTable(options.maxProducers);
  for (const [index, base] of bases.entries()) {
    const previous = segments.at(-1);
    const snapshot = loadSnapshot(directory, base);
    const segment = new Segment(directory, base, snapshot?.createdAtMs ?? clock.nowMs());
    if (previous !== undefined && base < previous.nextOffset) {
      // Compaction replaced it and was stopped before it could remove it.
      segment.remove();
      continue;
    }
    segments.push(segment);
    if (index === bases.length - 1) {
      producers = recoverLast(options, segments, segment, snapshot);
    } else if (!segment.loadIndex()) {
      reportCut(
        options,
        segment,
        segment.recover(() => undefined),
      );
      segment.saveIndex();
    }
  }
  if (segments.length === 0) {
    const first = new Segment(directory, 0n, clock.nowMs());
    first.openForAppend();
    segments.push(first);
  }
  const firstBase = segments[0]?.baseOffset ?? 0n;
  const saved = BigInt(readTextIfThere(path.join(directory, 'start-offset')) ?? '0');
  const end = segments.at(-1)?.nextOffset ?? 0n;
  const startOffset = saved > firstBase && saved <= end ? saved : firstBase;
  return { segments, producers, startOffset };
}

/** Base offsets in ascending order; leftovers of an interrupted compaction or write are removed. */
function segmentBases(directory: string): bigint[] {
  const bases: bigint[] = [];
  for (const name of fs.readdirSync(directory)) {
    if (name.endsWith('.tmp') || name.endsWith('.cleaned')) {
      fs.rmSync(path.join(directory, name), { force: true });
    } else if (/^\d{20}\.log$/.test(name)) bases.push(BigInt(name.slice(0, 20)));
  }
  return bases.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Checks the segment that takes appends, and gives the producer state at its end. */
function recoverLast(
  options: PartitionLogOptions,
  segments: readonly Segment[],
  last: Segment,
  snapshot: Snapshot | null,
): ProducerTable {
  const producers = new ProducerTable(options.maxProducers);
  if (snapshot !== null) producers.load(snapshot.producers);
  else {
    // No snapshot (the machine crashed): the state is in the batches of the older segments.
    for (const segment of segments.slice(0, -1)) {
      for (const { header, bytes } of segment.batches()) producers.note(header, bytes);
    }
  }
  const cut = last.recover((header, bytes) => producers.note(header, bytes));
  reportCut(options, last, cut);
  last.openForAppend();
  return producers;
}

function reportCut(options: PartitionLogOptions, segment: Segment, cutBytes: number): void {
  if (cutBytes === 0) return;
  options.log.warn('kafka log cut at the last whole batch', {
    file: segment.file,
    cutBytes,
    nextOffset: String(segment.nextOffset),
  });
}

function loadSnapshot(directory: string, base: bigint): Snapshot | null {
  const text = readTextIfThere(segmentFile(directory, base, '.snapshot'));
  if (text === null) return null;
  try {
    return JSON.parse(text) as Snapshot; // written by PartitionLog, replaced as a whole
  } catch {
    return null; // not fsynced before a machine crash: rebuilt from the batches
  }
}
