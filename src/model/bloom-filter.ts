// The properties bloom_filter_columns and bloom_filter_fpp: whether files are written with bloom filters. Pure.
import { ROW_GROUP_ROWS } from './parquet-layout.ts';

/** StarRocks' share of false hits where none is given. */
const DEFAULT_SHARE = '0.05';

/**
 * Further options for COPY; '' without the property. DuckDB writes a filter for columns that it stores with a
 * dictionary, and takes the limit of dictionaries for all columns alike: with the property every column gets both.
 */
export function bloomFilterOptions(properties: Readonly<Record<string, string>>): string {
  const columns = properties['bloom_filter_columns'] ?? '';
  if (columns.trim() === '') return '';
  const share = Number(properties['bloom_filter_fpp'] ?? DEFAULT_SHARE);
  return `, DICTIONARY_SIZE_LIMIT ${ROW_GROUP_ROWS}, BLOOM_FILTER_FALSE_POSITIVE_RATIO ${share}`;
}
