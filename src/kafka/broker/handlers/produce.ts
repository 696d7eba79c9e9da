// Produce: checks each batch as a whole (length, magic, checksum, size) and appends it. No work per
// record, except for compacted topics, where every record must have a key.

import { toAppError } from '../../../base/errors.ts';
import type { RequestBody, ResponseInput } from '../../protocol/apis.ts';
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  compressionOf,
  isControl,
  isTransactional,
  readBatchHeader,
} from '../../protocol/batch-header.ts';
import { KAFKA_ERROR } from '../../protocol/errors.ts';
import { recordsOf } from '../batch-records.ts';
import { hasGoodChecksum } from '../batch-scan.ts';
import type { PartitionLog } from '../partition-log.ts';
import type { BrokerServices } from '../services.ts';
import type { Topic } from '../topic-store.ts';

type ProduceRequest = RequestBody<'Produce'>;
type ProduceResponse = ResponseInput<'Produce'>;
type PartitionAnswer = ProduceResponse['responses'][number]['partitionResponses'][number];

const refused = (
  index: number,
  errorCode: number,
  errorMessage: string | null,
): PartitionAnswer => ({
  index,
  errorCode,
  baseOffset: -1n,
  errorMessage,
});

/** The answer; null where the producer asked for none (acks=0). */
export function produce(services: BrokerServices, body: ProduceRequest): ProduceResponse | null {
  const badAcks = body.acks !== 0 && body.acks !== 1 && body.acks !== -1;
  const responses = body.topicData.map((data) => {
    const topic = services.topics.get(data.name);
    return {
      name: data.name,
      topicId: data.topicId,
      partitionResponses: data.partitionData.map(({ index, records }) =>
        badAcks
          ? refused(index, KAFKA_ERROR.INVALID_REQUIRED_ACKS, null)
          : producePartition(services, topic, index, records, body.transactionalId),
      ),
    };
  });
  return body.acks === 0 ? null : { responses };
}

function producePartition(
  services: BrokerServices,
  topic: Topic | undefined,
  index: number,
  records: Buffer | null,
  transactionalId: string | null,
): PartitionAnswer {
  const log = topic?.partitions[index];
  if (topic === undefined || log === undefined) {
    return refused(index, KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION, null);
  }
  if (records === null || records.length < BATCH_HEADER_BYTES) {
    return refused(index, KAFKA_ERROR.INVALID_RECORD, 'no whole record batch in the request');
  }
  const header = readBatchHeader(records, 0);
  const problem = batchProblem(records, header, log);
  if (problem !== null) return refused(index, problem.code, problem.message);
  if (isTransactional(header.attributes)) {
    const { producerId, producerEpoch } = header;
    const code = services.transactions.appendProblem(
      transactionalId,
      producerId,
      producerEpoch,
      topic.name,
      index,
    );
    if (code !== 0) return refused(index, code, null);
  }
  try {
    const result = log.append(records, header);
    if (result.kind === 'refused') return refused(index, result.errorCode, null);
    return {
      index,
      errorCode: 0,
      baseOffset: result.baseOffset,
      logAppendTimeMs: BigInt(result.logAppendTimeMs),
      logStartOffset: log.startOffset,
    };
  } catch (thrown) {
    const error = toAppError(thrown);
    services.log.error('kafka append failed', {
      topic: topic.name,
      partition: index,
      code: error.code,
      error: error.fullMessage,
    });
    return refused(index, KAFKA_ERROR.KAFKA_STORAGE_ERROR, error.fullMessage);
  }
}

interface BatchProblem {
  readonly code: number;
  readonly message: string;
}

const problem = (code: number, message: string): BatchProblem => ({ code, message });

/** What is wrong with the records of one partition: exactly one good batch is taken. */
function batchProblem(
  records: Buffer,
  header: BatchHeader,
  log: PartitionLog,
): BatchProblem | null {
  const { compact, maxMessageBytes } = log.config;
  if (header.magic !== 2) {
    return problem(
      KAFKA_ERROR.UNSUPPORTED_FOR_MESSAGE_FORMAT,
      `message format ${header.magic} is not supported, only 2 is`,
    );
  }
  if (header.totalBytes !== records.length) {
    return problem(
      header.totalBytes > records.length ? KAFKA_ERROR.CORRUPT_MESSAGE : KAFKA_ERROR.INVALID_RECORD,
      'a produce request must hold exactly one whole record batch per partition',
    );
  }
  if (header.totalBytes > maxMessageBytes) {
    return problem(
      KAFKA_ERROR.MESSAGE_TOO_LARGE,
      `batch of ${header.totalBytes} bytes, max.message.bytes is ${maxMessageBytes}`,
    );
  }
  if (!hasGoodChecksum(records, header)) {
    return problem(KAFKA_ERROR.CORRUPT_MESSAGE, 'checksum mismatch');
  }
  if (header.count < 1 || header.lastOffsetDelta !== header.count - 1) {
    return problem(KAFKA_ERROR.INVALID_RECORD, 'record count and offsets of the batch disagree');
  }
  if (isControl(header.attributes)) {
    return problem(KAFKA_ERROR.INVALID_RECORD, 'clients may not write control batches');
  }
  if (compressionOf(header.attributes) === undefined) {
    return problem(KAFKA_ERROR.UNSUPPORTED_COMPRESSION_TYPE, 'unknown compression');
  }
  return compact ? keyProblem(records, header) : null;
}

function keyProblem(records: Buffer, header: BatchHeader): BatchProblem | null {
  try {
    for (const record of recordsOf(records, header)) {
      if (record.key !== null) continue;
      return problem(KAFKA_ERROR.INVALID_RECORD, 'a compacted topic takes no record without a key');
    }
    return null;
  } catch (thrown) {
    return problem(KAFKA_ERROR.CORRUPT_MESSAGE, toAppError(thrown).message);
  }
}
