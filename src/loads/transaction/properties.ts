// The headers that only requests of a transaction of Stream Loads have. Those of its loads are Stream Load's own.
// SOURCE: StarRocks docs, Stream Load transaction interface.
import { commonProperty } from '../common-properties.ts';
import type { PropertyTable } from '../properties.ts';

/** SOURCE: StarRocks, timeouts of loads: 1 second to 3 days. */
const SECONDS = { type: 'long', min: 1, max: 259_200, alterable: false } as const;

/** Most channels of a transaction: each may have a body on its way. */
export const MAX_CHANNELS = 64;

export const TRANSACTION_HEADERS = {
  timeout: commonProperty('timeout', {
    default: null,
    formMessage: 'Invalid timeout format',
    note: 'at begin: from there to prepare. The configuration item stream_load_default_timeout_second when absent',
  }),
  idle_transaction_timeout: {
    ...SECONDS,
    default: null,
    message: 'Invalid idle_transaction_timeout format',
    help: 'at begin: seconds without a load after which the transaction is rolled back; absent: it may idle until its timeout',
  },
  prepared_timeout: {
    ...SECONDS,
    default: '86400',
    message: 'Invalid prepared_timeout format',
    help: 'at prepare, or at begin: seconds from prepare to commit',
  },
  transaction_type: {
    type: 'word',
    default: null,
    words: ['multi'],
    message: 'Unknown transaction type: {value}',
    alterable: false,
    help: 'multi: the loads name their tables; absent: all loads go to the table of begin',
  },
  channel_num: {
    type: 'long',
    min: 1,
    max: MAX_CHANNELS,
    default: null,
    message: 'Invalid channel_num format',
    alterable: false,
    help: 'with channel_id, in every request of the transaction: so many channels load side by side',
  },
  channel_id: {
    type: 'long',
    min: 0,
    max: MAX_CHANNELS - 1,
    default: null,
    message: 'Invalid channel_id format',
    alterable: false,
    help: 'the channel of the request, 0 to channel_num - 1; each is begun, loaded into and prepared by itself',
  },
} as const satisfies PropertyTable;
