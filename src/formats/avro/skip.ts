// Passing over values of an Avro schema that no column wants. Blocks that say their length are jumped over.
import type { ByteReader } from '../byte-reader.ts';
import { MalformedMessage } from '../malformed.ts';
import type { AvroRecord, AvroType } from './schema.ts';

const MAX_DEPTH = 256;

/** Passes over one value. Throws MalformedMessage. */
export type AvroSkip = (from: ByteReader) => void;

export function compileSkip(type: AvroType): AvroSkip {
  return new SkipCompiler().type(type);
}

class SkipCompiler {
  readonly #records = new Map<AvroRecord, { skip: AvroSkip | null }>();

  type(type: AvroType): AvroSkip {
    switch (type.kind) {
      case 'null':
        return () => undefined;
      case 'boolean':
        return (from) => void from.take(1);
      case 'int':
      case 'long':
      case 'enum':
        return (from) => void from.zigzag();
      case 'float':
        return (from) => void from.take(4);
      case 'double':
        return (from) => void from.take(8);
      case 'string':
      case 'bytes':
        return skipLength;
      case 'fixed': {
        const { size } = type;
        return (from) => void from.take(size);
      }
      case 'array':
        return skipBlocks(this.type(type.items), canBeEmpty(type.items));
      case 'map': {
        const value = this.type(type.values);
        return skipBlocks((from) => {
          skipLength(from);
          value(from);
        }, false);
      }
      case 'union': {
        const branches = type.branches.map((branch) => this.type(branch));
        return (from) => {
          const branch = branches[from.zigzag()];
          if (branch === undefined) throw new MalformedMessage('a union has no such type');
          branch(from);
        };
      }
      case 'record':
        return this.#record(type);
    }
  }

  #record(record: AvroRecord): AvroSkip {
    const known = this.#records.get(record);
    if (known !== undefined) return (from) => known.skip?.(from);
    const made: { skip: AvroSkip | null } = { skip: null };
    this.#records.set(record, made);
    const fields = record.fields.map((field) => this.type(field.type));
    made.skip = (from) => {
      from.enter(MAX_DEPTH);
      for (const field of fields) field(from);
      from.leave();
    };
    return made.skip;
  }
}

const skipLength: AvroSkip = (from) => {
  const length = from.zigzag();
  if (!(length >= 0)) throw new MalformedMessage('a length is negative or too large');
  from.take(length);
};

function skipBlocks(item: AvroSkip, canItemBeEmpty: boolean): AvroSkip {
  return (from) => {
    from.enter(MAX_DEPTH);
    for (let count = from.zigzag(); count !== 0; count = from.zigzag()) {
      if (count < 0) {
        skipLength(from);
        continue;
      }
      if (!canItemBeEmpty && !(count <= from.end - from.at)) throw from.tooShort();
      for (let index = 0; index < count; index += 1) {
        const before = from.at;
        item(from);
        // Nothing was read, and nothing will be, however many there are.
        if (from.at === before) break;
      }
    }
    from.leave();
  };
}

/** Can a value take no byte at all? Then a count says nothing about the length of a message. */
export function canBeEmpty(type: AvroType, inside: readonly AvroRecord[] = []): boolean {
  switch (type.kind) {
    case 'null':
      return true;
    case 'fixed':
      return type.size === 0;
    case 'record':
      return (
        !inside.includes(type) &&
        type.fields.every((field) => canBeEmpty(field.type, [...inside, type]))
      );
    default:
      return false;
  }
}
