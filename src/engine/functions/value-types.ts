// The types that JavaScript functions of the engine take and give, and how their vectors are read and
// written: whole columns over typed arrays, no object per number. Lists are read lazily.
import duckdb from '@duckdb/node-bindings';
import { present, unreachable } from '../../base/assert.ts';
import {
  isValid,
  type NativeVector,
  stringVector,
  vectorBytes,
  vectorValidity,
} from '../vectors.ts';

/** JavaScript's form of each type. */
interface ScalarForms {
  BOOLEAN: boolean;
  INTEGER: number;
  BIGINT: bigint;
  DOUBLE: number;
  VARCHAR: string;
  BLOB: Uint8Array;
}

/** As an argument. Bytes are views that die with the call: copy what is kept. */
interface ArgumentForms extends ScalarForms {
  BLOB: Buffer;
}

export type JsScalarType = keyof ScalarForms;
export type JsType = JsScalarType | `${JsScalarType}[]`;

/** A list argument. Elements are decoded when asked for, so that a list of a million costs no array. */
export interface ValueList<T> {
  readonly length: number;
  /** Element 0..length-1; null = NULL. */
  at(index: number): T | null;
}

export type ArgumentOf<T extends JsType> = T extends JsScalarType
  ? ArgumentForms[T]
  : T extends `${infer E extends JsScalarType}[]`
    ? ValueList<ArgumentForms[E]>
    : never;
export type ResultOf<T extends JsType> = T extends JsScalarType
  ? ScalarForms[T]
  : T extends `${infer E extends JsScalarType}[]`
    ? readonly (ScalarForms[E] | null)[]
    : never;

export type JsScalar = ScalarForms[JsScalarType];
export type JsArgument = JsScalar | ValueList<JsScalar>;
export type JsResult = JsScalar | readonly (JsScalar | null)[];

/** The element type of a list type, null for a scalar. */
export function elementOf(type: JsType): JsScalarType | null {
  switch (type) {
    case 'BOOLEAN[]':
      return 'BOOLEAN';
    case 'INTEGER[]':
      return 'INTEGER';
    case 'BIGINT[]':
      return 'BIGINT';
    case 'DOUBLE[]':
      return 'DOUBLE';
    case 'VARCHAR[]':
      return 'VARCHAR';
    case 'BLOB[]':
      return 'BLOB';
    default:
      return null;
  }
}

/** Gives the value of a row, null for NULL. */
export type RowReader<T> = (row: number) => T | null;

/** A reader of the first `rows` rows of a vector of this type. */
export function readVector(
  type: JsType,
  vector: NativeVector,
  rows: number,
): RowReader<JsArgument> {
  const element = elementOf(type);
  return element === null
    ? readScalars(type as JsScalarType, vector, rows)
    : readLists(element, vector, rows);
}

function readLists(
  element: JsScalarType,
  vector: NativeVector,
  rows: number,
): RowReader<ValueList<JsScalar>> {
  // Per row: first element and count, both 64 bits wide and far below 2^53.
  const entries = vectorBytes(vector, rows, 16);
  const validity = vectorValidity(vector, rows);
  const size = Number(duckdb.list_vector_get_size(vector));
  const read = readScalars(element, duckdb.list_vector_get_child(vector), size);
  return (row) => {
    if (!isValid(validity, row)) return null;
    const first = Number(entries.readBigUInt64LE(row * 16));
    const length = Number(entries.readBigUInt64LE(row * 16 + 8));
    return { length, at: (index) => (index < length ? read(first + index) : null) };
  };
}

function readScalars(type: JsScalarType, vector: NativeVector, rows: number): RowReader<JsScalar> {
  const validity = vectorValidity(vector, rows);
  const read = readValid(type, vector, rows);
  return (row) => (isValid(validity, row) ? read(row) : null);
}

function readValid(
  type: JsScalarType,
  vector: NativeVector,
  rows: number,
): (row: number) => JsScalar {
  switch (type) {
    case 'BOOLEAN': {
      const bytes = vectorBytes(vector, rows, 1);
      return (row) => bytes[row] === 1;
    }
    case 'INTEGER': {
      const bytes = vectorBytes(vector, rows, 4);
      return (row) => bytes.readInt32LE(row * 4);
    }
    case 'BIGINT': {
      const bytes = vectorBytes(vector, rows, 8);
      return (row) => bytes.readBigInt64LE(row * 8);
    }
    case 'DOUBLE': {
      const bytes = vectorBytes(vector, rows, 8);
      return (row) => bytes.readDoubleLE(row * 8);
    }
    case 'VARCHAR':
    case 'BLOB': {
      const strings = stringVector(vector, rows);
      const range = (row: number): readonly [number, number] => {
        const from = present(strings.start[row], 'start');
        return [from, from + present(strings.length[row], 'length')];
      };
      if (type === 'BLOB') return (row) => strings.source(row).subarray(...range(row));
      return (row) => strings.source(row).toString('utf8', ...range(row));
    }
    default:
      return unreachable(type, 'type of an engine function');
  }
}

/** Writes `values` (null = NULL) as the rows of an output vector of this type. */
export function writeVector(
  type: JsType,
  vector: NativeVector,
  values: readonly (JsResult | null)[],
): void {
  writeValidity(vector, values);
  const element = elementOf(type);
  if (element === null) {
    writeScalars(type as JsScalarType, vector, values as readonly (JsScalar | null)[]);
    return;
  }
  const entries = new BigUint64Array(values.length * 2);
  const flat: (JsScalar | null)[] = [];
  for (const [row, value] of values.entries()) {
    const items = Array.isArray(value) ? (value as readonly (JsScalar | null)[]) : [];
    entries[row * 2] = BigInt(flat.length);
    entries[row * 2 + 1] = BigInt(items.length);
    for (const item of items) flat.push(item);
  }
  duckdb.list_vector_reserve(vector, flat.length);
  duckdb.list_vector_set_size(vector, flat.length);
  copyTo(vector, entries);
  const child = duckdb.list_vector_get_child(vector);
  writeValidity(child, flat);
  writeScalars(element, child, flat);
}

function writeValidity(vector: NativeVector, values: readonly unknown[]): void {
  if (!values.includes(null)) return;
  const bits = new Uint8Array(Math.ceil(values.length / 64) * 8).fill(0xff);
  for (const [row, value] of values.entries()) {
    if (value === null) bits[row >> 3] = (bits[row >> 3] ?? 0) & ~(1 << (row & 7));
  }
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength);
}

function writeScalars(
  type: JsScalarType,
  vector: NativeVector,
  values: readonly (JsScalar | null)[],
): void {
  switch (type) {
    case 'BOOLEAN':
      copyTo(
        vector,
        Uint8Array.from(values, (value) => (value === true ? 1 : 0)),
      );
      return;
    case 'INTEGER':
      copyTo(
        vector,
        Int32Array.from(values, (value) => Number(value ?? 0)),
      );
      return;
    case 'BIGINT':
      copyTo(
        vector,
        BigInt64Array.from(values, (value) => (typeof value === 'bigint' ? value : 0n)),
      );
      return;
    case 'DOUBLE':
      copyTo(
        vector,
        Float64Array.from(values, (value) => Number(value ?? 0)),
      );
      return;
    case 'VARCHAR':
    case 'BLOB':
      for (const [row, value] of values.entries()) {
        if (value === null) continue;
        const bytes = value instanceof Uint8Array ? value : Buffer.from(String(value), 'utf8');
        duckdb.vector_assign_string_element_len(vector, row, bytes);
      }
      return;
    default:
      unreachable(type, 'type of an engine function');
  }
}

function copyTo(
  vector: NativeVector,
  values: Uint8Array | Int32Array | BigInt64Array | BigUint64Array | Float64Array,
): void {
  if (values.byteLength === 0) return;
  const { buffer, byteOffset, byteLength } = values;
  if (!(buffer instanceof ArrayBuffer)) throw new TypeError('shared memory cannot be written');
  duckdb.copy_data_to_vector(vector, 0, buffer, byteOffset, byteLength);
}
