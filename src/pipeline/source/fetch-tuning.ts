// How a Kafka source asks and waits, from the user's Kafka properties.
import type { KafkaSettings } from '../../kafka/client/properties.ts';

export interface FetchTuning {
  /** A broker answers as soon as it has this many bytes, or after `maxWaitMs`. */
  readonly minBytes: number;
  readonly maxWaitMs: number;
  /** Most bytes of one answer, but for a record batch that is larger. */
  readonly maxBytes: number;
  /** Most bytes of one partition in it; null = an equal share. */
  readonly partitionBytes: number | null;
  /** After a failed Fetch: the first wait, and the longest. */
  readonly firstBackoffMs: number;
  readonly maxBackoffMs: number;
}

export function fetchTuning(settings: KafkaSettings): FetchTuning {
  return {
    minBytes: settings['fetch.min.bytes'],
    maxWaitMs: settings['fetch.wait.max.ms'],
    maxBytes: settings['fetch.max.bytes'],
    partitionBytes: settings['fetch.message.max.bytes'],
    firstBackoffMs: settings['fetch.error.backoff.ms'],
    maxBackoffMs: settings['retry.backoff.max.ms'],
  };
}
