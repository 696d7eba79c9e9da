// What the headers of a Stream Load say, checked, without regard to a table. Pure.
import { type BodyCompression, FILE_CONTAINERS } from '../../model/load-plan.ts';
import { parseExpression, parseLoadColumns } from '../../sql/parse.ts';
import { printExpression } from '../../sql/print.ts';
import { checkLabel } from '../label.ts';
import { analysisError, checkProperties, type PropertyMap } from '../properties.ts';
import type { RowDefinition } from '../rows/definition.ts';
import { parseEscapes } from '../rows/escapes.ts';
import { checkEnvelope, checkPath, formatName, readJsonpaths } from '../rows/format.ts';
import type { NamedByLoad } from '../targets.ts';
import { storedTimeZone } from '../time-zone.ts';
import { COMPRESSIONS, STREAM_LOAD_HEADERS } from './properties.ts';

export interface StreamLoadDefinition extends RowDefinition {
  /** As given and known, by their lower-case names; for whoever asks what the load was. */
  readonly given: PropertyMap;
  /** Null: one is to be made. */
  readonly label: string | null;
  readonly maxFilterRatio: number;
  /** Null: the configured one. */
  readonly timeoutMs: number | null;
  readonly skipHeader: number;
  readonly compression: BodyCompression;
  readonly named: NamedByLoad | null;
  readonly negative: boolean;
  readonly ignoreJsonSize: boolean;
}

/** Formats that are CSV, compressed so. */
const COMPRESSED_CSV: PropertyMap = {
  gzip: 'gzip',
  bzip2: 'bzip2',
  lz4: 'lz4_frame',
  zstd: 'zstd',
  deflate: 'deflate',
};

/**
 * Throws SQL_ANALYZE with StarRocks' messages, SQL_SYNTAX, LOAD_JSONPATH, NOT_SUPPORTED.
 * @param defaultTimeZone where the header timezone is not there.
 */
export function defineStreamLoad(
  headers: PropertyMap,
  defaultTimeZone: string,
): StreamLoadDefinition {
  const given = knownHeaders(headers);
  const checked = checkProperties(STREAM_LOAD_HEADERS, given);
  const { label = null } = checked;
  checkLabel(label);
  const asked = formatName({ properties: checked });
  const packed = COMPRESSED_CSV[asked];
  const properties = packed === undefined ? checked : { ...checked, format: 'csv' };
  checkFormat(properties);
  const timeZone = storedTimeZone(checked['timezone'] ?? defaultTimeZone);
  if (timeZone === null)
    throw analysisError(`Unknown or incorrect time zone: '${checked['timezone'] ?? ''}'`);
  const columns = checked['columns'];
  const where = checked['where'];
  return {
    given,
    label,
    properties,
    columns:
      columns === undefined
        ? null
        : parseLoadColumns(columns).map(({ name, expression }) => ({
            name,
            expression: expression === null ? null : printExpression(expression),
          })),
    where: where === undefined ? null : printExpression(parseExpression(where)),
    columnSeparator: checked['column_separator'] ?? null,
    rowDelimiter: checked['row_delimiter'] ?? null,
    timeZone,
    maxFilterRatio: Number(checked['max_filter_ratio'] ?? 0),
    timeoutMs: checked['timeout'] === undefined ? null : Number(checked['timeout']) * 1000,
    skipHeader: Number(checked['skip_header'] ?? 0),
    compression: compressionOf(checked, packed),
    named: namedPartitions(checked),
    negative: checked['negative'] === 'true',
    ignoreJsonSize: checked['ignore_json_size'] === 'true',
  };
}

/** An empty value is as good as none. */
function knownHeaders(headers: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name, value]) => Object.hasOwn(STREAM_LOAD_HEADERS, name) && value !== '',
    ),
  );
}

/** Headers about what a file says itself, or does not have. */
const NOT_OF_FILES = [
  'json_root',
  'strip_outer_array',
  'envelope',
  'skip_header',
  'column_separator',
  'row_delimiter',
  'trim_space',
  'enclose',
  'escape',
] as const;

function checkFile(properties: PropertyMap): void {
  const format = formatName({ properties });
  if (!FILE_CONTAINERS.some((container) => container === format)) return;
  for (const key of NOT_OF_FILES) {
    const value = properties[key] ?? '';
    if (value !== '' && value !== 'false' && value !== '0')
      throw analysisError(`${key} is not a property of format ${format}`);
  }
}

function checkFormat(properties: PropertyMap): void {
  checkFile(properties);
  checkEnvelope(properties, formatName({ properties }));
  readJsonpaths(properties['jsonpaths'] ?? '');
  const root = properties['json_root'] ?? '';
  if (root !== '') checkPath(root);
  for (const key of ['column_separator', 'row_delimiter']) {
    const separator = properties[key];
    if (separator !== undefined) parseEscapes(separator);
  }
}

function compressionOf(checked: PropertyMap, ofFormat: string | undefined): BodyCompression {
  const { compression, 'content-encoding': encoding } = checked;
  if (compression !== undefined && encoding !== undefined) {
    throw analysisError('Only one of http header content-encoding and compression can be set');
  }
  const word = compression ?? encoding ?? ofFormat ?? 'identity';
  return isCompression(word) ? COMPRESSIONS[word] : 'none';
}

function isCompression(word: string): word is keyof typeof COMPRESSIONS {
  return Object.hasOwn(COMPRESSIONS, word);
}

function namedPartitions(checked: PropertyMap): NamedByLoad | null {
  const { partitions, temporary_partitions: temporary } = checked;
  if (partitions !== undefined && temporary !== undefined)
    throw analysisError('Can not specify both partitions and temporary partitions');
  const list = partitions ?? temporary;
  if (list === undefined) return null;
  const names = list.split(',').map((name) => name.trim().replace(/^`(.*)`$/, '$1'));
  return { names, temporary: temporary !== undefined };
}
