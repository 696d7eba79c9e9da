// The way from a parsed query to a QueryPlan: which tables it names (for one metadata read), analysis over
// their snapshot, DuckDB SQL with placeholders. Synchronous, no I/O, never loads DuckDB.
import type { ConstantResult, QueryPlan, QueryScan, ResultColumn } from '../model/query-plan.ts';
import type { DataFile, VolumeSpec } from '../model/table.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { Query } from '../sql/ast/query.ts';
import { analyseQuery } from './analyse-query.ts';
import { Analysis, type ScanDraft } from './analysis.ts';
import type { QueryContext, QuerySession } from './catalog.ts';
import type { LiteralExpression } from './expression.ts';
import { foldConstant } from './fold-constant.ts';
import { querySql } from './generate-query.ts';
import { boundedSql, checkTypeDepth, MAX_RESULT_TYPE_DEPTH } from './limits.ts';
import { lookUpOf } from './look-up.ts';
import { isMergedAlready } from './merged-files.ts';
import { knownRow } from './metadata-result.ts';
import { preAggregatedScans } from './pre-aggregated.ts';
import { pruneFiles } from './prune-files.ts';
import { type PartitionFilters, prunePartitions } from './prune-partitions.ts';
import type { QueryNode } from './query-node.ts';
import { renderTextSql } from './render.ts';
import { collectScanUse, type ScanUse } from './scan-use.ts';
import { containsAggregate, containsWindow } from './walk.ts';

/**
 * Plans a query over a consistent snapshot of its tables.
 * @param text the statement's own text, which names columns that have no alias.
 * @throws SQL_ANALYZE, SQL_ANALYZE_AT, UNKNOWN_TABLE, UNKNOWN_DATABASE, NO_DATABASE, NOT_SUPPORTED, LIMIT_EXCEEDED.
 */
export function planQuery(query: Query, text: string, context: QueryContext): QueryPlan {
  const { node, analysis, scans } = analysePlan(query, text, context);
  const inner = querySql(node, context.session.timeZone);
  const columns: ResultColumn[] = [];
  const items = node.columns.map(({ name, type }, i) => {
    checkTypeDepth(type, MAX_RESULT_TYPE_DEPTH);
    const rendered = renderTextSql(type, `q.c${i}`);
    columns.push({ name, type, transport: rendered.transport });
    return `${rendered.sql} AS c${i}`;
  });
  const cap = context.limits.maxRows === null ? '' : ` LIMIT ${context.limits.maxRows}`;
  const duckdbSql = boundedSql(
    `SELECT ${items.join(', ')} FROM (${inner}) AS q${node.limit === null ? cap : ''}`,
  );
  const lookUp = scans.length === 1 ? lookUpOf(node, context.limits.maxRows) : null;
  const known = knownRow(node, scans, context.limits.maxRows);
  return {
    duckdbSql,
    columns,
    ...planSources(analysis, scans),
    timeoutMs: context.limits.timeoutMs,
    maxRows: mostRows(node),
    ...(isLookUp(node, scans) ? { tryFewFirst: true } : {}),
    ...(lookUp === null ? {} : { lookUp }),
    ...(known === null ? {} : { knownRow: known }),
  };
}

/** Rows to scan up to which a look-up may be tried first: what it costs more where it finds many is a few ms. */
const MAX_LOOK_UP_ROWS = 5_000_000;

/** A filter over one scan, whose rows depend on nothing but their own. */
function isLookUp({ body, orderBy, ctes }: QueryNode, scans: readonly QueryScan[]): boolean {
  if (body.kind !== 'select' || body.from?.kind !== 'scan' || body.where === null) return false;
  if (orderBy.length > 0 || ctes.length > 0 || body.distinct || scans.length !== 1) return false;
  if (body.groupBy !== null || body.having !== null || body.qualify !== null) return false;
  if (body.items.some((item) => containsAggregate(item) || containsWindow(item))) return false;
  const rows = scans[0]?.files.reduce((sum, file) => sum + file.rowCount, 0) ?? 0;
  return rows <= MAX_LOOK_UP_ROWS;
}

/** A bound on the rows of a query, null where only running it tells. */
function mostRows(node: QueryNode): number | null {
  const limit = node.limit === null ? null : Number(node.limit.count);
  const { body } = node;
  const isOneRow =
    body.kind === 'select' && body.groupBy === null && body.items.some(containsAggregate);
  return isOneRow ? Math.min(1, limit ?? 1) : limit;
}

/** A scan with its place in the statement, before and after files were left out. */
export interface PlannedScan extends QueryScan {
  /** `database.table`. */
  readonly tableName: string;
  readonly allFiles: readonly DataFile[];
  /** How many partitions are read of how many; null for a table without. */
  readonly partitionCounts: { readonly read: number; readonly all: number } | null;
}

export interface AnalysedPlan {
  readonly node: QueryNode;
  readonly analysis: Analysis;
  readonly scans: readonly PlannedScan[];
}

/** Analysis and pruning, which running a query and explaining it share. Throws as planQuery does. */
export function analysePlan(query: Query, text: string, context: QueryContext): AnalysedPlan {
  const { catalog, session } = context;
  const analysis = new Analysis({ catalog, session, text, evaluateLater: false });
  const node = analyseQuery(query, analysis, null, new Map());
  return { node, analysis, scans: planScans(analysis, node) };
}

function planScan(scan: ScanDraft, use: ScanUse, { tableNames }: Analysis): PlannedScan {
  const used = use.columns.get(scan.alias) ?? new Set<string>();
  const filters = use.filters.get(scan.alias) ?? [];
  const conditions = use.conditions.get(scan.alias) ?? [];
  return {
    placeholder: scan.placeholder,
    tableName: tableNames.get(scan.placeholder) ?? scan.placeholder,
    schema: scan.schema,
    columns: scan.schema.columns.map((column) => column.name).filter((name) => used.has(name)),
    files: pruneFiles(scan, filters, conditions),
    allFiles: scan.files,
    ...(scan.positions === true ? { positions: true } : {}),
    partitionCounts: partitionCounts(scan, { alias: scan.alias, filters, conditions }),
  };
}

function partitionCounts(
  { partitions, schema }: ScanDraft,
  wanted: PartitionFilters,
): PlannedScan['partitionCounts'] {
  if (partitions === undefined) return null;
  const read = prunePartitions(partitions, schema.columns, wanted).length;
  return { read, all: partitions.list.length };
}

/** What the generated SQL names by placeholder. */
export function planSources(
  analysis: Analysis,
  scans: readonly PlannedScan[],
): Pick<QueryPlan, 'scans' | 'inlineTables' | 'volumes'> {
  return {
    scans: scans.map(({ allFiles: _, ...scan }) => scan),
    inlineTables: analysis.inlineTables,
    volumes: volumesOf(analysis.scans),
  };
}

/** The scans of an analysis with what `node` reads of them. */
export function planScans(analysis: Analysis, node: QueryNode): readonly PlannedScan[] {
  const use = collectScanUse(node);
  const schemas = new Map(analysis.scans.map(({ alias, schema }) => [alias, schema]));
  const unmerged = preAggregatedScans(node, schemas);
  return analysis.scans.map((draft) => {
    const scan = planScan(draft, use, analysis);
    const isMerged =
      scan.schema.keysType === 'AGG_KEYS' && isMergedAlready(scan.files, scan.schema);
    return {
      ...scan,
      ...(isMerged || unmerged.has(draft.alias) ? { unmerged: true as const } : {}),
    };
  });
}

function volumesOf(scans: readonly ScanDraft[]): readonly VolumeSpec[] {
  const byId = new Map(scans.flatMap((scan) => scan.volumes).map((volume) => [volume.id, volume]));
  return [...byId.values()];
}

/**
 * Answers a SELECT of constants, variables and session functions without a CN: what clients send when
 * they connect. Null when the query needs one. Throws as planQuery does for unknown names.
 */
export function tryConstantResult(
  query: Query,
  text: string,
  session: QuerySession,
): ConstantResult | null {
  const { body } = query;
  if (body.kind !== 'select' || query.ctes.length > 0 || query.orderBy.length > 0) return null;
  const plain = body.from === null && body.where === null && body.groupBy === null;
  if (!plain || body.having !== null || body.qualify !== null || body.distinct) return null;
  if (!body.items.every((item) => item.kind === 'expression_item' && isSimple(item.expression)))
    return null;
  const analysis = new Analysis({
    catalog: { hasDatabase: () => false, table: () => undefined },
    session,
    text,
    evaluateLater: false,
  });
  const node = analyseQuery({ ...query, limit: null }, analysis, null, new Map());
  if (node.body.kind !== 'select') return null;
  const values: LiteralExpression[] = [];
  for (const item of node.body.items) {
    const value = foldConstant(item);
    if (value.kind !== 'literal' || !isShownAsWritten(value)) return null;
    values.push(value);
  }
  const limit = analyseQuery(query, analysis, null, new Map()).limit;
  const empty = limit !== null && (limit.count === 0n || limit.offset > 0n);
  return { columns: node.columns, rows: empty ? [] : [values.map((value) => value.text)] };
}

/** No tables and no columns anywhere below: only these can become literals at all. */
function isSimple(expression: Expression): boolean {
  switch (expression.kind) {
    case 'null':
    case 'boolean':
    case 'integer':
    case 'decimal':
    case 'string':
    case 'date_literal':
    case 'user_variable':
    case 'system_variable':
      return true;
    case 'unary':
    case 'cast':
      return isSimple(expression.operand);
    case 'binary':
      return isSimple(expression.left) && isSimple(expression.right);
    case 'function':
      return expression.args.every(isSimple);
    default:
      return false;
  }
}

/** A literal's text is the client's text, except where bytes or floats need the engine's own form. */
function isShownAsWritten(literal: LiteralExpression): boolean {
  return !['DOUBLE', 'FLOAT', 'VARBINARY', 'JSON'].includes(literal.type.kind);
}
