// ListOffsets, OffsetForLeaderEpoch and DeleteRecords: the ends of a partition's log.
import { toAppError } from '../../../base/errors.ts';
import type { RequestBody, ResponseInput } from '../../protocol/apis.ts';
import { KAFKA_ERROR } from '../../protocol/errors.ts';
import type { PartitionLog } from '../partition-log.ts';
import type { BrokerServices } from '../services.ts';

const LATEST = -1n;
const EARLIEST = -2n;
const OF_GREATEST_TIMESTAMP = -3n;
const EARLIEST_LOCAL = -4n;
const LATEST_TIERED = -5n;
const READ_COMMITTED = 1;
const LEADER_EPOCH = 0;

type OffsetAnswer = ResponseInput<'ListOffsets'>['topics'][number]['partitions'][number];

export function listOffsets(
  services: BrokerServices,
  body: RequestBody<'ListOffsets'>,
): ResponseInput<'ListOffsets'> {
  return {
    topics: body.topics.map((topic) => ({
      name: topic.name,
      partitions: topic.partitions.map((wanted): OffsetAnswer => {
        const partitionIndex = wanted.partitionIndex;
        const log = services.topics.partition(topic.name, partitionIndex);
        if (log === undefined) {
          return { partitionIndex, errorCode: KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION };
        }
        if (wanted.currentLeaderEpoch > LEADER_EPOCH) {
          return { partitionIndex, errorCode: KAFKA_ERROR.UNKNOWN_LEADER_EPOCH };
        }
        try {
          return { partitionIndex, ...offsetAt(log, wanted.timestamp, body.isolationLevel) };
        } catch (thrown) {
          const error = toAppError(thrown);
          services.log.error('kafka offset lookup failed', { error: error.message });
          return { partitionIndex, errorCode: KAFKA_ERROR.KAFKA_STORAGE_ERROR };
        }
      }),
    })),
  };
}

function offsetAt(
  log: PartitionLog,
  timestamp: bigint,
  isolationLevel: number,
): Omit<OffsetAnswer, 'partitionIndex'> {
  const at = (offset: bigint, timestampMs = -1): Omit<OffsetAnswer, 'partitionIndex'> => ({
    errorCode: 0,
    offset,
    timestamp: BigInt(timestampMs),
    leaderEpoch: LEADER_EPOCH,
  });
  const end = isolationLevel === READ_COMMITTED ? log.lastStableOffset : log.nextOffset;
  if (timestamp === LATEST) return at(end);
  if (timestamp === EARLIEST || timestamp === EARLIEST_LOCAL) return at(log.startOffset);
  if (timestamp === LATEST_TIERED) return at(-1n);
  const found =
    timestamp === OF_GREATEST_TIMESTAMP
      ? log.latestTimestamp()
      : log.offsetForTimestamp(Number(timestamp));
  if (found === null || found.offset >= end) return { errorCode: 0, offset: -1n, timestamp: -1n };
  return at(found.offset, found.timestampMs);
}

/** There is one leader epoch, 0, for ever: a log is never cut below what was acknowledged. */
export function offsetForLeaderEpoch(
  services: BrokerServices,
  body: RequestBody<'OffsetForLeaderEpoch'>,
): ResponseInput<'OffsetForLeaderEpoch'> {
  return {
    topics: body.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, leaderEpoch }) => {
        const log = services.topics.partition(topic, partition);
        if (log === undefined) {
          const errorCode = KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION;
          return { errorCode, partition, endOffset: -1n };
        }
        if (leaderEpoch !== LEADER_EPOCH) return { errorCode: 0, partition, endOffset: -1n };
        return { errorCode: 0, partition, leaderEpoch: LEADER_EPOCH, endOffset: log.nextOffset };
      }),
    })),
  };
}

export function deleteRecords(
  services: BrokerServices,
  body: RequestBody<'DeleteRecords'>,
): ResponseInput<'DeleteRecords'> {
  return {
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => {
        const log = services.topics.partition(name, partitionIndex);
        const refused = (errorCode: number) => ({ partitionIndex, lowWatermark: -1n, errorCode });
        if (log === undefined) return refused(KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION);
        if (!log.config.deletes) return refused(KAFKA_ERROR.POLICY_VIOLATION);
        const before = offset === -1n ? log.nextOffset : offset;
        if (before < 0n || before > log.nextOffset) return refused(KAFKA_ERROR.OFFSET_OUT_OF_RANGE);
        log.deleteBefore(before);
        return { partitionIndex, lowWatermark: log.startOffset, errorCode: 0 };
      }),
    })),
  };
}
