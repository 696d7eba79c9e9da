// What the request handlers work with: the broker's parts and the facts of the request at hand.
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { BrokerConfig } from './config.ts';
import type { GroupStore } from './groups/group-store.ts';
import type { TopicStore } from './topic-store.ts';
import type { Transactions } from './transactions.ts';

export interface BrokerServices {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly clusterId: string;
  readonly topics: TopicStore;
  readonly groups: GroupStore;
  readonly transactions: Transactions;
  /** Memory for Fetch answers, shared by all connections. */
  readonly responseBudget: ByteBudget;
}

export interface RequestContext {
  readonly version: number;
  readonly clientId: string;
  /** Address of the client, as DescribeGroups shows it. */
  readonly clientHost: string;
  /** Where clients reach this broker, seen from this connection. */
  readonly advertisedHost: string;
  readonly advertisedPort: number;
  /** Aborted when the connection or the broker closes. */
  readonly signal: AbortSignal;
  /** Runs once the answer has been handed to the kernel, or will never be. */
  onSent(action: () => void): void;
}
