// Compaction of topics with cleanup.policy=compact: closed segments are rewritten with only the
// latest record of each key; tombstones go once delete.retention.ms has passed since they were first
// compacted; records of aborted transactions go too. Offsets never change, so gaps stay. A rewritten
// segment replaces the old ones by one rename; a crash in between leaves the old ones in force.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { isControl, isTransactional, nextOffsetAfter } from '../protocol/batch-header.ts';
import { batchWithRecords, recordsOf } from './batch-records.ts';
import type { ScannedBatch } from './batch-scan.ts';
import { onDisk, readTextIfThere, syncDirectory, writeFileAtomically, writeFully } from './disk.ts';
import type { PartitionLog } from './partition-log.ts';
import { Segment, segmentFile } from './segment.ts';
import type { BrokerServices } from './services.ts';

/** What earlier passes did, kept beside the segments. */
interface CleanerState {
  /** Offset below which every record was looked at. */
  readonly cleanedUpTo: string;
  /** When the offsets below were first compacted, oldest first; what tombstones' time counts from. */
  readonly marks: readonly { readonly upTo: string; readonly atMs: number }[];
}

const NO_STATE: CleanerState = { cleanedUpTo: '0', marks: [] };
const MAX_MARKS = 64;
/** Bytes that one key costs in memory besides its own. */
const KEY_OVERHEAD_BYTES = 64;

/** Compacts every partition that needs it, one after the other. */
export async function compactTopics(services: BrokerServices, signal: AbortSignal): Promise<void> {
  for (const topic of services.topics.all()) {
    if (!topic.effective.compact) continue;
    for (const log of topic.partitions) {
      if (signal.aborted) return;
      await compactPartition(log, services.clock.nowMs(), services.config.compactionKeyBytes);
    }
  }
}

/**
 * One pass over the closed segments of a log, if enough of it is new or tombstones are due.
 * @param keyBytes bound of the memory for keys; a pass ends at the segment that goes beyond
 */
export async function compactPartition(
  log: PartitionLog,
  nowMs: number,
  keyBytes: number,
): Promise<void> {
  if (log.closed) return;
  const stateFile = path.join(log.directory, 'cleaner.json');
  const state = loadState(stateFile);
  const stable = log.lastStableOffset;
  const candidates = log.closedSegments.filter((segment) => segment.nextOffset <= stable);
  const cleanedUpTo = BigInt(state.cleanedUpTo);
  const dropTombstonesBelow = dueTombstones(state, nowMs - log.config.deleteRetentionMs);
  if (!isWorthIt(candidates, cleanedUpTo, log.config.minDirtyRatio) && dropTombstonesBelow === 0n) {
    return;
  }
  const dirty = candidates.filter((segment) => segment.nextOffset > cleanedUpTo);
  const { latest, reached } = await latestOffsets(log, dirty, keyBytes);
  const segments = candidates.filter(
    (segment) => segment.baseOffset < reached || dirty.length === 0,
  );
  const last = segments.at(-1);
  if (last === undefined) return;
  const keep = (batch: ScannedBatch): Buffer | null =>
    keptPart(log, batch, latest, dropTombstonesBelow);
  for (const group of mergeGroups(segments, log.config.segmentBytes)) {
    if (log.closed) return;
    await rewriteGroup(log, group, keep);
  }
  const end = last.nextOffset > cleanedUpTo ? last.nextOffset : cleanedUpTo;
  const marks = state.marks.filter((mark) => BigInt(mark.upTo) > dropTombstonesBelow);
  if (end > cleanedUpTo) marks.push({ upTo: String(end), atMs: nowMs });
  const next: CleanerState = { cleanedUpTo: String(end), marks: marks.slice(-MAX_MARKS) };
  writeFileAtomically(stateFile, JSON.stringify(next), true);
}

function loadState(file: string): CleanerState {
  const text = readTextIfThere(file);
  return text === null ? NO_STATE : (JSON.parse(text) as CleanerState); // written above, atomically
}

/** Offset below which tombstones have been kept long enough. */
function dueTombstones(state: CleanerState, firstCompactedBeforeMs: number): bigint {
  let due = 0n;
  for (const mark of state.marks) {
    if (mark.atMs <= firstCompactedBeforeMs && BigInt(mark.upTo) > due) due = BigInt(mark.upTo);
  }
  return due;
}

function isWorthIt(segments: readonly Segment[], cleanedUpTo: bigint, ratio: number): boolean {
  let total = 0;
  let dirty = 0;
  for (const segment of segments) {
    total += segment.sizeBytes;
    if (segment.nextOffset > cleanedUpTo) dirty += segment.sizeBytes;
  }
  return dirty > 0 && dirty / total >= ratio;
}

/** Bytes between two breaths. */
const BREATH_BYTES = 1024 * 1024;

/** The batches of a segment, letting other work run now and then: compaction is never urgent. */
async function* unhurried(segment: Segment): AsyncGenerator<ScannedBatch> {
  let breathAt = BREATH_BYTES;
  for (const batch of segment.batches()) {
    yield batch;
    if (batch.position < breathAt) continue;
    breathAt = batch.position + BREATH_BYTES;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Last offset of each key in the segments not looked at before: as many of them as the memory allows
 * (at least one), up to the offset `reached`. The rest has its turn in the next pass.
 */
async function latestOffsets(
  log: PartitionLog,
  dirty: readonly Segment[],
  keyBytes: number,
): Promise<{ latest: ReadonlyMap<string, bigint>; reached: bigint }> {
  const latest = new Map<string, bigint>();
  let reached = 0n;
  let used = 0;
  for (const segment of dirty) {
    if (used > keyBytes || log.closed) break;
    for await (const batch of unhurried(segment)) {
      if (isControl(batch.header.attributes) || isAborted(log, batch)) continue;
      for (const record of recordsOf(batch.bytes, batch.header)) {
        if (record.key === null) continue;
        const key = record.key.toString('latin1');
        if (!latest.has(key)) used += key.length + KEY_OVERHEAD_BYTES;
        latest.set(key, record.offset);
      }
    }
    reached = segment.nextOffset;
  }
  return { latest, reached };
}

function isAborted(log: PartitionLog, { header }: ScannedBatch): boolean {
  if (!isTransactional(header.attributes)) return false;
  return log
    .abortedBetween(header.baseOffset, nextOffsetAfter(header))
    .some((range) => range.producerId === header.producerId);
}

/** The batch as it stays: itself, a part of it, or null. */
function keptPart(
  log: PartitionLog,
  batch: ScannedBatch,
  latest: ReadonlyMap<string, bigint>,
  dropTombstonesBelow: bigint,
): Buffer | null {
  if (isControl(batch.header.attributes)) return batch.bytes;
  if (isAborted(log, batch)) return null;
  const kept: Buffer[] = [];
  for (const record of recordsOf(batch.bytes, batch.header)) {
    if (record.key === null) continue;
    const newest = (latest.get(record.key.toString('latin1')) ?? 0n) <= record.offset;
    const expired = record.isTombstone && record.offset < dropTombstonesBelow;
    if (newest && !expired) kept.push(record.raw);
  }
  if (kept.length === batch.header.count) return batch.bytes;
  return kept.length === 0 ? null : batchWithRecords(batch.bytes, batch.header, kept);
}

/** Neighbours that fit into one segment together become one. */
function mergeGroups(segments: readonly Segment[], segmentBytes: number): Segment[][] {
  const groups: Segment[][] = [];
  let bytes = 0;
  for (const segment of segments) {
    const group = groups.at(-1);
    if (group === undefined || bytes + segment.sizeBytes > segmentBytes) {
      groups.push([segment]);
      bytes = segment.sizeBytes;
    } else {
      group.push(segment);
      bytes += segment.sizeBytes;
    }
  }
  return groups;
}

async function rewriteGroup(
  log: PartitionLog,
  group: readonly Segment[],
  keep: (batch: ScannedBatch) => Buffer | null,
): Promise<void> {
  const first = group[0];
  if (first === undefined) return;
  const file = segmentFile(log.directory, first.baseOffset, '.cleaned');
  const changed = await writeKept(file, group, keep);
  // Retention or the topic's removal may have come in between; then nothing is replaced.
  const stillThere = group.every((segment) => log.closedSegments.includes(segment));
  if (log.closed || !stillThere || (!changed && group.length === 1)) {
    fs.rmSync(file, { force: true });
    return;
  }
  fs.rmSync(segmentFile(log.directory, first.baseOffset, '.index'), { force: true });
  fs.renameSync(file, first.file);
  syncDirectory(log.directory);
  const replacement = new Segment(log.directory, first.baseOffset, first.createdAtMs);
  replacement.recover(() => undefined);
  replacement.saveIndex();
  log.replaceSegments(group, replacement);
}

/** Writes what stays of the group's batches to `file`, fsynced. @returns whether anything went */
async function writeKept(
  file: string,
  group: readonly Segment[],
  keep: (batch: ScannedBatch) => Buffer | null,
): Promise<boolean> {
  const fd = fs.openSync(file, 'w');
  let position = 0;
  let changed = false;
  try {
    for (const segment of group) {
      for await (const batch of unhurried(segment)) {
        const kept = keep(batch);
        if (kept !== batch.bytes) changed = true;
        if (kept === null) continue;
        onDisk(file, () => writeFully(fd, kept, position));
        position += kept.length;
      }
    }
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  return changed;
}
