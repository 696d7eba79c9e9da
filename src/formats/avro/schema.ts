// Avro schemas as data: the JSON text of a schema, and of the schemas it refers to, becomes a tree of types
// with names resolved. SOURCE: Avro 1.12 specification; the semantic types of Kafka Connect and Debezium
// (`connect.name`) count as logical types.
import { type LogicalType, logicalTypeOf } from './logical.ts';

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
}

export type AvroPrimitive =
  | 'null'
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'string'
  | 'bytes';

export type AvroType =
  | { readonly kind: AvroPrimitive; readonly logical: LogicalType | null }
  | { readonly kind: 'fixed'; readonly size: number; readonly logical: LogicalType | null }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord;

/** `fields` is filled once the record's own name is known, since they may name it. */
export interface AvroRecord {
  readonly kind: 'record';
  readonly name: string;
  readonly fields: readonly AvroField[];
  /** Kafka Connect's name of the type, such as that of a Debezium type; '' without. */
  readonly connectName: string;
}

/** A schema that cannot be used; the message says why. */
export class AvroSchemaProblem extends Error {
  override readonly name = 'AvroSchemaProblem';
}

const PRIMITIVES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'string',
  'bytes',
]);
const MAX_FIXED_BYTES = 64 * 1024 * 1024;
/** Of types in the text; what refers to itself is not counted again. */
const MAX_SCHEMA_DEPTH = 200;

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The type that `text` describes. `references` are the texts of the schemas it refers to, each after those
 * that it refers to itself. Throws AvroSchemaProblem.
 */
export function parseAvroSchema(text: string, references: readonly string[]): AvroType {
  const names = new Map<string, AvroType>();
  for (const reference of references) new SchemaReader(names).read(parseText(reference), '', 0);
  return new SchemaReader(names).read(parseText(text), '', 0);
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // `"string"` is JSON; some registries give the bare word.
    if (PRIMITIVES.has(text.trim())) return text.trim();
    throw new AvroSchemaProblem(
      `the schema is no JSON: ${error instanceof Error ? error.message : text}`,
    );
  }
}

class SchemaReader {
  readonly #names: Map<string, AvroType>;

  constructor(names: Map<string, AvroType>) {
    this.#names = names;
  }

  read(schema: unknown, space: string, depth: number): AvroType {
    if (depth > MAX_SCHEMA_DEPTH)
      throw new AvroSchemaProblem(`the schema is nested deeper than ${MAX_SCHEMA_DEPTH} levels`);
    if (typeof schema === 'string') return this.#named(schema, space);
    if (Array.isArray(schema))
      return { kind: 'union', branches: schema.map((part) => this.read(part, space, depth + 1)) };
    if (!isObject(schema)) throw new AvroSchemaProblem(`${JSON.stringify(schema)} is no type`);
    const { type } = schema;
    if (typeof type !== 'string') return this.read(type, space, depth + 1);
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(schema, space, depth);
      case 'enum':
        return this.#define(schema, space, { kind: 'enum', symbols: texts(schema, 'symbols') });
      case 'fixed':
        return this.#define(schema, space, {
          kind: 'fixed',
          size: sizeOf(schema),
          logical: logicalTypeOf(schema, 'fixed', sizeOf(schema)),
        });
      case 'array':
        return { kind: 'array', items: this.read(schema['items'], space, depth + 1) };
      case 'map':
        return { kind: 'map', values: this.read(schema['values'], space, depth + 1) };
      default:
        if (!isPrimitive(type)) return this.#named(type, space);
        return { kind: type, logical: logicalTypeOf(schema, type, 0) };
    }
  }

  #record(schema: JsonObject, space: string, depth: number): AvroType {
    const fields: AvroField[] = [];
    const { full, space: inner } = nameOf(schema, space);
    const connectName = schema['connect.name'];
    const record: AvroRecord = {
      kind: 'record',
      name: full,
      fields,
      connectName: typeof connectName === 'string' ? connectName : '',
    };
    this.#add(full, record);
    const list = schema['fields'];
    if (!Array.isArray(list)) throw new AvroSchemaProblem(`record ${full} has no fields`);
    for (const field of list) {
      const name: unknown = isObject(field) ? field['name'] : undefined;
      if (!isObject(field) || typeof name !== 'string')
        throw new AvroSchemaProblem(`a field of record ${full} has no name`);
      fields.push({ name, type: this.read(field['type'], inner, depth + 1) });
    }
    return record;
  }

  #define(schema: JsonObject, space: string, type: AvroType): AvroType {
    this.#add(nameOf(schema, space).full, type);
    return type;
  }

  #add(name: string, type: AvroType): void {
    if (PRIMITIVES.has(name)) throw new AvroSchemaProblem(`${name} is no name for a type`);
    this.#names.set(name, type);
  }

  #named(name: string, space: string): AvroType {
    if (isPrimitive(name)) return { kind: name, logical: null };
    const full = name.includes('.') || space === '' ? name : `${space}.${name}`;
    const found = this.#names.get(full) ?? this.#names.get(name);
    if (found === undefined) throw new AvroSchemaProblem(`type ${full} is not defined`);
    return found;
  }
}

/** Full name, and the name space of names inside. */
function nameOf(schema: JsonObject, outer: string): { full: string; space: string } {
  const { name, namespace } = schema;
  if (typeof name !== 'string' || name === '')
    throw new AvroSchemaProblem(`a type ${String(schema['type'])} has no name`);
  const dot = name.lastIndexOf('.');
  if (dot >= 0) return { full: name, space: name.slice(0, dot) };
  const space = typeof namespace === 'string' ? namespace : outer;
  return { full: space === '' ? name : `${space}.${name}`, space };
}

function texts(schema: JsonObject, key: string): readonly string[] {
  const list = schema[key];
  if (!Array.isArray(list) || !list.every((entry): entry is string => typeof entry === 'string'))
    throw new AvroSchemaProblem(`${String(schema['name'])} has no list of ${key}`);
  return list;
}

function sizeOf(schema: JsonObject): number {
  const size = schema['size'];
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > MAX_FIXED_BYTES)
    throw new AvroSchemaProblem(`${String(schema['name'])} has no size`);
  return size;
}

function isPrimitive(name: string): name is AvroPrimitive {
  return PRIMITIVES.has(name);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
