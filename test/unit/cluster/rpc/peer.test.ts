// The FE <-> CN channel: answers, errors, streamed chunks with back-pressure, cancel, lost answers.
import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { AppError, fail, toAppError } from '../../../../src/base/errors.ts';
import { armFailpoints } from '../../../../src/base/failpoints.ts';
import { FRAME_KINDS, MAX_FRAME_BYTES, writeFrame } from '../../../../src/cluster/rpc/frames.ts';
import { type Handlers, RpcPeer } from '../../../../src/cluster/rpc/peer.ts';

interface TestApi {
  add: { params: { a: bigint; b: bigint }; result: bigint };
  boom: { params: null; result: null };
  stream: { params: { chunks: number; bytes: number }; result: number };
  hang: { params: null; result: null };
  count: { params: null; result: number };
}
interface Nothing {
  none: { params: null; result: null };
}

function pair(handlers: Partial<Handlers<TestApi>>): {
  client: RpcPeer<Nothing, TestApi>;
  server: RpcPeer<TestApi, Nothing>;
} {
  const [left, right] = duplexPair();
  const missing = (): Promise<never> => Promise.reject(new Error('not used'));
  const options = { clock: systemClock, peerName: 'peer', timeoutMs: 5_000 };
  return {
    client: new RpcPeer<Nothing, TestApi>(left, { none: missing }, options),
    server: new RpcPeer<TestApi, Nothing>(
      right,
      { add: missing, boom: missing, stream: missing, hang: missing, count: missing, ...handlers },
      options,
    ),
  };
}

test('a call carries bigints both ways', async () => {
  const { client } = pair({ add: async ({ a, b }) => a + b });
  assert.equal(await client.call('add', { a: 2n ** 62n, b: 1n }), 2n ** 62n + 1n);
});

test('an error keeps its code and fields', async () => {
  const { client } = pair({
    boom: async () => {
      throw fail('UNKNOWN_DATABASE', { database: 'x' });
    },
  });
  await assert.rejects(
    client.call('boom', null),
    (error: unknown) =>
      error instanceof AppError &&
      error.code === 'UNKNOWN_DATABASE' &&
      error.message === "Unknown database 'x'",
  );
});

test('chunks arrive whole and in order before the result, whatever their size', async () => {
  const { client } = pair({
    stream: async ({ chunks, bytes }, { push }) => {
      for (let i = 0; i < chunks; i += 1) await push(Buffer.alloc(bytes, i));
      return chunks;
    },
  });
  for (const bytes of [1, 70_000, 6_000_000]) {
    const seen: number[] = [];
    const result = await client.call(
      'stream',
      { chunks: 5, bytes },
      {
        onChunk: async (chunk) => {
          assert.equal(chunk.length, bytes);
          seen.push(chunk[0] ?? -1);
        },
      },
    );
    assert.equal(result, 5);
    assert.deepEqual(seen, [0, 1, 2, 3, 4]);
  }
});

test('a stalled consumer stops the producer within the credit window', async () => {
  let produced = 0;
  const { client } = pair({
    stream: async (_params, { push }) => {
      for (let i = 0; i < 1000; i += 1) {
        await push(Buffer.alloc(1024 * 1024));
        produced += 1;
      }
      return produced;
    },
  });
  const stop = new AbortController();
  const stalled = new Promise<void>((resolve) => {
    void client
      .call(
        'stream',
        { chunks: 1, bytes: 1 },
        {
          signal: stop.signal,
          onChunk: () => {
            resolve();
            return new Promise<void>(() => undefined);
          },
        },
      )
      .catch(() => undefined);
  });
  await stalled;
  await systemClock.sleep(100);
  assert.ok(produced < 20, `produced ${produced} MB against a stalled consumer`);
  stop.abort();
});

test('cancel reaches the server and fails the call', async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const { client } = pair({
    hang: (_params, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          resolve();
          reject(signal.reason);
        });
      }),
  });
  const stop = new AbortController();
  const call = client.call('hang', null, { signal: stop.signal });
  stop.abort();
  await assert.rejects(call, { code: 'CANCELLED' });
  await aborted;
});

test('the reason of a cancel is the reason over there; none of ours is a cancel', async () => {
  const heard: unknown[] = [];
  const { client } = pair({
    hang: (_params, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          heard.push(toAppError(signal.reason).code);
          reject(signal.reason);
        });
      }),
    count: async () => heard.length,
  });
  for (const reason of [fail('CLIENT_GONE'), fail('BODY_CUT'), undefined]) {
    const stop = new AbortController();
    const call = client.call('hang', null, { signal: stop.signal });
    stop.abort(reason);
    await assert.rejects(call, { code: 'CANCELLED' });
    // An answer that comes behind the cancel.
    await client.call('count', null);
  }
  assert.deepEqual(heard, ['CLIENT_GONE', 'BODY_CUT', 'CANCELLED']);
});

test('a result that crosses the cancel of its call is given to onLate, an error is not', async () => {
  const started = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const finish = Promise.withResolvers<void>();
  let calls = 0;
  const { client } = pair({
    // Does not hear of the cancel.
    count: async () => {
      const own = calls;
      calls += 1;
      started[own === 0 ? 0 : 1].resolve();
      await finish.promise;
      if (own === 0) throw fail('CANCELLED');
      return 7;
    },
  });
  const late = Promise.withResolvers<number>();
  const seen: number[] = [];
  const stop = new AbortController();
  const options = {
    signal: stop.signal,
    onLate: (result: number): void => {
      seen.push(result);
      late.resolve(result);
    },
  };
  const both = [client.call('count', null, options), client.call('count', null, options)];
  await Promise.all(started.map(({ promise }) => promise));
  stop.abort();
  for (const call of both) await assert.rejects(call, { code: 'CANCELLED' });
  finish.resolve();
  assert.equal(await late.promise, 7);
  assert.deepEqual(seen, [7]);
});

test('a lost answer is a TIMEOUT after the effect, and a closed channel is PEER_GONE', async () => {
  let count = 0;
  const { client, server } = pair({
    count: async () => {
      count += 1;
      return count;
    },
    hang: () => new Promise(() => undefined),
  });
  armFailpoints('rpc.answer:count=lose@1');
  await assert.rejects(client.call('count', null, { timeoutMs: 30 }), { code: 'TIMEOUT' });
  assert.equal(count, 1);
  assert.equal(await client.call('count', null), 2);
  const hanging = client.call('hang', null);
  server.close();
  await assert.rejects(hanging, { code: 'PEER_GONE' });
  await client.closed;
});

test('a message larger than the other side reads fails here, before anything is sent', () => {
  const [left, right] = duplexPair();
  const tooLarge = Buffer.allocUnsafe(MAX_FRAME_BYTES + 1);
  assert.throws(
    () => writeFrame(left, FRAME_KINDS.call, 1, tooLarge),
    (error: unknown) => error instanceof AppError && error.code === 'LIMIT_EXCEEDED',
  );
  assert.equal(right.readableLength, 0);
});

test('however many frames wait for a full stream, they share its listeners, and all go on with it', async () => {
  const [left, right] = duplexPair();
  const before = left.listenerCount('close');
  const frame = Buffer.alloc(50_000);
  const waiting = Array.from({ length: 30 }, (_, id) =>
    writeFrame(left, FRAME_KINDS.call, id, frame),
  );
  assert.deepEqual([left.listenerCount('drain'), left.listenerCount('close')], [1, before + 1]);
  right.resume();
  await Promise.all(waiting);
  assert.deepEqual([left.listenerCount('drain'), left.listenerCount('close')], [0, before]);
  right.pause();
  const cut = writeFrame(left, FRAME_KINDS.call, 99, Buffer.alloc(5_000_000));
  left.destroy();
  await cut;
});
