// Work under a table's turn that may take longer than the turn's lease: renewed until the work is done, and the
// work is told to end when the turn is lost.
import type { Clock } from '../base/clock.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TableId } from '../base/ids.ts';
import { orAborted } from '../base/queue.ts';
import type { TableTurns, Turn, TurnRequest } from './turn.ts';

/** The lease is renewed this many times before it would run out. */
const RENEWALS_A_LEASE = 3;

/**
 * Waits for the turn, runs `work`, gives the turn back. The signal of `work` aborts with `signal`, and with
 * TURN_LOST when the turn could not be kept. Throws TIMEOUT after `waitMs`, the reason of `signal` while waiting.
 */
export async function underTurn<T>(
  { turns, clock }: { readonly turns: TableTurns; readonly clock: Clock },
  tableId: TableId,
  request: TurnRequest,
  signal: AbortSignal,
  work: (turn: Turn, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const acquired = turns.acquire(tableId, request);
  const turn = await orAborted(acquired, signal).catch((error: unknown) => {
    // It may come yet, and nobody would use it. What cannot be given back runs out.
    void acquired.then((late) => turns.release(late)).catch(() => undefined);
    throw error;
  });
  const lost = new AbortController();
  const done = new AbortController();
  const renewing = keep(turns, clock, turn, request.leaseMs, done.signal).catch((error: unknown) =>
    lost.abort(error),
  );
  try {
    failpoint('turn.held');
    return await work(turn, AbortSignal.any([signal, lost.signal]));
  } finally {
    done.abort();
    await renewing;
    // The work is done, whatever becomes of the turn: what cannot be given back runs out.
    await turns.release(turn).catch(() => undefined);
  }
}

async function keep(
  turns: TableTurns,
  clock: Clock,
  turn: Turn,
  leaseMs: number,
  done: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(leaseMs / RENEWALS_A_LEASE, done).catch(() => undefined);
    if (done.aborted) return;
    await turns.renew(turn, leaseMs);
  }
}
