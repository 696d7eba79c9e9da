// Where histories are played (history-player.ts): a server with topics, whose processes can be killed. One is a world
// inside the test's process (world.ts), one is the real thing (real-theatre.ts).
import type { Connection } from 'mysql2/promise';

/** A load that has not taken all yet. */
export interface Waiting {
  /** It goes on by itself. */
  readonly isRunning: boolean;
  readonly what: string;
}

export interface Theatre {
  /** Latest lines of the log. */
  readonly logged: readonly string[];
  /** For `kafka_broker_list`. */
  readonly kafka: string;
  /** A session of root. */
  connect(): Promise<Connection>;
  /** The next call of the method is lost, or its answer. */
  lose(method: string, part: 'call' | 'answer'): void;
  /** The next call of the method takes so long on its way, or its answer. */
  slow(method: string, part: 'call' | 'answer', ms: number): void;
  /** Nothing is lost or slow any more. */
  calm(): void;
  /** All processes are killed and started again. */
  crash(): Promise<void>;
  killLoader(): Promise<void>;
  killQuery(): Promise<void>;
  makeTopic(topic: string): Promise<void>;
  produce(topic: string, messages: readonly string[]): Promise<void>;
  /** Null: the job has taken all that was produced. */
  waiting(database: string, job: string, topic: string): Promise<Waiting | null>;
  /** The newest version. */
  head(database: string, table: string): Promise<number>;
  /** Merges some files, chosen by the bits of `mask`. */
  compact(database: string, table: string, mask: number): Promise<void>;
  /** Versions of before can no longer be read, and are swept; false: time does not pass here. */
  passDays(): Promise<boolean>;
  /** Objects of the table that are missing, or that nothing names and nobody may still name. */
  wrongObjects(database: string, table: string): Promise<readonly string[]>;
  /** The table was dropped for good. */
  forget(database: string, table: string): Promise<void>;
}
