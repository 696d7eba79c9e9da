// Which columns a table for a topic would have: samples are read, made rows as a Routine Load would make them, and each
// field gets the narrowest type that holds what was seen, or the one that its schema says.
import { fail } from '../../base/errors.ts';
import type { CatalogScope } from '../../catalog/catalog.ts';
import type { SampledMessage, SampleLimits } from '../../kafka/client/sample.ts';
import type { FormatSpec, KafkaConnectionSpec } from '../../model/load-plan.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { JsonFacts, STRING_TYPE } from '../../query/infer/json-type.ts';
import { kafkaConnection } from '../routine/definition.ts';
import { checkSchemaFile, formatOf } from '../routine/format.ts';
import type { SampleRequest } from './properties.ts';
import { type RowOptions, readSampleRows } from './rows.ts';

/** Reads messages of a topic. Throws what the cluster throws, and TIMEOUT. */
export type TopicSampler = (
  connection: KafkaConnectionSpec,
  topic: string,
  limits: SampleLimits,
  signal: AbortSignal,
) => Promise<readonly SampledMessage[]>;

export interface InferredField {
  readonly name: string;
  readonly type: SqlType;
  /** Rows that have a value of it. */
  readonly seen: number;
  readonly example: string | null;
  /** The type is a guess: there was no value, and no schema. */
  readonly isUnknown: boolean;
}

export interface InferredTopic {
  readonly fields: readonly InferredField[];
  /** Fields have places and no names (CSV). */
  readonly byPlace: boolean;
  /** Rows that were looked at. */
  readonly rows: number;
  /** Names of the fields that the keys of change events are made of. */
  readonly keys: readonly string[];
  readonly unread: { readonly count: number; readonly reason: string };
}

/** Fields that are looked at; a topic with more has something else in the place of names. */
const MAX_FIELDS = 2_000;
const ROWS_PER_TURN = 500;

/** Throws KAFKA_TOPIC_EMPTY, KAFKA_NO_COLUMNS, LIMIT_EXCEEDED, SMALL_FILE_MISSING, REGISTRY_* and what the sampler throws. */
export async function inferTopic(
  request: SampleRequest,
  databaseName: string,
  services: {
    readonly catalog: CatalogScope;
    readonly sample: TopicSampler;
    readonly pause: RowOptions['pause'];
  },
  signal: AbortSignal,
): Promise<InferredTopic> {
  const { definition, messages: wanted, bytes, timeMs } = request;
  const { catalog } = services;
  const { topic } = definition.source;
  const { id } = await catalog.databases.get(databaseName);
  const connection = await kafkaConnection(catalog, id, definition);
  checkSchemaFile(definition, connection.files);
  const limits = { messages: wanted, bytes, timeMs };
  const messages = await services.sample(connection, topic, limits, signal);
  if (messages.length === 0) throw fail('KAFKA_TOPIC_EMPTY', { topic });
  const { timeZone } = definition;
  const format = formatOf(definition, connection.files);
  const options = { timeZone, structs: request.structs, signal, pause: services.pause };
  return inferColumns(messages, format, topic, options);
}

/** The columns that some messages ask for. Throws KAFKA_NO_COLUMNS, LIMIT_EXCEEDED, REGISTRY_*. */
export async function inferColumns(
  messages: readonly SampledMessage[],
  format: FormatSpec,
  topic: string,
  options: RowOptions,
): Promise<InferredTopic> {
  const { structs } = options;
  const sampled = await readSampleRows(messages, format, options);
  const facts = new Map<string, JsonFacts>(
    [...sampled.types.keys()].map((name) => [name, new JsonFacts()]),
  );
  for (const [index, row] of sampled.rows.entries()) {
    if (index % ROWS_PER_TURN === ROWS_PER_TURN - 1) await options.pause();
    for (const [name, value] of row) {
      const known = facts.get(name) ?? new JsonFacts();
      facts.set(name, known);
      known.add(value);
    }
    if (facts.size > MAX_FIELDS) {
      const hint = 'are the names of fields values? Then write CREATE TABLE by hand';
      throw fail('LIMIT_EXCEEDED', {
        what: `the number of fields in topic '${topic}'`,
        actual: facts.size,
        limit: MAX_FIELDS,
        hint,
      });
    }
  }
  if (facts.size === 0) {
    const reason = sampled.unread.reason === '' ? 'they hold no row' : sampled.unread.reason;
    throw fail('KAFKA_NO_COLUMNS', { topic, count: messages.length, reason });
  }
  const fields = [...facts].map(([name, seen]): InferredField => {
    const type = sampled.types.get(name) ?? seen.type({ structs });
    const isUnknown = type === null;
    return { name, type: type ?? STRING_TYPE, seen: seen.seen, example: seen.example, isUnknown };
  });
  const known = new Set(facts.keys());
  const keys = sampled.keys.every((key) => known.has(key)) ? sampled.keys : [];
  const { rows, unread } = sampled;
  return { fields, byPlace: format.kind === 'csv', rows: rows.length, keys, unread };
}
