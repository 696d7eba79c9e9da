// From a checked Stream Load and its table to the plan that a CN follows. Nothing in here begins a transaction.
import { type BodyLoadPlan, FILE_CONTAINERS, type FormatSpec } from '../../model/load-plan.ts';
import { printSqlType } from '../../model/sql-type.ts';
import type { ColumnSchema, TableInfo } from '../../model/table.ts';
import { analysisError } from '../properties.ts';
import { columnsOf } from '../rows/columns.ts';
import { compileRows } from '../rows/compile.ts';
import type { ColumnMapping } from '../rows/definition.ts';
import { csvFormatOf, formatName, jsonFormatOf, readJsonpaths } from '../rows/format.ts';
import { loadTargets } from '../targets.ts';
import type { StreamLoadDefinition } from './definition.ts';

/** From the configuration. */
export interface BodyLimits {
  /** Most bytes of a body, as it comes and expanded. */
  readonly maxBytes: number;
  /** Most bytes of JSON that is not `ignore_json_size`. */
  readonly maxJsonBytes: number;
  readonly idleTimeoutMs: number;
  /** So many bytes of a rejected row are kept. */
  readonly keptRowBytes: number;
}

export interface StreamPlanInput {
  readonly definition: StreamLoadDefinition;
  readonly table: TableInfo;
  readonly label: string;
  readonly userName: string;
  readonly timeoutMs: number;
  readonly limits: BodyLimits;
}

const MAX_BATCH_ROWS = 500_000;
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

/** Throws SQL_ANALYZE for what does not fit the table, VOLUME_DISABLED. */
export async function planStreamLoad(
  catalog: Parameters<typeof loadTargets>[0],
  input: StreamPlanInput,
): Promise<BodyLoadPlan> {
  const { table, label, userName, timeoutMs, limits } = input;
  const definition = input.definition.negative
    ? negated(input.definition, table)
    : input.definition;
  const { transforms } = compileRows(definition, [table]);
  const [transform] = transforms;
  if (transform === undefined) throw analysisError(`table ${table.name} has no columns`);
  const { target, rejected } = await loadTargets(catalog, table, definition.named);
  const maxDocumentBytes = definition.ignoreJsonSize ? limits.maxBytes : limits.maxJsonBytes;
  return {
    jobId: null,
    jobName: label,
    userName,
    target,
    rejected,
    source: {
      kind: 'body',
      compression: definition.compression,
      skipHeader: definition.skipHeader,
      maxBytes: limits.maxBytes,
      maxDocumentBytes,
      idleTimeoutMs: limits.idleTimeoutMs,
    },
    format: formatOf(definition),
    transform,
    maxFilterRatio: definition.maxFilterRatio,
    limits: {
      maxBatchRows: MAX_BATCH_ROWS,
      maxBatchBytes: MAX_BATCH_BYTES,
      maxBatchIntervalMs: timeoutMs,
      freshnessMs: timeoutMs,
      maxMessageBytes: maxDocumentBytes,
      keptMessageBytes: limits.keptRowBytes,
      taskTimeoutMs: timeoutMs,
    },
  };
}

function formatOf(definition: StreamLoadDefinition): FormatSpec {
  const format = formatName(definition);
  const container = FILE_CONTAINERS.find((name) => name === format);
  if (container !== undefined) {
    const jsonpaths = readJsonpaths(definition.properties['jsonpaths'] ?? '');
    return { kind: 'file', container, jsonpaths };
  }
  return format === 'json' ? jsonFormatOf(definition) : csvFormatOf(definition);
}

/**
 * The load with every value of a SUM column taken away instead of added. SOURCE: StarRocks, `negative`, which
 * refuses tables with other value columns.
 */
function negated(definition: StreamLoadDefinition, table: TableInfo): StreamLoadDefinition {
  if (table.schema.keysType !== 'AGG_KEYS')
    throw analysisError(`negative needs an AGGREGATE KEY table, ${table.name} is none`);
  const byName = new Map<string, ColumnSchema>();
  for (const column of table.schema.columns) {
    if (column.isKey || column.generated !== undefined) continue;
    if (column.aggregate !== 'SUM')
      throw analysisError(`Column is not SUM AggreateType. column:${column.name}`);
    byName.set(column.name.toLowerCase(), column);
  }
  const columns = columnsOf(definition, [table]).flatMap((entry): readonly ColumnMapping[] => {
    const column = byName.get(entry.name.toLowerCase());
    if (column === undefined) return [entry];
    const value = entry.expression ?? quoted(entry.name);
    const expression = `-(CAST((${value}) AS ${printSqlType(column.type)}))`;
    const derived = { name: entry.name, expression };
    return entry.expression === null ? [entry, derived] : [derived];
  });
  return { ...definition, columns };
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
