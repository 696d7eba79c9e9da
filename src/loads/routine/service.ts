// Routine Load jobs as statements see them: create, pause, resume, stop, alter, list. Validates,
// stores and wakes the scheduler; runs nothing itself. Never waits behind a running task.

import { fail } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { LoadJobRecord, LoadJobState } from '../../catalog/load-jobs.ts';
import { isFinalJobState } from '../../catalog/load-jobs.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import type { LoadProperties } from '../../sql/ast/routine-load.ts';
import { analysisError, checkProperties, type PropertyMap } from '../properties.ts';
import {
  compileTransform,
  defineRoutineLoad,
  kafkaConnection,
  type RoutineLoadDefinition,
  startOffsetOf,
} from './definition.ts';
import { JOB_PROPERTIES, readKafkaSource, type StartOffset } from './properties.ts';
import type { ShownJob } from './show.ts';

/** What the FE asks a Kafka cluster. Throws AppErrors that say what could not be reached and why. */
export interface TopicProbe {
  /** Partition numbers. Throws when the topic does not exist. */
  partitions(connection: KafkaConnectionSpec, topic: string): Promise<readonly number[]>;
  /** First or next offset per partition. */
  offsets(
    connection: KafkaConnectionSpec,
    topic: string,
    partitions: readonly number[],
    at: 'earliest' | 'latest',
  ): Promise<ReadonlyMap<number, bigint>>;
}

/** Reason codes of ReasonOfStateChanged (StarRocks InternalErrorCode). */
export const REASONS = {
  partitions: 4,
  manualPause: 100,
  manualStop: 101,
  tooManyFailureRows: 102,
  createTasks: 103,
  tasksAbort: 104,
} as const;

export interface RoutineLoadServices {
  readonly catalog: Catalog;
  readonly probe: TopicProbe;
  readonly random: Random;
  /** Told after each change, so that it acts at once. */
  readonly scheduler: { wake(): void; forget(jobId: number): Promise<void> };
}

export interface NewRoutineLoad {
  readonly database: string;
  readonly jobName: string;
  readonly tableName: string;
  readonly load: LoadProperties;
  readonly properties: PropertyMap;
  readonly source: PropertyMap;
  readonly userName: string;
  readonly sessionTimeZone: string;
}

export class RoutineLoads {
  readonly #services: RoutineLoadServices;

  constructor(services: RoutineLoadServices) {
    this.#services = services;
  }

  /** Throws SQL_ANALYZE, UNKNOWN_TABLE, JOB_NAME_USED, and what the probe says about the topic. */
  async create(input: NewRoutineLoad): Promise<void> {
    const { catalog, probe, random, scheduler } = this.#services;
    const table = await catalog.tables.get(input.database, input.tableName);
    const definition = defineRoutineLoad(input);
    compileTransform(definition, table);
    const connection = kafkaConnection(definition);
    const found = await probe.partitions(connection, definition.source.topic);
    const partitions = wantedPartitions(definition, found);
    const positions = await this.#resolve(definition, partitions);
    const groupId = readKafkaSource(input.source).groupId ?? `${input.jobName}_${random.uuid()}`;
    await catalog.transaction(async (scope) => {
      const job = await scope.loadJobs.create({
        databaseId: table.databaseId,
        tableId: table.id,
        name: input.jobName,
        userName: input.userName,
        groupId,
        definitionJson: JSON.stringify(definition),
      });
      await scope.loadJobs.addPositions(job.id, positions);
    });
    scheduler.wake();
  }

  /** Numbers for symbolic starts, so that "the end" is the end now and nothing after it is missed. */
  async #resolve(
    definition: RoutineLoadDefinition,
    partitions: readonly number[],
  ): Promise<{ topic: string; partition: number; nextOffset: bigint }[]> {
    const { topic } = definition.source;
    const connection = kafkaConnection(definition);
    const starts = new Map(
      partitions.map((partition) => [partition, startOffsetOf(definition, partition)]),
    );
    const listed = async (symbol: StartOffset, at: 'earliest' | 'latest') => {
      const wanted = partitions.filter((partition) => starts.get(partition) === symbol);
      return wanted.length === 0
        ? new Map<number, bigint>()
        : await this.#services.probe.offsets(connection, topic, wanted, at);
    };
    const first = await listed('OFFSET_BEGINNING', 'earliest');
    const last = await listed('OFFSET_END', 'latest');
    return partitions.map((partition) => {
      const start = starts.get(partition);
      const nextOffset =
        typeof start === 'bigint' ? start : (first.get(partition) ?? last.get(partition));
      if (nextOffset === undefined) {
        throw analysisError(`no offset is known for partition ${partition} of topic ${topic}`);
      }
      return { topic, partition, nextOffset };
    });
  }

  async pause(database: string, name: string, userName: string): Promise<void> {
    await this.#change(database, name, 'PAUSED', ['NEED_SCHEDULE', 'RUNNING'], {
      errCode: REASONS.manualPause,
      message: `User ${userName} pauses routine load job`,
    });
  }

  async resume(database: string, name: string): Promise<void> {
    await this.#change(database, name, 'NEED_SCHEDULE', ['PAUSED'], null);
  }

  async stop(database: string, name: string, userName: string): Promise<void> {
    await this.#change(database, name, 'STOPPED', ['NEED_SCHEDULE', 'RUNNING', 'PAUSED'], {
      errCode: REASONS.manualStop,
      message: `User ${userName} stop routine load job`,
    });
  }

  async #change(
    database: string,
    name: string,
    to: LoadJobState,
    from: readonly LoadJobState[],
    reason: { errCode: number; message: string } | null,
  ): Promise<void> {
    const { catalog, scheduler } = this.#services;
    const job = await this.find(database, name);
    const changed = await catalog.transaction(async (scope) => {
      const done = await scope.loadJobs.setState(job.id, from, to, reason);
      if (done && to === 'NEED_SCHEDULE') await scope.loadJobs.resetWindow(job.id);
      return done;
    });
    if (!changed) {
      const now = await catalog.loadJobs.byId(job.id);
      throw fail('JOB_STATE', { job: name, from: now?.state ?? job.state, to });
    }
    if (to !== 'NEED_SCHEDULE') await scheduler.forget(job.id);
    scheduler.wake();
  }

  /** ALTER ROUTINE LOAD: only a PAUSED job. */
  async alter(input: {
    readonly database: string;
    readonly name: string;
    readonly load: LoadProperties;
    readonly properties: PropertyMap;
    readonly source: PropertyMap | null;
  }): Promise<void> {
    const { catalog } = this.#services;
    const job = await this.find(input.database, input.name);
    if (job.state !== 'PAUSED') {
      throw fail('JOB_STATE', {
        job: input.name,
        from: job.state,
        to: 'ALTER, which needs PAUSED',
      });
    }
    const old = parseDefinition(job);
    const checked = checkProperties(JOB_PROPERTIES, input.properties);
    for (const key of Object.keys(checked)) {
      const spec = JOB_PROPERTIES[key as keyof typeof JOB_PROPERTIES];
      if (!spec.alterable) throw analysisError(`${key} is invalid property`);
    }
    const fresh = defineRoutineLoad({
      load: input.load,
      properties: { ...old.properties, ...checked },
      source: { kafka_broker_list: old.source.brokers.join(','), kafka_topic: old.source.topic },
      sessionTimeZone: old.timeZone,
    });
    const definition: RoutineLoadDefinition = {
      ...fresh,
      source: old.source,
      columns: fresh.columns ?? old.columns,
      where: fresh.where ?? old.where,
      columnSeparator: fresh.columnSeparator ?? old.columnSeparator,
      rowDelimiter: fresh.rowDelimiter ?? old.rowDelimiter,
    };
    const table = await catalog.tables.byId(job.tableId);
    if (table === null) throw fail('UNKNOWN_TABLE', { table: job.tableName });
    compileTransform(definition, table);
    await catalog.transaction(async (scope) => {
      await scope.loadJobs.setDefinition(job.id, JSON.stringify(definition));
      if (input.source !== null) await moveOffsets(scope.loadJobs, job, old, input.source);
    });
  }

  /** The running job of that name, else the newest. Throws UNKNOWN_JOB. */
  async find(database: string, name: string): Promise<LoadJobRecord> {
    const { catalog } = this.#services;
    const { id } = await catalog.databases.get(database);
    const jobs = await catalog.loadJobs.byName(id, name);
    const job = jobs.find((entry) => !isFinalJobState(entry.state)) ?? jobs.at(-1);
    if (job === undefined) throw fail('UNKNOWN_JOB', { job: name, database });
    return job;
  }

  /** For SHOW, by id. `database` null = all databases. */
  async list(
    filter: { readonly database: string | null; readonly all: boolean },
    timeZone: string,
  ): Promise<ShownJob[]> {
    const { catalog } = this.#services;
    const databaseId =
      filter.database === null ? undefined : (await catalog.databases.get(filter.database)).id;
    const jobs = await catalog.loadJobs.list({
      all: filter.all,
      ...(databaseId === undefined ? {} : { databaseId }),
    });
    return Promise.all(
      jobs.map(async (job) => ({
        job,
        definition: parseDefinition(job),
        positions: await catalog.loadJobs.positions(job.id),
        currentTaskNum: (await catalog.leases.list(job.id)).length,
        timeZone,
      })),
    );
  }
}

/** The stored definition of a job. */
export function parseDefinition(job: LoadJobRecord): RoutineLoadDefinition {
  return JSON.parse(job.definitionJson) as RoutineLoadDefinition;
}

function wantedPartitions(
  definition: RoutineLoadDefinition,
  found: readonly number[],
): readonly number[] {
  if (definition.source.partitions === null) return found;
  for (const { partition } of definition.source.partitions) {
    if (!found.includes(partition)) {
      throw analysisError(
        `there is a custom kafka partition ${partition} which is invalid for topic ${definition.source.topic}`,
      );
    }
  }
  return definition.source.partitions.map((entry) => entry.partition);
}

async function moveOffsets(
  loadJobs: Catalog['loadJobs'],
  job: LoadJobRecord,
  old: RoutineLoadDefinition,
  given: PropertyMap,
): Promise<void> {
  for (const key of Object.keys(given)) {
    if (key !== 'kafka_partitions' && key !== 'kafka_offsets') {
      throw analysisError(`${key} is invalid property`);
    }
  }
  const source = readKafkaSource({
    kafka_broker_list: old.source.brokers.join(','),
    kafka_topic: old.source.topic,
    ...given,
  });
  const positions = await loadJobs.positions(job.id);
  for (const { partition, start } of source.partitions ?? []) {
    const position = positions.find((entry) => entry.partition === partition);
    if (position === undefined) {
      throw analysisError(`The specified partition ${partition} is not in the custom partitions`);
    }
    if (typeof start !== 'bigint') {
      throw analysisError('kafka_offsets of ALTER ROUTINE LOAD must be numbers');
    }
    await loadJobs.movePosition(job.id, position.topic, partition, position.nextOffset, start);
  }
}
