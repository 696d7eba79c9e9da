// The topics of the embedded broker: which exist, with what settings, and their partitions' logs. A
// topic exists once its topic.json does; half-made or half-removed ones are swept at start.
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { BrokerConfig } from './config.ts';
import { onDisk, readTextIfThere, syncDirectory, writeFileAtomically } from './disk.ts';
import { PartitionLog } from './partition-log.ts';
import {
  type EffectiveTopicConfig,
  effectiveTopicConfig,
  type TopicOverrides,
} from './topic-config.ts';

const LEGAL_NAME = /^[a-zA-Z0-9._-]{1,249}$/;
/** Directories of removed topics begin with this; no topic name can. */
const REMOVED_PREFIX = '~';

export interface TopicStoreOptions {
  readonly directory: string;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

interface TopicFile {
  readonly id: string;
  readonly partitions: number;
  readonly overrides: TopicOverrides;
}

/** True when Kafka allows a topic of this name. */
export function isLegalTopicName(name: string): boolean {
  return LEGAL_NAME.test(name) && name !== '.' && name !== '..';
}

export class Topic {
  readonly name: string;
  /** Lower case with dashes; a topic made again under the same name has another. */
  readonly id: string;
  readonly partitions: PartitionLog[] = [];
  overrides: TopicOverrides;
  effective: EffectiveTopicConfig;

  constructor(
    name: string,
    id: string,
    overrides: TopicOverrides,
    effective: EffectiveTopicConfig,
  ) {
    this.name = name;
    this.id = id;
    this.overrides = overrides;
    this.effective = effective;
  }
}

export class TopicStore {
  readonly #options: TopicStoreOptions;
  readonly #byName = new Map<string, Topic>();
  readonly #byId = new Map<string, Topic>();

  /** Opens all topics; logs that were not closed are checked batch by batch. */
  constructor(options: TopicStoreOptions) {
    this.#options = options;
    fs.mkdirSync(options.directory, { recursive: true });
    for (const name of fs.readdirSync(options.directory).sort()) this.#load(name);
  }

  #load(name: string): void {
    const directory = path.join(this.#options.directory, name);
    const text = name.startsWith(REMOVED_PREFIX)
      ? null
      : readTextIfThere(path.join(directory, 'topic.json'));
    if (text === null) {
      fs.rmSync(directory, { recursive: true, force: true });
      return;
    }
    const saved = JSON.parse(text) as TopicFile; // written by #save, atomically
    this.#open(name, saved);
  }

  #open(name: string, saved: TopicFile): Topic {
    const { config } = this.#options;
    const effective = effectiveTopicConfig(saved.overrides, config, saved.partitions);
    const topic = new Topic(name, saved.id, saved.overrides, effective);
    for (let index = 0; index < saved.partitions; index += 1) this.#openPartition(topic, index);
    this.#byName.set(name, topic);
    this.#byId.set(topic.id, topic);
    return topic;
  }

  #openPartition(topic: Topic, index: number): void {
    const { clock, log, config, directory } = this.#options;
    const partition = new PartitionLog({
      directory: path.join(directory, topic.name, String(index)),
      config: () => topic.effective,
      clock,
      log: log.with({ topic: topic.name, partition: index }),
      maxProducers: config.maxProducersPerPartition,
    });
    topic.partitions.push(partition);
  }

  #save(name: string, file: TopicFile): void {
    const target = path.join(this.#options.directory, name, 'topic.json');
    writeFileAtomically(target, JSON.stringify(file), true);
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name);
  }
  getById(id: string): Topic | undefined {
    return this.#byId.get(id);
  }
  /** In order of name. */
  all(): readonly Topic[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  get size(): number {
    return this.#byName.size;
  }
  partition(name: string, index: number): PartitionLog | undefined {
    return this.#byName.get(name)?.partitions[index];
  }

  /** Makes a topic. The caller has checked name, counts and settings. */
  create(name: string, partitions: number, overrides: TopicOverrides): Topic {
    const directory = path.join(this.#options.directory, name);
    const file: TopicFile = { id: this.#options.random.uuid(), partitions, overrides };
    try {
      return onDisk(directory, () => {
        fs.mkdirSync(directory, { recursive: true });
        const topic = this.#open(name, file);
        this.#save(name, file);
        syncDirectory(this.#options.directory);
        this.#options.log.info('kafka topic created', { topic: name, partitions });
        return topic;
      });
    } catch (thrown) {
      this.#byName.delete(name);
      this.#byId.delete(file.id);
      fs.rmSync(directory, { recursive: true, force: true });
      throw thrown;
    }
  }

  /** Grows a topic to `count` partitions, which must be more than it has. */
  addPartitions(topic: Topic, count: number): void {
    this.#save(topic.name, { id: topic.id, partitions: count, overrides: topic.overrides });
    topic.effective = effectiveTopicConfig(topic.overrides, this.#options.config, count);
    while (topic.partitions.length < count) this.#openPartition(topic, topic.partitions.length);
  }

  setOverrides(topic: Topic, overrides: TopicOverrides): void {
    const partitions = topic.partitions.length;
    this.#save(topic.name, { id: topic.id, partitions, overrides });
    topic.overrides = overrides;
    topic.effective = effectiveTopicConfig(overrides, this.#options.config, partitions);
  }

  /** Removes a topic with all its records; from this call on nobody finds it. */
  async remove(topic: Topic): Promise<void> {
    const { directory, log } = this.#options;
    this.#byName.delete(topic.name);
    this.#byId.delete(topic.id);
    const removed = path.join(directory, `${REMOVED_PREFIX}${topic.id}`);
    fs.renameSync(path.join(directory, topic.name), removed);
    for (const partition of topic.partitions) await partition.close();
    await fs.promises.rm(removed, { recursive: true, force: true });
    log.info('kafka topic removed', { topic: topic.name });
  }

  /** Fsyncs what was appended since the last time. */
  async flush(): Promise<void> {
    for (const topic of this.all()) for (const log of topic.partitions) await log.flush();
  }

  /** Closes every log. @throws the first failure, after all were tried */
  async close(): Promise<void> {
    const logs = this.all().flatMap((topic) => topic.partitions);
    const results = await Promise.allSettled(logs.map((log) => log.close()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}
