// Which topics a job's positions are of, by the ids that Kafka gives them: one that was deleted and made again has
// another id, and its offsets mean other messages. Kept in the definition, so that it is noticed whenever it happened.
import type { RoutineLoadDefinition } from './definition.ts';

/** Names with ids; null where the brokers know none. */
export type TopicIds = ReadonlyMap<string, string | null>;

/** Id of the topic that the positions are of; null = not known. */
export function topicIdOf({ source }: RoutineLoadDefinition, topic: string): string | null {
  const ids = source.topicIds ?? {};
  // A topic may be called `constructor`.
  return Object.hasOwn(ids, topic) ? (ids[topic] ?? null) : null;
}

/** With these ids and no others. */
export function withTopicIds(
  definition: RoutineLoadDefinition,
  ids: TopicIds,
): RoutineLoadDefinition {
  const { topicIds: _, ...source } = definition.source;
  const known = [...ids].flatMap(([topic, id]) => (id === null ? [] : [[topic, id] as const]));
  if (known.length === 0) return { ...definition, source };
  return { ...definition, source: { ...source, topicIds: Object.fromEntries(known) } };
}

/** Both ids, where it is another topic than the positions are of; null also where one of them is unknown. */
export function madeAgain(
  oldId: string | null,
  newId: string | null,
): { readonly oldId: string; readonly newId: string } | null {
  return oldId === null || newId === null || oldId === newId ? null : { oldId, newId };
}
