// The client against a scripted broker: what each answer, and each failure, becomes.
import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../../src/base/clock.ts';
import { AppError } from '../../../../src/base/errors.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import type { FetchRequest, TopicView } from '../../../../src/kafka/client/cluster.ts';
import { KafkaClient } from '../../../../src/kafka/client/kafka-client.ts';
import { KAFKA_ERROR } from '../../../../src/kafka/protocol/errors.ts';
import {
  apiVersions,
  type Claims,
  type Script,
  type ScriptedBroker,
  startScriptedBroker,
} from './scripted-broker.ts';

const TOPIC_ID = '00000000-0000-4000-8000-000000000001';
const OTHER_ID = '00000000-0000-4000-8000-000000000002';

const brokers: ScriptedBroker[] = [];
const clients: KafkaClient[] = [];

async function start(script: Script): Promise<ScriptedBroker> {
  const broker = await startScriptedBroker(script);
  broker.script = { Metadata: () => metadata(broker), ...script };
  brokers.push(broker);
  return broker;
}

function clientOf(
  broker: ScriptedBroker | string,
  properties: Record<string, string> = {},
): KafkaClient {
  const address = typeof broker === 'string' ? broker : `127.0.0.1:${broker.port}`;
  const client = new KafkaClient({
    connection: { brokers: [address], properties: { 'reconnect.backoff.ms': '20', ...properties } },
    clock: systemClock,
    random: systemRandom,
  });
  clients.push(client);
  return client;
}

function metadata(broker: ScriptedBroker, topicId = TOPIC_ID, errorCode = 0): object {
  const partitions = [0, 1].map((partitionIndex) => ({
    errorCode: 0,
    partitionIndex,
    leaderId: 5,
    leaderEpoch: 7,
    replicaNodes: [5],
    isrNodes: [5],
  }));
  return {
    brokers: [{ nodeId: 5, host: '127.0.0.1', port: broker.port }],
    topics: [{ errorCode, name: 't', topicId, partitions: errorCode === 0 ? partitions : [] }],
  };
}

function fetched(errorCode: number, records: Buffer | null = Buffer.from('records')): object {
  const partition = { partitionIndex: 0, errorCode, highWatermark: 9n, lastStableOffset: 8n };
  const partitions = [{ ...partition, logStartOffset: 2n, records }];
  return { responses: [{ topic: 't', topicId: TOPIC_ID, partitions }] };
}

function request(topic: TopicView, more: Partial<FetchRequest> = {}): FetchRequest {
  return {
    topic,
    positions: [{ partition: 0, offset: 4n, maxBytes: 1000 }],
    isolation: 'read_committed',
    minBytes: 1,
    maxWaitMs: 10,
    maxBytes: 10_000,
    ...more,
  };
}

async function errorOf(work: Promise<unknown>): Promise<AppError> {
  const thrown: unknown = await work.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof AppError, String(thrown));
  return thrown;
}

async function partitionErrorOf(client: KafkaClient): Promise<AppError | null> {
  const answer = await client.fetch(request(await client.topic('t')));
  answer.release();
  return answer.partitions[0]?.error ?? null;
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(brokers.splice(0).map((broker) => broker.close()));
});
after(() => assert.equal(brokers.length, 0));

describe('metadata', () => {
  it('gives partitions, leaders and the topic id, and is kept for a while', async () => {
    const broker = await start({});
    const client = clientOf(broker);
    const view = await client.topic('t');
    assert.equal(view.topicId, TOPIC_ID);
    assert.deepEqual(view.partitions[1], { partition: 1, leaderId: 5, leaderEpoch: 7 });
    await client.topic('t');
    assert.deepEqual(broker.asked, ['ApiVersions', 'Metadata']);
    await client.topic('t', { fresh: true });
    assert.equal(broker.asked.length, 3);
  });

  it('that is old still serves while it is asked again in the background', async () => {
    const broker = await start({});
    const client = clientOf(broker, { 'metadata.max.age.ms': '10' });
    assert.equal((await client.topic('t')).topicId, TOPIC_ID);
    await sleep(20);
    const { promise, resolve } = Promise.withResolvers<object>();
    broker.script.Metadata = () => promise;
    // Nothing waits for the slow answer, and it is asked for once.
    assert.equal((await client.topic('t')).topicId, TOPIC_ID);
    assert.equal((await client.topic('t')).topicId, TOPIC_ID);
    resolve(metadata(broker, OTHER_ID));
    while ((await client.topic('t')).topicId !== OTHER_ID) await sleep(1);
    assert.ok(broker.asked.filter((api) => api === 'Metadata').length < 10);
    await assert.rejects(client.topic('t', { expectedId: TOPIC_ID }), {
      code: 'KAFKA_TOPIC_RECREATED',
    });
  });

  it('of a topic that does not exist is asked a few times', async () => {
    const broker = await start({});
    broker.script.Metadata = () =>
      metadata(broker, TOPIC_ID, KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION);
    const error = await errorOf(clientOf(broker).topic('t'));
    assert.equal(error.code, 'KAFKA_UNKNOWN_TOPIC');
    assert.equal(error.kind, 'user');
    assert.ok(broker.asked.length > 2);
  });

  it('that may not be seen is an authorization error', async () => {
    const broker = await start({});
    broker.script.Metadata = () =>
      metadata(broker, TOPIC_ID, KAFKA_ERROR.TOPIC_AUTHORIZATION_FAILED);
    const error = await errorOf(clientOf(broker).topic('t'));
    assert.equal(error.code, 'KAFKA_AUTHORIZATION');
  });

  it('with another topic id than expected says that the topic was recreated', async () => {
    const broker = await start({});
    const client = clientOf(broker);
    const error = await errorOf(client.topic('t', { expectedId: OTHER_ID }));
    assert.equal(error.code, 'KAFKA_TOPIC_RECREATED');
    assert.equal(error.kind, 'user');
  });
});

describe('fetch', () => {
  it('sends positions with epoch and id, gives records and ends', async () => {
    let seen: object | null = null;
    const broker = await start({
      Fetch: ({ body, version }) => {
        seen = { version, isolation: body.isolationLevel, topics: body.topics };
        return fetched(0);
      },
    });
    const client = clientOf(broker);
    const answer = await client.fetch(request(await client.topic('t')));
    const [partition] = answer.partitions;
    assert.equal(partition?.records.toString(), 'records');
    assert.equal(partition?.highWatermark, 9n);
    assert.equal(partition?.lastStableOffset, 8n);
    assert.equal(partition?.logStartOffset, 2n);
    assert.ok(answer.bytes > 7);
    answer.release();
    assert.partialDeepStrictEqual(seen, {
      isolation: 1,
      topics: [
        {
          topicId: TOPIC_ID,
          partitions: [
            { partition: 0, currentLeaderEpoch: 7, fetchOffset: 4n, partitionMaxBytes: 1000 },
          ],
        },
      ],
    });
  });

  it('names the topic where the broker has no ids', async () => {
    const claims: Claims = { Metadata: [0, 9], Fetch: [4, 12] };
    const names: string[] = [];
    const broker = await start({
      ApiVersions: () => apiVersions(claims),
      Fetch: ({ body }) => {
        names.push(...body.topics.map((topic) => topic.topic));
        return fetched(0);
      },
    });
    const client = clientOf(broker);
    const view = await client.topic('t');
    assert.equal(view.topicId, null);
    await client.fetch(request(view));
    assert.deepEqual(names, ['t']);
  });

  it('words each error and says whether to try again', async () => {
    const expected: [number, string, string][] = [
      [KAFKA_ERROR.NOT_LEADER_OR_FOLLOWER, 'KAFKA_LEADER_CHANGED', 'retry'],
      [KAFKA_ERROR.FENCED_LEADER_EPOCH, 'KAFKA_LEADER_CHANGED', 'retry'],
      [KAFKA_ERROR.UNKNOWN_TOPIC_ID, 'KAFKA_LEADER_CHANGED', 'retry'],
      [KAFKA_ERROR.KAFKA_STORAGE_ERROR, 'KAFKA_LEADER_CHANGED', 'retry'],
      [KAFKA_ERROR.OFFSET_NOT_AVAILABLE, 'KAFKA_BROKER_BUSY', 'retry'],
      [KAFKA_ERROR.REQUEST_TIMED_OUT, 'KAFKA_BROKER_BUSY', 'retry'],
      [KAFKA_ERROR.CORRUPT_MESSAGE, 'KAFKA_CORRUPT_MESSAGE', 'retry'],
      [KAFKA_ERROR.TOPIC_AUTHORIZATION_FAILED, 'KAFKA_AUTHORIZATION', 'user'],
      [KAFKA_ERROR.UNSUPPORTED_COMPRESSION_TYPE, 'KAFKA_UNSUPPORTED_FORMAT', 'user'],
      [KAFKA_ERROR.UNKNOWN_SERVER_ERROR, 'KAFKA_REQUEST_REFUSED', 'user'],
    ];
    const broker = await start({});
    const client = clientOf(broker);
    for (const [number, code, kind] of expected) {
      broker.script.Fetch = () => fetched(number, null);
      const error = await partitionErrorOf(client);
      assert.equal(error?.code, code, `error ${number}`);
      assert.equal(error?.kind, kind, `error ${number}`);
    }
  });

  it('asks for metadata again after a leader error', async () => {
    const broker = await start({ Fetch: () => fetched(KAFKA_ERROR.NOT_LEADER_OR_FOLLOWER, null) });
    const client = clientOf(broker);
    await partitionErrorOf(client);
    await client.topic('t');
    assert.equal(broker.asked.filter((api) => api === 'Metadata').length, 2);
  });

  it('tells a recreated topic from a moved one', async () => {
    const broker = await start({ Fetch: () => fetched(KAFKA_ERROR.UNKNOWN_TOPIC_ID, null) });
    const client = clientOf(broker);
    const view = await client.topic('t');
    broker.script.Metadata = () => metadata(broker, OTHER_ID);
    const answer = await client.fetch(request(view));
    assert.equal(answer.partitions[0]?.error?.code, 'KAFKA_TOPIC_RECREATED');
  });

  it('says what a partition holds when the offset is out of range', async () => {
    const broker = await start({
      Fetch: () => fetched(KAFKA_ERROR.OFFSET_OUT_OF_RANGE, null),
      ListOffsets: ({ body }) => {
        const [asked] = body.topics[0]?.partitions ?? [];
        const offset = asked?.timestamp === -1n ? 90n : 50n;
        return {
          topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, offset }] }],
        };
      },
    });
    const error = await partitionErrorOf(clientOf(broker));
    assert.equal(error?.code, 'KAFKA_OFFSET_OUT_OF_RANGE');
    assert.equal(error?.kind, 'user');
    assert.match(error?.message ?? '', /offset 4 .* holds 50 to 90/);
  });

  it('ends at once when aborted, and the connection goes on being used', async () => {
    const held = Promise.withResolvers<object>();
    const broker = await start({ Fetch: () => held.promise });
    const client = clientOf(broker);
    const view = await client.topic('t');
    const stop = new AbortController();
    const work = client.fetch(request(view, { signal: stop.signal }));
    while (!broker.asked.includes('Fetch')) await systemClock.sleep(5);
    stop.abort();
    assert.equal((await errorOf(work)).code, 'CANCELLED');
    broker.script.Fetch = () => fetched(0);
    held.resolve(fetched(0, Buffer.from('too late')));
    const answer = await client.fetch(request(view));
    assert.equal(answer.partitions[0]?.records.toString(), 'records');
    assert.equal(broker.asked.filter((api) => api === 'ApiVersions').length, 2);
  });

  it('keeps answers of requests under way together apart', async () => {
    const broker = await start({
      Fetch: ({ body }) =>
        fetched(0, Buffer.from(`from ${body.topics[0]?.partitions[0]?.fetchOffset}`)),
    });
    const client = clientOf(broker);
    const view = await client.topic('t');
    const answers = await Promise.all(
      [1n, 2n, 3n].map((offset) =>
        client.fetch(request(view, { positions: [{ partition: 0, offset, maxBytes: 10 }] })),
      ),
    );
    assert.deepEqual(
      answers.map((answer) => answer.partitions[0]?.records.toString()),
      ['from 1', 'from 2', 'from 3'],
    );
  });
});

describe('offsets', () => {
  const listed = (offset: bigint, errorCode = 0): object => ({
    topics: [{ name: 't', partitions: [{ partitionIndex: 1, errorCode, offset, timestamp: -1n }] }],
  });

  it('at a time behind every record are the end', async () => {
    const broker = await start({
      ListOffsets: ({ body }) =>
        listed(body.topics[0]?.partitions[0]?.timestamp === -1n ? 77n : -1n),
    });
    const found = await clientOf(broker).listOffsets(
      't',
      [1],
      { timestampMs: 5 },
      'read_committed',
    );
    assert.deepEqual([...found], [[1, 77n]]);
  });

  it('are asked again when the leader changes', async () => {
    let calls = 0;
    const broker = await start({
      ListOffsets: () => {
        calls += 1;
        return calls === 1 ? listed(-1n, KAFKA_ERROR.NOT_LEADER_OR_FOLLOWER) : listed(3n);
      },
    });
    const found = await clientOf(broker).listOffsets('t', [1], 'latest', 'read_committed');
    assert.deepEqual([...found], [[1, 3n]]);
    assert.equal(broker.asked.filter((api) => api === 'Metadata').length, 2);
  });

  it('of a partition that is not there are refused', async () => {
    const broker = await start({});
    const work = clientOf(broker).listOffsets('t', [2], 'latest', 'read_committed');
    assert.equal((await errorOf(work)).code, 'KAFKA_UNKNOWN_PARTITION');
  });
});

describe('connections', () => {
  it('say why a broker cannot be reached', async () => {
    const broker = await start({});
    await broker.close();
    brokers.pop();
    const error = await errorOf(clientOf(broker).topic('t'));
    assert.equal(error.code, 'KAFKA_UNREACHABLE');
    assert.equal(error.kind, 'retry');
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${broker.port}.*ECONNREFUSED`));
  });

  it('are opened again after a loss, and the loss is an error to retry', async () => {
    const broker = await start({
      Fetch: ({ socket, connections }) => {
        if (connections < 3) {
          socket.destroy();
          return null;
        }
        return fetched(0);
      },
    });
    const client = clientOf(broker);
    const error = await errorOf(client.fetch(request(await client.topic('t'))));
    assert.equal(error.code, 'KAFKA_CONNECTION_LOST');
    assert.equal(error.kind, 'retry');
    const answer = await client.fetch(request(await client.topic('t')));
    assert.equal(answer.partitions[0]?.error, null);
  });

  it('that do not answer in time are given up', async () => {
    const broker = await start({ Fetch: () => null });
    const client = clientOf(broker, { 'socket.timeout.ms': '50' });
    const error = await errorOf(client.fetch(request(await client.topic('t'))));
    assert.equal(error.code, 'KAFKA_TIMEOUT');
    assert.equal(error.kind, 'retry');
    assert.match(error.message, /Fetch within 60 ms/);
  });

  it('that answer slowly are waited for as long as something comes', async () => {
    const records = Buffer.alloc(400, 'x');
    const broker = await start({ Fetch: () => fetched(0, records) });
    const client = clientOf(broker, { 'socket.timeout.ms': '100' });
    const topic = await client.topic('t');
    broker.pace = { bytes: 20, everyMs: 30 };
    const startedMs = performance.now();
    const { partitions } = await client.fetch(request(topic));
    assert.equal(partitions[0]?.records.length, 400);
    assert.ok(performance.now() - startedMs > 300);
    broker.pace = { bytes: 200, everyMs: 400 };
    const error = await errorOf(client.fetch(request(topic)));
    assert.equal(error.code, 'KAFKA_TIMEOUT');
  });

  it('to something that is no Kafka broker say so', async () => {
    const broker = await start({
      ApiVersions: ({ socket }) => {
        socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
        return null;
      },
    });
    const error = await errorOf(clientOf(broker).topic('t'));
    assert.equal(error.code, 'KAFKA_NOT_A_BROKER');
    assert.equal(error.kind, 'user');
  });

  it('to a broker that is too old say which versions are missing', async () => {
    const broker = await start({ ApiVersions: () => apiVersions({ Metadata: [0, 1] }) });
    const error = await errorOf(clientOf(broker).topic('t'));
    assert.equal(error.code, 'KAFKA_UNSUPPORTED_BROKER');
    assert.match(error.message, /Metadata versions 0-1.*7-13/);
  });

  it('take the version list of a broker older than the first question', async () => {
    let questions = 0;
    const broker = await start({
      ApiVersions: () => {
        questions += 1;
        return questions === 1 ? { errorCode: 35, apiKeys: [] } : apiVersions();
      },
    });
    assert.equal((await clientOf(broker).topic('t')).name, 't');
    assert.equal(questions, 2);
  });

  it('that are opening are given up when the client closes', async () => {
    const broker = await start({ ApiVersions: () => null });
    const client = clientOf(broker);
    const work = client.topic('t');
    while (!broker.asked.includes('ApiVersions')) await systemClock.sleep(5);
    await client.close();
    assert.equal((await errorOf(work)).code, 'CANCELLED');
  });

  it('fail what is under way when the client closes', async () => {
    const broker = await start({ Fetch: () => null });
    const client = clientOf(broker);
    const work = client.fetch(request(await client.topic('t')));
    while (!broker.asked.includes('Fetch')) await systemClock.sleep(5);
    await client.close();
    assert.equal((await errorOf(work)).code, 'CANCELLED');
    assert.equal((await errorOf(client.topic('t', { fresh: true }))).code, 'CANCELLED');
  });
});

describe('login', () => {
  const properties = {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'PLAIN',
    'sasl.username': 'alice',
    'sasl.password': 'secret',
  };
  const accept = { errorCode: 0, errorMessage: null, authBytes: Buffer.alloc(0) };

  it('sends user and password for PLAIN', async () => {
    const sent: string[] = [];
    const broker = await start({
      SaslHandshake: ({ body }) => ({ errorCode: 0, mechanisms: [body.mechanism] }),
      SaslAuthenticate: ({ body }) => {
        sent.push(body.authBytes.toString());
        return accept;
      },
    });
    await clientOf(broker, properties).topic('t');
    assert.deepEqual(sent, ['\0alice\0secret']);
  });

  it('that is refused names the user and never the password', async () => {
    const broker = await start({
      SaslHandshake: () => ({ errorCode: 0, mechanisms: ['PLAIN'] }),
      SaslAuthenticate: () => ({ ...accept, errorCode: 58, errorMessage: 'Authentication failed' }),
    });
    const error = await errorOf(clientOf(broker, properties).topic('t'));
    assert.equal(error.code, 'KAFKA_AUTHENTICATION');
    assert.equal(error.kind, 'user');
    assert.match(error.message, /'alice' \(PLAIN\): Authentication failed/);
    assert.doesNotMatch(JSON.stringify(error.fields) + error.stack, /secret/);
  });

  it('says what the broker offers instead of the mechanism', async () => {
    const broker = await start({
      SaslHandshake: () => ({ errorCode: 33, mechanisms: ['SCRAM-SHA-512', 'GSSAPI'] }),
    });
    const error = await errorOf(clientOf(broker, properties).topic('t'));
    assert.match(error.message, /offers SCRAM-SHA-512, GSSAPI/);
  });

  it('with a lifetime makes a new connection in time', async () => {
    const broker = await start({
      SaslHandshake: () => ({ errorCode: 0, mechanisms: ['PLAIN'] }),
      SaslAuthenticate: () => ({ ...accept, sessionLifetimeMs: 50n }),
    });
    const client = clientOf(broker, properties);
    await client.topic('t');
    await systemClock.sleep(60);
    await client.topic('t', { fresh: true });
    assert.equal(broker.asked.filter((api) => api === 'SaslAuthenticate').length, 2);
  });

  it('with SCRAM does not trust a server that cannot prove the password', async () => {
    let step = 0;
    const broker = await start({
      SaslHandshake: () => ({ errorCode: 0, mechanisms: ['SCRAM-SHA-256'] }),
      SaslAuthenticate: ({ body }) => {
        step += 1;
        const nonce = /r=([^,]+)/.exec(body.authBytes.toString())?.[1] ?? '';
        const reply = step === 1 ? `r=${nonce}x,s=c2FsdA==,i=4096` : 'v=AAAA';
        return { ...accept, authBytes: Buffer.from(reply) };
      },
    });
    const scram = { ...properties, 'sasl.mechanism': 'SCRAM-SHA-256' };
    const error = await errorOf(clientOf(broker, scram).topic('t'));
    assert.match(error.message, /does not prove/);
  });
});
