// Channels of transactions whose loads come side by side: which are there, what each has come to, and which has a load
// that runs. Only commit/ writes.
import { asId, type TransactionId } from '../base/ids.ts';
import type { CatalogContext } from './context.ts';

/** As StarRocks names them: begun with another channel, begun, loaded into, closed. */
export type ChannelState = 'BEGIN' | 'BEFORE_LOAD' | 'LOADING' | 'PREPARING';

export interface TransactionChannel {
  /** 0.. */
  readonly channel: number;
  readonly state: ChannelState;
  /** A load of it runs now. */
  readonly isBusy: boolean;
}

export class TransactionChannelStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** Of a new transaction. */
  async create(id: TransactionId, count: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, channel) => ({
      transaction_id: id,
      channel,
      state: 'BEGIN',
      busy: 0,
    }));
    await this.#context.db.insertInto('transaction_channels').values(rows).execute();
  }

  /** In order; empty: the transaction has none. */
  async list(id: TransactionId): Promise<readonly TransactionChannel[]> {
    return (await this.ofAll([id])).get(id) ?? [];
  }

  /** Of those that have channels. */
  async ofAll(
    ids: readonly TransactionId[],
  ): Promise<ReadonlyMap<TransactionId, readonly TransactionChannel[]>> {
    const rows =
      ids.length === 0
        ? []
        : await this.#context.db
            .selectFrom('transaction_channels')
            .selectAll()
            .where('transaction_id', 'in', ids)
            .orderBy('channel')
            .execute();
    const all = Map.groupBy(rows, (row) => asId<TransactionId>(row.transaction_id));
    return new Map(
      [...all].map(([id, own]) => [
        id,
        own.map(({ channel, state, busy }) => ({
          channel,
          state: state as ChannelState,
          isBusy: busy === 1,
        })),
      ]),
    );
  }

  /** A load of the channel begins. False where it is closed, has a load that runs, or is not there. */
  async start(id: TransactionId, channel: number): Promise<boolean> {
    const row = await this.#context.db
      .updateTable('transaction_channels')
      .set({ busy: 1, state: 'LOADING' })
      .where('transaction_id', '=', id)
      .where('channel', '=', channel)
      .where('state', '<>', 'PREPARING')
      .where('busy', '=', 0)
      .returning('channel')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** The running load of the channel is over. False where none ran. */
  async end(id: TransactionId, channel: number): Promise<boolean> {
    const row = await this.#context.db
      .updateTable('transaction_channels')
      .set({ busy: 0 })
      .where('transaction_id', '=', id)
      .where('channel', '=', channel)
      .where('busy', '=', 1)
      .returning('channel')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** BEGIN -> BEFORE_LOAD. False: it was begun before. */
  async begin(id: TransactionId, channel: number): Promise<boolean> {
    const row = await this.#context.db
      .updateTable('transaction_channels')
      .set({ state: 'BEFORE_LOAD' })
      .where('transaction_id', '=', id)
      .where('channel', '=', channel)
      .where('state', '=', 'BEGIN')
      .returning('channel')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** From now on the channel (null: each) takes no loads. Once more changes nothing. */
  async close(id: TransactionId, channel: number | null): Promise<void> {
    let update = this.#context.db
      .updateTable('transaction_channels')
      .set({ state: 'PREPARING' })
      .where('transaction_id', '=', id);
    if (channel !== null) update = update.where('channel', '=', channel);
    await update.execute();
  }

  /** No load runs after a restart. */
  async forgetRunning(): Promise<void> {
    await this.#context.db
      .updateTable('transaction_channels')
      .set({ busy: 0 })
      .where('busy', '=', 1)
      .execute();
  }
}
