// The ledger's numbers of one batch, per partition. They must balance here already: offsets passed are
// messages consumed, skipped or gaps; rows are loaded, filtered or unselected.
import { assert } from '../base/assert.ts';
import type { PartitionProgress } from '../model/load-plan.ts';
import type { PackedBatch } from './decode/packed-batch.ts';
import { DROP_CODE } from './transform/compile-sql.ts';
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
  const lines = packed.linesByPartition();
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
      rowsLoaded: (lines.get(range.partition) ?? 0) - (dropped.get(count) ?? 0),
      rowsFiltered: count.filtered,
      rowsUnselected: count.unselected + (packed.passed.get(range.partition) ?? 0),
      lastTimestampMs: count.lastTimestampMs,
      latestOffset: range.latestOffset,
    };
  });
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
