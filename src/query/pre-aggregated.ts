// Queries that merge the rows of an AGGREGATE KEY table themselves: they take no value but through the very
// aggregate that merges its column, and count nothing. Reading the rows as they lie then gives the same answer
// without merging them first. SOURCE: StarRocks docs, Aggregate table; its plans call it PREAGGREGATION: ON.
import type { AggregateKind, TableSchema } from '../model/table.ts';
import { type AggregateExpression, childrenOf, type TypedExpression } from './expression.ts';
import type { BodyNode, GroupNode, QueryNode, RelationNode, SelectNode } from './query-node.ts';
import { containsAggregate } from './walk.ts';

/** By how a column is merged: the aggregates that give the same over merged rows and over their parts. */
const SAME: Readonly<Record<AggregateKind, readonly string[]>> = {
  SUM: ['sum'],
  MIN: ['min'],
  MAX: ['max'],
  REPLACE: [],
  REPLACE_IF_NOT_NULL: [],
  BITMAP_UNION: ['bitmap_union', 'bitmap_union_count'],
  HLL_UNION: ['hll_union', 'hll_union_agg'],
  PERCENTILE_UNION: ['percentile_union'],
};

/** Aliases of scans whose rows need no merging. `schemas` has the tables of all scans by alias. */
export function preAggregatedScans(
  query: QueryNode,
  schemas: ReadonlyMap<string, TableSchema>,
): ReadonlySet<string> {
  const found = new Set<string>();
  walkQuery(query, schemas, found);
  return found;
}

type Schemas = ReadonlyMap<string, TableSchema>;

function walkQuery(query: QueryNode, schemas: Schemas, found: Set<string>): void {
  for (const cte of query.ctes) walkQuery(cte.query, schemas, found);
  walkBody(query.body, query.orderBy, schemas, found);
}

function walkBody(
  body: BodyNode,
  orderBy: QueryNode['orderBy'],
  schemas: Schemas,
  found: Set<string>,
): void {
  switch (body.kind) {
    case 'nested':
    case 'converted':
      walkQuery(body.query, schemas, found);
      return;
    case 'set':
      walkBody(body.left.body, [], schemas, found);
      walkBody(body.right.body, [], schemas, found);
      return;
    case 'values':
      return;
    case 'select': {
      if (body.from === null) return;
      walkRelation(body.from, schemas, found);
      if (body.from.kind !== 'scan') return;
      const schema = schemas.get(body.from.alias);
      if (schema?.keysType !== 'AGG_KEYS') return;
      if (mergesItself(body, orderBy, { alias: body.from.alias, schema })) {
        found.add(body.from.alias);
      }
    }
  }
}

function walkRelation(relation: RelationNode, schemas: Schemas, found: Set<string>): void {
  if (relation.kind === 'derived') walkQuery(relation.query, schemas, found);
  if (relation.kind !== 'join') return;
  walkRelation(relation.left, schemas, found);
  walkRelation(relation.right, schemas, found);
}

interface Scan {
  readonly alias: string;
  readonly schema: TableSchema;
}

function mergesItself(select: SelectNode, orderBy: QueryNode['orderBy'], scan: Scan): boolean {
  const { items, where, having, qualify, groupBy, distinct } = select;
  if (qualify !== null || (where !== null && !isOfKeys(where, scan))) return false;
  // Rows that are neither grouped nor made distinct are shown one by one.
  if (!distinct && groupBy === null && !items.some(containsAggregate)) return false;
  if (!groupItems(groupBy).every((item) => isOfKeys(item, scan))) return false;
  const sorts = orderBy.flatMap((item) =>
    item.kind === 'expression' ? [item.key.expression] : [],
  );
  const computed = [...items, ...sorts, ...(having === null ? [] : [having])];
  return computed.every((item) => isSame(item, scan));
}

function groupItems(groupBy: GroupNode | null): readonly TypedExpression[] {
  if (groupBy === null) return [];
  return groupBy.kind === 'grouping_sets' ? groupBy.sets.flat() : groupBy.items;
}

/** Made of key columns and constants alone, row by row. */
function isOfKeys(expression: TypedExpression, scan: Scan): boolean {
  switch (expression.kind) {
    case 'column':
      return (
        expression.relation === scan.alias && columnOf(expression.column, scan)?.isKey === true
      );
    case 'aggregate':
    case 'window':
    case 'exists':
    case 'scalar_subquery':
    case 'in_subquery':
      return false;
    default:
      return childrenOf(expression).every((child) => isOfKeys(child, scan));
  }
}

/** Made of keys, and of aggregates that give the same without merging. */
function isSame(expression: TypedExpression, scan: Scan): boolean {
  if (expression.kind === 'aggregate') return isSameAggregate(expression, scan);
  if (!containsAggregate(expression)) return isOfKeys(expression, scan);
  switch (expression.kind) {
    case 'window':
    case 'exists':
    case 'scalar_subquery':
    case 'in_subquery':
      return false;
    default:
      return childrenOf(expression).every((child) => isSame(child, scan));
  }
}

function isSameAggregate(aggregate: AggregateExpression, scan: Scan): boolean {
  const { entry, args, distinct, orderBy, filter } = aggregate;
  if (orderBy.length > 0 || (filter !== null && !isOfKeys(filter, scan))) return false;
  const name = entry.names[0] ?? '';
  if (args.length > 0 && args.every((arg) => isOfKeys(arg, scan))) {
    return distinct || name === 'min' || name === 'max';
  }
  const [value] = args;
  if (distinct || args.length !== 1 || value?.kind !== 'column') return false;
  if (value.relation !== scan.alias) return false;
  const column = columnOf(value.column, scan);
  // A FLOAT is summed in its own precision when it is merged.
  if (column?.aggregate === undefined || column.type.kind === 'FLOAT') return false;
  return SAME[column.aggregate].includes(name);
}

function columnOf(name: string, { schema }: Scan): TableSchema['columns'][number] | undefined {
  return schema.columns.find((column) => column.name === name);
}
