// Making topics and producing, for the demo, the benchmarks and tests. The only file that may use the
// library @platformatic/kafka; its types and errors do not leave it. Reading is KafkaClient's business.
import { present } from '../../base/assert.ts';
import { systemClock } from '../../base/clock.ts';
import { AppError, fail } from '../../base/errors.ts';
import { systemRandom } from '../../base/random.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import { KafkaClient } from './kafka-client.ts';
import { parseKafkaProperties } from './properties.ts';
import { loadTlsSettings } from './tls-files.ts';

export interface TopicDescription {
  readonly name: string;
  readonly topicId: string | null;
  readonly partitionCount: number;
}

export interface MessageToSend {
  readonly topic: string;
  readonly partition: number;
  readonly value: Buffer | null;
  readonly key?: Buffer;
  /** Milliseconds since the epoch; now when left out. */
  readonly timestampMs?: number;
  /** A name may occur again. */
  readonly headers?: readonly (readonly [name: string, value: Buffer])[];
}

export interface KafkaAdminOptions {
  readonly connection: KafkaConnectionSpec;
  readonly clientId: string;
}

export interface KafkaAdmin {
  /** False when it existed before (it is left as it is). `configs` are Kafka's topic configs. */
  createTopic(
    topic: string,
    partitionCount: number,
    configs?: Readonly<Record<string, string>>,
  ): Promise<boolean>;
  deleteTopic(topic: string): Promise<void>;
  /** null when it does not exist. */
  describeTopic(topic: string): Promise<TopicDescription | null>;
  /** The next offset of a partition. */
  endOffset(topic: string, partition: number): Promise<bigint>;
  /** Idempotent, acknowledged by all replicas, LZ4. Resolves when all are written. */
  send(messages: readonly MessageToSend[]): Promise<void>;
  close(): Promise<void>;
}

const TOPIC_ALREADY_EXISTS = 36;
const RETRIES = 5;
const TIMEOUT_MS = 10_000;

/** Opens nothing yet: the first call connects. Throws KAFKA_PROPERTY_* (user). */
export async function openKafkaAdmin(options: KafkaAdminOptions): Promise<KafkaAdmin> {
  const base = await libraryOptions(options);
  const { connection } = options;
  const brokers = connection.brokers.join(', ');
  const client = new KafkaClient({ connection, clock: systemClock, random: systemRandom });
  // Loaded here and not above: only the demo and tools need it, and it is large.
  const library = await import('@platformatic/kafka');
  const admin = new library.Admin(base);
  const producer = new library.Producer({
    ...base,
    idempotent: true,
    acks: library.ProduceAcks.ALL,
    compression: library.CompressionAlgorithms.LZ4,
  });
  const run = <T>(action: string, work: () => Promise<T>): Promise<T> =>
    work().catch((thrown: unknown) => {
      throw toAppError(brokers, action, thrown);
    });
  return {
    createTopic: async (topic, partitions, configs = {}) => {
      const rows = Object.entries(configs).map(([name, value]) => ({ name, value }));
      try {
        await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: rows });
        return true;
      } catch (thrown) {
        if (hasProtocolCode(thrown, TOPIC_ALREADY_EXISTS)) return false;
        throw toAppError(brokers, 'CreateTopics', thrown);
      }
    },
    deleteTopic: (topic) => run('DeleteTopics', () => admin.deleteTopics({ topics: [topic] })),
    describeTopic: async (topic) => {
      try {
        const view = await client.topic(topic, { fresh: true });
        return { name: topic, topicId: view.topicId, partitionCount: view.partitions.length };
      } catch (thrown) {
        if (thrown instanceof AppError && thrown.code === 'KAFKA_UNKNOWN_TOPIC') return null;
        throw thrown;
      }
    },
    endOffset: async (topic, partition) => {
      const ends = await client.listOffsets(topic, [partition], 'latest', 'read_uncommitted');
      return present(ends.get(partition), 'the end of a partition that was asked for');
    },
    send: (messages) =>
      run('Produce', async () => {
        const rows = messages.map(({ topic, partition, value, key, timestampMs, headers }) => ({
          topic,
          partition,
          // The library writes null for undefined; its type leaves the null out.
          value: value as Buffer,
          ...(key === undefined ? {} : { key }),
          ...(timestampMs === undefined ? {} : { timestamp: BigInt(timestampMs) }),
          // Buffers are different keys, whatever they hold.
          ...(headers === undefined
            ? {}
            : { headers: new Map(headers.map(([name, text]) => [Buffer.from(name), text])) }),
        }));
        await producer.send({ messages: rows });
      }),
    close: async () => {
      await Promise.all([producer.close(), admin.close(), client.close()]);
    },
  };
}

/** What `openDemoProducer` gives: the few calls the demo needs. */
export interface DemoProducer {
  /** Makes the topic unless it exists. */
  createTopic(topic: string, partitionCount: number): Promise<void>;
  send(topic: string, partition: number, values: readonly Buffer[]): Promise<void>;
  /** The next offset of the partition: messages ever written to it. */
  endOffset(topic: string, partition: number): Promise<bigint>;
  close(): Promise<void>;
}

/** A producer for a broker without security. @param options.bootstrap `host:port`. */
export async function openDemoProducer(options: {
  readonly bootstrap: string;
  readonly clientId: string;
}): Promise<DemoProducer> {
  const admin = await openKafkaAdmin({
    connection: { brokers: [options.bootstrap], properties: {} },
    clientId: options.clientId,
  });
  return {
    createTopic: async (topic, partitionCount) => {
      await admin.createTopic(topic, partitionCount);
    },
    send: (topic, partition, values) =>
      admin.send(values.map((value) => ({ topic, partition, value }))),
    endOffset: (topic, partition) => admin.endOffset(topic, partition),
    close: () => admin.close(),
  };
}

async function libraryOptions({ connection, clientId }: KafkaAdminOptions) {
  const settings = parseKafkaProperties(connection.properties);
  const tls = await loadTlsSettings(settings, connection.files);
  const mechanism = settings['sasl.mechanism'];
  const username = settings['sasl.username'] ?? '';
  const password = settings['sasl.password'] ?? '';
  const { verify = true, checkHostName = true, ...files } = tls ?? {};
  const skipName = checkHostName ? {} : { checkServerIdentity: () => undefined };
  return {
    clientId,
    bootstrapBrokers: [...connection.brokers],
    timeout: TIMEOUT_MS,
    retries: RETRIES,
    ...(tls === null ? {} : { tls: { ...files, ...skipName, rejectUnauthorized: verify } }),
    ...(mechanism === null ? {} : { sasl: { mechanism, username, password } }),
  };
}

/** Whether a Kafka error of this number is among the causes of the library's error. */
function hasProtocolCode(thrown: unknown, code: number): boolean {
  if (!(thrown instanceof Error)) return false;
  if ('apiCode' in thrown && thrown.apiCode === code) return true;
  const nested: unknown[] = thrown instanceof AggregateError ? thrown.errors : [];
  return [...nested, thrown.cause].some((inner) => hasProtocolCode(inner, code));
}

function toAppError(brokers: string, api: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const reason = deepestMessage(thrown);
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
  if (code === 'PLT_KFK_NETWORK' || code === 'PLT_KFK_TIMEOUT')
    return fail('KAFKA_UNREACHABLE', { brokers, reason }, thrown);
  return fail('KAFKA_REQUEST_REFUSED', { broker: brokers, api, error: reason }, thrown);
}

function deepestMessage(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.errors.length > 0)
    return deepestMessage(thrown.errors[0]);
  if (thrown instanceof Error && thrown.cause instanceof Error) return deepestMessage(thrown.cause);
  return thrown instanceof Error ? thrown.message : String(thrown);
}
