// Topics and messages on a Kafka under test, made with Kafka's own tools and with librdkafka.
import { join } from 'node:path';
import { kafkaToolOk } from './kafka.ts';
import { runOk } from './processes.ts';
import { pythonVenv } from './python.ts';

const TOPICS = 'org.apache.kafka.tools.TopicCommand';

export async function createTopic(
  bootstrap: string,
  topic: string,
  partitions: number,
  configs: Readonly<Record<string, string>> = {},
  replicas = 1,
): Promise<void> {
  const config = Object.entries(configs).flatMap(([key, value]) => ['--config', `${key}=${value}`]);
  await kafkaToolOk(TOPICS, [
    ...['--bootstrap-server', bootstrap, '--create', '--topic', topic],
    ...['--partitions', String(partitions), '--replication-factor', String(replicas), ...config],
  ]);
}

export async function deleteTopic(bootstrap: string, topic: string): Promise<void> {
  await kafkaToolOk(TOPICS, ['--bootstrap-server', bootstrap, '--delete', '--topic', topic]);
}

export interface ProduceOptions {
  readonly topic: string;
  readonly first?: number;
  readonly count: number;
  /** Messages a second; as fast as possible when left out. */
  readonly rate?: number;
  readonly codec?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
}

/** Messages `{"id": N, "name": "user-N"}` by librdkafka's idempotent producer, which outlives broker restarts. */
export async function produce(bootstrap: string, options: ProduceOptions): Promise<void> {
  const { topic, first = 0, count, rate = 0, codec = 'none' } = options;
  const program = join(import.meta.dirname, 'python', 'produce.py');
  const args = [program, bootstrap, topic, String(first), String(count), String(rate), codec];
  await runOk(await pythonVenv(), args, { timeoutMs: 240_000 });
}

/** The same messages by Java's console producer, compressed by Java (its snappy is xerial framed). */
export async function produceWithJava(
  bootstrap: string,
  options: ProduceOptions & { readonly codec: string },
): Promise<void> {
  const { topic, first = 0, count, codec } = options;
  const lines = Array.from(
    { length: count },
    (_, index) => `{"id": ${first + index}, "name": "user-${first + index}"}\n`,
  );
  await kafkaToolOk(
    'org.apache.kafka.tools.ConsoleProducer',
    ['--bootstrap-server', bootstrap, '--topic', topic, '--compression-codec', codec],
    { input: lines.join('') },
  );
}
