// The ledger's numbers of one batch, per partition. They must balance here already: offsets passed are
// messages consumed, skipped or gaps; rows are loaded, filtered or unselected.
import { assert } from '../base/assert.ts';
import type { PartitionProgress } from '../model/load-plan.ts';
import type { PackedBatch } from './decode/packed-batch.ts';
import { DROP_CODE } from './transform/drop-code.ts';
import type { DropRecorder } from './transform/drop-recorder.ts';

interface PartitionCounts {
  messages: number;
  bytes: number;
  lastTimestampMs: number | null;
  filtered: number;
  unselected: number;
}

/** Progress of every partition that the batch touched. Throws InvariantError when the numbers do not add up. */
export function batchProgress(
  packed: PackedBatch,
  drops: DropRecorder,
): readonly PartitionProgress[] {
  const { raw } = packed;
  const counts = new Map<number, PartitionCounts>();
  const of = (partition: number): PartitionCounts => {
    let found = counts.get(partition);
    if (found === undefined) {
      found = { messages: 0, bytes: 0, lastTimestampMs: null, filtered: 0, unselected: 0 };
      counts.set(partition, found);
    }
    return found;
  };
  for (const run of raw.runs) {
    const count = of(run.partition);
    count.messages += run.count;
    count.bytes += sumOfLengths(run.valueLength, run.count);
    const last = run.timestampMs[run.count - 1];
    if (last !== undefined && last >= 0) count.lastTimestampMs = last;
  }
  const partitionOf = (record: number): PartitionCounts => of(packed.locate(record).run.partition);
  for (const { record } of packed.rejects) partitionOf(record).filtered += 1;
  const rows = rowsByPartition(packed, drops);
  const dropped = new Map<PartitionCounts, number>();
  drops.forEach((line, code) => {
    const count = partitionOf(packed.recordOfLine(line));
    if (code === DROP_CODE.unselected) count.unselected += 1;
    else count.filtered += 1;
    dropped.set(count, (dropped.get(count) ?? 0) + 1);
  });
  return raw.ranges.map((range): PartitionProgress => {
    const count = of(range.partition);
    const empty = packed.empty.get(range.partition) ?? 0;
    const { control, aborted, gap, fromOffset, toOffset } = range;
    const passed = Number(toOffset - fromOffset);
    assert(
      passed === count.messages + control + aborted + gap,
      `partition ${range.partition}: ${passed} offsets are ${count.messages} messages, ${control} control, ${aborted} aborted, ${gap} gaps`,
    );
    return {
      topic: raw.topic,
      partition: range.partition,
      fromOffset,
      toOffset,
      receivedMessages: passed - gap,
      consumedMessages: count.messages - empty,
      skipped: { control, aborted, empty, gap },
      receivedBytes: count.bytes,
      rowsLoaded: (rows.get(range.partition) ?? 0) - (dropped.get(count) ?? 0),
      rowsFiltered: count.filtered,
      rowsUnselected: count.unselected + (packed.passed.get(range.partition) ?? 0),
      lastTimestampMs: count.lastTimestampMs,
      latestOffset: range.latestOffset,
    };
  });
}

/** Rows per partition, written and not; a line without rows that should have some counts as one, as in `drops`. */
function rowsByPartition(packed: PackedBatch, drops: DropRecorder): ReadonlyMap<number, number> {
  const { lineRows } = drops;
  if (lineRows === null) return packed.linesByPartition();
  const counts = new Map<number, number>();
  const add = (line: number, rows: number): void => {
    const { partition } = packed.locate(packed.recordOfLine(line)).run;
    counts.set(partition, (counts.get(partition) ?? 0) + rows);
  };
  for (let line = 0; line < packed.lineCount; line += 1) add(line, lineRows.rowsOf(line));
  drops.forEach((line, _, element) => {
    if (element === null) add(line, 1);
  });
  return counts;
}

/** Null values have length -1 and add nothing. */
function sumOfLengths(lengths: Int32Array, count: number): number {
  let sum = 0;
  for (let index = 0; index < count; index += 1) {
    const length = lengths[index] ?? 0;
    if (length > 0) sum += length;
  }
  return sum;
}
