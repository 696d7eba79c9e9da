// The format of a job's messages: which properties go with it, and its part of the plan.
import { findProtoMessage, ProtoSchemaProblem } from '../../formats/protobuf/schema.ts';
import type { FormatSpec, KafkaConnectionSpec } from '../../model/load-plan.ts';
import { analysisError, type PropertyMap, propertyOf } from '../properties.ts';
import {
  checkEnvelope,
  csvFormatOf,
  envelopeKind,
  formatName,
  jsonFormatOf,
  readJsonpaths,
} from '../rows/format.ts';
import type { RoutineLoadDefinition } from './definition.ts';
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

/** `files`: those of the database that the job names. */
export function formatOf(definition: RoutineLoadDefinition, files: Files): FormatSpec {
  const format = formatName(definition);
  if (format === 'raw') return { kind: 'raw' };
  if (format === 'avro' || format === 'protobuf') {
    const registryUrl = definition.source.registryUrl ?? '';
    const jsonpaths = readJsonpaths(definition.properties['jsonpaths'] ?? '');
    const kind = envelopeKind(definition);
    const envelope = kind === null ? {} : { envelope: kind };
    if (format === 'avro') return { kind: format, registryUrl, jsonpaths, ...envelope };
    const file = schemaFile(definition, files);
    return { kind: format, registryUrl, jsonpaths, ...(file === null ? {} : { file }) };
  }
  return format === 'json' ? jsonFormatOf(definition) : csvFormatOf(definition);
}
