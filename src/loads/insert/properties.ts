// PROPERTIES of INSERT: known keys. SOURCE: StarRocks, INSERT (3.4).
import type { PropertyTable } from '../properties.ts';

export const INSERT_PROPERTIES: PropertyTable = {
  strict_mode: {
    type: 'bool',
    default: null,
    message: 'strict_mode should be a boolean',
    alterable: false,
    help: 'true: a value that does not convert rejects its row; false: it becomes NULL. Default: the session variable enable_insert_strict',
  },
  max_filter_ratio: {
    type: 'double',
    default: null,
    min: 0,
    max: 1,
    message: 'max_filter_ratio should between 0.0 and 1.0.',
    alterable: false,
    help: 'share of rows that may be rejected. Default: the session variable insert_max_filter_ratio in strict mode, else 1',
  },
  merge_condition: {
    type: 'text',
    default: null,
    message: 'merge_condition should be a column',
    alterable: false,
    help: "a row counts where its value of this column is the old row's or more (PRIMARY KEY tables)",
  },
  timeout: {
    type: 'long',
    default: null,
    min: 1,
    max: 259200,
    message: 'timeout should be between 1 and 259200 seconds',
    alterable: false,
    help: 'seconds. Default: the session variable insert_timeout',
  },
};
