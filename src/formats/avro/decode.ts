// Avro's binary encoding -> lines of JSON. A schema is compiled once into a chain of small functions that
// read bytes and write bytes; a message makes no objects. Fields that no one wants are passed over.
import type { ByteReader } from '../byte-reader.ts';
import { shortFloat } from '../byte-reader.ts';
import type { LineWriter } from '../json/line-writer.ts';
import { MalformedMessage } from '../malformed.ts';
import type { ZoneOffset } from '../time-text.ts';
import {
  type LogicalType,
  writeDecimal,
  writeDuration,
  writeMoment,
  writeUuid,
} from './logical.ts';
import type { AvroRecord, AvroType } from './schema.ts';
import { canBeEmpty, compileSkip } from './skip.ts';

/** Reads one value and writes it as JSON. Throws MalformedMessage. */
export type AvroWriter = (from: ByteReader, out: LineWriter) => void;

/** How a field is wanted: as JSON, its number without its logical type, or its bytes in base64. */
export type FieldForm = 'json' | 'number' | 'base64';

export interface DecodeOptions {
  /** Fields of the outermost record; null = all, as JSON. */
  readonly wanted: ReadonlyMap<string, FieldForm> | null;
  /** Where moments are shown. */
  readonly zone: ZoneOffset;
  /**
   * Of a file: a record is read up to its end, where another one begins, and as a number a boolean is 1 or 0 while
   * dates and moments stay texts, as in files of other formats. Absent: a message, of which nothing behind the last
   * wanted field is read.
   */
  readonly isOfFile?: true;
}

const MAX_DEPTH = 256;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/** Compiles what writes a message as one JSON object; null where the schema is no record, nor a union with one. */
export function compileAvro(type: AvroType, options: DecodeOptions): AvroWriter | null {
  const compiler = new Compiler(options.zone, options.isOfFile === true);
  if (type.kind === 'record') return compiler.outermost(type, options.wanted);
  if (type.kind !== 'union') return null;
  const branches = type.branches.map((branch) =>
    branch.kind === 'record' ? compiler.outermost(branch, options.wanted) : null,
  );
  if (branches.every((branch) => branch === null)) return null;
  return (from, out) => {
    const branch = branches[branchIndex(from, branches.length)] ?? null;
    if (branch === null) throw new MalformedMessage('the message is no record');
    branch(from, out);
  };
}

class Compiler {
  readonly #zone: ZoneOffset;
  readonly #isOfFile: boolean;
  /** Records under way or done, since a record may hold itself. */
  readonly #records = new Map<AvroRecord, { write: AvroWriter | null }>();

  constructor(zone: ZoneOffset, isOfFile: boolean) {
    this.#zone = zone;
    this.#isOfFile = isOfFile;
  }

  outermost(record: AvroRecord, wanted: ReadonlyMap<string, FieldForm> | null): AvroWriter {
    if (wanted === null) return this.#type(record);
    const fields = record.fields.map(({ name, type }): RecordField => {
      const form = wanted.get(name);
      if (form === undefined) return { key: null, value: compileSkip(type) };
      return { key: keyOf(name), value: this.#formed(type, form) };
    });
    return recordWriter(this.#isOfFile ? fields : dropTail(fields));
  }

  #formed(type: AvroType, form: FieldForm): AvroWriter {
    switch (form) {
      case 'json':
        return this.#type(type);
      case 'number':
        return this.#isOfFile ? this.#number(type) : this.#type(withoutLogical(type));
      case 'base64':
        return this.#base64(type);
    }
  }

  #number(type: AvroType): AvroWriter {
    if (type.kind === 'boolean') return (from, out) => out.integer(from.byte() === 0 ? 0 : 1);
    if (type.kind === 'union') return unionWriter(type.branches.map((part) => this.#number(part)));
    return this.#type(type);
  }

  #base64(type: AvroType): AvroWriter {
    if (type.kind === 'string' || type.kind === 'bytes') return writeLengthBase64;
    if (type.kind === 'fixed') {
      const { size } = type;
      return (from, out) => out.base64(from.bytes, from.take(size), from.at);
    }
    if (type.kind === 'union') return unionWriter(type.branches.map((part) => this.#base64(part)));
    const json = this.#type(type);
    if (type.kind === 'null') return json;
    return (from, out) => {
      const start = out.length;
      json(from, out);
      const text = Buffer.from(out.bytes.subarray(start, out.length));
      out.length = start;
      out.base64(text, 0, text.length);
    };
  }

  #type(type: AvroType): AvroWriter {
    switch (type.kind) {
      case 'null':
        return (_from, out) => out.null();
      case 'boolean':
        return (from, out) => out.piece(from.byte() === 0 ? FALSE : TRUE);
      case 'int':
      case 'long':
        return this.#integer(type.logical);
      case 'float':
        return (from, out) => out.number(shortFloat(from.float()));
      case 'double':
        return (from, out) => out.number(from.double());
      case 'string':
        return writeString;
      case 'bytes':
      case 'fixed':
        return bytesWriter(type.kind === 'fixed' ? type.size : null, type.logical);
      case 'enum':
        return enumWriter(type.symbols);
      case 'array':
        return this.#array(type.items);
      case 'map':
        return this.#map(type.values);
      case 'union':
        return unionWriter(type.branches.map((branch) => this.#type(branch)));
      case 'record':
        return this.#record(type);
    }
  }

  #integer(logical: LogicalType | null): AvroWriter {
    const zone = this.#zone;
    if (logical !== null)
      return (from, out) => writeMoment(out, logical, from.zigzag(), from.big, zone);
    return (from, out) => {
      const value = from.zigzag();
      if (Number.isNaN(value)) out.ascii(String(from.big));
      else out.integer(value);
    };
  }

  #array(items: AvroType): AvroWriter {
    const value = this.#type(items);
    return blocksWriter(value, canBeEmpty(items), OPEN_ARRAY, CLOSE_ARRAY);
  }

  #map(values: AvroType): AvroWriter {
    const value = this.#type(values);
    const entry: AvroWriter = (from, out) => {
      writeString(from, out);
      out.byte(COLON);
      value(from, out);
    };
    return blocksWriter(entry, false, OPEN_OBJECT, CLOSE_OBJECT);
  }

  #record(record: AvroRecord): AvroWriter {
    if (isVariableDecimal(record)) return writeVariableDecimal;
    const known = this.#records.get(record);
    // A record inside itself: its function is there by the time it is called.
    if (known !== undefined)
      return known.write ?? ((from, out) => (known.write ?? malformed)(from, out));
    const made: { write: AvroWriter | null } = { write: null };
    this.#records.set(record, made);
    const fields = record.fields.map(({ name, type }) => ({
      key: keyOf(name),
      value: this.#type(type),
    }));
    const plain = recordWriter(fields);
    made.write = (from, out) => {
      from.enter(MAX_DEPTH);
      plain(from, out);
      from.leave();
    };
    return made.write;
  }
}

/** Debezium's decimal that brings its own scale. */
function isVariableDecimal({ connectName, fields }: AvroRecord): boolean {
  const [scale, value] = fields;
  return (
    connectName === 'io.debezium.data.VariableScaleDecimal' &&
    fields.length === 2 &&
    scale?.type.kind === 'int' &&
    value?.type.kind === 'bytes'
  );
}

const writeVariableDecimal: AvroWriter = (from, out) => {
  const scale = from.zigzag();
  if (!(scale >= 0 && scale <= 1000)) throw new MalformedMessage(`a decimal of scale ${scale}`);
  writeDecimal(out, from.bytes, from.take(lengthOf(from)), from.at, scale);
};

const malformed: AvroWriter = () => {
  throw new MalformedMessage('the schema is not complete');
};

interface RecordField {
  /** `"name":`, null = passed over. */
  readonly key: Buffer | null;
  readonly value: AvroWriter;
}

function keyOf(name: string): Buffer {
  return Buffer.from(`${JSON.stringify(name)}:`);
}

/** Fields after the last wanted one are not even passed over. */
function dropTail(fields: readonly RecordField[]): readonly RecordField[] {
  const last = fields.findLastIndex((field) => field.key !== null);
  return fields.slice(0, last + 1);
}

function recordWriter(fields: readonly RecordField[]): AvroWriter {
  let isFirst = true;
  const parts = fields.map(({ key, value }) => {
    if (key === null) return { key: null, value };
    const lead = isFirst ? OPEN_OBJECT : COMMA;
    isFirst = false;
    return { key: Buffer.concat([Buffer.from([lead]), key]), value };
  });
  if (isFirst)
    return (from, out) => {
      for (const part of parts) part.value(from, out);
      out.byte(OPEN_OBJECT);
      out.byte(CLOSE_OBJECT);
    };
  return (from, out) => {
    for (let index = 0; index < parts.length; index += 1) {
      const part = parts[index];
      if (part === undefined) continue;
      if (part.key !== null) out.piece(part.key);
      part.value(from, out);
    }
    out.byte(CLOSE_OBJECT);
  };
}

function lengthOf(from: ByteReader): number {
  const length = from.zigzag();
  if (!(length >= 0)) throw new MalformedMessage('a length is negative or too large');
  return length;
}

const writeString: AvroWriter = (from, out) => {
  const start = from.take(lengthOf(from));
  out.utf8(from.bytes, start, from.at);
};

const writeLengthBase64: AvroWriter = (from, out) => {
  const start = from.take(lengthOf(from));
  out.base64(from.bytes, start, from.at);
};

/** `size`: of a fixed; null = the length comes first. */
function bytesWriter(size: number | null, logical: LogicalType | null): AvroWriter {
  const range = (from: ByteReader): number => from.take(size ?? lengthOf(from));
  if (logical?.kind === 'decimal') {
    const { scale } = logical;
    return (from, out) => writeDecimal(out, from.bytes, range(from), from.at, scale);
  }
  if (logical?.kind === 'uuid') return (from, out) => writeUuid(out, from.bytes, range(from));
  if (logical?.kind === 'duration')
    return (from, out) => writeDuration(out, from.bytes, range(from));
  return (from, out) => {
    const start = range(from);
    out.utf8(from.bytes, start, from.at);
  };
}

function enumWriter(symbols: readonly string[]): AvroWriter {
  const texts = symbols.map((symbol) => Buffer.from(JSON.stringify(symbol)));
  return (from, out) => {
    const index = from.zigzag();
    const text = texts[index];
    if (text === undefined)
      throw new MalformedMessage(`an enum of ${texts.length} symbols has symbol ${index}`);
    out.piece(text);
  };
}

function branchIndex(from: ByteReader, count: number): number {
  const index = from.zigzag();
  if (!(index >= 0 && index < count))
    throw new MalformedMessage(`a union of ${count} types has type ${index}`);
  return index;
}

function unionWriter(branches: readonly AvroWriter[]): AvroWriter {
  return (from, out) => (branches[branchIndex(from, branches.length)] ?? malformed)(from, out);
}

/** Blocks of items: a count, for a negative one also the block's length in bytes, up to a block of none. */
function blocksWriter(
  item: AvroWriter,
  canItemBeEmpty: boolean,
  open: number,
  close: number,
): AvroWriter {
  return (from, out) => {
    from.enter(MAX_DEPTH);
    let isFirst = true;
    out.byte(open);
    for (let count = from.zigzag(); count !== 0; count = from.zigzag()) {
      if (count < 0) {
        lengthOf(from);
        count = -count;
      }
      const most = canItemBeEmpty ? Number.MAX_SAFE_INTEGER : from.end - from.at;
      // NaN too: no message holds so many.
      if (!(count <= most)) throw from.tooShort();
      for (let index = 0; index < count; index += 1) {
        if (!isFirst) out.byte(COMMA);
        isFirst = false;
        item(from, out);
      }
    }
    out.byte(close);
    from.leave();
  };
}

/** The type with the numbers of logical types as they are. */
function withoutLogical(type: AvroType): AvroType {
  switch (type.kind) {
    case 'int':
    case 'long':
      return { kind: type.kind, logical: null };
    case 'union':
      return { kind: 'union', branches: type.branches.map(withoutLogical) };
    default:
      return type;
  }
}
