// Field kinds that a message schema is made of. A schema both reads and writes, and its TypeScript
// types follow from it; it must never know what a message means.
// SOURCE: Kafka protocol guide; KIP-482 (flexible versions and tagged fields).
import { fail } from '../../base/errors.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** The version a message is read or written in. */
export interface Wire {
  readonly version: number;
  /** Compact lengths and tagged fields. */
  readonly flexible: boolean;
}

/** What a codec reads and writes, as data: for tests that make values of every kind. */
export type Shape =
  | { readonly kind: 'bool' | 'int8' | 'int16' | 'int32' | 'int64' | 'uuid' }
  | { readonly kind: 'string' | 'bytes'; readonly nullable: boolean }
  | { readonly kind: 'array'; readonly nullable: boolean; readonly item: Shape }
  | { readonly kind: 'struct'; readonly nullable: boolean; readonly fields: readonly FieldShape[] };

export interface FieldShape {
  readonly name: string;
  readonly shape: Shape;
  readonly fallback: unknown;
  /** Versions that carry the field, both included. */
  readonly since: number;
  readonly until: number;
}

/** A value on the wire: `Out` is what reading gives, `In` what writing takes. */
export interface Codec<out Out, in In = Out> {
  readonly shape: Shape;
  readonly read: (reader: Reader, wire: Wire) => Out;
  readonly write: (writer: Writer, value: In, wire: Wire) => void;
}

export type OutOf<C> = C extends Codec<infer Out, never> ? Out : never;
export type InOf<C> = C extends Codec<unknown, infer In> ? In : never;

// -- primitives

export const bool: Codec<boolean> = {
  shape: { kind: 'bool' },
  read: (reader) => reader.int8() !== 0,
  write: (writer, value) => writer.int8(value ? 1 : 0),
};
export const int8: Codec<number> = {
  shape: { kind: 'int8' },
  read: (reader) => reader.int8(),
  write: (writer, value) => writer.int8(value),
};
export const int16: Codec<number> = {
  shape: { kind: 'int16' },
  read: (reader) => reader.int16(),
  write: (writer, value) => writer.int16(value),
};
export const int32: Codec<number> = {
  shape: { kind: 'int32' },
  read: (reader) => reader.int32(),
  write: (writer, value) => writer.int32(value),
};
export const int64: Codec<bigint> = {
  shape: { kind: 'int64' },
  read: (reader) => reader.int64(),
  write: (writer, value) => writer.int64(value),
};
/** Lower case with dashes when read. */
export const uuid: Codec<string> = {
  shape: { kind: 'uuid' },
  read: (reader) => reader.uuid(),
  write: (writer, value) => writer.uuid(value),
};

const notNull = <T>(value: T | null, what: string): T => {
  if (value === null) throw fail('KAFKA_MALFORMED', { detail: `${what} is null` });
  return value;
};

export const nullableString: Codec<string | null> = {
  shape: { kind: 'string', nullable: true },
  read: (reader, wire) => {
    const length = reader.length16(wire.flexible);
    return length === -1 ? null : reader.utf8(length);
  },
  write: (writer, value, wire) => {
    if (value === null) {
      writer.length16(-1, wire.flexible);
      return;
    }
    const byteLength = Buffer.byteLength(value, 'utf8');
    writer.length16(byteLength, wire.flexible);
    writer.utf8(value, byteLength);
  },
};
export const string: Codec<string> = {
  shape: { kind: 'string', nullable: false },
  read: (reader, wire) => notNull(nullableString.read(reader, wire), 'string'),
  write: nullableString.write,
};

/** Read as a slice of the message's buffer (no copy); large ones are written by reference. */
export const nullableBytes: Codec<Buffer | null> = {
  shape: { kind: 'bytes', nullable: true },
  read: (reader, wire) => {
    const length = reader.length32(wire.flexible);
    return length === -1 ? null : reader.slice(length);
  },
  write: (writer, value, wire) => {
    writer.length32(value === null ? -1 : value.length, wire.flexible);
    if (value !== null) writer.raw(value);
  },
};
export const bytes: Codec<Buffer> = {
  shape: { kind: 'bytes', nullable: false },
  read: (reader, wire) => notNull(nullableBytes.read(reader, wire), 'bytes'),
  write: nullableBytes.write,
};

// -- composites

export function nullableArray<Out, In>(
  item: Codec<Out, In>,
): Codec<readonly Out[] | null, readonly In[] | null> {
  return {
    shape: { kind: 'array', nullable: true, item: item.shape },
    read: (reader, wire) => {
      const length = reader.length32(wire.flexible);
      if (length === -1) return null;
      // Every item takes a byte or more, so a lying length cannot make us allocate.
      if (length < 0 || length > reader.remaining) {
        throw fail('KAFKA_MALFORMED', {
          detail: `array of ${length} items in ${reader.remaining} bytes`,
        });
      }
      const items: Out[] = [];
      for (let index = 0; index < length; index += 1) items.push(item.read(reader, wire));
      return items;
    },
    write: (writer, value, wire) => {
      writer.length32(value === null ? -1 : value.length, wire.flexible);
      for (const one of value ?? []) item.write(writer, one, wire);
    },
  };
}

export function array<Out, In>(item: Codec<Out, In>): Codec<readonly Out[], readonly In[]> {
  const inner = nullableArray(item);
  return {
    shape: { kind: 'array', nullable: false, item: item.shape },
    read: (reader, wire) => notNull(inner.read(reader, wire), 'array'),
    write: inner.write,
  };
}

/** A struct that may be null: one byte before it says which (flexible messages only). */
export function nullableStruct<Out, In>(inner: Codec<Out, In>): Codec<Out | null, In | null> {
  const fields = inner.shape.kind === 'struct' ? inner.shape.fields : [];
  return {
    shape: { kind: 'struct', nullable: true, fields },
    read: (reader, wire) => (reader.int8() < 0 ? null : inner.read(reader, wire)),
    write: (writer, value, wire) => {
      writer.int8(value === null ? -1 : 1);
      if (value !== null) inner.write(writer, value, wire);
    },
  };
}

// -- structs

/** A field that need not be given: it has a default, and may exist in some versions only. */
export interface OptionalField<out Out, in In> {
  readonly codec: Codec<Out, In>;
  /** Fits both reading and writing: see optional(). */
  readonly fallback: Out;
  readonly since: number;
  readonly until: number;
  /** Number of a tagged field, -1 for a plain one. */
  readonly tag: number;
}

export interface FieldRange {
  /** First and last version that carry the field. */
  readonly since?: number;
  readonly until?: number;
  readonly tag?: number;
}

/** Reading a version without the field gives `fallback`; writing one leaves the value out. */
export function optional<Out, In>(
  codec: Codec<Out, In>,
  fallback: NoInfer<Out & In>,
  range: FieldRange = {},
): OptionalField<Out, In> {
  const { since = 0, until = Number.MAX_SAFE_INTEGER, tag = -1 } = range;
  return { codec, fallback, since, until, tag };
}

type Field = Codec<unknown, never> | OptionalField<unknown, never>;
type Fields = Readonly<Record<string, Field>>;
type FieldOut<F> =
  F extends Codec<infer Out, never> ? Out : F extends OptionalField<infer Out, never> ? Out : never;
type FieldIn<F> =
  F extends Codec<unknown, infer In> ? In : F extends OptionalField<unknown, infer In> ? In : never;
type RequiredNames<F extends Fields> = {
  [K in keyof F]: F[K] extends Codec<unknown, never> ? K : never;
}[keyof F];
type Flat<T> = { [K in keyof T]: T[K] };

export type StructOut<F extends Fields> = Flat<{ readonly [K in keyof F]: FieldOut<F[K]> }>;
export type StructIn<F extends Fields> = Flat<
  { readonly [K in RequiredNames<F>]: FieldIn<F[K]> } & {
    readonly [K in Exclude<keyof F, RequiredNames<F>>]?: FieldIn<F[K]>;
  }
>;

interface AnyField extends OptionalField<unknown, never> {
  readonly name: string;
  readonly required: boolean;
}

/** Fields in wire order; tagged ones go to the tag section at the end of the struct. */
export function struct<const F extends Fields>(fields: F): Codec<StructOut<F>, StructIn<F>> {
  const all: AnyField[] = Object.entries(fields).map(([name, field]) =>
    'codec' in field
      ? { name, required: false, ...field }
      : { name, required: true, ...optional<unknown, never>(field, undefined as never) },
  );
  const plain = all.filter((field) => field.tag < 0);
  const tagged = all.filter((field) => field.tag >= 0).sort((a, b) => a.tag - b.tag);
  return {
    shape: {
      kind: 'struct',
      nullable: false,
      fields: all.map((field) => ({ ...field, shape: field.codec.shape })),
    },
    // The casts are the border between the field table and the types computed from it.
    read: (reader, wire) => readStruct(plain, tagged, reader, wire) as StructOut<F>,
    write: (writer, value, wire) =>
      writeStruct(plain, tagged, writer, value as Readonly<Record<string, unknown>>, wire),
  };
}

const carries = (field: AnyField, wire: Wire): boolean =>
  wire.version >= field.since && wire.version <= field.until;

function readStruct(
  plain: readonly AnyField[],
  tagged: readonly AnyField[],
  reader: Reader,
  wire: Wire,
): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const field of plain) {
    value[field.name] = carries(field, wire) ? field.codec.read(reader, wire) : field.fallback;
  }
  for (const field of tagged) value[field.name] = field.fallback;
  if (!wire.flexible) return value;
  for (let left = reader.uvarint(); left > 0; left -= 1) {
    const tag = reader.uvarint();
    const body = reader.slice(reader.uvarint());
    const field = tagged.find((one) => one.tag === tag && carries(one, wire));
    if (field !== undefined) value[field.name] = field.codec.read(new Reader(body), wire);
  }
  return value;
}

function writeStruct(
  plain: readonly AnyField[],
  tagged: readonly AnyField[],
  writer: Writer,
  value: Readonly<Record<string, unknown>>,
  wire: Wire,
): void {
  for (const field of plain) {
    if (carries(field, wire)) field.codec.write(writer, fieldValue(field, value), wire);
  }
  if (!wire.flexible) return;
  const given = tagged.filter(
    (field) => carries(field, wire) && fieldValue(field, value) !== field.fallback,
  );
  writer.uvarint(given.length);
  for (const field of given) {
    const inner = new Writer();
    field.codec.write(inner, fieldValue(field, value), wire);
    writer.uvarint(field.tag);
    writer.uvarint(inner.size);
    for (const chunk of inner.chunks()) writer.raw(chunk);
  }
}

function fieldValue(field: AnyField, value: Readonly<Record<string, unknown>>): never {
  const given = value[field.name];
  // The types of struct() made sure that the value fits; `never` is what every codec accepts.
  if (given !== undefined) return given as never;
  if (field.required) throw fail('INTERNAL', { detail: `Kafka field ${field.name} is not given` });
  return field.fallback as never;
}
