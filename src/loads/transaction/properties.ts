// The headers that only requests of a transaction of Stream Loads have. Those of its loads are Stream Load's own.
// SOURCE: StarRocks docs, Stream Load transaction interface.
import { commonProperty } from '../common-properties.ts';
import type { PropertyTable } from '../properties.ts';

/** SOURCE: StarRocks, timeouts of loads: 1 second to 3 days. */
const SECONDS = { type: 'long', min: 1, max: 259_200, alterable: false } as const;

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
} as const satisfies PropertyTable;
