// A batch of messages that were kept with their rejected rows, in the form in which a source gives it. Each message is
// a run of its own: their offsets may be far apart, and the same one may be there twice.
import { encodeRecordHeaders } from '../../kafka/protocol/record-batch-encoder.ts';
import type { RecordHeader } from '../../kafka/protocol/record-headers.ts';
import type { MessageRun, RawBatch } from '../types.ts';

export interface KeptMessage {
  readonly partition: number;
  readonly offset: bigint;
  /** -1 = none. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  /** JSON as `headersText` of the rejected rows writes it. */
  readonly headers: string;
  readonly value: Buffer;
}

const NO_COLUMN = new Int32Array(0);

/** `ranges` is empty: nothing is moved by such a batch. */
export function keptBatch(topic: string, messages: readonly KeptMessage[]): RawBatch {
  const runs = messages.map(runOf);
  return {
    topic,
    runs,
    ranges: [],
    messageCount: runs.length,
    heldBytes: runs.reduce((sum, run) => sum + run.bytes.length, 0),
    release: () => undefined,
  };
}

function runOf({ partition, offset, timestampMs, key, headers, value }: KeptMessage): MessageRun {
  const block = headerBlock(headers);
  const keyLength = key?.length ?? 0;
  return {
    partition,
    bytes: Buffer.concat([value, key ?? Buffer.alloc(0), block]),
    count: 1,
    valueStart: Int32Array.of(0),
    valueLength: Int32Array.of(value.length),
    keyStart: key === null ? NO_COLUMN : Int32Array.of(value.length),
    keyLength: key === null ? NO_COLUMN : Int32Array.of(key.length),
    headersStart: Int32Array.of(value.length + keyLength),
    headersLength: Int32Array.of(block.length),
    baseOffset: offset,
    offsetDelta: Int32Array.of(0),
    timestampMs: Float64Array.of(timestampMs),
  };
}

/** What `headersText` writes: headers in their order, or the bytes of a block that is damaged. */
type KeptHeaders =
  | readonly {
      readonly name: string;
      readonly value?: string | null;
      readonly value_base64?: string;
    }[]
  | { readonly _raw_base64: string };

/** The headers; null where their block is damaged. */
export function readKeptHeaders(text: string): readonly RecordHeader[] | null {
  const kept = JSON.parse(text) as KeptHeaders;
  if ('_raw_base64' in kept) return null;
  return kept.map(({ name, value = null, value_base64 }) => {
    if (value_base64 !== undefined)
      return { key: name, value: Buffer.from(value_base64, 'base64') };
    return { key: name, value: value === null ? null : Buffer.from(value) };
  });
}

/** The bytes that the broker had. */
function headerBlock(text: string): Buffer {
  const kept = JSON.parse(text) as KeptHeaders;
  if ('_raw_base64' in kept) return Buffer.from(kept._raw_base64, 'base64');
  return encodeRecordHeaders(readKeptHeaders(text) ?? []);
}
