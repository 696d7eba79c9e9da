// What Kafka's error numbers mean for a reader: an AppError whose kind says retry or stop. The one place
// that decides it.
// SOURCE: Kafka 4.1 protocol guide, "Error Codes"; KIP-320 (epochs), KIP-516 (topic ids).
import { type AppError, fail } from '../../base/errors.ts';
import { KAFKA_ERROR, kafkaError } from '../protocol/errors.ts';

export interface ErrorPlace {
  readonly broker: string;
  readonly api: string;
  readonly topic: string;
  /** -1 = the whole topic. */
  readonly partition: number;
  /** Of the position that was read; -1n = none. */
  readonly offset: bigint;
}

/** Numbers after which leaders (or the topic itself) must be looked up again. */
const STALE_METADATA: ReadonlySet<number> = new Set([
  KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  KAFKA_ERROR.LEADER_NOT_AVAILABLE,
  KAFKA_ERROR.NOT_LEADER_OR_FOLLOWER,
  KAFKA_ERROR.REPLICA_NOT_AVAILABLE,
  KAFKA_ERROR.KAFKA_STORAGE_ERROR,
  KAFKA_ERROR.FENCED_LEADER_EPOCH,
  KAFKA_ERROR.UNKNOWN_LEADER_EPOCH,
  KAFKA_ERROR.UNKNOWN_TOPIC_ID,
  KAFKA_ERROR.INCONSISTENT_TOPIC_ID,
]);

export function meansStaleMetadata(code: number): boolean {
  return STALE_METADATA.has(code);
}

/** The error of a partition (or a topic) in an answer. Not for NONE and OFFSET_OUT_OF_RANGE. */
export function partitionError(code: number, place: ErrorPlace): AppError {
  const { broker, api, topic, partition, offset } = place;
  const { name, retriable } = kafkaError(code);
  if (meansStaleMetadata(code))
    return fail('KAFKA_LEADER_CHANGED', { topic, partition, reason: name });
  switch (code) {
    case KAFKA_ERROR.CORRUPT_MESSAGE:
      return fail('KAFKA_CORRUPT_MESSAGE', {
        topic,
        partition,
        offset,
        detail: 'the broker says so',
      });
    case KAFKA_ERROR.TOPIC_AUTHORIZATION_FAILED:
      return fail('KAFKA_AUTHORIZATION', { operation: api, resource: `topic '${topic}'` });
    case KAFKA_ERROR.GROUP_AUTHORIZATION_FAILED:
      return fail('KAFKA_AUTHORIZATION', { operation: api, resource: 'the consumer group' });
    case KAFKA_ERROR.CLUSTER_AUTHORIZATION_FAILED:
      return fail('KAFKA_AUTHORIZATION', { operation: api, resource: 'the cluster' });
    case KAFKA_ERROR.MESSAGE_TOO_LARGE:
    case KAFKA_ERROR.RECORD_LIST_TOO_LARGE:
      return fail('KAFKA_MESSAGE_TOO_LARGE', { topic });
    case KAFKA_ERROR.UNSUPPORTED_FOR_MESSAGE_FORMAT:
    case KAFKA_ERROR.UNSUPPORTED_COMPRESSION_TYPE:
      return fail('KAFKA_UNSUPPORTED_FORMAT', { topic, partition, offset, what: name });
    default:
      return fail(retriable ? 'KAFKA_BROKER_BUSY' : 'KAFKA_REQUEST_REFUSED', {
        broker,
        api,
        error: `${name} for topic '${topic}'${partition === -1 ? '' : ` partition ${partition}`}`,
      });
  }
}
