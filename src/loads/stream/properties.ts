// The headers of a Stream Load, with StarRocks' defaults, checks and messages. Other headers are not looked at: HTTP
// clients send what they like. SOURCE: StarRocks docs, STREAM LOAD; its BE for messages.
import { FILE_CONTAINERS } from '../../model/load-plan.ts';
import { commonProperty } from '../common-properties.ts';
import type { PropertySpec } from '../properties.ts';

const bool = (message: string, help: string): PropertySpec => ({
  type: 'bool',
  default: 'false',
  message,
  alterable: false,
  help,
});
const text = (help: string): PropertySpec => ({
  type: 'text',
  default: null,
  message: '',
  alterable: false,
  help,
});
/** Of headers that say how StarRocks itself does its work. */
const internal = (what: string): string => `accepted, without effect: ${what}`;

/** By how a body is compressed, also as names of formats (of CSV). */
export const COMPRESSIONS = {
  gzip: 'gzip',
  bzip2: 'bzip2',
  lz4: 'lz4_frame',
  lz4_frame: 'lz4_frame',
  zstd: 'zstd',
  deflate: 'deflate',
} as const;

export const STREAM_LOAD_HEADERS = {
  label: text(
    '1 to 128 letters, digits, _ and -; made anew when absent. Used once in its database, unless its load failed or was cancelled',
  ),
  format: commonProperty('format', {
    default: 'csv',
    words: ['csv', 'json', ...FILE_CONTAINERS, 'gzip', 'bzip2', 'lz4', 'zstd', 'deflate'],
    message: 'unknown data format, format={value}',
    note: 'csv, json (one document, several, or one per line); avro, parquet, arrow, orc: one file of that format, columns by name (Millrace only); gzip, bzip2, lz4, zstd, deflate: CSV compressed so',
  }),
  columns: text(
    'the fields of a row in their order, and columns computed of them: a, b, tmp, c = tmp + 1; the columns of the table when absent',
  ),
  where: text('rows where it is not true are left out; they are no errors'),
  column_separator: { ...text('of CSV, 1 to 50 bytes; \\xNN is a byte'), default: '\\t' },
  row_delimiter: { ...text('of CSV, 1 to 50 bytes; \\xNN is a byte'), default: '\\n' },
  skip_header: {
    type: 'long',
    default: '0',
    min: 0,
    message: 'skip_header must be equal or greater than 0',
    formMessage: 'Invalid csv load skip_header format',
    alterable: false,
    help: 'rows at the beginning of CSV that are left out',
  },
  trim_space: commonProperty('trim_space', {
    default: 'false',
    message: 'Invalid trim space format. Must be bool type',
  }),
  enclose: commonProperty('enclose', { default: null }),
  escape: commonProperty('escape', { default: null }),
  max_filter_ratio: commonProperty('max_filter_ratio', { default: '0' }),
  timeout: commonProperty('timeout', {
    default: null,
    formMessage: 'Invalid timeout format',
    note: 'the configuration item stream_load_default_timeout_second when absent',
  }),
  partitions: text('the partitions to load, separated by commas; other rows are rejected'),
  temporary_partitions: text('the same with temporary partitions'),
  negative: bool(
    'Invalid negative format. Must be bool type',
    'values of SUM columns are taken away instead of added (AGGREGATE KEY tables with SUM columns only)',
  ),
  strict_mode: commonProperty('strict_mode', {
    default: 'false',
    message: 'Invalid strict mode format. Must be bool type',
  }),
  timezone: commonProperty('timezone', {
    default: null,
    note: 'the global variable time_zone when absent',
  }),
  jsonpaths: commonProperty('jsonpaths', { default: '' }),
  json_root: commonProperty('json_root', { default: '' }),
  strip_outer_array: commonProperty('strip_outer_array', { default: 'false' }),
  ignore_json_size: bool(
    'Invalid ignore_json_size format. Must be bool type',
    'a JSON body may be larger than streaming_load_max_batch_size_mb',
  ),
  envelope: commonProperty('envelope', { default: null, note: 'in format json' }),
  partial_update: commonProperty('partial_update', {
    default: 'false',
    message: 'Invalid partial update flag format. Must be bool type',
  }),
  partial_update_mode: commonProperty('partial_update_mode', {
    default: null,
    note: 'row when absent',
  }),
  merge_condition: commonProperty('merge_condition', { default: null }),
  log_rejected_record_num: commonProperty('log_rejected_record_num', {
    default: '0',
    message: 'log_rejected_record_num must be equal or greater than -1',
    formMessage: 'Invalid log_rejected_record_num format',
  }),
  compression: {
    type: 'word',
    default: null,
    words: Object.keys(COMPRESSIONS),
    message: 'unsupported compression type: {value}',
    alterable: false,
    help: 'how the body is compressed: gzip, bzip2, lz4_frame, zstd or deflate',
  },
  'content-encoding': {
    type: 'word',
    default: null,
    words: ['identity', ...Object.keys(COMPRESSIONS)],
    message: 'unsupported compression type: {value}',
    alterable: false,
    help: 'the same under its name in HTTP; only one of both',
  },
  warehouse: commonProperty('warehouse', { default: null }),
  load_mem_limit: {
    type: 'long',
    default: null,
    min: 0,
    message: 'load_mem_limit must be equal or greater than 0',
    formMessage: 'Invalid load mem limit format',
    alterable: false,
    help: internal('memory is bounded by the configuration'),
  },
  exec_mem_limit: {
    type: 'long',
    default: null,
    min: 1,
    message: 'exec_mem_limit must be greater than 0',
    alterable: false,
    help: internal('memory is bounded by the configuration'),
  },
  load_dop: {
    type: 'long',
    default: null,
    message: 'Invalid load_dop format',
    alterable: false,
    help: internal('parallel work inside a load'),
  },
  transmission_compression_type: text(internal('compression between nodes of StarRocks')),
  enable_replicated_storage: text(internal('replicas of StarRocks')),
  enable_merge_commit: bool(
    'Invalid parameter enable_merge_commit. The value must be bool type, but is {value}',
    'requests at the same time whose headers are the same become one transaction. The server makes its label; the client label is the RequestId of the answer. CSV must end with the row delimiter',
  ),
  merge_commit_async: bool(
    'Invalid parameter merge_commit_async. The value must be bool type, but is {value}',
    'the answer comes when the bytes are there, and promises nothing; else when their transaction has ended',
  ),
  merge_commit_interval_ms: {
    type: 'long',
    default: null,
    min: 1,
    message: 'Batch write interval must be set positive, but is {value}',
    alterable: false,
    help: 'with enable_merge_commit, and needed there: so long others are waited for, from the first request on',
  },
  merge_commit_parallel: {
    type: 'long',
    default: null,
    min: 1,
    message: 'Batch write parallel must be set positive, but is {value}',
    alterable: false,
    help: 'with enable_merge_commit, and needed there: how many compute nodes do it, at most as many as there are',
  },
  redirect: bool(
    'Invalid redirect format. Must be bool type',
    'Millrace only: the front end answers 307 and the address of a compute node, instead of passing the body on',
  ),
} as const satisfies Record<string, PropertySpec>;

export type StreamLoadHeader = keyof typeof STREAM_LOAD_HEADERS;
