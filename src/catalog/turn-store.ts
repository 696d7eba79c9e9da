// Rows of tables' turns: tickets that wait in line and the one that holds. Loads go before compaction.
// A ticket nobody renews runs out by the database's clock.
import { asId, type TableId } from '../base/ids.ts';
import type { CatalogContext } from './context.ts';

/** Rank in the line: every waiting load goes before any compaction. */
export type TurnRank = 'LOAD' | 'COMPACTION';

const RANKS: Readonly<Record<TurnRank, number>> = { LOAD: 0, COMPACTION: 1 };

export interface TurnTicket {
  readonly tableId: TableId;
  readonly ticket: number;
  readonly holder: string;
  readonly expiresMs: number;
}

export class TurnStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** Gets in line. Not inside a transaction. */
  async enqueue(
    tableId: TableId,
    rank: TurnRank,
    holder: string,
    leaseMs: number,
  ): Promise<TurnTicket> {
    const ticket: number = await this.#context.ids.one('ticket');
    const expiresMs = this.#context.nowMs() + leaseMs;
    await this.#context.db
      .insertInto('table_turns')
      .values({
        ticket,
        table_id: tableId,
        rank: RANKS[rank],
        holder,
        held: 0,
        expires_ms: expiresMs,
      })
      .execute();
    return { tableId, ticket, holder, expiresMs };
  }

  /**
   * Takes the turn when nobody holds it and the ticket is first in line; otherwise only renews the
   * ticket. 'gone' when the ticket ran out.
   */
  take(ticket: TurnTicket, leaseMs: number): Promise<TurnTicket | 'waiting' | 'gone'> {
    return this.#context.atomically(async ({ db, nowMs }) => {
      const now = nowMs();
      await db
        .deleteFrom('table_turns')
        .where('table_id', '=', ticket.tableId)
        .where('expires_ms', '<=', now)
        .execute();
      const line = await db
        .selectFrom('table_turns')
        .select(['ticket', 'held'])
        .where('table_id', '=', ticket.tableId)
        .orderBy('held', 'desc')
        .orderBy('rank')
        .orderBy('ticket')
        .execute();
      if (!line.some((row) => row.ticket === ticket.ticket)) return 'gone';
      const first = line[0]?.ticket === ticket.ticket;
      const expiresMs = now + leaseMs;
      await db
        .updateTable('table_turns')
        .set({ expires_ms: expiresMs, held: first ? 1 : 0 })
        .where('ticket', '=', ticket.ticket)
        .execute();
      return first ? { ...ticket, expiresMs } : 'waiting';
    });
  }

  /** Leaves the line or gives the turn back; no error when it ran out. */
  async release(ticket: TurnTicket): Promise<void> {
    await this.#context.db.deleteFrom('table_turns').where('ticket', '=', ticket.ticket).execute();
  }

  /** Whether the ticket holds the turn now, and whether a load waits behind it. */
  async standing(
    ticket: TurnTicket,
  ): Promise<{ readonly held: boolean; readonly loadWaits: boolean }> {
    const rows = await this.#context.db
      .selectFrom('table_turns')
      .select(['ticket', 'held', 'rank'])
      .where('table_id', '=', asId<TableId>(ticket.tableId))
      .where('expires_ms', '>', this.#context.nowMs())
      .execute();
    return {
      held: rows.some((row) => row.ticket === ticket.ticket && row.held === 1),
      loadWaits: rows.some((row) => row.ticket !== ticket.ticket && row.rank === RANKS.LOAD),
    };
  }
}
