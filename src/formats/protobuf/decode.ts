// Protobuf's binary encoding -> lines of JSON. Fields lie in any order, and again where a later value counts,
// so each message is read twice: once to note where its fields are, once to write them in the order of
// their schema. Keys are the names of the .proto file; every field is written, an absent one as what it means.
import type { FieldForm } from '../avro/decode.ts';
import type { ByteReader } from '../byte-reader.ts';
import type { LineWriter } from '../json/line-writer.ts';
import { MalformedMessage } from '../malformed.ts';
import type { ZoneOffset } from '../time-text.ts';
import {
  enumWriter,
  type ProtoWriter,
  readTag,
  scalarWriter,
  skipGroup,
  skipValue,
  takeLength,
  WIRE,
  wireTypeOf,
  writeBase64,
} from './scalars.ts';
import type { ProtoField, ProtoMessage, ProtoType } from './schema.ts';
import { wellKnownWriter } from './well-known.ts';

export interface ProtoDecodeOptions {
  /** Fields of the outermost message; null = all, as JSON. */
  readonly wanted: ReadonlyMap<string, FieldForm> | null;
  readonly zone: ZoneOffset;
}

const MAX_DEPTH = 100;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const QUOTE = 0x22;
const NULL = Buffer.from('null');

/** Compiles what writes the message up to the reader's end as one JSON object. */
export function compileProto(message: ProtoMessage, options: ProtoDecodeOptions): ProtoWriter {
  return new Compiler(options.zone).outermost(message, options.wanted);
}

class Compiler {
  readonly #zone: ZoneOffset;
  readonly #messages = new Map<ProtoMessage, MessageReader>();

  constructor(zone: ZoneOffset) {
    this.#zone = zone;
  }

  outermost(message: ProtoMessage, wanted: ReadonlyMap<string, FieldForm> | null): ProtoWriter {
    if (wanted === null) return this.#body(message);
    const reader = new MessageReader();
    for (const field of message.fields) {
      const form = wanted.get(field.name);
      // Members of a oneof end each other, wanted or not.
      if (form === undefined && field.oneof === null) continue;
      reader.add(
        field,
        this.#value(field, form ?? 'json'),
        form !== undefined,
        absentOf(field, form),
      );
    }
    return (from, out) => reader.write(from, out);
  }

  /** Reads to the end of the reader. */
  #body(message: ProtoMessage): ProtoWriter {
    const special = wellKnownWriter(message.fullName, this.#zone);
    if (special !== null) return special;
    const known = this.#messages.get(message);
    if (known !== undefined) return (from, out) => known.write(from, out);
    const reader = new MessageReader();
    this.#messages.set(message, reader);
    for (const field of message.fields)
      reader.add(field, this.#value(field, 'json'), true, field.absent);
    return (from, out) => reader.write(from, out);
  }

  #value({ type, keyType, rule, number }: ProtoField, form: FieldForm): ProtoWriter {
    if (rule === 'map') return this.#mapEntry(type, keyType ?? 'string');
    if (type.kind === 'message' && type.isGroup)
      return withinGroup(this.#body(type.message), number);
    return this.#type(type, rule === 'single' ? form : 'json');
  }

  #type(type: ProtoType, form: FieldForm): ProtoWriter {
    switch (type.kind) {
      case 'scalar':
        if (form === 'base64' && /^(string|bytes)$/.test(type.scalar)) return writeBase64;
        return asBase64(scalarWriter(type.scalar), form);
      case 'enum':
        // An integer column wants the number, as it wants the number of a timestamp.
        return form === 'number' ? scalarWriter('int32') : asBase64(enumWriter(type.names), form);
      case 'message': {
        const special = wellKnownWriter(type.message.fullName, this.#zone, form);
        return asBase64(within(special ?? this.#body(type.message)), form);
      }
    }
  }

  /** Writes `"key":value` of a map's entry. */
  #mapEntry(type: ProtoType, keyType: Parameters<typeof scalarWriter>[0]): ProtoWriter {
    const key = scalarWriter(keyType);
    const value = this.#type(type, 'json');
    const absentKey = keyType === 'string' ? '""' : keyType === 'bool' ? '"false"' : '"0"';
    const wires = [wireTypeOf({ kind: 'scalar', scalar: keyType }), wireTypeOf(type)];
    return within((from, out) => {
      let keyAt = -1;
      let valueAt = -1;
      while (from.at < from.end) {
        const tag = readTag(from);
        const number = Math.floor(tag / 8);
        if (number === 1 && tag % 8 === wires[0]) keyAt = from.at;
        if (number === 2 && tag % 8 === wires[1]) valueAt = from.at;
        skipValue(from, tag % 8, number);
      }
      if (keyAt < 0) out.ascii(absentKey);
      else {
        from.at = keyAt;
        if (keyType !== 'string') out.byte(QUOTE);
        key(from, out);
        if (keyType !== 'string') out.byte(QUOTE);
      }
      out.byte(COLON);
      if (valueAt >= 0) {
        from.at = valueAt;
        value(from, out);
      } else out.ascii(emptyText(type));
      from.at = from.end;
    });
  }
}

/** What a map's entry without a value means. */
function emptyText(type: ProtoType): string {
  switch (type.kind) {
    case 'message':
      return '{}';
    case 'enum':
      return JSON.stringify(type.names.get(0) ?? 0);
    case 'scalar':
      return type.scalar === 'bool' ? 'false' : /^(string|bytes)$/.test(type.scalar) ? '""' : '0';
  }
}

/** What an absent field is in its form. */
function absentOf({ absent, type }: ProtoField, form: FieldForm | undefined): string | null {
  if (absent === null) return null;
  if (form === 'number' && type.kind === 'enum') {
    const found = [...type.names].find(([, name]) => JSON.stringify(name) === absent);
    return String(found?.[0] ?? 0);
  }
  if (form !== 'base64') return absent;
  const text: unknown = JSON.parse(absent);
  return JSON.stringify(Buffer.from(typeof text === 'string' ? text : absent).toString('base64'));
}

/** Reads a length, and the body within it. */
function within(body: ProtoWriter): ProtoWriter {
  return (from, out) => {
    const start = takeLength(from);
    const { at: after, end } = from;
    from.at = start;
    from.end = after;
    from.enter(MAX_DEPTH);
    body(from, out);
    from.leave();
    from.at = after;
    from.end = end;
  };
}

/** The body of a group. */
function withinGroup(body: ProtoWriter, number: number): ProtoWriter {
  return (from, out) => {
    const start = from.at;
    const bodyEnd = skipGroup(from, number);
    const { at: after, end } = from;
    from.at = start;
    from.end = bodyEnd;
    from.enter(MAX_DEPTH);
    body(from, out);
    from.leave();
    from.at = after;
    from.end = end;
  };
}

/** Other values than texts and bytes as the base64 of their JSON text. */
function asBase64(write: ProtoWriter, form: FieldForm): ProtoWriter {
  if (form !== 'base64') return write;
  return (from, out) => {
    const start = out.length;
    write(from, out);
    const text = Buffer.from(out.bytes.subarray(start, out.length));
    out.length = start;
    out.base64(text, 0, text.length);
  };
}

interface FieldPlan {
  readonly number: number;
  readonly rule: ProtoField['rule'];
  readonly wireType: number;
  readonly canBePacked: boolean;
  readonly isMessage: boolean;
  /** Of a oneof, by its name; null = none. */
  readonly oneof: string | null;
  readonly isWanted: boolean;
  readonly value: ProtoWriter;
  /** `{"name":` or `,"name":`. */
  readonly lead: Buffer;
  readonly absent: Buffer;
}

/** Field numbers up to this one are found by index. */
const DENSE_NUMBERS = 1024;
const EMPTY = Buffer.from('{}');

/** Reads messages of one type; several at once where they are inside each other. */
class MessageReader {
  readonly #fields: FieldPlan[] = [];
  readonly #dense: (number | undefined)[] = [];
  readonly #sparse = new Map<number, number>();
  /** By nesting: where the last value of each field begins, -1 = absent, and how many it has. */
  readonly #frames: Int32Array[] = [];
  #active = 0;
  #hasWanted = false;

  add(field: ProtoField, value: ProtoWriter, isWanted: boolean, absent: string | null): void {
    const index = this.#fields.length;
    if (field.number < DENSE_NUMBERS) this.#dense[field.number] = index;
    else this.#sparse.set(field.number, index);
    const key = `${JSON.stringify(field.name)}:`;
    const wireType = field.rule === 'map' ? WIRE.length : wireTypeOf(field.type);
    this.#fields.push({
      number: field.number,
      rule: field.rule,
      wireType,
      canBePacked: field.rule === 'repeated' && wireType !== WIRE.length,
      // Of a group in pieces the last one counts.
      isMessage:
        field.rule === 'single' && wireType === WIRE.length && field.type.kind === 'message',
      oneof: field.oneof,
      isWanted,
      value,
      lead: Buffer.from(`${this.#hasWanted ? ',' : '{'}${key}`),
      absent: absent === null ? NULL : Buffer.from(absent),
    });
    if (isWanted) this.#hasWanted = true;
  }

  write(from: ByteReader, out: LineWriter): void {
    const fields = this.#fields;
    const depth = this.#active;
    this.#active = depth + 1;
    try {
      let frame = this.#frames[depth];
      if (frame === undefined) {
        frame = new Int32Array(fields.length * 2);
        this.#frames[depth] = frame;
      }
      frame.fill(-1);
      const start = from.at;
      this.#scan(from, frame);
      if (!this.#hasWanted) out.piece(EMPTY);
      for (let index = 0; index < fields.length; index += 1) {
        const field = fields[index];
        if (field === undefined || !field.isWanted) continue;
        out.piece(field.lead);
        const at = frame[index * 2] ?? -1;
        if (at < 0) out.piece(field.absent);
        else if (field.rule === 'single' && (!field.isMessage || frame[index * 2 + 1] === 1)) {
          from.at = at;
          field.value(from, out);
        } else this.#gather(from, out, field, start);
      }
      if (this.#hasWanted) out.byte(CLOSE_OBJECT);
      from.at = from.end;
    } finally {
      this.#active = depth;
    }
  }

  /** Notes where the fields are. */
  #scan(from: ByteReader, frame: Int32Array): void {
    while (from.at < from.end) {
      const tag = readTag(from);
      const wireType = tag & 7;
      const number = tag >>> 3;
      const index = number < DENSE_NUMBERS ? this.#dense[number] : this.#sparse.get(number);
      const field = index === undefined ? undefined : this.#fields[index];
      // Of another wire type: an unknown field, as for every reader of Protobuf.
      if (index !== undefined && field !== undefined && fits(field, wireType)) {
        if (field.oneof !== null) this.#endOthers(frame, field, index);
        frame[index * 2] = from.at;
        frame[index * 2 + 1] = Math.max(0, frame[index * 2 + 1] ?? 0) + 1;
      }
      skipValue(from, wireType, number);
    }
  }

  #endOthers(frame: Int32Array, { oneof }: FieldPlan, kept: number): void {
    for (const [index, field] of this.#fields.entries())
      if (index !== kept && field.oneof === oneof) frame[index * 2] = -1;
  }

  /** A field of which all values count: repeated, a map, or a message in several pieces. */
  #gather(from: ByteReader, out: LineWriter, field: FieldPlan, start: number): void {
    from.at = start;
    if (field.rule === 'map') this.#writeMap(from, out, field);
    else if (field.rule === 'repeated') this.#writeRepeated(from, out, field);
    else this.#writeMerged(from, out, field);
  }

  #writeRepeated(from: ByteReader, out: LineWriter, field: FieldPlan): void {
    let isFirst = true;
    const item = (): void => {
      if (!isFirst) out.byte(COMMA);
      isFirst = false;
      field.value(from, out);
    };
    out.byte(OPEN_ARRAY);
    this.#each(from, field, (wireType) => {
      if (wireType === field.wireType) {
        item();
        return;
      }
      const first = takeLength(from);
      const { at: after, end } = from;
      from.at = first;
      from.end = after;
      while (from.at < after) item();
      from.end = end;
    });
    out.byte(CLOSE_ARRAY);
  }

  /** Of entries with one key the last counts. */
  #writeMap(from: ByteReader, out: LineWriter, field: FieldPlan): void {
    const entries = new Map<string, Buffer>();
    const before = out.length;
    this.#each(from, field, () => {
      field.value(from, out);
      const entry = Buffer.from(out.bytes.subarray(before, out.length));
      out.length = before;
      entries.set(keyText(entry), entry);
    });
    out.byte(OPEN_OBJECT);
    let isFirst = true;
    for (const entry of entries.values()) {
      if (!isFirst) out.byte(COMMA);
      isFirst = false;
      out.piece(entry);
    }
    out.byte(CLOSE_OBJECT);
  }

  /** Pieces of one message, put together. SOURCE: Protocol Buffers, "last one wins" and merging. */
  #writeMerged(from: ByteReader, out: LineWriter, field: FieldPlan): void {
    const pieces: Buffer[] = [];
    this.#each(from, field, () => {
      const start = takeLength(from);
      pieces.push(from.bytes.subarray(start, from.at));
    });
    const body = Buffer.concat(pieces);
    const { bytes, at, end } = from;
    const length = varintBytes(body.length);
    from.bytes = Buffer.concat([length, body]);
    from.at = 0;
    from.end = from.bytes.length;
    field.value(from, out);
    from.bytes = bytes;
    from.at = at;
    from.end = end;
  }

  /** Calls back at each value of the field, which must be read. */
  #each(from: ByteReader, field: FieldPlan, visit: (wireType: number) => void): void {
    while (from.at < from.end) {
      const tag = readTag(from);
      const wireType = tag & 7;
      if (tag >>> 3 === field.number && fits(field, wireType)) visit(wireType);
      else skipValue(from, wireType, tag >>> 3);
    }
  }
}

function fits(field: FieldPlan, wireType: number): boolean {
  return wireType === field.wireType || (field.canBePacked && wireType === WIRE.length);
}

/** The key of `"key":value`, quotes included. */
function keyText(entry: Buffer): string {
  let at = 1;
  while (at < entry.length && entry[at] !== QUOTE) at += entry[at] === 0x5c ? 2 : 1;
  return entry.toString('latin1', 0, at + 1);
}

function varintBytes(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}

/**
 * The message that the indexes at the reader stand for, behind which its body begins: a path of positions
 * among the messages of the file, then among those inside. SOURCE: Confluent's wire format for Protobuf.
 */
export function readMessageIndexes(
  from: ByteReader,
  messages: readonly ProtoMessage[],
): ProtoMessage {
  const count = from.zigzag();
  // One zero stands for the list with one zero in it.
  if (count === 0) return messageAt(messages, 0);
  if (!(count > 0 && count <= MAX_DEPTH))
    throw new MalformedMessage(`it has ${count} message indexes`);
  let level = messages;
  let found: ProtoMessage | null = null;
  for (let index = 0; index < count; index += 1) {
    found = messageAt(level, from.zigzag());
    level = found.nested;
  }
  return found ?? messageAt(messages, 0);
}

function messageAt(messages: readonly ProtoMessage[], index: number): ProtoMessage {
  const found = messages[index];
  if (found === undefined)
    throw new MalformedMessage(`its schema has no message type at index ${index}`);
  return found;
}
