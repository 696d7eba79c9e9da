// The consumer groups of the broker: membership in memory, offsets durable. A group exists while it
// has members or committed offsets.
import type { Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import type { BrokerConfig } from '../config.ts';
import { Group } from './group.ts';
import type { GroupOffsets } from './group-offsets.ts';

export interface GroupStoreOptions {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly offsets: GroupOffsets;
}

export class GroupStore {
  readonly #options: GroupStoreOptions;
  readonly #groups = new Map<string, Group>();

  constructor(options: GroupStoreOptions) {
    this.#options = options;
  }

  get offsets(): GroupOffsets {
    return this.#options.offsets;
  }

  get(id: string): Group | undefined {
    return this.#groups.get(id);
  }

  /** The group, made when it is new; null when there are too many. */
  getOrCreate(id: string): Group | null {
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const { config, clock, random } = this.#options;
    if (this.#groups.size >= config.maxGroups) this.#dropEmpty();
    if (this.#groups.size >= config.maxGroups) return null;
    const group = new Group(
      id,
      clock,
      config.groupInitialRebalanceDelayMs,
      (clientId) => `${clientId === '' ? 'member' : clientId}-${random.uuid()}`,
    );
    this.#groups.set(id, group);
    return group;
  }

  /** Ids of groups with members or offsets, sorted. */
  ids(): readonly string[] {
    const withMembers = [...this.#groups.values()].filter((group) => group.state !== 'Empty');
    return [...new Set([...withMembers.map((group) => group.id), ...this.offsets.groups()])].sort();
  }

  exists(id: string): boolean {
    const group = this.#groups.get(id);
    return (group !== undefined && group.state !== 'Empty') || this.offsets.has(id);
  }

  remove(id: string): void {
    this.#groups.get(id)?.close();
    this.#groups.delete(id);
    this.offsets.removeGroup(id);
  }

  /** Drops offsets that nobody has used for long. */
  maintain(nowMs: number): void {
    const beforeMs = nowMs - this.#options.config.offsetsRetentionMs;
    this.offsets.expire(beforeMs, (id) => (this.#groups.get(id)?.state ?? 'Empty') === 'Empty');
  }

  #dropEmpty(): void {
    for (const [id, group] of this.#groups) if (group.state === 'Empty') this.#groups.delete(id);
  }

  close(): void {
    for (const group of this.#groups.values()) group.close();
    this.#groups.clear();
  }
}
