// What the headers of a request with `enable_merge_commit` say of how it is merged with others. Pure.
// SOURCE: StarRocks docs, Merge Commit parameters; its FE and BE for messages.
import type { MergeRules } from '../../model/body-load.ts';
import { analysisError } from '../properties.ts';
import { parseEscapes } from '../rows/escapes.ts';
import { formatName } from '../rows/format.ts';
import type { StreamLoadDefinition } from './definition.ts';

const DEFAULT_ROW_DELIMITER = '\\n';

/** Throws SQL_ANALYZE for what cannot be merged. */
export function mergeRulesOf(
  definition: StreamLoadDefinition,
  limits: { readonly defaultTimeoutMs: number; readonly idleTimeoutMs: number },
): MergeRules {
  const { properties, rowDelimiter, compression, timeoutMs } = definition;
  if (definition.skipHeader > 0)
    throw analysisError('skip_header is not supported with enable_merge_commit');
  const format = formatName(definition);
  if (format !== 'csv' && format !== 'json')
    throw analysisError(`enable_merge_commit merges csv and json, not ${format}`);
  const intervalMs = positive(properties['merge_commit_interval_ms'], 'interval');
  // There is one compute node: it does all of it, as min(merge_commit_parallel, nodes) says.
  positive(properties['merge_commit_parallel'], 'parallel');
  return {
    intervalMs,
    isAsync: properties['merge_commit_async'] === 'true',
    timeoutMs: timeoutMs ?? limits.defaultTimeoutMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    compression,
    rowDelimiter: format === 'csv' ? parseEscapes(rowDelimiter ?? DEFAULT_ROW_DELIMITER) : null,
  };
}

function positive(value: string | undefined, what: string): number {
  if (value === undefined)
    throw analysisError(`Batch write ${what} must be set positive, but is null`);
  return Number(value);
}
