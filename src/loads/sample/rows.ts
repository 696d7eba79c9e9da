// Sampled messages -> the rows that a Routine Load would make of them, as trees by field name; and what their keys and
// schemas say of the columns.
import { isUtf8 } from 'node:buffer';
import {
  isArray,
  isObject,
  JsonNumber,
  type JsonValue,
  readJson,
} from '../../formats/json/value.ts';
import { zoneOffset } from '../../formats/time-text.ts';
import type { SampledMessage } from '../../kafka/client/sample.ts';
import {
  type AvroFormatSpec,
  type EnvelopeKind,
  type FormatSpec,
  type JsonFormatSpec,
  type ProtobufFormatSpec,
  RAW_FIELD,
} from '../../model/load-plan.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { CsvScanner, FIELD } from '../../pipeline/decode/csv-scan.ts';
import { readEnvelope } from '../../pipeline/decode/envelope.ts';
import { EnvelopeSchemas } from '../../pipeline/decode/envelope-values.ts';
import { entriesOf, splitDocuments } from '../../pipeline/decode/json-scan.ts';
import { type PathStep, parseJsonPath } from '../../pipeline/transform/json-path.ts';
import { connectColumnTypes } from '../../query/infer/connect-type.ts';
import { type FramedOptions, FramedSamples } from './framed.ts';

export type SampleRow = ReadonlyMap<string, JsonValue>;

export interface SampleRows {
  readonly rows: readonly SampleRow[];
  /** Messages (of CSV: rows) that make no row because they cannot be read, and why the first of them cannot. */
  readonly unread: { readonly count: number; readonly reason: string };
  /** By a schema, in its order; empty where there is none. */
  readonly types: ReadonlyMap<string, SqlType>;
  /** What tells rows of change events apart; empty = not known. */
  readonly keys: readonly string[];
}

export interface RowOptions {
  readonly timeZone: string;
  readonly structs: boolean;
  readonly signal: AbortSignal;
  /** Lets others have their turn: samples are many, and the FE is everybody's. */
  readonly pause: () => Promise<void>;
}

/** Bytes that are read between two pauses: about 10 ms. */
const BYTES_PER_TURN = 256 * 1024;

/** Throws REGISTRY_*, LOAD_JSONPATH. */
export async function readSampleRows(
  messages: readonly SampledMessage[],
  format: FormatSpec,
  options: RowOptions,
): Promise<SampleRows> {
  const reader = new RowReader(options, format);
  let bytes = 0;
  const framed = framedReader(format, reader, options);
  for (const message of messages) {
    bytes += message.value?.length ?? 0;
    if (bytes > BYTES_PER_TURN) {
      bytes = 0;
      await options.pause();
    }
    const { value, key } = message;
    switch (format.kind) {
      case 'json':
        reader.json(value, key, format);
        break;
      case 'csv':
        reader.csv(value);
        break;
      case 'raw':
        reader.raw(value);
        break;
      case 'avro':
      case 'protobuf':
        await framed?.read(message);
    }
  }
  return reader.result(framed?.types() ?? new Map());
}

interface FramedReader {
  read(message: SampledMessage): Promise<void>;
  types(): SampleRows['types'];
}

/** Null for formats whose messages have no schema. */
function framedReader(
  format: FormatSpec,
  reader: RowReader,
  options: RowOptions,
): FramedReader | null {
  if (format.kind !== 'avro' && format.kind !== 'protobuf') return null;
  const envelope = format.kind === 'avro' ? (format.envelope ?? null) : null;
  const zone = zoneOffset(options.timeZone);
  const samples = new FramedSamples(format, { ...options, zone });
  const keys = envelope === null ? null : keysOf(format, { ...options, zone });
  return {
    read: async ({ value, key }) => {
      if (value === null) return;
      const decoded = await samples.decode(value);
      if (decoded.text === null) reader.refuse(decoded.reason);
      else if (envelope === null) reader.object(decoded.text);
      else reader.envelope(Buffer.from(decoded.text), envelope);
      if (keys === null || key === null || reader.knowsKeys) return;
      const keyText = await keys.decode(key);
      if (keyText.text !== null) reader.key(keyText.text);
    },
    types: () => samples.types(),
  };
}

/** For the keys of messages, whose schemas are none of a row. */
function keysOf(
  { registryUrl }: AvroFormatSpec | ProtobufFormatSpec,
  options: FramedOptions,
): FramedSamples {
  return new FramedSamples({ kind: 'avro', registryUrl, jsonpaths: null }, options);
}

const OPEN_OBJECT = 0x7b;
const MAX_CSV_FIELDS = 10_000;
/** Of change events, by their text. */
const MAX_SCHEMAS = 50;

class RowReader {
  readonly #rows: SampleRow[] = [];
  readonly #schemas: EnvelopeSchemas;
  readonly #scanner: CsvScanner | null;
  #csvRows: (readonly (string | null)[])[] = [];
  #unread = 0;
  #reason = '';
  #keys: readonly string[] = [];
  /** By the schemas that messages bring along. */
  readonly #types = new Map<string, SqlType>();
  readonly #known = new Set<string>();

  constructor({ timeZone }: RowOptions, format: FormatSpec) {
    this.#schemas = new EnvelopeSchemas(zoneOffset(timeZone));
    this.#scanner = format.kind === 'csv' ? new CsvScanner(format, MAX_CSV_FIELDS) : null;
  }

  result(types: SampleRows['types']): SampleRows {
    this.#takeCsv();
    const unread = { count: this.#unread, reason: this.#reason };
    const all = new Map([...types, ...this.#types]);
    return { rows: this.#rows, unread, types: all, keys: this.#keys };
  }

  get knowsKeys(): boolean {
    return this.#keys.length > 0;
  }

  refuse(reason: string): void {
    this.#unread += 1;
    if (this.#reason === '') this.#reason = reason;
  }

  json(value: Buffer | null, key: Buffer | null, format: JsonFormatSpec): void {
    if (value === null || value.length === 0) return;
    const bytes = withoutBom(value);
    if (!isUtf8(bytes)) {
      this.refuse('it is no UTF-8');
      return;
    }
    if (format.envelope !== undefined) {
      this.envelope(bytes, format.envelope);
      if (key !== null && isUtf8(key)) this.key(key.toString('utf8'));
      return;
    }
    const documents = splitDocuments(bytes, { start: 0, end: bytes.length });
    const values: JsonValue[] = [];
    for (const { start, end } of documents ?? [{ start: 0, end: bytes.length }]) {
      const read = readJson(bytes.toString('utf8', start, end));
      if (read.problem !== null) {
        this.refuse('it is no JSON');
        return;
      }
      values.push(read.value);
    }
    const found = values.flatMap((one) => rowsIn(one, format));
    if (found.some((row) => row === null)) {
      this.refuse(notRows(format));
      return;
    }
    for (const row of found) if (row !== null) this.#rows.push(row);
  }

  /** A message that is one row. */
  object(text: string): void {
    const read = readJson(text);
    if (read.problem === null && isObject(read.value)) this.#rows.push(read.value);
    else this.refuse('it is no record');
  }

  raw(value: Buffer | null): void {
    if (value === null) return;
    if (isUtf8(value)) this.#rows.push(new Map([[RAW_FIELD, value.toString('utf8')]]));
    else this.refuse('it is no UTF-8');
  }

  /** The rows of a change event; what is none of a row's business counts as nothing. */
  envelope(bytes: Buffer, kind: EnvelopeKind): void {
    const whole = { start: 0, end: bytes.length };
    const [document] = bytes.includes(OPEN_OBJECT) ? (splitDocuments(bytes, whole) ?? []) : [];
    if (document === undefined || bytes[document.start] !== OPEN_OBJECT) {
      this.refuse(`it is no JSON object in a ${kind} envelope`);
      return;
    }
    const envelope = readEnvelope(kind, bytes, document, []);
    if (envelope.kind === 'bad') {
      this.refuse(envelope.reason);
      return;
    }
    if (envelope.kind === 'other') return;
    const { schema } = envelope;
    const schemaText = schema === null ? null : bytes.toString('utf8', schema.start, schema.end);
    const rules = schemaText === null ? null : this.#schemas.rules(schemaText);
    if (schemaText !== null) this.#noteTypes(schemaText);
    for (const { row, operation } of envelope.rows) {
      const entries = entriesOf(bytes, row);
      if (entries === null) {
        this.refuse('a row is no JSON object');
        return;
      }
      // What is deleted may be given by its key alone.
      if (operation === 1) continue;
      const values = new Map<string, JsonValue>();
      for (const [name, { start, end }] of entries) {
        const text = bytes.toString('utf8', start, end);
        const rule = text === 'null' ? undefined : rules?.get(name);
        values.set(name, readJson(rule?.apply(text) ?? text).value);
      }
      this.#rows.push(values);
    }
    if (kind === 'canal') this.#canalKeys(bytes, document);
  }

  #noteTypes(schemaText: string): void {
    if (this.#known.has(schemaText) || this.#known.size >= MAX_SCHEMAS) return;
    this.#known.add(schemaText);
    for (const [name, type] of connectColumnTypes(readJson(schemaText).value))
      this.#types.set(name, type);
  }

  #canalKeys(bytes: Buffer, document: { readonly start: number; readonly end: number }): void {
    const range = entriesOf(bytes, document)?.get('pkNames');
    if (range === undefined || this.#keys.length > 0) return;
    const { value } = readJson(bytes.toString('utf8', range.start, range.end));
    if (!isArray(value)) return;
    this.#keys = value.filter((name): name is string => typeof name === 'string');
  }

  /** A message's key, where it is an object of the row's key columns; Debezium may put it into `payload`. */
  key(text: string): void {
    if (this.#keys.length > 0) return;
    const { value } = readJson(text);
    if (value === null || !isObject(value)) return;
    const payload = value.get('payload');
    const inner = value.has('schema') && payload !== undefined ? payload : value;
    if (inner !== null && isObject(inner)) this.#keys = [...inner.keys()];
  }

  csv(value: Buffer | null): void {
    const scanner = this.#scanner;
    if (scanner === null || value === null || value.length === 0) return;
    const bytes = withoutBom(value);
    if (!isUtf8(bytes)) {
      this.refuse('it is no UTF-8');
      return;
    }
    for (let at = 0; at < bytes.length; at = scanner.next) {
      const end = scanner.readRow(bytes, at, bytes.length);
      if (scanner.rowStart === scanner.rowEnd) continue;
      if (end === 'unclosed') this.refuse('an enclosed field is not closed');
      else this.#csvRows.push(csvFields(scanner, bytes));
    }
  }

  /** Rows of another number of fields than most have are none. */
  #takeCsv(): void {
    const count = mostFrequent(this.#csvRows.map(({ length }) => length));
    for (const row of this.#csvRows) {
      if (row.length === count)
        this.#rows.push(new Map(row.map((text, index) => [`c${index + 1}`, csvValue(text)])));
      else this.refuse(`a row has ${row.length} fields, most have ${count}`);
    }
    this.#csvRows = [];
  }
}

/** The rows of a message; null stands for what is none. */
function rowsIn(value: JsonValue, format: JsonFormatSpec): readonly (SampleRow | null)[] {
  const { jsonRoot, stripOuterArray } = format;
  let found: readonly JsonValue[] = [value];
  if (jsonRoot !== '') {
    const outer = isArray(value) ? value : [value];
    found = outer.flatMap((one) => at(one, parseJsonPath(jsonRoot)));
    if (found.length === 0) return [null];
    found = found.flatMap((one) => (isArray(one) ? one : [one]));
  } else if (stripOuterArray) {
    if (!isArray(value)) return [null];
    found = value;
  }
  return found.map((one) => (one !== null && isObject(one) ? one : null));
}

function at(value: JsonValue, steps: readonly PathStep[]): readonly JsonValue[] {
  let found: readonly JsonValue[] = [value];
  for (const step of steps) {
    found = found.flatMap((one): readonly JsonValue[] => {
      if (step.kind === 'key') {
        const inner = one !== null && isObject(one) ? one.get(step.key) : undefined;
        return inner === undefined ? [] : [inner];
      }
      if (!isArray(one)) return [];
      return step.kind === 'all' ? one : one.slice(step.index, step.index + 1);
    });
  }
  return found;
}

function notRows({ jsonRoot, stripOuterArray }: JsonFormatSpec): string {
  if (jsonRoot !== '') return 'it has no objects at json_root';
  return stripOuterArray
    ? 'it is no array of objects (strip_outer_array)'
    : 'it is no object: an array needs strip_outer_array, a part of it json_root';
}

function csvFields(scanner: CsvScanner, bytes: Buffer): readonly (string | null)[] {
  return Array.from({ length: Math.min(scanner.fieldCount, MAX_CSV_FIELDS) }, (_, index) =>
    scanner.kinds[index] === FIELD.null ? null : scanner.fieldBytes(bytes, index).toString('utf8'),
  );
}

const CSV_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A field as the value that it looks like. An empty one is NULL in every column but a text's. */
function csvValue(text: string | null): JsonValue {
  if (text === null || text === '') return null;
  if (CSV_NUMBER.test(text)) return new JsonNumber(text);
  return text === 'true' || text === 'false' ? text === 'true' : text;
}

function mostFrequent(numbers: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0] ?? 0;
}

function withoutBom(bytes: Buffer): Buffer {
  const hasBom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasBom ? bytes.subarray(3) : bytes;
}
