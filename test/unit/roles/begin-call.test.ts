// A lost answer to the begin of a load, or a lost question, costs seconds, not the client's patience.
import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { armFailpoints } from '../../../src/base/failpoints.ts';
import { asId, type TransactionId } from '../../../src/base/ids.ts';
import { deferred } from '../../../src/base/queue.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { RpcPeer } from '../../../src/cluster/rpc/peer.ts';
import type { BodyLoadBegin, BodyLoadHead } from '../../../src/model/body-load.ts';
import { type BeginApi, callBegin } from '../../../src/roles/begin-call.ts';
import { BegunBodies } from '../../../src/roles/begun-bodies.ts';
import { ManualClock } from '../../support/manual-clock.ts';

type Nothing = Record<never, never>;

const HEAD: BodyLoadHead = {
  database: 'd',
  table: 't',
  headers: {},
  repeated: [],
  login: null,
  clientAddress: '::1',
};

const loadOf = (id: number) =>
  ({
    kind: 'load',
    load: { begun: { transactionId: asId<TransactionId>(id) } },
  }) as unknown as BodyLoadBegin;

/** A front end that begins as it is told, and a compute node that asks it. */
function twoEnds(begin: (signal: AbortSignal) => Promise<BodyLoadBegin>) {
  const clock = new ManualClock();
  const begun = new BegunBodies();
  const [left, right] = duplexPair();
  const options = { clock, peerName: 'peer', timeoutMs: 60_000 };
  const peer = new RpcPeer<Nothing, BeginApi>(left, {}, options);
  new RpcPeer<BeginApi, Nothing>(
    right,
    {
      beginLoad: ({ requestId }, { signal }) => begun.answer(requestId, () => begin(signal)),
      findBegin: async ({ requestId }) => begun.find(requestId),
    },
    options,
  );
  const services = { peer, clock, random: seededRandom(1) };
  const late: BodyLoadBegin[] = [];
  const call = (signal: AbortSignal): Promise<BodyLoadBegin> =>
    callBegin(services, HEAD, signal, (begin) => late.push(begin));
  return { clock, peer, call, late };
}

/** Moves time until the call ends. Returns what it came to and how long that took, in ms. */
async function untilEnd(clock: ManualClock, call: Promise<BodyLoadBegin>) {
  const fromMs = clock.monotonicMs();
  let isOver = false;
  const ended = call.finally(() => {
    isOver = true;
  });
  ended.catch(() => undefined);
  while (!isOver && clock.monotonicMs() - fromMs < 120_000) await clock.advance(500);
  return { begin: await ended, tookMs: clock.monotonicMs() - fromMs };
}

for (const what of ['rpc.answer', 'rpc.call'])
  test(`${what} of a begin is lost: found, or asked again, within seconds; begun once`, async () => {
    let begins = 0;
    const { clock, call, late } = twoEnds(async () => {
      begins += 1;
      return loadOf(begins);
    });
    armFailpoints(`${what}:beginLoad=lose@1`);
    const { begin, tookMs } = await untilEnd(clock, call(new AbortController().signal));
    assert.deepEqual(begin, loadOf(1));
    assert.ok(tookMs >= 2000 && tookMs <= 5000, `${tookMs} ms`);
    assert.equal(begins, 1);
    assert.deepEqual(late, []);
  });

test('the answer to the question is lost, too: it is asked once more', async () => {
  const { clock, call } = twoEnds(async () => loadOf(1));
  armFailpoints('rpc.answer:beginLoad=lose@1,rpc.answer:findBegin=lose@1');
  const { begin, tookMs } = await untilEnd(clock, call(new AbortController().signal));
  assert.deepEqual(begin, loadOf(1));
  assert.ok(tookMs <= 15_000, `${tookMs} ms`);
});

test('a table that waits for compaction is waited for, and its answer is the one that comes', async () => {
  const waiting = deferred<BodyLoadBegin>();
  const { clock, call } = twoEnds(() => waiting.promise);
  const calling = call(new AbortController().signal);
  await clock.advance(60_000);
  waiting.resolve(loadOf(5));
  assert.deepEqual((await untilEnd(clock, calling)).begin, loadOf(5));
});

test('a client that goes meanwhile: the load that began nevertheless is handed over once', async () => {
  const waiting = deferred<BodyLoadBegin>();
  const { clock, call, late } = twoEnds(() => waiting.promise);
  const gone = new AbortController();
  const calling = call(gone.signal);
  await clock.advance(5_000);
  gone.abort();
  await assert.rejects(calling, { code: 'CANCELLED' });
  waiting.resolve(loadOf(9));
  await clock.advance(5_000);
  assert.deepEqual(late, [loadOf(9)]);
});

test('a front end that never gets the question: TIMEOUT after some tries; one that is gone is said at once', async () => {
  const lost = twoEnds(async () => loadOf(1));
  const peer = {
    call: (async (method: string) =>
      method === 'findBegin'
        ? { state: 'unknown' }
        : await new Promise(() => undefined)) as typeof lost.peer.call,
  };
  const { signal } = new AbortController();
  const asking = callBegin({ peer, clock: lost.clock, random: seededRandom(2) }, HEAD, signal);
  await assert.rejects(untilEnd(lost.clock, asking), { code: 'TIMEOUT' });
  const { clock, peer: closing, call } = twoEnds(() => new Promise(() => undefined));
  const calling = call(signal);
  await clock.advance(3_000);
  closing.close();
  await assert.rejects(calling, { code: 'PEER_GONE' });
});
