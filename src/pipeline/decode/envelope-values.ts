// Values of change events as their schema means them: Debezium's and Kafka Connect's types stand for dates,
// times, decimals and bytes, which JSON carries as numbers and base64. A schema is read once and kept by its
// text. Without a schema values stay as they are. SOURCE: Debezium reference, data type mappings.
import {
  CONNECT_TYPES,
  decimalText,
  type LogicalType,
  writeMoment,
} from '../../formats/avro/logical.ts';
import { LineWriter } from '../../formats/json/line-writer.ts';
import type { ZoneOffset } from '../../formats/time-text.ts';
import { parseJson } from '../transform/parse-json.ts';

export interface ValueRule {
  /** What the value is before: base64 of bytes, the number of a moment, or something else. */
  readonly from: 'bytes' | 'moment' | 'other';
  /** Rewrites the JSON text of one value. */
  readonly apply: (text: string) => string;
}

/** Schemas kept by their text. */
const MAX_SCHEMAS = 100;

export class EnvelopeSchemas {
  readonly #zone: ZoneOffset;
  readonly #onSchema: (text: string) => void;
  readonly #known = new Map<string, ReadonlyMap<string, ValueRule>>();

  /** `onSchema` hears of each schema once, as long as it is kept. */
  constructor(zone: ZoneOffset, onSchema: (text: string) => void = () => undefined) {
    this.#zone = zone;
    this.#onSchema = onSchema;
  }

  /** Rules by column of the rows of a change event; no entry = the value stays. */
  rules(schema: string): ReadonlyMap<string, ValueRule> {
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_SCHEMAS) this.#known.clear();
    this.#onSchema(schema);
    const parsed = parseJson(schema);
    const rules = parsed.ok ? rulesOf(parsed.value, this.#zone) : new Map<string, ValueRule>();
    this.#known.set(schema, rules);
    return rules;
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** From the `schema` of a message: its fields `before` and `after` describe the row. */
function rulesOf(schema: unknown, zone: ZoneOffset): ReadonlyMap<string, ValueRule> {
  const rules = new Map<string, ValueRule>();
  const outer = fieldsOf(schema);
  const row =
    outer.find(({ field }) => field === 'after') ?? outer.find(({ field }) => field === 'before');
  for (const field of fieldsOf(row)) {
    const rule = ruleOf(field, zone);
    if (rule !== null && typeof field['field'] === 'string') rules.set(field['field'], rule);
  }
  return rules;
}

function fieldsOf(schema: unknown): readonly JsonObject[] {
  const fields = isObject(schema) ? schema['fields'] : undefined;
  return Array.isArray(fields) ? fields.filter(isObject) : [];
}

function ruleOf(field: JsonObject, zone: ZoneOffset): ValueRule | null {
  const name = typeof field['name'] === 'string' ? field['name'] : '';
  const moment = Object.hasOwn(CONNECT_TYPES, name) ? CONNECT_TYPES[name] : undefined;
  if (moment !== undefined)
    return { from: 'moment', apply: (text) => momentText(text, moment, zone) };
  switch (name) {
    case 'org.apache.kafka.connect.data.Decimal': {
      const scale = Number(isObject(field['parameters']) ? field['parameters']['scale'] : 0);
      return { from: 'other', apply: (text) => base64Decimal(text, scale) };
    }
    case 'io.debezium.data.VariableScaleDecimal':
      return { from: 'other', apply: variableDecimal };
    case 'io.debezium.data.Bits':
      return { from: 'other', apply: bitsNumber };
    case 'io.debezium.data.Json':
      return { from: 'other', apply: innerJson };
    default:
      return field['type'] === 'bytes' ? { from: 'bytes', apply: base64Text } : null;
  }
}

function momentText(text: string, type: LogicalType, zone: ZoneOffset): string {
  if (!/^-?\d{1,19}$/.test(text)) return text;
  const out = new LineWriter(1024);
  const value = Number(text);
  const isSafe = Number.isSafeInteger(value);
  writeMoment(out, type, isSafe ? value : Number.NaN, isSafe ? 0n : BigInt(text), zone);
  return out.bytes.toString('latin1', 0, out.length);
}

/** A JSON string's text; null for everything else. */
function stringOf(text: string): string | null {
  if (!text.startsWith('"')) return null;
  const parsed = parseJson(text);
  return parsed.ok && typeof parsed.value === 'string' ? parsed.value : null;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function bytesOf(text: string): Buffer | null {
  const encoded = stringOf(text);
  return encoded === null || !BASE64.test(encoded) ? null : Buffer.from(encoded, 'base64');
}

function unscaled(bytes: Buffer): string {
  if (bytes.length === 0) return '0';
  return String(BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`)));
}

function base64Decimal(text: string, scale: number): string {
  const bytes = bytesOf(text);
  const isScale = Number.isInteger(scale) && scale >= 0 && scale <= 1000;
  return bytes === null || !isScale ? text : `"${decimalText(unscaled(bytes), scale)}"`;
}

/** `{"scale": 2, "value": "base64"}`. */
function variableDecimal(text: string): string {
  const parsed = parseJson(text);
  if (!parsed.ok || !isObject(parsed.value)) return text;
  const { scale, value } = parsed.value;
  if (typeof scale !== 'number' || typeof value !== 'string') return text;
  return base64Decimal(JSON.stringify(value), scale);
}

/** Bits, lowest byte first, as a whole number. */
function bitsNumber(text: string): string {
  const bytes = bytesOf(text);
  if (bytes === null) return text;
  return bytes.length === 0 ? '0' : String(BigInt(`0x${bytes.toReversed().reduce(hexOf, '')}`));
}

function hexOf(text: string, byte: number): string {
  return text + byte.toString(16).padStart(2, '0');
}

/** A text that holds JSON as that JSON. */
function innerJson(text: string): string {
  const inner = stringOf(text);
  return inner !== null && parseJson(inner).ok ? inner.replaceAll('\n', ' ') : text;
}

/** Bytes as the text that they are; what is no UTF-8 stays base64. */
function base64Text(text: string): string {
  const bytes = bytesOf(text);
  if (bytes === null) return text;
  const decoded = bytes.toString('utf8');
  return Buffer.from(decoded).equals(bytes) ? JSON.stringify(decoded) : text;
}
