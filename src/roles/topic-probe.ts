// What the FE asks Kafka clusters itself: partitions and offsets, with a client per question that is
// closed again, so that no job of the past keeps a connection.
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { KafkaClient } from '../kafka/client/kafka-client.ts';
import { sampleTopic } from '../kafka/client/sample.ts';
import { unreadParts } from '../kafka/client/unread.ts';
import type { TopicProbe } from '../loads/routine/service.ts';
import type { TopicSampler } from '../loads/sample/infer.ts';
import type { KafkaConnectionSpec } from '../model/load-plan.ts';
import type { UpkeepProbe } from './job-upkeep.ts';

interface ProbeOptions {
  readonly clock: Clock;
  readonly random: Random;
}

async function clientFor<T>(
  options: ProbeOptions,
  connection: KafkaConnectionSpec,
  work: (client: KafkaClient) => Promise<T>,
): Promise<T> {
  const client = new KafkaClient({ connection, ...options });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Messages of a topic, for DESC KAFKA and CREATE TABLE ... FROM KAFKA TOPIC. */
export function openTopicSampler(options: ProbeOptions): TopicSampler {
  return (connection, topic, limits, signal) =>
    clientFor(options, connection, (client) => {
      const isolation = client.settings['isolation.level'];
      return sampleTopic(client, topic, isolation, limits, { clock: options.clock, signal });
    });
}

export function openTopicProbe(options: ProbeOptions): TopicProbe & UpkeepProbe {
  const withClient = <T>(
    connection: KafkaConnectionSpec,
    work: (client: KafkaClient) => Promise<T>,
  ): Promise<T> => clientFor(options, connection, work);
  return {
    topics: (connection) => withClient(connection, (client) => client.topicNames()),
    topic: (connection, name) =>
      withClient(connection, async (client) => {
        const { topicId, partitions } = await client.topic(name, { fresh: true });
        return { topicId, partitions: partitions.map((entry) => entry.partition) };
      }),
    unread: (connection, topic, positions, isolation, signal) =>
      withClient(connection, async (client) => ({
        retention: await client.retention(topic, signal),
        parts: await unreadParts(client, topic, positions, isolation, signal),
      })),
    commitGroup: (connection, groupId, offsets, signal) =>
      withClient(connection, (client) => client.commitGroup(groupId, offsets, signal)),
    offsets: (connection, topic, partitions, at) =>
      withClient(connection, (client) =>
        client.listOffsets(topic, partitions, at, client.settings['isolation.level']),
      ),
  };
}
