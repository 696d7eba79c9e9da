// Channels of a transaction of Stream Loads: several clients, or threads of one, load into one table side by side, each
// with its own channel_id; the transaction is prepared when the last channel is. SOURCE: StarRocks, parallel stream load
// (StreamLoadTask), whose words these are.
import type { Catalog } from '../../catalog/catalog.ts';
import type { TransactionChannel } from '../../catalog/transaction-channels.ts';
import type { TransactionRecord } from '../../catalog/transactions.ts';
import type { HttpAnswer } from '../../model/body-load.ts';
import type { TableInfo } from '../../model/table.ts';
import { analysisError, checkProperties, type PropertyMap } from '../properties.ts';
import {
  channelBegunAnswer,
  channelPreparedAnswer,
  failedAnswer,
  MESSAGES,
  type PreparedChannels,
} from './answer.ts';
import type { ExplicitTransactions } from './explicit.ts';
import { TRANSACTION_HEADERS } from './properties.ts';

/** Of a request. */
export interface Channel {
  /** 0.. */
  readonly id: number;
  /** All channels of the transaction. */
  readonly count: number;
}

export interface ChannelsOptions {
  readonly catalog: Pick<Catalog, 'transactionChannels'>;
  readonly transactions: Pick<ExplicitTransactions, 'beginChannel' | 'closeChannel'>;
}

/** What became of a request to prepare. */
export interface ClosedChannel {
  /** No channel is open any more: the transaction can be prepared. */
  readonly isLast: boolean;
  /** Where it is not. */
  readonly answer: HttpAnswer;
  /** Where it is. */
  readonly message: string;
  readonly channels: PreparedChannels;
}

/** The channel that a request names; null: none. Throws SQL_ANALYZE. */
export function channelOf(headers: PropertyMap): Channel | null {
  const { channel_id: id = '', channel_num: count = '' } = headers;
  if (id === '' && count === '') return null;
  if (id === '') throw analysisError(MESSAGES.noChannel);
  if (count === '') throw analysisError(MESSAGES.noChannelCount);
  const checked = checkProperties(TRANSACTION_HEADERS, { channel_id: id, channel_num: count });
  const channel = { id: Number(checked['channel_id']), count: Number(checked['channel_num']) };
  if (channel.id < channel.count) return channel;
  throw analysisError(`Channel ID should be between [0, ${channel.count - 1}].`);
}

export class Channels {
  readonly #options: ChannelsOptions;

  constructor(options: ChannelsOptions) {
    this.#options = options;
  }

  async has({ id }: TransactionRecord): Promise<boolean> {
    return (await this.#options.catalog.transactionChannels.list(id)).length > 0;
  }

  /**
   * The channel of a request about a transaction. Null: the transaction has none; 'all': it has, and the request names
   * none. Throws SQL_ANALYZE where the two contradict each other.
   */
  async of(
    { id, label }: TransactionRecord,
    headers: PropertyMap,
  ): Promise<Channel | 'all' | null> {
    const channel = channelOf(headers);
    const channels = await this.#options.catalog.transactionChannels.list(id);
    if (channels.length === 0) {
      if (channel === null) return null;
      throw analysisError(`the transaction of label ${label} was begun without channels`);
    }
    if (channel === null) return 'all';
    checkCount(channel, channels);
    return channel;
  }

  /** SOURCE: StarRocks: parallel channels are of one table. */
  checkTable({ tableId, label }: TransactionRecord, table: TableInfo): void {
    if (tableId === table.id) return;
    throw analysisError(
      `Request table ${table.name} not equal transaction table of stream load ${label}`,
    );
  }

  /** A further channel of a transaction that has some. Throws SQL_ANALYZE, and as `beginChannel` does. */
  async begin(record: TransactionRecord, channel: Channel): Promise<HttpAnswer> {
    const { id, label, state } = record;
    const { catalog, transactions } = this.#options;
    checkCount(channel, await catalog.transactionChannels.list(id));
    if (state !== 'PREPARE') {
      const past = state === 'PREPARED' ? 'prepared' : 'finished';
      const message = `stream load task ${label} has already been ${past}`;
      return channelBegunAnswer(label, id, channel.count, { message });
    }
    const isNew = await transactions.beginChannel(id, channel.id);
    const message = `stream load ${label} channel ${channel.id} has already begun`;
    return channelBegunAnswer(label, id, channel.count, isNew ? {} : { message });
  }

  /** The channel takes no loads any more. Asked again it gives the same answer. Throws as `closeChannel` does. */
  async close(record: TransactionRecord, channel: Channel | 'all'): Promise<ClosedChannel> {
    const { id, label, state } = record;
    const { catalog, transactions } = this.#options;
    const own = channel === 'all' ? null : channel.id;
    const isOver = state === 'PREPARED';
    const all = isOver
      ? await catalog.transactionChannels.list(id)
      : await transactions.closeChannel(id, own);
    const prepared = all.filter(({ state: one }) => one === 'PREPARING').length;
    const channels = { channel: own, prepared };
    return {
      isLast: prepared === all.length,
      answer: channelPreparedAnswer(label, id, channels),
      message: isOver
        ? `stream load task ${label} has already been prepared`
        : `stream load ${label} finish preparing`,
      channels,
    };
  }

  /**
   * The answer to a commit while channels are open; null: nothing is in its way. StarRocks says OK with this message; a
   * client that reads the status alone would take its rows for committed.
   */
  async refuseCommit({ id, label, state }: TransactionRecord): Promise<HttpAnswer | null> {
    if (state !== 'PREPARE') return null;
    const channels = await this.#options.catalog.transactionChannels.list(id);
    if (channels.length === 0) return null;
    const states = channels.map((channel) => channel.state);
    const now = (['PREPARING', 'LOADING'] as const).find((one) => states.includes(one));
    const message = `stream load task ${label} state (${now ?? 'BEFORE_LOAD'}) is not prepared, can not commit`;
    return failedAnswer('FAILED', message, label);
  }
}

function checkCount({ count }: Channel, channels: readonly TransactionChannel[]): void {
  if (count === channels.length) return;
  throw analysisError(
    `channel num ${count} does not equal to original channel num ${channels.length}`,
  );
}
