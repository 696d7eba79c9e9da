// How the partitions of a job are divided among its tasks, and whether the tasks that it has read all of them. Pure.
import type { LeaseRecord, PositionRecord } from '../../catalog/load-jobs.ts';

/** One loader runs beside this FE: more tasks than that of one topic would only share its cores. */
const ALIVE_NODES = 1;

/**
 * What each task reads, at most `wanted` groups. Several topics are dealt out whole, so that one that is gone or slow
 * holds up few others; the partitions of the only one are divided among the nodes.
 */
export function taskGroups(
  positions: readonly PositionRecord[],
  wanted: number,
): readonly (readonly PositionRecord[])[] {
  const topics = [...new Set(positions.map(({ topic }) => topic))];
  const isOfMany = topics.length > 1;
  const count = isOfMany
    ? Math.min(wanted, topics.length)
    : Math.min(wanted, ALIVE_NODES, positions.length);
  return Array.from({ length: count }, (_, group) =>
    positions.filter(({ topic }, at) => (isOfMany ? topics.indexOf(topic) : at) % count === group),
  );
}

export function coversAll(
  leases: readonly LeaseRecord[],
  positions: readonly PositionRecord[],
): boolean {
  const held = new Set(leases.flatMap((lease) => lease.partitions.map(placeOf)));
  return positions.every((position) => held.has(placeOf(position)));
}

function placeOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic} ${partition}`;
}
