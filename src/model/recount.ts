// A range of a topic's partition that is read again and counted (FE -> CN), to compare it with the ledger. Plain data.
import type { KafkaLoadPlan } from './load-plan.ts';

export interface RecountPlan {
  /** The job as it is now: how to reach the brokers, isolation, and what rows messages are. */
  readonly load: KafkaLoadPlan;
  readonly topic: string;
  readonly partition: number;
  readonly fromOffset: bigint;
  readonly toOffset: bigint;
  /** About as many messages are read; null = all. */
  readonly limit: number | null;
  /** Reading ends after this. */
  readonly timeMs: number;
}

export interface Recount {
  /** All before it was read; `toOffset` when everything was. */
  readonly reached: bigint;
  /** Messages that a reader sees, those without a value too. */
  readonly messages: number;
  /** Those of them that are passed over since there is nothing in them. */
  readonly empty: number;
  /** Rows of the others; null where only loading them tells (UNNEST). */
  readonly rows: number | null;
  /** Offsets without a visible message; null where the last answer went beyond the range. */
  readonly skipped: {
    readonly control: number;
    readonly aborted: number;
    readonly gap: number;
  } | null;
}
