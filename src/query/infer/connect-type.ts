// The column types that a schema of Kafka Connect asks for, as Debezium's JSON messages carry it: by what the loader
// makes of each value. SOURCE: Debezium reference, data type mappings; Kafka Connect, JsonConverter.
import { CONNECT_TYPES } from '../../formats/avro/logical.ts';
import { isArray, isObject, JsonNumber, type JsonValue } from '../../formats/json/value.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { JSON_TYPE, STRING_TYPE } from './json-type.ts';
import { TIME_TYPE } from './schema-fields.ts';

const MAX_PRECISION = 38;
const NONE: JsonObject = new Map();

type JsonObject = ReadonlyMap<string, JsonValue>;

/** Types by the names of a row's fields: those of `after` in the schema of a change event. Empty where it has none. */
export function connectColumnTypes(schema: JsonValue): ReadonlyMap<string, SqlType> {
  const outer = fieldsOf(schema);
  const row =
    outer.find((field) => field.get('field') === 'after') ??
    outer.find((field) => field.get('field') === 'before');
  const types = new Map<string, SqlType>();
  for (const field of fieldsOf(row ?? null)) {
    const name = field.get('field');
    if (typeof name === 'string') types.set(name, columnType(field));
  }
  return types;
}

function fieldsOf(schema: JsonValue): readonly JsonObject[] {
  const fields = schema !== null && isObject(schema) ? schema.get('fields') : undefined;
  if (fields === undefined || !isArray(fields)) return [];
  return fields.filter((field): field is JsonObject => field !== null && isObject(field));
}

function columnType(field: JsonObject): SqlType {
  const name = field.get('name');
  const known = typeof name === 'string' ? namedType(name, field) : null;
  return known ?? plainType(field.get('type') ?? null);
}

function namedType(name: string, field: JsonObject): SqlType | null {
  const moment = Object.hasOwn(CONNECT_TYPES, name) ? CONNECT_TYPES[name] : undefined;
  switch (moment?.kind) {
    case 'date':
      return { kind: 'DATE' };
    case 'time':
      return TIME_TYPE;
    case 'timestamp':
    case 'local-timestamp':
      return { kind: 'DATETIME' };
    default:
      break;
  }
  switch (name) {
    case 'org.apache.kafka.connect.data.Decimal':
      return decimalType(field.get('parameters') ?? null);
    case 'io.debezium.time.ZonedTimestamp':
      return { kind: 'DATETIME' };
    case 'io.debezium.data.VariableScaleDecimal':
    case 'io.debezium.data.Bits':
      return STRING_TYPE;
    case 'io.debezium.data.Json':
      return JSON_TYPE;
    default:
      return null;
  }
}

function decimalType(parameters: JsonValue): SqlType {
  const given = parameters !== null && isObject(parameters) ? parameters : NONE;
  const scale = numberOf(given.get('scale')) ?? 0;
  const precision = numberOf(given.get('connect.decimal.precision')) ?? MAX_PRECISION;
  const fits = scale >= 0 && precision >= 1 && precision <= MAX_PRECISION && scale <= precision;
  return fits ? { kind: 'DECIMAL', precision, scale } : STRING_TYPE;
}

/** Parameters are texts. */
function numberOf(value: JsonValue | undefined): number | null {
  const text = value instanceof JsonNumber ? value.text : value;
  return typeof text === 'string' && /^\d{1,4}$/.test(text) ? Number(text) : null;
}

function plainType(type: JsonValue): SqlType {
  switch (type) {
    case 'int8':
      return { kind: 'TINYINT' };
    case 'int16':
      return { kind: 'SMALLINT' };
    case 'int32':
      return { kind: 'INT' };
    case 'int64':
      return { kind: 'BIGINT' };
    case 'float':
    case 'float32':
      return { kind: 'FLOAT' };
    case 'double':
    case 'float64':
      return { kind: 'DOUBLE' };
    case 'boolean':
      return { kind: 'BOOLEAN' };
    case 'bytes':
      return { kind: 'VARBINARY', length: 0 };
    case 'array':
    case 'map':
    case 'struct':
      return JSON_TYPE;
    default:
      return STRING_TYPE;
  }
}
