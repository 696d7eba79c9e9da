// Sampled messages of Avro and Protobuf: each as the JSON that the loader would make of it, and the column types
// that the schemas of all of them ask for. Schemas are asked of the registry as messages name them.
import { compileAvro } from '../../formats/avro/decode.ts';
import { AvroSchemaProblem, parseAvroSchema } from '../../formats/avro/schema.ts';
import { ByteReader } from '../../formats/byte-reader.ts';
import { LineWriter } from '../../formats/json/line-writer.ts';
import { MalformedMessage } from '../../formats/malformed.ts';
import { compileProto, readMessageIndexes } from '../../formats/protobuf/decode.ts';
import {
  findProtoMessage,
  type ProtoMessage,
  ProtoSchemaProblem,
  parseProtoSchema,
} from '../../formats/protobuf/schema.ts';
import type { ZoneOffset } from '../../formats/time-text.ts';
import type { AvroFormatSpec, ProtobufFormatSpec } from '../../model/load-plan.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { avroColumnTypes, avroRowRecord } from '../../query/infer/avro-type.ts';
import { type JsonTypeOptions, STRING_TYPE } from '../../query/infer/json-type.ts';
import { protoColumnTypes } from '../../query/infer/proto-type.ts';
import { isWidening } from '../../query/widening.ts';
import { type RegisteredSchema, RegistryClient } from '../../registry/client.ts';

/** The JSON text of a message, or why it has none. */
export type DecodedText =
  | { readonly text: string; readonly reason: null }
  | { readonly text: null; readonly reason: string };

type Decode = (from: ByteReader, out: LineWriter) => void;
type Types = ReadonlyMap<string, SqlType>;

interface Entry {
  readonly decode: Decode | null;
  readonly reason: string;
}

export interface FramedOptions extends JsonTypeOptions {
  readonly zone: ZoneOffset;
  readonly signal: AbortSignal;
}

const MAGIC = 0;
const ID_END = 5;
const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** Of different schemas in the samples: a topic of other bytes has one in every message. */
const MAX_SCHEMAS = 50;
const NO_TYPES: Types = new Map();

export class FramedSamples {
  readonly #format: AvroFormatSpec | ProtobufFormatSpec;
  readonly #options: FramedOptions;
  readonly #registry: RegistryClient | null;
  readonly #entries = new Map<number, Entry>();
  /** By schema id; messages without one have 0. */
  readonly #types = new Map<number, Types>();
  readonly #fixed: Decode | null;

  /** Throws REGISTRY_URL. */
  constructor(format: AvroFormatSpec | ProtobufFormatSpec, options: FramedOptions) {
    this.#format = format;
    this.#options = options;
    const file = format.kind === 'protobuf' ? format.file : undefined;
    this.#registry = file === undefined ? new RegistryClient({ url: format.registryUrl }) : null;
    if (file === undefined) {
      this.#fixed = null;
      return;
    }
    const message = findProtoMessage(Buffer.from(file.bytes), file.message);
    this.#types.set(0, protoColumnTypes(message, options));
    this.#fixed = compileProto(message, { wanted: null, zone: options.zone });
  }

  /** The widest types of all schemas that were met, in the order of the first of them. */
  types(): Types {
    const merged = new Map<string, SqlType>();
    const ids = [...this.#types.keys()].sort((a, b) => a - b);
    for (const id of ids) {
      for (const [name, type] of this.#types.get(id) ?? NO_TYPES) {
        const known = merged.get(name);
        merged.set(name, known === undefined ? type : wider(known, type));
      }
    }
    return merged;
  }

  /** Throws REGISTRY_*. */
  async decode(bytes: Buffer): Promise<DecodedText> {
    if (this.#fixed !== null) return run(this.#fixed, bytes, 0);
    if (bytes[0] !== MAGIC || bytes.length < ID_END)
      return refused("it is not in the schema registry's wire format");
    const id = bytes.readInt32BE(1);
    const entry = this.#entries.get(id) ?? (await this.#open(id));
    return entry.decode === null ? refused(entry.reason) : run(entry.decode, bytes, ID_END);
  }

  async #open(id: number): Promise<Entry> {
    if (this.#entries.size >= MAX_SCHEMAS)
      return { decode: null, reason: `the samples have more than ${MAX_SCHEMAS} schemas` };
    const entry = await this.#ask(id);
    this.#entries.set(id, entry);
    return entry;
  }

  async #ask(id: number): Promise<Entry> {
    if (this.#registry === null) return { decode: null, reason: 'no registry' };
    const answer = await this.#registry.schema(id, this.#options.signal);
    if (!answer.found) return { decode: null, reason: answer.reason };
    const wanted = this.#format.kind === 'avro' ? 'AVRO' : 'PROTOBUF';
    const { kind } = answer.schema;
    if (kind !== null && kind !== wanted)
      return { decode: null, reason: `its schema is of type ${kind}, not ${wanted}` };
    try {
      const decode =
        this.#format.kind === 'avro'
          ? this.#avro(id, answer.schema)
          : this.#proto(id, answer.schema);
      return decode === null
        ? { decode, reason: 'its schema is no record' }
        : { decode, reason: '' };
    } catch (thrown) {
      const isProblem = thrown instanceof AvroSchemaProblem || thrown instanceof ProtoSchemaProblem;
      if (!isProblem) throw thrown;
      return { decode: null, reason: `its schema cannot be used: ${thrown.message}` };
    }
  }

  #avro(id: number, schema: RegisteredSchema): Decode | null {
    const type = parseAvroSchema(
      schema.text,
      schema.references.map(({ text }) => text),
    );
    const isEvent = this.#format.kind === 'avro' && this.#format.envelope !== undefined;
    const row = avroRowRecord(type, isEvent);
    this.#types.set(id, row === null ? NO_TYPES : avroColumnTypes(row, this.#options));
    return compileAvro(type, { wanted: null, zone: this.#options.zone });
  }

  #proto(id: number, schema: RegisteredSchema): Decode {
    const messages = parseProtoSchema(schema.text, schema.references);
    const writers = new Map<ProtoMessage, Decode>();
    return (from, out) => {
      const message = readMessageIndexes(from, messages);
      let write = writers.get(message);
      if (write === undefined) {
        write = compileProto(message, { wanted: null, zone: this.#options.zone });
        writers.set(message, write);
        const types = protoColumnTypes(message, this.#options);
        this.#types.set(id, new Map([...(this.#types.get(id) ?? NO_TYPES), ...types]));
      }
      write(from, out);
    };
  }
}

function wider(a: SqlType, b: SqlType): SqlType {
  if (isWidening(a, b)) return b;
  return isWidening(b, a) ? a : STRING_TYPE;
}

function refused(why: string): DecodedText {
  return { text: null, reason: why };
}

function run(decode: Decode, bytes: Buffer, start: number): DecodedText {
  const reader = new ByteReader();
  const writer = new LineWriter(MAX_LINE_BYTES);
  reader.open(bytes, start, bytes.length);
  try {
    decode(reader, writer);
    return { text: writer.bytes.toString('utf8', 0, writer.length), reason: null };
  } catch (thrown) {
    if (!(thrown instanceof MalformedMessage)) throw thrown;
    return refused(thrown.message);
  }
}
