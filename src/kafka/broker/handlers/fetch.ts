// Fetch: whole batches straight from the segment files, waiting (long poll) until there is enough or
// the time is up. No fetch sessions: every request names all its partitions, as a client is free to.
import type { RequestBody, ResponseInput } from '../../protocol/apis.ts';
import { KAFKA_ERROR } from '../../protocol/errors.ts';
import type { PartitionLog } from '../partition-log.ts';
import type { BrokerServices, RequestContext } from '../services.ts';
import type { Topic } from '../topic-store.ts';

type FetchRequest = RequestBody<'Fetch'>;
type FetchResponse = ResponseInput<'Fetch'>;
type TopicAnswer = FetchResponse['responses'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];
type WantedPartition = FetchRequest['topics'][number]['partitions'][number];

const READ_COMMITTED = 1;
/** Versions that name topics by id. */
const TOPIC_IDS_FROM = 13;
const MAX_WAIT_MS = 60_000;
const NOTHING = Buffer.alloc(0);

interface Round {
  readonly responses: readonly TopicAnswer[];
  readonly bytes: number;
  readonly hasError: boolean;
}

export async function fetch(
  services: BrokerServices,
  body: FetchRequest,
  context: RequestContext,
): Promise<FetchResponse> {
  if (body.sessionId !== 0) {
    return { errorCode: KAFKA_ERROR.FETCH_SESSION_ID_NOT_FOUND, responses: [] };
  }
  const deadlineMs = services.clock.monotonicMs() + Math.min(body.maxWaitMs, MAX_WAIT_MS);
  const limitBytes = Math.max(1, Math.min(body.maxBytes, services.config.maxFetchBytes));
  if (body.minBytes > 0 && !hasSomething(services, body, context)) {
    await waitForAppend(services, body, context, deadlineMs);
  }
  for (;;) {
    // What the answer may hold is taken from the budget first: slow readers cannot fill the memory.
    const wantedBytes = bytesAtMost(services, body, context, limitBytes);
    const release = await services.responseBudget.take(wantedBytes);
    const round = readRound(services, body, context, limitBytes);
    const leftMs = deadlineMs - services.clock.monotonicMs();
    const enough = round.hasError || round.bytes >= Math.min(body.minBytes, limitBytes);
    if (enough || leftMs <= 0 || context.signal.aborted) {
      context.onSent(release);
      return { responses: round.responses };
    }
    release();
    await waitForAppend(services, body, context, deadlineMs);
  }
}

function topicOf(
  services: BrokerServices,
  wanted: FetchRequest['topics'][number],
  context: RequestContext,
): Topic | undefined {
  return context.version >= TOPIC_IDS_FROM
    ? services.topics.getById(wanted.topicId)
    : services.topics.get(wanted.topic);
}

/** Is there anything to answer at once: a record past a wanted offset, or an error? */
function hasSomething(
  services: BrokerServices,
  body: FetchRequest,
  context: RequestContext,
): boolean {
  return body.topics.some((wanted) => {
    const topic = topicOf(services, wanted, context);
    return wanted.partitions.some(({ partition, fetchOffset }) => {
      const log = topic?.partitions[partition];
      if (log === undefined || fetchOffset < log.startOffset) return true;
      return fetchOffset < readLimit(log, body.isolationLevel) || fetchOffset > log.nextOffset;
    });
  });
}

/** Most bytes that a round can give: what it takes from the budget. */
function bytesAtMost(
  services: BrokerServices,
  body: FetchRequest,
  context: RequestContext,
  limitBytes: number,
): number {
  let total = 0;
  for (const wanted of body.topics) {
    const topic = topicOf(services, wanted, context);
    for (const { partition, fetchOffset, partitionMaxBytes } of wanted.partitions) {
      const readable = topic?.partitions[partition]?.readableBytes(fetchOffset) ?? 0;
      total += Math.min(readable, Math.max(partitionMaxBytes, 0));
    }
  }
  return Math.min(total, limitBytes);
}

const readLimit = (log: PartitionLog, isolationLevel: number): bigint =>
  isolationLevel === READ_COMMITTED ? log.lastStableOffset : log.nextOffset;

function readRound(
  services: BrokerServices,
  body: FetchRequest,
  context: RequestContext,
  limitBytes: number,
): Round {
  let bytes = 0;
  let hasError = false;
  const responses = body.topics.map((wanted): TopicAnswer => {
    const topic = topicOf(services, wanted, context);
    const partitions = wanted.partitions.map((one) => {
      const answer = readPartition(
        topic,
        one,
        body.isolationLevel,
        limitBytes - bytes,
        bytes === 0,
      );
      bytes += answer.records?.length ?? 0;
      if (answer.errorCode === 0) return answer;
      hasError = true;
      const unknownId = topic === undefined && context.version >= TOPIC_IDS_FROM;
      return unknownId ? { ...answer, errorCode: KAFKA_ERROR.UNKNOWN_TOPIC_ID } : answer;
    });
    return { topic: wanted.topic, topicId: wanted.topicId, partitions };
  });
  return { responses, bytes, hasError };
}

function readPartition(
  topic: Topic | undefined,
  wanted: WantedPartition,
  isolationLevel: number,
  leftBytes: number,
  atLeastOne: boolean,
): PartitionAnswer {
  const log = topic?.partitions[wanted.partition];
  const index = wanted.partition;
  if (log === undefined || log.closed) {
    return refused(index, KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  }
  if (wanted.currentLeaderEpoch > 0) return refused(index, KAFKA_ERROR.UNKNOWN_LEADER_EPOCH);
  const from = wanted.fetchOffset;
  if (from < log.startOffset || from > log.nextOffset) {
    return refused(index, KAFKA_ERROR.OFFSET_OUT_OF_RANGE);
  }
  const maxBytes = Math.max(0, Math.min(wanted.partitionMaxBytes, leftBytes));
  const limit = readLimit(log, isolationLevel);
  const committed = isolationLevel === READ_COMMITTED;
  return {
    partitionIndex: index,
    errorCode: 0,
    highWatermark: log.nextOffset,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.startOffset,
    abortedTransactions: committed ? log.abortedBetween(from, limit) : null,
    records: maxBytes === 0 && !atLeastOne ? NOTHING : log.read(from, maxBytes, limit, atLeastOne),
  };
}

const refused = (partitionIndex: number, errorCode: number): PartitionAnswer => ({
  partitionIndex,
  errorCode,
  highWatermark: -1n,
  abortedTransactions: null,
  records: NOTHING,
});

/** Resolves at the next append to a wanted partition, at the deadline, or when all is over. */
function waitForAppend(
  services: BrokerServices,
  body: FetchRequest,
  context: RequestContext,
  deadlineMs: number,
): Promise<void> {
  const leftMs = deadlineMs - services.clock.monotonicMs();
  if (leftMs <= 0 || context.signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const wake = (): void => {
      for (const stop of stops) stop();
      resolve();
    };
    for (const wanted of body.topics) {
      const topic = topicOf(services, wanted, context);
      for (const { partition } of wanted.partitions) {
        const log = topic?.partitions[partition];
        if (log !== undefined) stops.push(log.onAppend(wake));
      }
    }
    const timer = services.clock.after(leftMs, wake);
    stops.push(() => timer.cancel());
    context.signal.addEventListener('abort', wake, { once: true });
    stops.push(() => context.signal.removeEventListener('abort', wake));
  });
}
