// The format of a job's messages: which properties go with it, and its part of the plan.
import { findProtoMessage, ProtoSchemaProblem } from '../../formats/protobuf/schema.ts';
import {
  type EnvelopeKind,
  type FormatSpec,
  type KafkaConnectionSpec,
  RAW_FIELD,
} from '../../model/load-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import { parseJsonPath } from '../../pipeline/transform/json-path.ts';
import { analysisError, type PropertyMap, propertyOf } from '../properties.ts';
import type { ColumnMapping, RoutineLoadDefinition } from './definition.ts';
import { parseEscapes } from './escapes.ts';
import { isMetadata } from './metadata.ts';
import { JOB_PROPERTIES, type KafkaSourceDefinition } from './properties.ts';

/** Properties that a format does not have, and those that it needs. Throws SQL_ANALYZE. */
export function checkFormat(properties: PropertyMap, source: KafkaSourceDefinition): void {
  const format = propertyOf(JOB_PROPERTIES, properties, 'format');
  checkEnvelope(properties, format);
  const hasFile = checkProtobufFile(properties, source, format);
  const isFramed = format === 'avro' || format === 'protobuf';
  if (!isFramed && format !== 'raw') return;
  if (isFramed && !hasFile && source.registryUrl === undefined)
    throw analysisError('confluent.schema.registry.url is a required property');
  const others = ['json_root', 'strip_outer_array', ...(isFramed ? [] : ['jsonpaths'])] as const;
  for (const key of others) {
    const value = properties[key] ?? '';
    if (value !== '' && value !== 'false')
      throw analysisError(
        `${key} is not a property of format ${format}${isFramed ? ': use jsonpaths' : ''}`,
      );
  }
}

/** Is the schema a file? Throws SQL_ANALYZE where its properties do not fit together. */
function checkProtobufFile(
  properties: PropertyMap,
  source: KafkaSourceDefinition,
  format: string,
): boolean {
  const { protobuf_schema: schema, protobuf_message: message } = properties;
  if (schema === undefined && message === undefined) return false;
  if (format !== 'protobuf')
    throw analysisError(`protobuf_schema and protobuf_message need format=protobuf`);
  if (schema === undefined || message === undefined || message.trim() === '')
    throw analysisError('protobuf_schema and protobuf_message must be given together');
  if (!/^FILE:.+/.test(schema))
    throw analysisError(`protobuf_schema is '${schema}', it should be FILE:name (see CREATE FILE)`);
  if (source.registryUrl !== undefined)
    throw analysisError('protobuf_schema and confluent.schema.registry.url exclude each other');
  return true;
}

/** Values of job properties that may name files of the database. */
export function fileProperties({ properties }: RoutineLoadDefinition): PropertyMap {
  const { protobuf_schema: schema } = properties;
  return schema === undefined ? {} : { schema };
}

type Files = KafkaConnectionSpec['files'];

/** Can the messages' type be read from its file? Throws SQL_ANALYZE. */
export function checkSchemaFile(definition: RoutineLoadDefinition, files: Files): void {
  const file = schemaFile(definition, files);
  if (file === null) return;
  try {
    findProtoMessage(Buffer.from(file.bytes), file.message);
  } catch (thrown) {
    if (!(thrown instanceof ProtoSchemaProblem)) throw thrown;
    throw analysisError(`protobuf_schema cannot be used: ${thrown.message}`);
  }
}

function schemaFile({ properties }: RoutineLoadDefinition, files: Files) {
  const { protobuf_schema: schema = '', protobuf_message: message = '' } = properties;
  const name = schema.slice('FILE:'.length);
  const bytes = files?.[name];
  return bytes === undefined ? null : { name, bytes, message: message.trim() };
}

/** SOURCE: StarRocks: an envelope needs format=json and excludes json_root and strip_outer_array. */
function checkEnvelope(properties: PropertyMap, format: string): void {
  const { envelope } = properties;
  if (envelope === undefined) return;
  const isAvro = envelope === 'debezium' && format === 'avro';
  if (format !== 'json' && !isAvro)
    throw analysisError(
      `envelope=${envelope} needs format=json${envelope === 'debezium' ? ' or format=avro' : ''}`,
    );
  for (const key of ['json_root', 'strip_outer_array']) {
    const value = properties[key] ?? '';
    if (value !== '' && value !== 'false')
      throw analysisError(`envelope=${envelope} can not be used with ${key}`);
  }
}

/** The property `envelope` as checkProperties left it; null = messages are rows. */
export function envelopeKind({ properties }: RoutineLoadDefinition): EnvelopeKind | null {
  switch (properties['envelope']) {
    case 'debezium':
    case 'canal':
    case 'maxwell':
      return properties['envelope'];
    default:
      return null;
  }
}

/** `files`: those of the database that the job names. */
export function formatOf(definition: RoutineLoadDefinition, files: Files): FormatSpec {
  const value = (key: keyof typeof JOB_PROPERTIES): string =>
    propertyOf(JOB_PROPERTIES, definition.properties, key);
  const format = value('format');
  const kind = envelopeKind(definition);
  const envelope = kind === null ? {} : { envelope: kind };
  if (format === 'raw') return { kind: 'raw' };
  if (format === 'avro' || format === 'protobuf') {
    const registryUrl = definition.source.registryUrl ?? '';
    const jsonpaths = readJsonpaths(value('jsonpaths'));
    if (format === 'avro') return { kind: format, registryUrl, jsonpaths, ...envelope };
    const file = schemaFile(definition, files);
    return { kind: format, registryUrl, jsonpaths, ...(file === null ? {} : { file }) };
  }
  if (format === 'json') {
    return {
      kind: 'json',
      jsonpaths: readJsonpaths(value('jsonpaths')),
      jsonRoot: value('json_root'),
      stripOuterArray: value('strip_outer_array') === 'true',
      ...envelope,
    };
  }
  return {
    kind: 'csv',
    columnSeparator: parseEscapes(definition.columnSeparator ?? '\t'),
    rowDelimiter: parseEscapes(definition.rowDelimiter ?? '\n'),
    trimSpace: value('trim_space') === 'true',
    enclose: value('enclose').slice(0, 1),
    escape: value('escape').slice(0, 1),
  };
}

/** The payload is the one field of COLUMNS, or the column `_value`. Throws SQL_ANALYZE. */
export function rawColumns(
  definition: RoutineLoadDefinition,
  table: { readonly schema: Pick<TableInfo['schema'], 'columns'> },
): readonly ColumnMapping[] {
  const given = definition.columns;
  const hasColumn = table.schema.columns.some(({ name }) => name.toLowerCase() === RAW_FIELD);
  if (given === null && hasColumn) return [{ name: RAW_FIELD, expression: null }];
  const sources = given?.filter((entry) => entry.expression === null && !isMetadata(entry));
  if (given !== null && sources?.length === 1) return given;
  throw analysisError(
    `format raw has one source field, the payload: name a column ${RAW_FIELD}, or write COLUMNS (one_field, column = expression, ...)`,
  );
}

/** `["$.a","$.b"]` as a list; null when empty. Throws SQL_ANALYZE, LOAD_JSONPATH. */
export function readJsonpaths(text: string): readonly string[] | null {
  if (text.trim() === '') return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw analysisError(
      `Invalid json path: jsonpaths is not a JSON array of texts: ${error instanceof Error ? error.message : text}`,
    );
  }
  if (!Array.isArray(parsed) || parsed.length === 0) {
    throw analysisError(`Invalid json path: jsonpaths is not a JSON array of texts: ${text}`);
  }
  return parsed.map((path: unknown) => {
    if (typeof path !== 'string') {
      throw analysisError(`Invalid json path: ${JSON.stringify(path)} is not a text`);
    }
    checkPath(path);
    return path;
  });
}

export function checkPath(path: string): void {
  if (!path.startsWith('$'))
    throw analysisError(`Invalid json path: ${path} does not begin with $`);
  parseJsonPath(path);
}
