// Committed offsets of consumer groups, in memory and in the broker's journal. Knows nothing of who
// is in a group.
import type { JournalEntry, JournalValue, KeyedJournal } from '../keyed-journal.ts';

export interface CommittedOffset {
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly committedAtMs: number;
}

export interface OffsetCommit extends CommittedOffset {
  readonly topic: string;
  readonly partition: number;
}

const KEY_KIND = 'offset';

type ByPartition = Map<number, CommittedOffset>;
type ByTopic = Map<string, ByPartition>;

export class GroupOffsets {
  readonly #journal: KeyedJournal;
  readonly #groups = new Map<string, ByTopic>();

  constructor(journal: KeyedJournal) {
    this.#journal = journal;
    for (const [key, value] of journal.entries()) {
      const parts = JSON.parse(key) as readonly unknown[]; // written by entriesFor()
      const [kind, group, topic, partition] = parts;
      if (kind !== KEY_KIND) continue;
      this.#set(String(group), String(topic), Number(partition), {
        offset: BigInt(String(value['offset'])),
        leaderEpoch: Number(value['leaderEpoch']),
        metadata: String(value['metadata']),
        committedAtMs: Number(value['committedAtMs']),
      });
    }
  }

  #set(group: string, topic: string, partition: number, committed: CommittedOffset): void {
    const topics: ByTopic = this.#groups.get(group) ?? new Map();
    const partitions: ByPartition = topics.get(topic) ?? new Map();
    partitions.set(partition, committed);
    topics.set(topic, partitions);
    this.#groups.set(group, topics);
  }

  /** The journal entries of these commits, for a caller that makes more true with them. */
  entriesFor(group: string, commits: readonly OffsetCommit[]): JournalEntry[] {
    return commits.map((commit) => {
      const value: JournalValue = {
        offset: String(commit.offset),
        leaderEpoch: commit.leaderEpoch,
        metadata: commit.metadata,
        committedAtMs: commit.committedAtMs,
      };
      return [JSON.stringify([KEY_KIND, group, commit.topic, commit.partition]), value];
    });
  }

  /** Takes in commits whose entries are in the journal now. */
  apply(group: string, commits: readonly OffsetCommit[]): void {
    for (const { topic, partition, ...committed } of commits) {
      this.#set(group, topic, partition, committed);
    }
  }

  commit(group: string, commits: readonly OffsetCommit[]): void {
    this.#journal.put(this.entriesFor(group, commits));
    this.apply(group, commits);
  }

  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(group)?.get(topic)?.get(partition);
  }

  /** Topics and partitions that the group has offsets of. */
  partitionsOf(
    group: string,
  ): readonly { readonly topic: string; readonly partitions: number[] }[] {
    const topics = this.#groups.get(group) ?? new Map<string, ByPartition>();
    return [...topics].map(([topic, partitions]) => ({
      topic,
      partitions: [...partitions.keys()],
    }));
  }

  groups(): readonly string[] {
    return [...this.#groups.keys()];
  }

  has(group: string): boolean {
    return this.#groups.has(group);
  }

  removeGroup(group: string): void {
    this.#remove(group, () => true);
  }

  /** Forgets a removed topic's offsets, so that a new topic of that name starts fresh. */
  removeTopic(topic: string): void {
    for (const group of this.groups()) this.#remove(group, (name) => name === topic);
  }

  /** Forgets offsets committed before `beforeMs`, of groups that `mayExpire`. */
  expire(beforeMs: number, mayExpire: (group: string) => boolean): void {
    for (const group of this.groups()) {
      if (mayExpire(group)) this.#remove(group, (_, one) => one.committedAtMs < beforeMs);
    }
  }

  #remove(group: string, which: (topic: string, committed: CommittedOffset) => boolean): void {
    const topics = this.#groups.get(group) ?? new Map<string, ByPartition>();
    const gone: JournalEntry[] = [];
    for (const [topic, partitions] of topics) {
      for (const [partition, committed] of partitions) {
        if (!which(topic, committed)) continue;
        gone.push([JSON.stringify([KEY_KIND, group, topic, partition]), null]);
        partitions.delete(partition);
      }
      if (partitions.size === 0) topics.delete(topic);
    }
    if (topics.size === 0) this.#groups.delete(group);
    this.#journal.put(gone);
  }
}
