// The column types that the fields of a Protobuf message ask for: by what the loader makes of each, so that every
// value that the schema allows loads.
import { unreachable } from '../../base/assert.ts';
import type { ProtoField, ProtoMessage, ProtoScalar } from '../../formats/protobuf/schema.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { JSON_TYPE, type JsonTypeOptions, STRING_TYPE } from './json-type.ts';
import { structOf } from './schema-fields.ts';

/** A message inside itself ends as JSON. */
const MAX_DEPTH = 10;

/** Types of Google's and Confluent's messages that mean a value; others of theirs are JSON. */
const WELL_KNOWN: Readonly<Record<string, SqlType>> = {
  'google.protobuf.Timestamp': { kind: 'DATETIME' },
  'google.protobuf.Duration': STRING_TYPE,
  'google.protobuf.FieldMask': STRING_TYPE,
  'google.protobuf.Struct': JSON_TYPE,
  'google.protobuf.Value': JSON_TYPE,
  'google.protobuf.ListValue': JSON_TYPE,
  'google.protobuf.Any': JSON_TYPE,
  // Its digits are the value's own.
  'confluent.type.Decimal': STRING_TYPE,
  'google.protobuf.DoubleValue': { kind: 'DOUBLE' },
  'google.protobuf.FloatValue': { kind: 'FLOAT' },
  'google.protobuf.Int64Value': { kind: 'BIGINT' },
  'google.protobuf.UInt64Value': { kind: 'LARGEINT' },
  'google.protobuf.Int32Value': { kind: 'INT' },
  'google.protobuf.UInt32Value': { kind: 'BIGINT' },
  'google.protobuf.BoolValue': { kind: 'BOOLEAN' },
  'google.protobuf.StringValue': STRING_TYPE,
  'google.protobuf.BytesValue': STRING_TYPE,
};

/** Types by field name, in the order of the file. */
export function protoColumnTypes(
  message: ProtoMessage,
  options: JsonTypeOptions,
): ReadonlyMap<string, SqlType> {
  return new Map(message.fields.map((field) => [field.name, columnType(field, options, 0)]));
}

function columnType(field: ProtoField, options: JsonTypeOptions, depth: number): SqlType {
  switch (field.rule) {
    case 'map':
      return JSON_TYPE;
    case 'repeated': {
      const element = depth >= MAX_DEPTH ? JSON_TYPE : valueType(field, options, depth + 1);
      return element.kind === 'JSON' ? JSON_TYPE : { kind: 'ARRAY', element };
    }
    case 'single':
      return valueType(field, options, depth);
  }
}

function valueType({ type }: ProtoField, options: JsonTypeOptions, depth: number): SqlType {
  switch (type.kind) {
    case 'enum':
      return STRING_TYPE;
    case 'scalar':
      return scalarType(type.scalar, depth);
    case 'message': {
      const { fullName, fields } = type.message;
      const known = Object.hasOwn(WELL_KNOWN, fullName) ? WELL_KNOWN[fullName] : undefined;
      if (known !== undefined) return known;
      if (!options.structs || depth >= MAX_DEPTH) return JSON_TYPE;
      return structOf(
        fields.map((field) => ({ name: field.name, type: columnType(field, options, depth + 1) })),
      );
    }
  }
}

function scalarType(scalar: ProtoScalar, depth: number): SqlType {
  switch (scalar) {
    case 'double':
      return { kind: 'DOUBLE' };
    case 'float':
      return { kind: 'FLOAT' };
    case 'int32':
    case 'sint32':
    case 'sfixed32':
      return { kind: 'INT' };
    case 'int64':
    case 'sint64':
    case 'sfixed64':
    case 'uint32':
    case 'fixed32':
      return { kind: 'BIGINT' };
    case 'uint64':
    case 'fixed64':
      return { kind: 'LARGEINT' };
    case 'bool':
      return { kind: 'BOOLEAN' };
    case 'string':
      return STRING_TYPE;
    // Inside of others bytes are base64, as in Protobuf's JSON.
    case 'bytes':
      return depth === 0 ? { kind: 'VARBINARY', length: 0 } : STRING_TYPE;
    default:
      return unreachable(scalar, 'scalar');
  }
}
