// Puts the metadata columns that a plan uses into packed lines: `{"__message_offset":5,...the message's own keys}`,
// or around the whole line where paths begin at the message itself. DuckDB takes the first of equal keys, so a
// message cannot forge them.
import { isUtf8 } from 'node:buffer';
import { unreachable } from '../../base/assert.ts';
import { LineWriter } from '../../formats/json/line-writer.ts';
import { writeDatetime, type ZoneOffset } from '../../formats/time-text.ts';
import { readRecordHeaders } from '../../kafka/protocol/record-headers.ts';
import { DOCUMENT_KEY, type MetadataName, metadataKey } from '../../model/message-metadata.ts';
import type { MessageRun } from '../types.ts';

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
/** Of a line with its metadata; messages, keys and headers are bounded by the size of a batch of records. */
const MAX_LINE_BYTES = 1024 * 1024 * 1024;

export interface LineMetadataOptions {
  readonly names: readonly MetadataName[];
  /** The message goes below DOCUMENT_KEY instead of beside its metadata. */
  readonly wraps: boolean;
  readonly zone: ZoneOffset;
}

export class LineMetadata {
  readonly #options: LineMetadataOptions;
  readonly #leads: ReadonlyMap<MetadataName, Buffer>;
  readonly #documentLead: Buffer;
  readonly #writer = new LineWriter(MAX_LINE_BYTES);
  #topic = '';
  #topicText = Buffer.alloc(0);

  constructor(options: LineMetadataOptions) {
    this.#options = options;
    this.#leads = new Map(
      options.names.map((name, index) => [
        name,
        Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(metadataKey(name))}:`),
      ]),
    );
    this.#documentLead = Buffer.from(`,${JSON.stringify(DOCUMENT_KEY)}:`);
  }

  /**
   * The line `bytes[start, end)`, an object, of message `index` of the run with its metadata. The answer is valid
   * until the next call. Throws KAFKA_MALFORMED_HEADERS.
   */
  lineOf(
    topic: string,
    run: MessageRun,
    index: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): Buffer {
    const writer = this.#writer;
    writer.length = 0;
    for (const [name, lead] of this.#leads) {
      writer.piece(lead);
      this.#write(name, topic, run, index);
    }
    if (this.#options.wraps) {
      writer.piece(this.#documentLead);
      writer.copy(bytes, start, end);
      writer.byte(CLOSE_OBJECT);
    } else {
      let at = start + 1;
      while (at < end && isSpace(bytes[at] ?? 0)) at += 1;
      if (bytes[at] !== CLOSE_OBJECT) writer.byte(COMMA);
      writer.copy(bytes, at, end);
    }
    return writer.bytes.subarray(0, writer.length);
  }

  #write(name: MetadataName, topic: string, run: MessageRun, index: number): void {
    const writer = this.#writer;
    switch (name) {
      case '_topic':
        writer.piece(this.#textOf(topic));
        break;
      case '_partition':
        writer.integer(run.partition);
        break;
      case '_offset':
        writer.ascii(String(run.baseOffset + BigInt(run.offsetDelta[index] ?? 0)));
        break;
      case '_timestamp':
        this.#writeTimestamp(run.timestampMs[index] ?? -1);
        break;
      case '_key':
        this.#writeKey(run, index);
        break;
      case '_headers':
        this.#writeHeaders(run, index);
        break;
      default:
        unreachable(name, 'metadata column');
    }
  }

  #writeKey({ bytes, keyStart, keyLength }: MessageRun, index: number): void {
    const length = keyLength[index] ?? -1;
    const start = keyStart[index] ?? 0;
    if (length < 0) this.#writer.null();
    else this.#writeBytes(bytes, start, start + length);
  }

  #textOf(topic: string): Buffer {
    if (topic !== this.#topic) {
      this.#topic = topic;
      this.#topicText = Buffer.from(JSON.stringify(topic));
    }
    return this.#topicText;
  }

  #writeTimestamp(epochMs: number): void {
    if (epochMs < 0) {
      this.#writer.null();
      return;
    }
    const seconds = Math.floor(epochMs / 1000);
    const micros = (epochMs - seconds * 1000) * 1000;
    writeDatetime(this.#writer, seconds + this.#options.zone(seconds), micros);
  }

  #writeBytes(bytes: Buffer, start: number, end: number): void {
    if (isUtf8(bytes.subarray(start, end))) this.#writer.utf8(bytes, start, end);
    else this.#writer.base64(bytes, start, end);
  }

  #writeHeaders(run: MessageRun, index: number): void {
    const writer = this.#writer;
    const values = new Map<string, (Buffer | null)[]>();
    const length = run.headersLength[index] ?? 0;
    const headers =
      length <= 1 ? [] : readRecordHeaders(run.bytes, run.headersStart[index] ?? 0, length);
    for (const { key, value } of headers) {
      const known = values.get(key);
      if (known === undefined) values.set(key, [value]);
      else known.push(value);
    }
    writer.byte(OPEN_OBJECT);
    let isFirst = true;
    for (const [key, list] of values) {
      if (!isFirst) writer.byte(COMMA);
      isFirst = false;
      writer.text(key);
      writer.byte(COLON);
      if (list.length > 1) writer.byte(OPEN_ARRAY);
      for (const [at, value] of list.entries()) {
        if (at > 0) writer.byte(COMMA);
        if (value === null) writer.null();
        else this.#writeBytes(value, 0, value.length);
      }
      if (list.length > 1) writer.byte(CLOSE_ARRAY);
    }
    writer.byte(CLOSE_OBJECT);
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}
