// The schema of an Arrow stream: its fields and their types. SOURCE: Apache Arrow, format/Schema.fbs.
import { MalformedFile } from '../malformed-file.ts';
import type { FlatTable } from './flat-table.ts';

export type ArrowType =
  | { readonly kind: 'null' | 'bool' | 'struct' | 'list' | 'map' }
  | { readonly kind: 'int'; readonly bits: number; readonly isSigned: boolean }
  | { readonly kind: 'float'; readonly bits: number }
  /** `width`: of an offset in bytes. */
  | { readonly kind: 'bytes'; readonly isText: boolean; readonly width: 4 | 8 }
  | { readonly kind: 'view'; readonly isText: boolean }
  | { readonly kind: 'large-list' }
  | { readonly kind: 'fixed-bytes'; readonly size: number }
  | { readonly kind: 'fixed-list'; readonly size: number }
  | { readonly kind: 'decimal'; readonly bits: number; readonly scale: number }
  | { readonly kind: 'date'; readonly isDays: boolean }
  | { readonly kind: 'time'; readonly perSecond: number; readonly bits: number }
  | { readonly kind: 'timestamp'; readonly perSecond: number; readonly hasZone: boolean }
  /** Known only by how much room it takes: `buffers` of its own. */
  | { readonly kind: 'other'; readonly name: string; readonly buffers: number };

export interface ArrowField {
  readonly name: string;
  readonly type: ArrowType;
  readonly children: readonly ArrowField[];
  /** Values are indexes into the dictionary of this id; null = they are values. */
  readonly dictionary: { readonly id: number; readonly index: ArrowType } | null;
}

const MAX_FIELDS = 10_000;
const MAX_DEPTH = 64;
const MAX_SCALE = 1000;
const PER_SECOND = [1, 1_000, 1_000_000, 1_000_000_000] as const;

/** Of a table Schema. Throws MalformedFile and RangeError. */
export function readArrowSchema(schema: FlatTable): readonly ArrowField[] {
  if (schema.int16(0, 0) !== 0) throw new MalformedFile('its numbers are big-endian');
  return new SchemaReader().fields(schema, 1, 0);
}

class SchemaReader {
  #count = 0;

  fields(table: FlatTable, index: number, depth: number): readonly ArrowField[] {
    if (depth > MAX_DEPTH) throw new MalformedFile(`its types are nested deeper than ${MAX_DEPTH}`);
    return table.tables(index, MAX_FIELDS).map((field) => this.#field(field, depth));
  }

  #field(field: FlatTable, depth: number): ArrowField {
    this.#count += 1;
    if (this.#count > MAX_FIELDS) throw new MalformedFile(`it has more than ${MAX_FIELDS} fields`);
    const name = field.text(0);
    const dictionary = field.table(4);
    const index = dictionary?.table(1) ?? null;
    const read: ArrowField = {
      name,
      type: typeOf(field.uint8(2, 0), field.table(3), name),
      children: this.fields(field, 5, depth + 1),
      dictionary:
        dictionary === null
          ? null
          : {
              id: dictionary.int64(0),
              index:
                index === null
                  ? { kind: 'int', bits: 32, isSigned: true }
                  : { kind: 'int', bits: index.int32(0, 0), isSigned: index.uint8(1, 0) !== 0 },
            },
    };
    checkChildren(read);
    return read;
  }
}

function typeOf(number: number, type: FlatTable | null, name: string): ArrowType {
  if (type === null) throw new MalformedFile(`its field ${name} has no type`);
  switch (number) {
    case 1:
      return { kind: 'null' };
    case 2:
      return {
        kind: 'int',
        bits: oneOf(type.int32(0, 0), [8, 16, 32, 64], name),
        isSigned: type.uint8(1, 0) !== 0,
      };
    case 3:
      return { kind: 'float', bits: [16, 32, 64][type.int16(0, 0)] ?? unknown(name) };
    case 4:
      return { kind: 'bytes', isText: false, width: 4 };
    case 5:
      return { kind: 'bytes', isText: true, width: 4 };
    case 6:
      return { kind: 'bool' };
    case 7:
      return {
        kind: 'decimal',
        scale: within(type.int32(1, 0), -MAX_SCALE, MAX_SCALE, name),
        bits: oneOf(type.int32(2, 128), [32, 64, 128, 256], name),
      };
    case 8:
      return { kind: 'date', isDays: type.int16(0, 1) === 0 };
    case 9:
      return {
        kind: 'time',
        perSecond: perSecond(type.int16(0, 1), name),
        bits: oneOf(type.int32(1, 32), [32, 64], name),
      };
    case 10:
      return {
        kind: 'timestamp',
        perSecond: perSecond(type.int16(0, 0), name),
        hasZone: type.text(1) !== '',
      };
    case 12:
      return { kind: 'list' };
    case 13:
      return { kind: 'struct' };
    case 15:
      return { kind: 'fixed-bytes', size: within(type.int32(0, 0), 0, 2 ** 20, name) };
    case 16:
      return { kind: 'fixed-list', size: within(type.int32(0, 0), 0, 2 ** 20, name) };
    case 17:
      return { kind: 'map' };
    case 19:
      return { kind: 'bytes', isText: false, width: 8 };
    case 20:
      return { kind: 'bytes', isText: true, width: 8 };
    case 21:
      return { kind: 'large-list' };
    case 23:
      return { kind: 'view', isText: false };
    case 24:
      return { kind: 'view', isText: true };
    default:
      return otherType(number, type, name);
  }
}

function otherType(number: number, type: FlatTable, name: string): ArrowType {
  switch (number) {
    case 11:
      return { kind: 'other', name: 'Interval', buffers: 2 };
    case 14:
      return { kind: 'other', name: 'Union', buffers: type.int16(0, 0) === 0 ? 1 : 2 };
    case 18:
      return { kind: 'other', name: 'Duration', buffers: 2 };
    case 22:
      return { kind: 'other', name: 'RunEndEncoded', buffers: 0 };
    case 25:
    case 26:
      return { kind: 'other', name: 'ListView', buffers: 3 };
    default:
      return unknown(name);
  }
}

function checkChildren({ name, type, children }: ArrowField): void {
  switch (type.kind) {
    case 'list':
    case 'large-list':
    case 'fixed-list':
      if (children.length !== 1) unknown(name);
      return;
    case 'map':
      if (children.length !== 1 || children[0]?.children.length !== 2) unknown(name);
      return;
    case 'struct':
    case 'other':
      return;
    default:
      if (children.length > 0) unknown(name);
  }
}

function unknown(name: string): never {
  throw new MalformedFile(`its field ${name} is of a type that is not known`);
}

function oneOf(value: number, known: readonly number[], name: string): number {
  return known.includes(value) ? value : unknown(name);
}

function within(value: number, least: number, most: number, name: string): number {
  return value >= least && value <= most ? value : unknown(name);
}

function perSecond(unit: number, name: string): number {
  return PER_SECOND[unit] ?? unknown(name);
}
