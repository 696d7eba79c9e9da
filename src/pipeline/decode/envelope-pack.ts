// Change events -> packed lines: the rows of a message, each with its `__op`, written or deleted. A message
// that says nothing about rows is passed over and said so; one that cannot be read is rejected whole, since half
// a change must not be loaded.
import type { FieldForm } from '../../formats/avro/decode.ts';
import { withoutStacks } from '../../formats/malformed.ts';
import type { ZoneOffset } from '../../formats/time-text.ts';
import type { EnvelopeKind } from '../../model/load-plan.ts';
import { parseJson } from '../transform/parse-json.ts';
import type { RawBatch } from '../types.ts';
import { type Envelope, type EnvelopeRow, readEnvelope } from './envelope.ts';
import { EnvelopeSchemas, type ValueRule } from './envelope-values.ts';
import {
  type ByteRange,
  entriesOf,
  flattenLines,
  isJsonSpace,
  quoteNumbers,
  skipValue,
} from './json-scan.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { Packer } from './packer.ts';

/** Gives the JSON text of a message: itself, or what a decoder makes of it. */
export interface MessageText {
  prepare(raw: RawBatch, signal: AbortSignal): Promise<void>;
  /** A text says why there is none. The bytes are good until the next call. */
  textOf(
    raw: RawBatch,
    bytes: Buffer,
    start: number,
    end: number,
  ): (ByteRange & { readonly bytes: Buffer }) | string;
}

export interface EnvelopePackOptions {
  readonly kind: EnvelopeKind;
  readonly text: MessageText;
  /** Names of the fields that the target's key is made of. */
  readonly keys: readonly string[];
  /** Forms that columns want; only those in base64 matter here. */
  readonly forms: ReadonlyMap<string, FieldForm> | null;
  /** Keys whose numbers become text; null = none. */
  readonly exactNumberKeys: ReadonlySet<string> | null;
  readonly zone: ZoneOffset;
  /** Hears of the schemas that messages bring along, each once. */
  readonly onSchema?: (text: string) => void;
  /** Hears once of each kind of message that is passed over. */
  readonly onPassed: (reason: string) => void;
}

const NEWLINE = 0x0a;
const OPEN_OBJECT = 0x7b;
/** Kinds of passed messages that are told about. */
const MAX_TOLD = 20;
const NO_RULES: ReadonlyMap<string, ValueRule> = new Map();

export class EnvelopePacker implements Packer {
  readonly #options: EnvelopePackOptions;
  readonly #schemas: EnvelopeSchemas;
  readonly #exactKeys: readonly Buffer[] | null;
  readonly #base64Keys: readonly string[];
  readonly #told = new Set<string>();

  constructor(options: EnvelopePackOptions) {
    this.#options = options;
    this.#schemas = new EnvelopeSchemas(options.zone, options.onSchema);
    const { exactNumberKeys, forms } = options;
    this.#exactKeys =
      exactNumberKeys === null ? null : [...exactNumberKeys].map((key) => Buffer.from(key));
    this.#base64Keys = [...(forms ?? [])].flatMap(([key, form]) =>
      form === 'base64' ? [key] : [],
    );
  }

  prepare(raw: RawBatch, signal: AbortSignal): Promise<void> {
    return this.#options.text.prepare(raw, signal);
  }

  pack(packed: PackedBatch): void {
    withoutStacks(() => {
      let record = 0;
      for (const { bytes, count, valueStart, valueLength, partition } of packed.raw.runs) {
        for (let index = 0; index < count; index += 1) {
          const start = valueStart[index] ?? 0;
          const length = valueLength[index] ?? 0;
          if (length <= 0) packed.addEmpty(partition);
          else this.#packMessage(packed, bytes, record, { start, end: start + length });
          record += 1;
        }
      }
    });
    packed.flush();
  }

  #packMessage(packed: PackedBatch, bytes: Buffer, record: number, raw: ByteRange): void {
    const lines = this.#lines(packed.raw, bytes, raw);
    if (Array.isArray(lines)) {
      for (const line of lines) packed.addPart(record, line, raw.start, raw.end);
      return;
    }
    if (lines.kind === 'bad') packed.reject(record, raw.start, raw.end, lines.reason);
    else {
      packed.passOver(record);
      if (this.#told.has(lines.reason) || this.#told.size >= MAX_TOLD) return;
      this.#told.add(lines.reason);
      this.#options.onPassed(lines.reason);
    }
  }

  lineOf(packed: PackedBatch, line: number): string | null {
    const raw = packed.rawOfLine(line);
    const lines = this.#lines(packed.raw, raw, { start: 0, end: raw.length });
    if (!Array.isArray(lines)) return null;
    const record = packed.recordOfLine(line);
    let first = line;
    while (first > 0 && packed.recordOfLine(first - 1) === record) first -= 1;
    return lines[line - first]?.toString('utf8') ?? null;
  }

  /** The lines of a message, or why it has none. */
  #lines(
    raw: RawBatch,
    bytes: Buffer,
    range: ByteRange,
  ): Buffer[] | Exclude<Envelope, { kind: 'rows' }> {
    const { kind, text, keys } = this.#options;
    const found = text.textOf(raw, bytes, range.start, range.end);
    if (typeof found === 'string') return { kind: 'bad', reason: found };
    const whole = trimmed(found.bytes, found);
    if (whole.start >= whole.end) return { kind: 'other', reason: 'an empty message' };
    const isObject =
      found.bytes[whole.start] === OPEN_OBJECT &&
      skipValue(found.bytes, whole.start, whole.end) === whole.end;
    if (!isObject)
      return { kind: 'bad', reason: `The message is no JSON object in a ${kind} envelope` };
    const envelope = readEnvelope(kind, found.bytes, whole, keys);
    if (envelope.kind === 'bad')
      return { kind: 'bad', reason: `The message cannot be read as ${kind}: ${envelope.reason}` };
    if (envelope.kind === 'other') return envelope;
    const { schema } = envelope;
    const rules =
      schema === null
        ? NO_RULES
        : this.#schemas.rules(found.bytes.toString('utf8', schema.start, schema.end));
    const lines: Buffer[] = [];
    for (const row of envelope.rows) {
      const line = this.#line(found.bytes, row, rules);
      if (line === null)
        return {
          kind: 'bad',
          reason: `The message cannot be read as ${kind}: a row is no JSON object`,
        };
      lines.push(line);
    }
    return lines;
  }

  /** The row with `__op` in front; null where it is no object. */
  #line(bytes: Buffer, row: EnvelopeRow, rules: ReadonlyMap<string, ValueRule>): Buffer | null {
    const { start, end } = row.row;
    if (bytes[start] !== OPEN_OBJECT) return null;
    const lead = `{"__op":${row.operation}`;
    const isPlain = row.instead === null && rules.size === 0 && this.#base64Keys.length === 0;
    let line: Buffer | null;
    if (isPlain) {
      const rest = bytes.subarray(start + 1, end);
      const isEmpty = trimmed(rest, { start: 0, end: rest.length - 1 }).start >= rest.length - 1;
      line = Buffer.concat([Buffer.from(isEmpty ? lead : `${lead},`), rest]);
    } else {
      const entries = entriesOf(bytes, row.row);
      if (entries === null) return null;
      line = Buffer.from(`${lead}${this.#rewritten(bytes, entries, row, rules)}}`);
    }
    if (line.includes(NEWLINE)) line = flattenLines(line, { start: 0, end: line.length });
    return line === null || this.#exactKeys === null ? line : quoteNumbers(line, this.#exactKeys);
  }

  #rewritten(
    bytes: Buffer,
    entries: ReadonlyMap<string, ByteRange>,
    row: EnvelopeRow,
    rules: ReadonlyMap<string, ValueRule>,
  ): string {
    let text = '';
    for (const [key, range] of entries) {
      const { start, end } = row.instead?.get(key) ?? range;
      const value = bytes.toString('utf8', start, end);
      text += `,${JSON.stringify(key)}:${valueText(value, rules.get(key), this.#options.forms?.get(key))}`;
    }
    return text;
  }
}

function valueText(
  value: string,
  rule: ValueRule | undefined,
  form: FieldForm | undefined,
): string {
  if (value === 'null') return value;
  if (form === 'base64') return rule?.from === 'bytes' ? value : base64Of(value);
  if (rule === undefined || (form === 'number' && rule.from === 'moment')) return value;
  return rule.apply(value);
}

/** A text as base64 of its bytes, anything else as base64 of its JSON. */
function base64Of(value: string): string {
  const parsed = value.startsWith('"') ? parseJson(value) : null;
  const text = parsed?.ok === true ? String(parsed.value) : value;
  return `"${Buffer.from(text).toString('base64')}"`;
}

function trimmed(bytes: Buffer, range: ByteRange): ByteRange {
  let { start, end } = range;
  while (start < end && isJsonSpace(bytes[start])) start += 1;
  while (start < end && isJsonSpace(bytes[end - 1])) end -= 1;
  return { start, end };
}

/** Messages that are JSON themselves. */
export function jsonText(maxMessageBytes: number): MessageText {
  return {
    async prepare() {},
    textOf(_raw, bytes, start, end) {
      if (end - start > maxMessageBytes)
        return `The message is larger than the limit: ${end - start} bytes, the limit is ${maxMessageBytes}`;
      return { bytes, start, end };
    },
  };
}
