// Routine Load jobs as statements see them: create, pause, resume, stop, alter, list. Validates,
// stores and wakes the scheduler; runs nothing itself. Never waits behind a running task.

import { assert } from '../../base/assert.ts';
import { fail } from '../../base/errors.ts';
import type { JobId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { LoadJobRecord, LoadJobState, PositionRecord } from '../../catalog/load-jobs.ts';
import { isFinalJobState } from '../../catalog/load-jobs.ts';
import { oauthConfig } from '../../kafka/client/oauth-config.ts';
import { kafkaPropertyRemarks, parseKafkaProperties } from '../../kafka/client/properties.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import type { LoadProperties } from '../../sql/ast/routine-load.ts';
import { analysisError, type PropertyMap } from '../properties.ts';
import { withTableNames } from '../rows/route.ts';
import { timeFormatter } from '../time-zone.ts';
import {
  alteredDefinition,
  isMoved,
  mergedSource,
  movedDefinition,
  movedTopics,
  movesOf,
  saysWhere,
} from './alter.ts';
import { compileTables } from './compile.ts';
import {
  defineRoutineLoad,
  kafkaConnection,
  type RoutineLoadDefinition,
  startOffsetOf,
} from './definition.ts';
import { checkSchemaFile } from './format.ts';
import { REASONS, unstableReason } from './health.ts';
import { routingOfJob } from './partitions.ts';
import { propertyRemarks, readKafkaSource } from './properties.ts';
import type { RetentionWatch } from './retention-watch.ts';
import type { ShownJob } from './show.ts';
import { type OffsetProbe, readOffset, resolveStarts, type StartOffset } from './start-offset.ts';
import { tableInfos } from './tables.ts';
import { madeAgain, type TopicIds, topicIdOf, withTopicIds } from './topic-ids.ts';
import { findTopics, readsMany } from './topics.ts';

type NewPositions = Parameters<Catalog['loadJobs']['addPositions']>[1];

export interface TopicFacts {
  /** Another one after the topic was deleted and made again; null where the broker gives none. */
  readonly topicId: string | null;
  readonly partitions: readonly number[];
}

/** What the FE asks a Kafka cluster. Throws AppErrors that say what could not be reached and why. */
export interface TopicProbe extends OffsetProbe {
  /** Names of all topics that the login may see. */
  topics(connection: KafkaConnectionSpec): Promise<readonly string[]>;
  /** Throws when the topic does not exist. */
  topic(connection: KafkaConnectionSpec, name: string): Promise<TopicFacts>;
}

export interface RoutineLoadServices {
  readonly catalog: Catalog;
  readonly probe: TopicProbe;
  readonly random: Random;
  /** The time, and the lag in seconds from which a running job is UNSTABLE (routine_load_unstable_threshold_second). */
  readonly unstableLimits: () => { readonly nowMs: number; readonly thresholdSeconds: number };
  /** What is known of how long Kafka keeps unread messages; absent: nothing. */
  readonly retention?: Pick<RetentionWatch, 'leftMs' | 'warning'>;
  /** Where the rejected rows of a job can be read. */
  readonly errorLogUrl: (jobId: JobId) => string;
  /** Told after each change, so that it acts at once. */
  readonly scheduler: { wake(): void; forget(jobId: number): Promise<void> };
}

export interface NewRoutineLoad {
  readonly database: string;
  readonly jobName: string;
  /** Several with the property `route`. */
  readonly tableNames: readonly string[];
  readonly load: LoadProperties;
  readonly properties: PropertyMap;
  readonly source: PropertyMap;
  /** The account that makes it. */
  readonly userName: string;
  readonly userHost: string;
  readonly sessionTimeZone: string;
}

export class RoutineLoads {
  readonly #services: RoutineLoadServices;

  constructor(services: RoutineLoadServices) {
    this.#services = services;
  }

  /**
   * Gives what the user should know of its Kafka properties. Throws SQL_ANALYZE, UNKNOWN_TABLE, JOB_NAME_USED,
   * KAFKA_PROPERTY_*, and what the probe says about the topic.
   */
  async create(input: NewRoutineLoad): Promise<readonly string[]> {
    const { catalog, random, scheduler } = this.#services;
    if (!JOB_NAME.test(input.jobName)) {
      throw analysisError(`Incorrect routine load job name '${input.jobName.slice(0, 80)}'`);
    }
    const tables: TableInfo[] = [];
    for (const name of input.tableNames) tables.push(await targetOf(catalog, input.database, name));
    const [table, ...further] = tables;
    assert(table !== undefined, 'a job loads a table');
    const defined = withTableNames(defineRoutineLoad(input), tables);
    await checkDefinition(catalog, defined, tables);
    const remarks = [
      ...propertyRemarks(defined.properties),
      ...checkKafkaProperties(defined.source.custom),
    ];
    const connection = await kafkaConnection(catalog, table.databaseId, defined);
    checkSchemaFile(defined, connection.files);
    const topics = await this.#topics(connection, defined);
    await this.#checkDeadLetters(connection, defined);
    const definition = withTopicIds(defined, idsOf(topics));
    const positions = await this.#firstPositions(connection, definition, topics);
    const groupId = readKafkaSource(input.source).groupId ?? `${input.jobName}_${random.uuid()}`;
    await catalog.transaction(async (scope) => {
      const job = await scope.loadJobs.create({
        databaseId: table.databaseId,
        tableId: table.id,
        furtherTableIds: further.map(({ id }) => id),
        name: input.jobName,
        userName: input.userName,
        userHost: input.userHost,
        groupId,
        definitionJson: JSON.stringify(definition),
      });
      await scope.loadJobs.addPositions(job.id, positions);
    });
    scheduler.wake();
    return remarks;
  }

  /** Positions of all partitions that the job is to read, from their starts. */
  async #firstPositions(
    connection: KafkaConnectionSpec,
    definition: RoutineLoadDefinition,
    topics: ReadonlyMap<string, TopicFacts>,
  ): Promise<NewPositions> {
    const positions: NewPositions[number][] = [];
    for (const [topic, { partitions }] of topics) {
      const starts = wantedPartitions(definition, partitions).map(
        (partition) => [partition, startOffsetOf(definition, partition)] as const,
      );
      const offsets = await this.#offsets(connection, definition, topic, new Map(starts));
      for (const [partition, nextOffset] of offsets)
        positions.push({ topic, partition, nextOffset });
    }
    return positions;
  }

  /** Throws KAFKA_UNKNOWN_TOPIC for a name of a list that there is not. */
  async #topics(
    connection: KafkaConnectionSpec,
    { source }: RoutineLoadDefinition,
  ): Promise<ReadonlyMap<string, TopicFacts>> {
    const { topics, missing } = await findTopics(this.#services.probe, connection, source);
    const [topic] = missing;
    if (topic !== undefined) throw fail('KAFKA_UNKNOWN_TOPIC', { topic });
    return topics;
  }

  /** Throws KAFKA_UNKNOWN_TOPIC where there is none that rejected messages could go to. */
  async #checkDeadLetters(
    connection: KafkaConnectionSpec,
    { source: { deadLetterTopic } }: RoutineLoadDefinition,
  ): Promise<void> {
    if (deadLetterTopic !== undefined)
      await this.#services.probe.topic(connection, deadLetterTopic);
  }

  /** Where the starts are now. Throws SQL_ANALYZE for one that Kafka does not say. */
  async #offsets(
    connection: KafkaConnectionSpec,
    { timeZone }: RoutineLoadDefinition,
    topic: string,
    starts: ReadonlyMap<number, StartOffset>,
  ): Promise<ReadonlyMap<number, bigint>> {
    const { probe } = this.#services;
    const offsets = await resolveStarts({ probe, connection, topic, starts, timeZone });
    for (const partition of starts.keys()) {
      if (offsets.has(partition)) continue;
      throw analysisError(`no offset is known for partition ${partition} of topic ${topic}`);
    }
    return offsets;
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
      // From here on it is the person's: nothing resumes by itself, back-off begins anew.
      if (done) await scope.loadJobs.noteHealthy(job.id);
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

  /**
   * ALTER ROUTINE LOAD: only a PAUSED job. All of it is stored at once, or nothing. Gives what the user should
   * know of the Kafka properties that were given.
   */
  async alter(input: {
    readonly database: string;
    readonly name: string;
    readonly load: LoadProperties;
    readonly properties: PropertyMap;
    readonly source: PropertyMap | null;
  }): Promise<readonly string[]> {
    const { catalog } = this.#services;
    const job = await this.find(input.database, input.name);
    mustBePaused(job, job.name);
    const old = parseDefinition(job);
    const source = input.source ?? {};
    const tables = await tableInfos(catalog, job);
    const altered = withTableNames(alteredDefinition(old, { ...input, source }), tables);
    await checkDefinition(catalog, altered, tables);
    if (altered.source.deadLetterTopic !== old.source.deadLetterTopic) {
      const connection = await kafkaConnection(catalog, job.databaseId, altered);
      await this.#checkDeadLetters(connection, altered);
    }
    const { definition, fresh } = await this.#moved(job, old, altered, source);
    const moves =
      fresh !== null ? [] : movesOf(old, source, await catalog.loadJobs.positions(job.id));
    const targets = await this.#offsets(
      await kafkaConnection(catalog, job.databaseId, definition),
      definition,
      definition.source.topic,
      new Map(moves.map((move) => [move.partition, move.to])),
    );
    await catalog.transaction(async (scope) => {
      // Since it was looked at, somebody may have resumed it.
      mustBePaused(await scope.loadJobs.byId(job.id), job.name);
      await scope.loadJobs.setDefinition(job.id, JSON.stringify(definition));
      if (fresh !== null) {
        for (const topic of fresh.ended) await scope.loadJobs.removePositions(job.id, topic);
        await scope.loadJobs.addPositions(job.id, fresh.positions);
      }
      for (const { topic, partition, nextOffset } of await scope.loadJobs.positions(job.id)) {
        const to = targets.get(partition);
        if (to === undefined || to === nextOffset) continue;
        await scope.loadJobs.movePosition(job.id, topic, partition, nextOffset, to);
      }
    });
    return kafkaPropertyRemarks(readKafkaSource(mergedSource(old, source)).custom);
  }

  /** After other brokers or another topic were given: what is read, and its positions where they begin anew. */
  async #moved(
    job: LoadJobRecord,
    old: RoutineLoadDefinition,
    altered: RoutineLoadDefinition,
    source: PropertyMap,
  ): Promise<{
    readonly definition: RoutineLoadDefinition;
    readonly fresh: { readonly ended: readonly string[]; readonly positions: NewPositions } | null;
  }> {
    if (!isMoved(old, altered)) return this.#begunAnew(job, altered, source);
    const { catalog } = this.#services;
    const connection = await kafkaConnection(catalog, job.databaseId, altered);
    const topics = await this.#topics(connection, altered);
    const known = await catalog.loadJobs.positions(job.id);
    const before = [...new Set(known.map(({ topic }) => topic))];
    if (readsMany(old.source) || readsMany(altered.source)) {
      const { definition, kept } = movedTopics(old, altered, source, before);
      const ended = before.filter((topic) => !topics.has(topic) || !kept.has(topic));
      const begun = new Map([...topics].filter(([topic]) => !kept.has(topic)));
      const positions = await this.#firstPositions(connection, definition, begun);
      const ids = [...idsOf(topics)].map(([topic, id]) => {
        return [topic, (kept.has(topic) ? topicIdOf(old, topic) : null) ?? id] as const;
      });
      return { definition: withTopicIds(definition, new Map(ids)), fresh: { ended, positions } };
    }
    const topicId = topics.get(altered.source.topic)?.topicId ?? null;
    const { definition, keepsPositions } = movedDefinition(old, altered, source, topicId);
    if (keepsPositions) return { definition, fresh: null };
    const positions = await this.#firstPositions(connection, definition, topics);
    return { definition, fresh: { ended: before, positions } };
  }

  /**
   * After new starts in the same topic. Where it was made again since, all partitions begin anew: as the statement
   * says, the others as partitions that are found later do, so that nothing of the new topic is left out.
   */
  async #begunAnew(
    job: LoadJobRecord,
    altered: RoutineLoadDefinition,
    source: PropertyMap,
  ): Promise<{
    readonly definition: RoutineLoadDefinition;
    readonly fresh: { readonly ended: readonly string[]; readonly positions: NewPositions } | null;
  }> {
    const { catalog } = this.#services;
    const { topic } = altered.source;
    const known = readsMany(altered.source) ? null : topicIdOf(altered, topic);
    if (known === null || !saysWhere(source)) return { definition: altered, fresh: null };
    const connection = await kafkaConnection(catalog, job.databaseId, altered);
    const topics = await this.#topics(connection, altered);
    const { topicId = null, partitions: found = [] } = topics.get(topic) ?? {};
    if (madeAgain(known, topicId) === null) return { definition: altered, fresh: null };
    const wanted = wantedPartitions(altered, found);
    const later = readOffset(altered.source.defaultOffset ?? 'OFFSET_BEGINNING');
    const starts = new Map(wanted.map((partition) => [partition, later]));
    const places = wanted.map((partition) => ({ partition }));
    for (const { partition, to } of movesOf(altered, source, places)) starts.set(partition, to);
    const offsets = await this.#offsets(connection, altered, topic, starts);
    const positions = [...offsets].map(([partition, nextOffset]) => {
      return { topic, partition, nextOffset };
    });
    const definition = withTopicIds(altered, idsOf(topics));
    return { definition, fresh: { ended: [topic], positions } };
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

  /**
   * For SHOW, by id; reads a few times whatever the number of jobs. `database` null = all databases.
   * Throws UNKNOWN_JOB when `name` is given and there is none of that name to show.
   */
  async list(
    filter: {
      readonly database: string | null;
      readonly name?: string | null;
      readonly all: boolean;
    },
    timeZone: string,
  ): Promise<ShownJob[]> {
    const { catalog } = this.#services;
    const databaseId =
      filter.database === null ? undefined : (await catalog.databases.get(filter.database)).id;
    const name = filter.name ?? null;
    const jobs =
      name !== null && databaseId !== undefined
        ? (await catalog.loadJobs.byName(databaseId, name)).filter(
            (job) => filter.all || !isFinalJobState(job.state),
          )
        : await catalog.loadJobs.list({
            all: filter.all,
            ...(databaseId === undefined ? {} : { databaseId }),
          });
    if (name !== null && jobs.length === 0) {
      throw fail('UNKNOWN_JOB', { job: name, database: filter.database ?? '' });
    }
    const [only] = jobs;
    const positions =
      only !== undefined && jobs.length === 1
        ? new Map([[only.id, await catalog.loadJobs.positions(only.id)]])
        : await catalog.loadJobs.allPositions();
    const tasks = new Map<number, number>();
    for (const { jobId } of await catalog.leases.list()) {
      tasks.set(jobId, (tasks.get(jobId) ?? 0) + 1);
    }
    const formatTime = timeFormatter(timeZone);
    const limits = this.#services.unstableLimits();
    return jobs.map((job) => ({
      job,
      definition: parseDefinition(job),
      positions: positions.get(job.id) ?? [],
      ...this.#health(job, positions.get(job.id) ?? [], limits),
      currentTaskNum: tasks.get(job.id) ?? 0,
      errorLogUrl: job.counters.errorRows === 0 ? '' : this.#services.errorLogUrl(job.id),
      formatTime,
    }));
  }

  #health(
    job: LoadJobRecord,
    positions: readonly PositionRecord[],
    limits: ReturnType<RoutineLoadServices['unstableLimits']>,
  ): Pick<ShownJob, 'unstable' | 'warning'> {
    const isOver = isFinalJobState(job.state);
    const warning = isOver ? null : (this.#services.retention?.warning(job.id, positions) ?? null);
    return { unstable: unstableReason(job, positions, { ...limits, warning }), warning };
  }

  /** Milliseconds until Kafka may delete what the job did not read of a partition; null = see RetentionWatch.leftMs. */
  retentionLeftMs(jobId: JobId, position: PositionRecord): number | null {
    return this.#services.retention?.leftMs(jobId, position) ?? null;
  }
}

/** As StarRocks checks names; labels of the job's transactions begin with it. */
const JOB_NAME = /^[\p{L}\p{N}_\-:.$]{1,256}$/u;

/** Throws SQL_ANALYZE for a view, UNKNOWN_TABLE. */
async function targetOf(catalog: Catalog, database: string, name: string): Promise<TableInfo> {
  if ((await catalog.views.find(database, name)) === null)
    return catalog.tables.get(database, name);
  throw analysisError(`Only olap/lake table support routine load, ${name} is a view`);
}

function mustBePaused(job: LoadJobRecord | null, name: string): void {
  if (job?.state === 'PAUSED') return;
  const from = job?.state ?? 'gone';
  throw fail('JOB_STATE', { job: name, from, to: 'ALTER, which needs PAUSED' });
}

/** Do the columns, the route and the partitions fit the tables? Throws SQL_ANALYZE. */
async function checkDefinition(
  catalog: Catalog,
  definition: RoutineLoadDefinition,
  tables: readonly TableInfo[],
): Promise<void> {
  compileTables(definition, tables);
  for (const table of tables) await routingOfJob(catalog, table, definition);
}

/** Checks a job's Kafka properties; gives what the user should know of them. Throws KAFKA_PROPERTY_*. */
function checkKafkaProperties(custom: PropertyMap): readonly string[] {
  const remarks = kafkaPropertyRemarks(custom);
  oauthConfig(parseKafkaProperties(custom));
  return remarks;
}

function idsOf(topics: ReadonlyMap<string, TopicFacts>): TopicIds {
  return new Map([...topics].map(([topic, { topicId }]) => [topic, topicId]));
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
