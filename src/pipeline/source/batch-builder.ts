// Gathers decoded runs and partition ranges into one RawBatch. The decoder reuses its arrays and the
// memory it expands into, so both are copied here; uncompressed messages stay in their answer's bytes.
import type { FetchAnswer } from '../../kafka/client/cluster.ts';
import type { DecodeCounts, DecodedRun } from '../../kafka/protocol/record-batch.ts';
import type { MessageRun, PartitionRange, RawBatch } from '../types.ts';
import type { BytePage, BytePages } from './byte-pages.ts';
import type { ColumnPage, ColumnPages } from './column-pages.ts';

/** A column that a run does not have, such as keys: reading past an array's end means none. */
const NO_COLUMN = new Int32Array(0);

interface Range {
  fromOffset: bigint;
  toOffset: bigint;
  control: number;
  aborted: number;
  gap: number;
  latestOffset: bigint;
}

/** What a source's batches are made of, used again from batch to batch. */
export interface BatchMemory {
  readonly columns: ColumnPages;
  readonly bytes: BytePages;
}

export class BatchBuilder {
  readonly #topic: string;
  readonly #memory: BatchMemory;
  readonly #pages: ColumnPage[] = [];
  readonly #bytePages: BytePage[] = [];
  readonly #runs: MessageRun[] = [];
  readonly #ranges = new Map<number, Range>();
  readonly #answers: FetchAnswer[] = [];
  /** Whether a run lies in the bytes of the answer at hand. */
  #holdsAnswer = false;
  messageCount = 0;
  heldBytes = 0;

  constructor(topic: string, memory: BatchMemory) {
    this.#topic = topic;
    this.#memory = memory;
  }

  /** Whether any position moved. */
  get hasData(): boolean {
    return this.#ranges.size > 0;
  }

  /** Call after an answer's runs were added: its buffers live until the batch is released, if a run needs them. */
  endAnswer(answer: FetchAnswer): void {
    if (this.#holdsAnswer) {
      this.#answers.push(answer);
      this.heldBytes += answer.bytes;
    } else answer.release();
    this.#holdsAnswer = false;
  }

  addRun(partition: number, run: DecodedRun, records: Buffer): void {
    const { count } = run;
    const page = this.#pageFor(count);
    const from = page.used;
    page.used += count;
    const valueStart = page.valueStart.subarray(from, page.used);
    const valueLength = page.valueLength.subarray(from, page.used);
    const offsetDelta = page.offsetDelta.subarray(from, page.used);
    const timestampMs = page.timestampMs.subarray(from, page.used);
    valueStart.set(run.valueStart.subarray(0, count));
    valueLength.set(run.valueLength.subarray(0, count));
    offsetDelta.set(run.offsetDelta.subarray(0, count));
    timestampMs.set(run.timestampMs.subarray(0, count));
    const hasKeys = anyKey(run);
    const keyStart = hasKeys ? run.keyStart.slice(0, count) : NO_COLUMN;
    const keyLength = hasKeys ? run.keyLength.slice(0, count) : NO_COLUMN;
    const hasHeaders = anyHeaders(run);
    const headersStart = hasHeaders ? run.headersStart.slice(0, count) : NO_COLUMN;
    const headersLength = hasHeaders ? run.headersLength.slice(0, count) : NO_COLUMN;
    let bytes = run.data;
    if (bytes === records) this.#holdsAnswer = true;
    else {
      // Expanded bytes are overwritten by the next batch's: what this run needs of them is kept.
      const span = spanOf(run, hasHeaders);
      const bytePage = this.#bytePageFor(span.end - span.start);
      const shift = bytePage.used - span.start;
      bytePage.used += run.data.copy(bytePage.bytes, bytePage.used, span.start, span.end);
      bytes = bytePage.bytes;
      for (let index = 0; index < count; index += 1) {
        valueStart[index] = (valueStart[index] ?? 0) + shift;
        if (hasKeys) keyStart[index] = (keyStart[index] ?? 0) + shift;
        if (hasHeaders) headersStart[index] = (headersStart[index] ?? 0) + shift;
      }
    }
    this.#runs.push({
      partition,
      bytes,
      count,
      valueStart,
      valueLength,
      keyStart,
      keyLength,
      headersStart,
      headersLength,
      baseOffset: run.baseOffset,
      offsetDelta,
      timestampMs,
    });
    this.messageCount += count;
  }

  #pageFor(count: number): ColumnPage {
    const last = this.#pages.at(-1);
    if (last !== undefined && last.used + count <= last.valueStart.length) return last;
    const page = this.#memory.columns.take(count);
    this.#pages.push(page);
    return page;
  }

  #bytePageFor(bytes: number): BytePage {
    const last = this.#bytePages.at(-1);
    if (last !== undefined && last.used + bytes <= last.bytes.length) return last;
    const page = this.#memory.bytes.take(bytes);
    this.#bytePages.push(page);
    this.heldBytes += page.bytes.length;
    return page;
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
      release: () => this.discard(),
    };
  }

  /** Gives all memory back, with or without a batch made from it. */
  discard(): void {
    for (const answer of this.#answers.splice(0)) answer.release();
    for (const page of this.#pages.splice(0)) this.#memory.columns.give(page);
    for (const page of this.#bytePages.splice(0)) this.#memory.bytes.give(page);
  }
}

/** The part of `data` that holds the run's keys and values, and its headers where it has some. */
function spanOf(
  run: DecodedRun,
  hasHeaders: boolean,
): { readonly start: number; readonly end: number } {
  let start = run.data.length;
  let end = 0;
  const add = (from: number, length: number): void => {
    if (length < 0) return;
    if (from < start) start = from;
    if (from + length > end) end = from + length;
  };
  for (let index = 0; index < run.count; index += 1) {
    add(run.keyStart[index] ?? 0, run.keyLength[index] ?? -1);
    add(run.valueStart[index] ?? 0, run.valueLength[index] ?? -1);
    if (hasHeaders) add(run.headersStart[index] ?? 0, run.headersLength[index] ?? -1);
  }
  return start <= end ? { start, end } : { start: 0, end: 0 };
}

function anyKey({ keyLength, count }: DecodedRun): boolean {
  for (let index = 0; index < count; index += 1) if ((keyLength[index] ?? -1) >= 0) return true;
  return false;
}

/** A block of one byte says that there are none. */
function anyHeaders({ headersLength, count }: DecodedRun): boolean {
  for (let index = 0; index < count; index += 1) if ((headersLength[index] ?? 0) > 1) return true;
  return false;
}
