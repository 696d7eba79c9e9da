// Protobuf's scalar types: how each lies in a message, and how it becomes JSON.
import type { ByteReader } from '../byte-reader.ts';
import { shortFloat } from '../byte-reader.ts';
import type { LineWriter } from '../json/line-writer.ts';
import { MalformedMessage } from '../malformed.ts';
import type { ProtoScalar, ProtoType } from './schema.ts';

/** Reads one value and writes it as JSON. Throws MalformedMessage. */
export type ProtoWriter = (from: ByteReader, out: LineWriter) => void;

/** SOURCE: Protocol Buffers, encoding. */
export const WIRE = {
  varint: 0,
  fixed64: 1,
  length: 2,
  group: 3,
  groupEnd: 4,
  fixed32: 5,
} as const;

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/** The wire type of a value on its own. */
export function wireTypeOf(type: ProtoType): number {
  if (type.kind === 'enum') return WIRE.varint;
  if (type.kind === 'message') return type.isGroup ? WIRE.group : WIRE.length;
  switch (type.scalar) {
    case 'double':
    case 'fixed64':
    case 'sfixed64':
      return WIRE.fixed64;
    case 'float':
    case 'fixed32':
    case 'sfixed32':
      return WIRE.fixed32;
    case 'string':
    case 'bytes':
      return WIRE.length;
    default:
      return WIRE.varint;
  }
}

/** Start of a length-delimited value; the reader stands behind it afterwards. */
export function takeLength(from: ByteReader): number {
  const length = from.varint();
  if (Number.isNaN(length)) throw from.tooShort();
  return from.take(length);
}

export function scalarWriter(scalar: ProtoScalar): ProtoWriter {
  switch (scalar) {
    case 'double':
      return (from, out) => out.number(from.double());
    case 'float':
      return (from, out) => out.number(shortFloat(from.float()));
    case 'int32':
      return (from, out) => {
        const value = from.varint();
        // Negative ones take ten bytes; of longer ones the lower half counts.
        out.integer(Number.isNaN(value) ? Number(BigInt.asIntN(32, from.big)) : value | 0);
      };
    case 'uint32':
      return (from, out) => {
        const value = from.varint();
        out.integer(Number.isNaN(value) ? Number(BigInt.asUintN(32, from.big)) : value % 2 ** 32);
      };
    case 'int64':
      return (from, out) => {
        const value = from.varint();
        if (Number.isNaN(value)) out.ascii(String(BigInt.asIntN(64, from.big)));
        else out.integer(value);
      };
    case 'uint64':
      return (from, out) => writeLong(out, from.varint(), from.big);
    case 'sint32':
    case 'sint64':
      return (from, out) => writeLong(out, from.zigzag(), from.big);
    case 'fixed32':
      return (from, out) => out.integer(from.bytes.readUInt32LE(from.take(4)));
    case 'sfixed32':
      return (from, out) => out.integer(from.bytes.readInt32LE(from.take(4)));
    case 'fixed64':
      return (from, out) => out.ascii(String(from.bytes.readBigUInt64LE(from.take(8))));
    case 'sfixed64':
      return (from, out) => out.ascii(String(from.bytes.readBigInt64LE(from.take(8))));
    case 'bool':
      return (from, out) => out.piece(from.varint() === 0 ? FALSE : TRUE);
    case 'string':
    case 'bytes':
      return (from, out) => {
        const start = takeLength(from);
        out.utf8(from.bytes, start, from.at);
      };
  }
}

function writeLong(out: LineWriter, value: number, big: bigint): void {
  if (Number.isNaN(value)) out.ascii(String(big));
  else out.integer(value);
}

/** The bytes of a `string` or `bytes` in base64. */
export const writeBase64: ProtoWriter = (from, out) => {
  const start = takeLength(from);
  out.base64(from.bytes, start, from.at);
};

/** An enum's name; a number that has none as the number. */
export function enumWriter(names: ReadonlyMap<number, string>): ProtoWriter {
  const texts = new Map([...names].map(([id, name]) => [id, Buffer.from(JSON.stringify(name))]));
  return (from, out) => {
    const value = from.varint();
    const id = Number.isNaN(value) ? Number(BigInt.asIntN(32, from.big)) : value | 0;
    const text = texts.get(id);
    if (text === undefined) out.integer(id);
    else out.piece(text);
  };
}

/** Passes over a value that no one knows. */
export function skipValue(from: ByteReader, wireType: number, fieldNumber: number): void {
  switch (wireType) {
    case WIRE.varint:
      from.varint();
      return;
    case WIRE.fixed64:
      from.take(8);
      return;
    case WIRE.fixed32:
      from.take(4);
      return;
    case WIRE.length:
      takeLength(from);
      return;
    case WIRE.group:
      skipGroup(from, fieldNumber);
      return;
    default:
      throw new MalformedMessage(`field ${fieldNumber} has wire type ${wireType}`);
  }
}

const MAX_DEPTH = 100;

/** Passes over a group to behind its end; gives where its end begins. */
export function skipGroup(from: ByteReader, fieldNumber: number): number {
  from.enter(MAX_DEPTH);
  let end = from.at;
  for (;;) {
    end = from.at;
    const tag = readTag(from);
    const number = Math.floor(tag / 8);
    if (tag % 8 === WIRE.groupEnd) {
      if (number !== fieldNumber) throw new MalformedMessage(`group ${fieldNumber} does not end`);
      break;
    }
    skipValue(from, tag % 8, number);
  }
  from.leave();
  return end;
}

/** Field number times 8 plus wire type. */
export function readTag(from: ByteReader): number {
  const tag = from.varint();
  if (!(tag >= 8 && tag < 2 ** 32)) throw new MalformedMessage('a field has no valid number');
  return tag;
}
