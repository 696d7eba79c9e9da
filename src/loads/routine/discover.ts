// New partitions of a job's topic: looked for now and then, added with their first offset. Positions
// that are there already are never touched.
import type { Catalog } from '../../catalog/catalog.ts';
import type { LoadJobRecord } from '../../catalog/load-jobs.ts';
import { kafkaConnection, type RoutineLoadDefinition } from './definition.ts';
import type { TopicProbe } from './service.ts';
import { readOffset, resolveStarts } from './start-offset.ts';
import { findTopics } from './topics.ts';

/**
 * Adds partitions of the topic that the job does not know yet. Without kafka_default_offsets they are
 * read from their beginning, so that nothing produced before they were found is skipped (StarRocks
 * begins at their end). Throws what the probe says about the topic.
 */
export async function addNewPartitions(
  { catalog, probe }: { readonly catalog: Catalog; readonly probe: TopicProbe },
  job: LoadJobRecord,
  definition: RoutineLoadDefinition,
): Promise<void> {
  const connection = await kafkaConnection(catalog, job.databaseId, definition);
  const { topics, missing } = await findTopics(probe, connection, definition.source);
  const known = await catalog.loadJobs.positions(job.id);
  const start = readOffset(definition.source.defaultOffset ?? 'OFFSET_BEGINNING');
  for (const [topic, { partitions }] of topics) {
    const isKnown = (partition: number): boolean =>
      known.some((entry) => entry.topic === topic && entry.partition === partition);
    const added = partitions.filter((partition) => !isKnown(partition));
    if (added.length === 0) continue;
    const starts = new Map(added.map((partition) => [partition, start]));
    const { timeZone } = definition;
    const resolved = await resolveStarts({ probe, connection, topic, starts, timeZone });
    // One whose offset is not known yet is found again next time.
    const positions = [...resolved].map(([partition, nextOffset]) => ({
      topic,
      partition,
      nextOffset,
    }));
    await catalog.loadJobs.addPositions(job.id, positions);
  }
  await forgetGone(catalog, job, [...topics.keys()], missing);
}

/** Topics that are gone: the job goes on with the others. A task that still reads one ends by itself first. */
async function forgetGone(
  catalog: Catalog,
  job: LoadJobRecord,
  found: readonly string[],
  missing: readonly string[],
): Promise<void> {
  const known = new Set((await catalog.loadJobs.positions(job.id)).map(({ topic }) => topic));
  const leases = await catalog.leases.list(job.id);
  const isRead = (topic: string): boolean =>
    leases.some((lease) => lease.partitions.some((entry) => entry.topic === topic));
  const gone = [...known].filter((topic) => !found.includes(topic) && !isRead(topic));
  for (const topic of gone) await catalog.loadJobs.removePositions(job.id, topic);
  const all = [...new Set([...gone, ...missing])];
  if (all.length > 0) await catalog.loadJobs.setOtherMessage(job.id, goneText(all));
}

/** For OtherMsg. */
export function goneText(topics: readonly string[]): string {
  return `the job goes on without topics that do not exist: ${topics.join(', ')}`;
}
