// What properties mean that several load kinds have (Routine Load, Stream Load, INSERT): one spec each, which feeds the
// checks and the docs of all of them. A kind says only its default, whether ALTER changes it, and StarRocks' own words
// for a wrong value. SOURCE: StarRocks docs, CREATE ROUTINE LOAD, STREAM LOAD, INSERT.
import type { PropertySpec } from './properties.ts';

type Shared = Omit<PropertySpec, 'default' | 'alterable'>;

const bool = (key: string, help: string): Shared => ({
  type: 'bool',
  message: `${key} should be a boolean`,
  help,
});
const text = (help: string): Shared => ({ type: 'text', message: '', help });

export const COMMON_PROPERTIES = {
  strict_mode: bool(
    'strict_mode',
    'true: a row with a value that does not convert is rejected; false: the value becomes NULL',
  ),
  max_filter_ratio: {
    type: 'double',
    min: 0,
    max: 1,
    message: 'max_filter_ratio should between 0.0 and 1.0.',
    help: 'share of rejected rows, 0 to 1, above which nothing of the load is committed; rows that a condition leaves out do not count',
  },
  timeout: {
    type: 'long',
    min: 1,
    max: 259200,
    message: 'timeout should be between 1 and 259200 seconds',
    help: 'seconds after which the load is given up',
  },
  log_rejected_record_num: {
    type: 'long',
    min: -1,
    message: 'log_rejected_record_num should >= -1',
    help: 'accepted; all rejected rows are kept in _statistics_.rejected_records, whatever it says',
  },
  timezone: text('time zone of time functions'),
  partial_update: bool('partial_update', 'update only the given columns (PRIMARY KEY tables)'),
  partial_update_mode: {
    type: 'word',
    words: ['row', 'column', 'auto'],
    message: 'partial_update_mode should be row, column or auto',
    help: 'row: whole rows are written; column: only the given columns; auto: column where a batch has 10,000 rows or more and gives at most 30% of the columns that are no key',
  },
  merge_condition: {
    type: 'text',
    message: 'merge_condition should be a column',
    help: "a row counts where its value of this column is the old row's or more (PRIMARY KEY tables)",
  },
  format: { type: 'word', message: '', help: 'what the rows are written in' },
  envelope: {
    type: 'word',
    words: ['debezium', 'canal', 'maxwell'],
    message: 'Invalid envelope: `{value}`, it should be debezium, canal or maxwell',
    help: 'rows are change events of a database, applied to a PRIMARY KEY table',
  },
  strip_outer_array: bool('strip_outer_array', 'a JSON array is many rows'),
  jsonpaths: text('JSON array of paths, one per source field'),
  json_root: text('path of the JSON element to load'),
  trim_space: bool('trim_space', 'trim blanks around CSV fields'),
  enclose: text('character that encloses CSV fields'),
  escape: text('character that escapes in CSV fields'),
  warehouse: {
    type: 'word',
    words: ['default_warehouse'],
    message: 'Warehouse {value} not exists.',
    help: 'default_warehouse, the only one',
  },
} as const satisfies Record<string, Shared>;

export type CommonProperty = keyof typeof COMMON_PROPERTIES;

/** What a load kind says of a property that it shares. */
export interface OwnProperty {
  /** As text; null = none. */
  readonly default: string | null;
  readonly alterable?: boolean;
  /** StarRocks' words where they differ from kind to kind. */
  readonly message?: string;
  readonly formMessage?: string;
  /** Where each kind has its own. */
  readonly words?: readonly string[];
  /** What holds for this kind alone, behind the common meaning. */
  readonly note?: string;
}

/** The property as one load kind has it. */
export function commonProperty(key: CommonProperty, own: OwnProperty): PropertySpec {
  const { note, alterable = false, ...rest } = own;
  const shared: Shared = COMMON_PROPERTIES[key];
  const help = note === undefined ? shared.help : `${shared.help}; ${note}`;
  return { ...shared, ...rest, alterable, help };
}
