// PROPERTIES of INSERT: known keys. SOURCE: StarRocks, INSERT (3.4).
import { commonProperty } from '../common-properties.ts';
import type { PropertyTable } from '../properties.ts';

export const INSERT_PROPERTIES: PropertyTable = {
  strict_mode: commonProperty('strict_mode', {
    default: null,
    note: 'the session variable enable_insert_strict when absent',
  }),
  max_filter_ratio: commonProperty('max_filter_ratio', {
    default: null,
    note: 'when absent the session variable insert_max_filter_ratio in strict mode, else 1',
  }),
  merge_condition: commonProperty('merge_condition', { default: null }),
  timeout: commonProperty('timeout', {
    default: null,
    note: 'the session variable insert_timeout when absent',
  }),
};
