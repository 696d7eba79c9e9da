// The column types that the fields of an Avro record ask for: by what the loader makes of each, so that every value
// that the schema allows loads.
import type { LogicalType } from '../../formats/avro/logical.ts';
import type { AvroField, AvroRecord, AvroType } from '../../formats/avro/schema.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { JSON_TYPE, type JsonTypeOptions, STRING_TYPE } from './json-type.ts';
import { structOf, TIME_TYPE, UUID_TYPE } from './schema-fields.ts';

/** A record inside itself ends as JSON. */
const MAX_DEPTH = 10;
const MAX_PRECISION = 38;

/** The record that rows are made of: of an envelope what a row is after a change; null = there is none. */
export function avroRowRecord(type: AvroType, isEvent: boolean): AvroRecord | null {
  const outer = recordOf(type);
  if (!isEvent || outer === null) return outer;
  const after = outer.fields.find(({ name }) => name === 'after');
  return after === undefined ? null : recordOf(after.type);
}

/** The outermost record, or the one of a union. */
function recordOf(type: AvroType): AvroRecord | null {
  if (type.kind === 'record') return type;
  if (type.kind !== 'union') return null;
  return type.branches.find((branch) => branch.kind === 'record') ?? null;
}

/** Types by field name, in the order of the schema. */
export function avroColumnTypes(
  record: AvroRecord,
  options: JsonTypeOptions,
): ReadonlyMap<string, SqlType> {
  return new Map(record.fields.map(({ name, type }) => [name, columnType(type, options, 0)]));
}

function columnType(type: AvroType, options: JsonTypeOptions, depth: number): SqlType {
  switch (type.kind) {
    case 'null':
    case 'string':
      return type.logical?.kind === 'uuid' ? UUID_TYPE : STRING_TYPE;
    case 'boolean':
      return { kind: 'BOOLEAN' };
    case 'int':
    case 'long':
      return wholeType(type.kind, type.logical);
    case 'float':
      return { kind: 'FLOAT' };
    case 'double':
      return { kind: 'DOUBLE' };
    case 'bytes':
    case 'fixed':
      return bytesType(type.logical, depth);
    case 'enum':
      return STRING_TYPE;
    case 'map':
      return JSON_TYPE;
    case 'array': {
      const element = depth >= MAX_DEPTH ? JSON_TYPE : columnType(type.items, options, depth + 1);
      return element.kind === 'JSON' ? JSON_TYPE : { kind: 'ARRAY', element };
    }
    case 'union':
      return unionType(type.branches, options, depth);
    case 'record':
      return recordType(type.fields, options, depth);
  }
}

function wholeType(kind: 'int' | 'long', logical: LogicalType | null): SqlType {
  switch (logical?.kind) {
    case 'date':
      return { kind: 'DATE' };
    case 'timestamp':
    case 'local-timestamp':
      return { kind: 'DATETIME' };
    case 'time':
      return TIME_TYPE;
    default:
      return { kind: kind === 'int' ? 'INT' : 'BIGINT' };
  }
}

/** Bytes inside of others are written as text or base64, which no VARBINARY would give back. */
function bytesType(logical: LogicalType | null, depth: number): SqlType {
  if (logical?.kind === 'uuid') return UUID_TYPE;
  if (logical?.kind === 'duration') return STRING_TYPE;
  if (logical?.kind === 'decimal') {
    const { precision, scale } = logical;
    return precision <= MAX_PRECISION ? { kind: 'DECIMAL', precision, scale } : STRING_TYPE;
  }
  return depth === 0 ? { kind: 'VARBINARY', length: 0 } : STRING_TYPE;
}

function unionType(
  branches: readonly AvroType[],
  options: JsonTypeOptions,
  depth: number,
): SqlType {
  const others = branches.filter(({ kind }) => kind !== 'null');
  const [only, ...more] = others;
  if (only === undefined) return STRING_TYPE;
  if (more.length === 0) return columnType(only, options, depth);
  const isNested = ({ kind }: AvroType): boolean =>
    kind === 'record' || kind === 'map' || kind === 'array';
  return others.some(isNested) ? JSON_TYPE : STRING_TYPE;
}

function recordType(
  fields: readonly AvroField[],
  options: JsonTypeOptions,
  depth: number,
): SqlType {
  if (!options.structs || depth >= MAX_DEPTH) return JSON_TYPE;
  return structOf(
    fields.map(({ name, type }) => ({ name, type: columnType(type, options, depth + 1) })),
  );
}
