// Where the rejected rows of a batch are in their messages, and what is kept of each message: once, with the first
// of its rows that is asked for, so that a large message with many bad rows does not fill the store.
import type { PackedBatch } from '../decode/packed-batch.ts';
import { headersText, type RowSource } from './error-rows.ts';

export class MessagePlaces {
  readonly #packed: PackedBatch;
  readonly #keptBytes: number;
  /** Messages whose values were given. */
  readonly #given = new Set<number>();
  /** Rows of a message that packing rejected. */
  readonly #unpacked = new Map<number, number>();

  /** @param keptBytes so much of a value is kept. */
  constructor(packed: PackedBatch, keptBytes: number) {
    this.#packed = packed;
    this.#keptBytes = keptBytes;
    for (const { record } of packed.rejects) {
      this.#unpacked.set(record, (this.#unpacked.get(record) ?? 0) + 1);
    }
  }

  /** Of the row `[start, end)` in the bytes of its message's run. A message's only row stands for all of it. */
  sourceOf(record: number, start: number, end: number): RowSource {
    const { run, index } = this.#packed.locate(record);
    const keyStart = run.keyStart[index] ?? 0;
    const keyLength = run.keyLength[index] ?? -1;
    const valueStart = run.valueStart[index] ?? 0;
    const valueBytes = Math.max(0, run.valueLength[index] ?? 0);
    const isOnly = this.#packed.linesOf(record) + (this.#unpacked.get(record) ?? 0) === 1;
    const keptEnd = valueStart + Math.min(valueBytes, this.#keptBytes);
    const isFirst = !this.#given.has(record);
    this.#given.add(record);
    const { topic, origin } = this.#packed.raw;
    return {
      ...(origin === undefined ? {} : { origin }),
      topic,
      partition: run.partition,
      offset: run.baseOffset + BigInt(run.offsetDelta[index] ?? 0),
      timestampMs: run.timestampMs[index] ?? -1,
      key: keyLength < 0 ? null : run.bytes.subarray(keyStart, keyStart + keyLength),
      headers: headersText(run.bytes, run.headersStart[index] ?? 0, run.headersLength[index] ?? 0),
      valueBytes,
      kept: isFirst ? run.bytes.subarray(valueStart, keptEnd) : null,
      rowStart: isOnly ? 0 : start - valueStart,
      rowEnd: isOnly ? valueBytes : end - valueStart,
    };
  }
}
