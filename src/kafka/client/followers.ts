// Which partitions are read from a follower: the leader names one in the client's rack, and it is read for a
// while, then the leader is asked again (it may know a better one by then). SOURCE: KIP-392.
import type { Clock } from '../../base/clock.ts';
import type { TopicView } from './cluster.ts';

interface Chosen {
  readonly nodeId: number;
  readonly untilMs: number;
}

export class Followers {
  readonly #clock: Clock;
  readonly #keptMs: number;
  /** By topic and partition: no more than the client reads. */
  readonly #chosen = new Map<string, Chosen>();

  constructor(clock: Clock, keptMs: number) {
    this.#clock = clock;
    this.#keptMs = keptMs;
  }

  choose(topic: string, partition: number, nodeId: number): void {
    const untilMs = this.#clock.monotonicMs() + this.#keptMs;
    this.#chosen.set(keyOf(topic, partition), { nodeId, untilMs });
  }

  /** The leader is read from again. False when it was not a follower. */
  forget(topic: string, partition: number): boolean {
    return this.#chosen.delete(keyOf(topic, partition));
  }

  /** The view with the nodes to read from. */
  applied(view: TopicView): TopicView {
    if (this.#chosen.size === 0) return view;
    const nowMs = this.#clock.monotonicMs();
    const partitions = view.partitions.map((entry) => {
      const chosen = this.#chosen.get(keyOf(view.name, entry.partition));
      if (chosen === undefined) return entry;
      if (chosen.untilMs > nowMs) return { ...entry, readFromId: chosen.nodeId };
      this.forget(view.name, entry.partition);
      return entry;
    });
    return { ...view, partitions };
  }
}

const keyOf = (topic: string, partition: number): string => `${partition} ${topic}`;
