// The requests of idempotent and transactional producers.
import type { RequestBody, ResponseInput } from '../../protocol/apis.ts';
import { KAFKA_ERROR } from '../../protocol/errors.ts';
import type { OffsetCommit } from '../groups/group-offsets.ts';
import type { BrokerServices, RequestContext } from '../services.ts';
import { commitOf, commitProblem } from './groups.ts';

/** AddPartitionsToTxn version from which several transactions are named in one request. */
const BATCHED_FROM = 4;

export function initProducerId(
  services: BrokerServices,
  body: RequestBody<'InitProducerId'>,
): ResponseInput<'InitProducerId'> {
  return services.transactions.initProducer(body.transactionalId, body.transactionTimeoutMs, body);
}

type TxnTopics = readonly { readonly name: string; readonly partitions: readonly number[] }[];

export function addPartitionsToTxn(
  services: BrokerServices,
  body: RequestBody<'AddPartitionsToTxn'>,
  context: RequestContext,
): ResponseInput<'AddPartitionsToTxn'> {
  if (context.version < BATCHED_FROM) {
    const topics = body.v3AndBelowTopics;
    const id = body.v3AndBelowTransactionalId;
    const { v3AndBelowProducerId, v3AndBelowProducerEpoch } = body;
    return {
      resultsByTopicV3AndBelow: addPartitions(services, topics, (partitions) =>
        services.transactions.addPartitions(
          id,
          v3AndBelowProducerId,
          v3AndBelowProducerEpoch,
          partitions,
        ),
      ),
    };
  }
  return {
    resultsByTransaction: body.transactions.map((one) => ({
      transactionalId: one.transactionalId,
      topicResults: addPartitions(services, one.topics, (partitions) =>
        services.transactions.addPartitions(
          one.transactionalId,
          one.producerId,
          one.producerEpoch,
          partitions,
        ),
      ),
    })),
  };
}

/** All partitions are added, or none: then the good ones say that they were not tried. */
function addPartitions(
  services: BrokerServices,
  topics: TxnTopics,
  add: (partitions: readonly { readonly topic: string; readonly partition: number }[]) => number,
) {
  const all = topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({ topic: name, partition })),
  );
  const unknown = (topic: string, partition: number): boolean =>
    services.topics.partition(topic, partition) === undefined;
  const someUnknown = all.some(({ topic, partition }) => unknown(topic, partition));
  const code = someUnknown ? KAFKA_ERROR.OPERATION_NOT_ATTEMPTED : add(all);
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: unknown(name, partitionIndex)
        ? KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION
        : code,
    })),
  }));
}

/** The group's offsets come with TxnOffsetCommit; this only says that they will. */
export function addOffsetsToTxn(
  services: BrokerServices,
  body: RequestBody<'AddOffsetsToTxn'>,
): ResponseInput<'AddOffsetsToTxn'> {
  const { transactionalId, producerId, producerEpoch } = body;
  return {
    errorCode: services.transactions.addPartitions(transactionalId, producerId, producerEpoch, []),
  };
}

export function txnOffsetCommit(
  services: BrokerServices,
  body: RequestBody<'TxnOffsetCommit'>,
): ResponseInput<'TxnOffsetCommit'> {
  const { transactionalId, producerId, producerEpoch, groupId, memberId, generationId } = body;
  const group = services.groups.getOrCreate(groupId);
  // Before version 3 the member does not say who it is.
  const anonymous = memberId === '' && generationId < 0;
  const groupProblem =
    group === null
      ? KAFKA_ERROR.GROUP_MAX_SIZE_REACHED
      : anonymous
        ? 0
        : group.commitProblem(memberId, generationId);
  const commits: OffsetCommit[] = [];
  for (const { name, partitions } of body.topics) {
    for (const one of partitions) {
      if (commitProblem(services, name, one) === 0) commits.push(commitOf(services, name, one));
    }
  }
  const code =
    groupProblem !== 0
      ? groupProblem
      : services.transactions.addOffsets(
          transactionalId,
          producerId,
          producerEpoch,
          groupId,
          commits,
        );
  return {
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((one) => ({
        partitionIndex: one.partitionIndex,
        errorCode: code === 0 ? commitProblem(services, name, one) : code,
      })),
    })),
  };
}

export function endTxn(
  services: BrokerServices,
  body: RequestBody<'EndTxn'>,
): ResponseInput<'EndTxn'> {
  const { transactionalId, producerId, producerEpoch, committed } = body;
  const errorCode = services.transactions.end(
    transactionalId,
    producerId,
    producerEpoch,
    committed,
  );
  return { errorCode, producerId, producerEpoch };
}
