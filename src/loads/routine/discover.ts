// New partitions of a job's topic: looked for now and then, added with their first offset. Positions
// that are there already are never touched.
import type { Catalog } from '../../catalog/catalog.ts';
import type { LoadJobRecord } from '../../catalog/load-jobs.ts';
import { kafkaConnection, type RoutineLoadDefinition } from './definition.ts';
import type { TopicProbe } from './service.ts';
import { readOffset, resolveStarts } from './start-offset.ts';

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
  const { topic } = definition.source;
  const connection = await kafkaConnection(catalog, job.databaseId, definition);
  const { partitions: found } = await probe.topic(connection, topic);
  const known = new Set(
    (await catalog.loadJobs.positions(job.id)).map((position) => position.partition),
  );
  const added = found.filter((partition) => !known.has(partition));
  if (added.length === 0) return;
  const start = readOffset(definition.source.defaultOffset ?? 'OFFSET_BEGINNING');
  const starts = new Map(added.map((partition) => [partition, start]));
  const { timeZone } = definition;
  const resolved = await resolveStarts({ probe, connection, topic, starts, timeZone });
  await catalog.loadJobs.addPositions(
    job.id,
    // One whose offset is not known yet is found again next time.
    added.flatMap((partition) => {
      const nextOffset = resolved.get(partition);
      return nextOffset === undefined ? [] : [{ topic, partition, nextOffset }];
    }),
  );
}
