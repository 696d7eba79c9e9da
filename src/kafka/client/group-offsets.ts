// OffsetCommit without being a member: positions that others, such as Kafka's own lag tools, see under a group's name.
// Nothing of Millrace reads them again.
// SOURCE: Kafka 4.1 protocol guide (FindCoordinator, OffsetCommit with generation -1 and no member id).
import { type AppError, fail } from '../../base/errors.ts';
import { KAFKA_ERROR, kafkaError } from '../protocol/errors.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Connections } from './connections.ts';

export interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  /** The next one to read. */
  readonly offset: bigint;
}

/** From this version on topics are named by their ids. */
const COMMIT_WITH_IDS = 10;
const METADATA = 'copied by Millrace';

/**
 * Commits the offsets for a group that has no members. Throws KAFKA_AUTHORIZATION (user), KAFKA_REQUEST_REFUSED
 * (user: a group with live members, a metadata limit), KAFKA_BROKER_BUSY (retry), and the connection's errors.
 */
export async function commitGroupOffsets(
  view: ClusterView,
  connections: Connections,
  groupId: string,
  offsets: readonly GroupOffset[],
  signal?: AbortSignal,
): Promise<void> {
  const address = await findCoordinator(view, groupId, signal);
  const connection = await connections.get(address, 'ask', signal);
  const version = Math.min(connection.version('OffsetCommit'), COMMIT_WITH_IDS - 1);
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition, offset }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: METADATA,
    })),
  }));
  const answer = await connection.request('OffsetCommit', { groupId, topics }, { version, signal });
  answer.release();
  for (const { partitions } of answer.body.topics) {
    for (const { errorCode } of partitions) {
      if (errorCode !== KAFKA_ERROR.NONE)
        throw groupError(errorCode, { broker: connection.broker, api: 'OffsetCommit', groupId });
    }
  }
}

function findCoordinator(view: ClusterView, groupId: string, signal: AbortSignal | undefined) {
  return view.askAny(async (connection) => {
    const answer = await connection.request(
      'FindCoordinator',
      { key: groupId, keyType: 0, coordinatorKeys: [groupId] },
      { signal },
    );
    answer.release();
    const { errorCode, host, port } = answer.body.coordinators[0] ?? answer.body;
    if (errorCode === KAFKA_ERROR.NONE) return { host, port };
    throw groupError(errorCode, { broker: connection.broker, api: 'FindCoordinator', groupId });
  }, signal);
}

function groupError(
  code: number,
  {
    broker,
    api,
    groupId,
  }: { readonly broker: string; readonly api: string; readonly groupId: string },
): AppError {
  if (code === KAFKA_ERROR.GROUP_AUTHORIZATION_FAILED)
    return fail('KAFKA_AUTHORIZATION', { operation: api, resource: `group '${groupId}'` });
  const { name, retriable } = kafkaError(code);
  return fail(retriable ? 'KAFKA_BROKER_BUSY' : 'KAFKA_REQUEST_REFUSED', {
    broker,
    api,
    error: `${name} for group '${groupId}'`,
  });
}
