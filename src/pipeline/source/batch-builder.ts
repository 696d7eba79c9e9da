// Gathers decoded runs and partition ranges into one RawBatch. The decoder reuses its arrays, so the
// columns are copied here; the messages' bytes are not.
import type { FetchAnswer } from '../../kafka/client/cluster.ts';
import type { DecodeCounts, DecodedRun } from '../../kafka/protocol/record-batch.ts';
import type { MessageRun, PartitionRange, RawBatch } from '../types.ts';

interface Range {
  fromOffset: bigint;
  toOffset: bigint;
  control: number;
  aborted: number;
  gap: number;
  latestOffset: bigint;
}

export class BatchBuilder {
  readonly #topic: string;
  readonly #runs: MessageRun[] = [];
  readonly #ranges = new Map<number, Range>();
  readonly #answers: FetchAnswer[] = [];
  #expanded: Buffer | null = null;
  messageCount = 0;
  heldBytes = 0;

  constructor(topic: string) {
    this.#topic = topic;
  }

  /** Whether any position moved. */
  get hasData(): boolean {
    return this.#ranges.size > 0;
  }

  /** The answer's buffers live until the batch is released. */
  holdAnswer(answer: FetchAnswer): void {
    this.#answers.push(answer);
    this.heldBytes += answer.bytes;
  }

  addRun(partition: number, run: DecodedRun, records: Buffer): void {
    const { count, data } = run;
    if (data !== records && data !== this.#expanded) {
      this.#expanded = data;
      // Compressed batches expand into buffers of their own, one after another.
      if (data.buffer !== records.buffer) this.heldBytes += data.length;
    }
    this.#runs.push({
      partition,
      bytes: data,
      count,
      valueStart: run.valueStart.slice(0, count),
      valueLength: run.valueLength.slice(0, count),
      keyStart: run.keyStart.slice(0, count),
      keyLength: run.keyLength.slice(0, count),
      baseOffset: run.baseOffset,
      offsetDelta: run.offsetDelta.slice(0, count),
      timestampMs: run.timestampMs.slice(0, count),
    });
    this.messageCount += count;
  }

  /** A partition moved from one offset to another; what lay between that is no row to show is in `counts`. */
  addRange(
    partition: number,
    fromOffset: bigint,
    toOffset: bigint,
    counts: DecodeCounts,
    latestOffset: bigint,
  ): void {
    if (toOffset === fromOffset) return;
    const range = this.#ranges.get(partition);
    if (range === undefined) {
      const { control, aborted, gap } = counts;
      this.#ranges.set(partition, { fromOffset, toOffset, control, aborted, gap, latestOffset });
      return;
    }
    range.toOffset = toOffset;
    range.control += counts.control;
    range.aborted += counts.aborted;
    range.gap += counts.gap;
    range.latestOffset = latestOffset;
  }

  build(): RawBatch {
    const answers = this.#answers;
    const ranges: PartitionRange[] = [...this.#ranges].map(([partition, range]) => ({
      partition,
      ...range,
    }));
    return {
      topic: this.#topic,
      runs: this.#runs,
      ranges,
      messageCount: this.messageCount,
      heldBytes: this.heldBytes,
      release: () => {
        for (const answer of answers.splice(0)) answer.release();
      },
    };
  }

  /** Gives the answers back without a batch. */
  discard(): void {
    for (const answer of this.#answers.splice(0)) answer.release();
  }
}
