// The packer of a plan's format.

import { unreachable } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { compileAvro } from '../../formats/avro/decode.ts';
import { AvroSchemaProblem, type AvroType, parseAvroSchema } from '../../formats/avro/schema.ts';
import { readJson } from '../../formats/json/value.ts';
import { compileProto, readMessageIndexes } from '../../formats/protobuf/decode.ts';
import {
  findProtoMessage,
  type ProtoMessage,
  ProtoSchemaProblem,
  parseProtoSchema,
} from '../../formats/protobuf/schema.ts';
import { zoneOffset } from '../../formats/time-text.ts';
import { type EnvelopeKind, type LoadPlan, RAW_FIELD } from '../../model/load-plan.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { avroColumnTypes, avroRowRecord } from '../../query/infer/avro-type.ts';
import { connectColumnTypes } from '../../query/infer/connect-type.ts';
import { protoColumnTypes } from '../../query/infer/proto-type.ts';
import { type RegisteredSchema, RegistryClient } from '../../registry/client.ts';
import type { CompiledTransform } from '../transform/compile-sql.ts';
import { keyFields } from '../transform/field-forms.ts';
import type { SourceTrouble } from '../types.ts';
import { CsvPacker } from './csv-pack.ts';
import { EnvelopePacker, jsonText, type MessageText } from './envelope-pack.ts';
import { FramedPacker } from './framed-pack.ts';
import { JsonPacker } from './json-pack.ts';
import type { Packer } from './packer.ts';
import { RawPacker } from './raw-pack.ts';
import { type DecoderEntry, type Registry, SchemaDecoders } from './schema-decoders.ts';

/** What is in a record is JSON. */
const SHALLOW = { structs: false };

export interface PackerServices {
  readonly clock: Clock;
  /** Told while a schema registry is asked again and again. */
  readonly onTrouble: (trouble: SourceTrouble | null) => void;
  /** Told once of each kind of message that is passed over. */
  readonly onNotice: (text: string) => void;
  /** Told the types of a row's fields, for each schema that messages have. */
  readonly onSchema?: (types: ReadonlyMap<string, SqlType>) => void;
  /** Opens a registry by its URL; a client of its own when left out. */
  readonly openRegistry?: (url: string) => Registry;
}

/** Throws REGISTRY_URL. */
export function openPacker(
  plan: LoadPlan,
  transform: CompiledTransform,
  services: PackerServices,
): Packer {
  const { format } = plan;
  const { maxMessageBytes } = plan.limits;
  switch (format.kind) {
    case 'json':
      if (format.envelope !== undefined)
        return envelopePacker(
          plan,
          transform,
          services,
          format.envelope,
          jsonText(maxMessageBytes),
        );
      return new JsonPacker({
        format,
        exactNumberKeys: transform.exactNumberKeys,
        maxMessageBytes,
      });
    case 'csv':
      return new CsvPacker({ format, fieldCount: plan.transform.fields.length, maxMessageBytes });
    case 'avro': {
      const { envelope } = format;
      const wanted = envelope === undefined ? transform.keyForms : null;
      const options = { wanted, zone: zoneOffset(plan.transform.timeZone) };
      const isEvent = envelope !== undefined;
      const compile = (schema: RegisteredSchema): DecoderEntry =>
        avroDecoder(schema, options, (type) => {
          const row = avroRowRecord(type, isEvent);
          if (row !== null) services.onSchema?.(avroColumnTypes(row, SHALLOW));
        });
      const decoders = openDecoders(format.registryUrl, services, compile);
      const packer = new FramedPacker({ formatName: 'Avro', decoders, maxMessageBytes });
      return envelope === undefined
        ? packer
        : envelopePacker(plan, transform, services, envelope, packer);
    }
    case 'protobuf': {
      const options = { wanted: transform.keyForms, zone: zoneOffset(plan.transform.timeZone) };
      const { file } = format;
      if (file !== undefined) {
        const message = findProtoMessage(Buffer.from(file.bytes), file.message);
        services.onSchema?.(protoColumnTypes(message, SHALLOW));
        const fixed = compileProto(message, options);
        return new FramedPacker({ formatName: 'Protobuf', decoders: null, fixed, maxMessageBytes });
      }
      const compile = (schema: RegisteredSchema): DecoderEntry =>
        protoDecoder(schema, options, (message) =>
          services.onSchema?.(protoColumnTypes(message, SHALLOW)),
        );
      const decoders = openDecoders(format.registryUrl, services, compile);
      return new FramedPacker({ formatName: 'Protobuf', decoders, maxMessageBytes });
    }
    case 'raw': {
      const [field = RAW_FIELD] = plan.transform.fields;
      const form = transform.keyForms?.get(field) ?? 'json';
      return new RawPacker({ field, form, maxMessageBytes });
    }
    case 'file':
      // The source made a line of JSON of each row, with all digits of its numbers.
      return new JsonPacker({
        format: { kind: 'json', jsonpaths: null, jsonRoot: '', stripOuterArray: false },
        exactNumberKeys: null,
        maxMessageBytes,
      });
    default:
      return unreachable(format, 'format');
  }
}

function envelopePacker(
  plan: LoadPlan,
  transform: CompiledTransform,
  services: PackerServices,
  kind: EnvelopeKind,
  text: MessageText,
): Packer {
  const { keyForms: forms, exactNumberKeys, fieldSteps } = transform;
  return new EnvelopePacker({
    kind,
    text,
    keys: keyFields(plan, fieldSteps),
    forms,
    exactNumberKeys,
    zone: zoneOffset(plan.transform.timeZone),
    ...(services.onSchema === undefined
      ? {}
      : { onSchema: (text) => services.onSchema?.(connectColumnTypes(readJson(text).value)) }),
    onPassed: (reason) => services.onNotice(`passed over, once or more: ${reason}`),
  });
}

function openDecoders(
  url: string,
  {
    clock,
    onTrouble,
    openRegistry = (address) => new RegistryClient({ url: address }),
  }: PackerServices,
  compile: (schema: RegisteredSchema) => DecoderEntry,
): SchemaDecoders {
  return new SchemaDecoders({ registry: openRegistry(url), clock, onTrouble, compile });
}

function avroDecoder(
  schema: RegisteredSchema,
  options: Parameters<typeof compileAvro>[1],
  onType: (type: AvroType) => void,
): DecoderEntry {
  if (schema.kind !== null && schema.kind !== 'AVRO')
    return { decode: null, reason: `its schema is of type ${schema.kind}, not AVRO` };
  try {
    const references = schema.references.map(({ text }) => text);
    const type = parseAvroSchema(schema.text, references);
    const decode = compileAvro(type, options);
    if (decode !== null) onType(type);
    return decode === null ? { decode, reason: 'its schema is no record' } : { decode };
  } catch (thrown) {
    if (!(thrown instanceof AvroSchemaProblem)) throw thrown;
    return { decode: null, reason: `its schema cannot be used: ${thrown.message}` };
  }
}

function protoDecoder(
  schema: RegisteredSchema,
  options: Parameters<typeof compileProto>[1],
  onMessage: (message: ProtoMessage) => void,
): DecoderEntry {
  if (schema.kind !== null && schema.kind !== 'PROTOBUF')
    return { decode: null, reason: `its schema is of type ${schema.kind}, not PROTOBUF` };
  try {
    const messages = parseProtoSchema(schema.text, schema.references);
    const writers = new Map<ProtoMessage, ReturnType<typeof compileProto>>();
    return {
      decode: (from, out) => {
        const message = readMessageIndexes(from, messages);
        let write = writers.get(message);
        if (write === undefined) {
          write = compileProto(message, options);
          onMessage(message);
          writers.set(message, write);
        }
        write(from, out);
      },
    };
  } catch (thrown) {
    if (!(thrown instanceof ProtoSchemaProblem)) throw thrown;
    return { decode: null, reason: `its schema cannot be used: ${thrown.message}` };
  }
}
