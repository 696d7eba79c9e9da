// How the CN asks the front end whether a load may begin. That may take minutes, where a table waits for compaction:
// so a lost answer is not told by time, but by asking from time to time what became of the question.
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import { settledWithin } from '../base/queue.ts';
import type { Random } from '../base/random.ts';
import type { BodyLoadApi } from '../cluster/rpc/messages.ts';
import type { RpcPeer } from '../cluster/rpc/peer.ts';
import type { BodyLoadBegin, BodyLoadHead } from '../model/body-load.ts';

export type BeginApi = Pick<BodyLoadApi, 'beginLoad' | 'findBegin'>;

export interface BeginCallServices {
  readonly peer: Pick<RpcPeer<Record<never, never>, BeginApi>, 'call'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** A begin may wait for compaction. */
const BEGIN_MS = 600_000;
/** After this long without an answer it is asked for, again and again. */
const ASK_MS = 2_000;
/** A question that did not arrive is asked again so often. */
const ATTEMPTS = 3;

/**
 * May the load run? `onLate` gets the answer where the caller had gone before it came; where that one is lost, too, the
 * transaction times out. Throws TIMEOUT, PEER_GONE, CANCELLED, and what the front end throws.
 */
export async function callBegin(
  services: BeginCallServices,
  head: BodyLoadHead,
  signal: AbortSignal,
  onLate?: (begun: BodyLoadBegin) => void,
): Promise<BodyLoadBegin> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const begun = await callOnce(services, head, signal, onLate);
    if (begun !== null) return begun;
  }
  const timeoutMs = ATTEMPTS * ASK_MS;
  throw fail('TIMEOUT', { what: 'the begin of a load', timeoutMs, hint: 'send it again' });
}

/** Null: the question got lost. */
async function callOnce(
  { peer, clock, random }: BeginCallServices,
  head: BodyLoadHead,
  signal: AbortSignal,
  onLate?: (begun: BodyLoadBegin) => void,
): Promise<BodyLoadBegin | null> {
  const requestId = random.uuid();
  const enough = new AbortController();
  const call = peer.call(
    'beginLoad',
    { head, requestId },
    {
      signal: AbortSignal.any([signal, enough.signal]),
      timeoutMs: BEGIN_MS,
      onLate: (begun) => {
        if (!enough.signal.aborted) onLate?.(begun);
      },
    },
  );
  // It is awaited below, or over.
  call.catch(() => undefined);
  while (!(await settledWithin(clock, call, ASK_MS))) {
    // An answer of this one that is late does no harm: the next asks again.
    const found = await peer
      .call('findBegin', { requestId }, { timeoutMs: ASK_MS })
      .catch(() => ({ state: 'waits' }) as const);
    switch (found.state) {
      case 'waits':
        break;
      case 'answered':
        enough.abort();
        return found.begin;
      case 'unknown':
        enough.abort();
        return null;
    }
  }
  return await call;
}
