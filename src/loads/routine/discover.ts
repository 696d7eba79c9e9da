// New partitions of a job's topics: looked for now and then, added with their first offset; and topics that were
// deleted and made again. Positions that are there already are never touched.
import { fail } from '../../base/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { LoadJobRecord } from '../../catalog/load-jobs.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import { kafkaConnection, type RoutineLoadDefinition } from './definition.ts';
import type { TopicFacts, TopicProbe } from './service.ts';
import { readOffset, resolveStarts } from './start-offset.ts';
import { madeAgain, topicIdOf, withTopicIds } from './topic-ids.ts';
import { findTopics, readsMany } from './topics.ts';

interface Discovery {
  readonly catalog: Catalog;
  readonly probe: TopicProbe;
}

/**
 * Adds partitions of the topics that the job does not know yet. Without kafka_default_offsets they are
 * read from their beginning, so that nothing produced before they were found is skipped (StarRocks
 * begins at their end). Throws what the probe says about the topic, and KAFKA_TOPIC_RECREATED where the only one was
 * made again.
 */
export async function addNewPartitions(
  discovery: Discovery,
  job: LoadJobRecord,
  definition: RoutineLoadDefinition,
): Promise<void> {
  const { catalog, probe } = discovery;
  const connection = await kafkaConnection(catalog, job.databaseId, definition);
  const { topics, missing } = await findTopics(probe, connection, definition.source);
  let stored: StoredDefinition = { json: job.definitionJson, definition };
  for (const [topic, facts] of topics) {
    const next = await addTopic(discovery, { job, stored, connection, topic, facts });
    // The definition is another one by now: the next look goes by that.
    if (next === null) return;
    stored = next;
  }
  await forgetGone(catalog, job, [...topics.keys()], missing);
}

/** As it is in the catalog; `json` is its text there. */
interface StoredDefinition {
  readonly json: string;
  readonly definition: RoutineLoadDefinition;
}

/** The definition afterwards; null when somebody else changed it meanwhile: nothing was added then. */
async function addTopic(
  { catalog, probe }: Discovery,
  look: {
    readonly job: LoadJobRecord;
    readonly stored: StoredDefinition;
    readonly connection: KafkaConnectionSpec;
    readonly topic: string;
    readonly facts: TopicFacts;
  },
): Promise<StoredDefinition | null> {
  const { job, stored, connection, topic, facts } = look;
  const { definition } = stored;
  const positions = await catalog.loadJobs.positions(job.id);
  const known = positions.filter((entry) => entry.topic === topic);
  const oldId = topicIdOf(definition, topic);
  const other = known.length === 0 ? null : madeAgain(oldId, facts.topicId);
  if (other !== null) {
    const remade = fail('KAFKA_TOPIC_RECREATED', { topic, ...other });
    if (!readsMany(definition.source)) throw remade;
    // A task that still reads it ends by itself first.
    if (await isRead(catalog, job, topic)) return stored;
    await catalog.loadJobs.setOtherMessage(job.id, remade.message);
  }
  const isKnown = (partition: number): boolean =>
    other === null && known.some((entry) => entry.partition === partition);
  const added = facts.partitions.filter((partition) => !isKnown(partition));
  const start = readOffset(definition.source.defaultOffset ?? 'OFFSET_BEGINNING');
  const starts = new Map(added.map((partition) => [partition, start]));
  const { timeZone } = definition;
  const resolved = await resolveStarts({ probe, connection, topic, starts, timeZone });
  // One whose offset is not known yet is found again next time.
  const found = [...resolved].map(([partition, nextOffset]) => ({ topic, partition, nextOffset }));
  const beginsAnew = known.length === 0 || other !== null || oldId === null;
  const next = beginsAnew ? remembered(definition, topic, facts.topicId, positions) : definition;
  const json = next === definition ? stored.json : JSON.stringify(next);
  if (found.length === 0 && json === stored.json && other === null) return stored;
  const isDone = await catalog.transaction(async ({ loadJobs }) => {
    if ((await loadJobs.byId(job.id))?.definitionJson !== stored.json) return false;
    if (other !== null) await loadJobs.removePositions(job.id, topic);
    if (json !== stored.json) await loadJobs.setDefinition(job.id, json);
    await loadJobs.addPositions(job.id, found);
    return true;
  });
  return isDone ? { json, definition: next } : null;
}

/** With the id of the topic, and no more of those that the job has no positions of. */
function remembered(
  definition: RoutineLoadDefinition,
  topic: string,
  topicId: string | null,
  positions: readonly { readonly topic: string }[],
): RoutineLoadDefinition {
  const kept = positions.map((entry) => [entry.topic, topicIdOf(definition, entry.topic)] as const);
  return withTopicIds(definition, new Map([...kept, [topic, topicId]]));
}

async function isRead(catalog: Catalog, job: LoadJobRecord, topic: string): Promise<boolean> {
  const leases = await catalog.leases.list(job.id);
  return leases.some((lease) => lease.partitions.some((entry) => entry.topic === topic));
}

/** Topics that are gone: the job goes on with the others. A task that still reads one ends by itself first. */
async function forgetGone(
  catalog: Catalog,
  job: LoadJobRecord,
  found: readonly string[],
  missing: readonly string[],
): Promise<void> {
  const known = new Set((await catalog.loadJobs.positions(job.id)).map(({ topic }) => topic));
  const gone: string[] = [];
  for (const topic of known) {
    if (!found.includes(topic) && !(await isRead(catalog, job, topic))) gone.push(topic);
  }
  for (const topic of gone) await catalog.loadJobs.removePositions(job.id, topic);
  const all = [...new Set([...gone, ...missing])];
  if (all.length > 0) await catalog.loadJobs.setOtherMessage(job.id, goneText(all));
}

/** For OtherMsg. */
export function goneText(topics: readonly string[]): string {
  return `the job goes on without topics that do not exist: ${topics.join(', ')}`;
}
