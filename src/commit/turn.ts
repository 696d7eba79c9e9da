// A table's turn: one holder at a time may resolve against the table's head and commit. Appends do not
// take it. Compaction does, and loads go before it. A holder that dies loses it when its lease runs out.
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { TableId } from '../base/ids.ts';
import { type Deferred, deferred } from '../base/queue.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { TurnRank, TurnTicket } from '../catalog/turn-store.ts';

/** A turn that is held until it is released or its lease runs out. */
export type Turn = TurnTicket;

export interface TurnRequest {
  readonly rank: TurnRank;
  /** Who, for messages and metrics. */
  readonly holder: string;
  /** The holder has to be done, or renew, within this. */
  readonly leaseMs: number;
  /** Most to wait in line. */
  readonly waitMs: number;
}

export interface TableTurns {
  /** First come, first served within a rank. Throws TIMEOUT after `waitMs`. */
  acquire(tableId: TableId, request: TurnRequest): Promise<Turn>;
  /** A later end of the lease. Throws TURN_LOST when it ran out. */
  renew(turn: Turn, leaseMs: number): Promise<Turn>;
  release(turn: Turn): Promise<void>;
}

/** Another process may give its turn back without telling us: look again after this. */
const POLL_MS = 100;

export class CatalogTurns implements TableTurns {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #released = new Map<TableId, Deferred<void>>();

  readonly #onTaken: (rank: TurnRank, waitedMs: number) => void;

  /** `onTaken` is told of each turn how long it was waited for. */
  constructor(
    catalog: Catalog,
    clock: Clock,
    onTaken: (rank: TurnRank, waitedMs: number) => void = () => undefined,
  ) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#onTaken = onTaken;
  }

  async acquire(tableId: TableId, request: TurnRequest): Promise<Turn> {
    const { rank, holder, leaseMs, waitMs } = request;
    const startedMs = this.#clock.monotonicMs();
    const untilMs = startedMs + waitMs;
    const ticket = await this.#catalog.turns.enqueue(tableId, rank, holder, leaseMs);
    for (;;) {
      const hint = this.#hint(tableId);
      const taken = await this.#catalog.turns.take(ticket, leaseMs);
      if (taken === 'gone') throw fail('TURN_LOST', { tableId, holder });
      if (taken !== 'waiting') {
        this.#onTaken(rank, this.#clock.monotonicMs() - startedMs);
        return taken;
      }
      if (this.#clock.monotonicMs() >= untilMs) {
        await this.release(ticket);
        throw fail('TIMEOUT', {
          what: `waiting for the turn on table ${tableId}`,
          timeoutMs: waitMs,
        });
      }
      await Promise.race([hint.promise, this.#clock.sleep(POLL_MS)]);
    }
  }

  async renew(turn: Turn, leaseMs: number): Promise<Turn> {
    const renewed = await this.#catalog.turns.take(turn, leaseMs);
    if (typeof renewed !== 'string') return renewed;
    throw fail('TURN_LOST', { tableId: turn.tableId, holder: turn.holder });
  }

  async release(turn: Turn): Promise<void> {
    await this.#catalog.turns.release(turn);
    this.#released.get(turn.tableId)?.resolve();
    this.#released.delete(turn.tableId);
  }

  #hint(tableId: TableId): Deferred<void> {
    const known = this.#released.get(tableId);
    if (known !== undefined) return known;
    const made = deferred<void>();
    this.#released.set(tableId, made);
    return made;
  }
}
