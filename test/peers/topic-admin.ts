// What happens to topics of a Kafka under test, real or embedded, by kafkajs: no JVM has to start for it.
import { Kafka, logLevel } from 'kafkajs';

export interface TopicAdmin {
  create(
    topic: string,
    partitions: number,
    configs?: Readonly<Record<string, string>>,
  ): Promise<void>;
  delete(topic: string): Promise<void>;
  /** Deletes it and makes it again, with another id. */
  remake(topic: string, partitions: number): Promise<void>;
  /** More partitions, so many in all. */
  grow(topic: string, partitions: number): Promise<void>;
  /** What retention does: messages below the offset are gone. */
  deleteBefore(topic: string, partition: number, offset: number): Promise<void>;
  /** First and next offset by partition. */
  offsets(
    topic: string,
  ): Promise<ReadonlyMap<number, { readonly low: number; readonly high: number }>>;
  close(): Promise<void>;
}

export async function openTopicAdmin(bootstrap: string): Promise<TopicAdmin> {
  const kafka = new Kafka({ clientId: 'test', brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const create: TopicAdmin['create'] = async (topic, numPartitions, configs = {}) => {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    const topics = [{ topic, numPartitions, replicationFactor: 1, configEntries }];
    await admin.createTopics({ topics, waitForLeaders: true, timeout: 60_000 });
    // Leaders are named before they lead: asked until each of them answers.
    const until = performance.now() + 60_000;
    for (;;) {
      try {
        await admin.fetchTopicOffsets(topic);
        return;
      } catch (thrown) {
        if (performance.now() > until) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  const remove = async (topic: string): Promise<void> => {
    await admin.deleteTopics({ topics: [topic] });
  };
  return {
    create,
    delete: remove,
    remake: async (topic, partitions) => {
      await remove(topic);
      await create(topic, partitions);
    },
    grow: async (topic, count) => {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] });
    },
    deleteBefore: async (topic, partition, offset) => {
      await admin.deleteTopicRecords({
        topic,
        partitions: [{ partition, offset: String(offset) }],
      });
    },
    offsets: async (topic) =>
      new Map(
        (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => [
          partition,
          { low: Number(low), high: Number(high) },
        ]),
      ),
    close: () => admin.disconnect(),
  };
}
