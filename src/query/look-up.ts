// Recognises a look-up: plain columns of one table, where integer columns compare with constants. Such a query
// can be answered from rows kept in memory (engine/hot-blocks.ts), with the same result as its SQL.
import { quoteIdentifier } from '../model/duckdb-text.ts';
import type { LookUp, LookUpComparison, LookUpOperator } from '../model/query-plan.ts';
import type { SqlType } from '../model/sql-type.ts';
import type { ColumnExpression, ComparisonExpression, TypedExpression } from './expression.ts';
import type { QueryNode, SelectNode } from './query-node.ts';
import { renderTextSql } from './render.ts';

/** Types whose comparisons with a constant are those of whole numbers. */
const NUMBERS: ReadonlySet<SqlType['kind']> = new Set(['TINYINT', 'SMALLINT', 'INT', 'BIGINT']);
/** Results of these types only: values whose text is cheap to keep. */
const SHOWN: ReadonlySet<SqlType['kind']> = new Set([
  ...NUMBERS,
  'BOOLEAN',
  'LARGEINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL',
  'DATE',
  'DATETIME',
  'CHAR',
  'VARCHAR',
  'VARBINARY',
]);
const FLIPPED = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;

/**
 * The look-up that a query is, null when it is none. `maxRows` is the session's limit, which holds where
 * the query has none of its own.
 */
export function lookUpOf(node: QueryNode, maxRows: number | null): LookUp | null {
  const { body, orderBy, ctes, limit } = node;
  if (body.kind !== 'select' || body.where === null || orderBy.length > 0 || ctes.length > 0) {
    return null;
  }
  if (body.from?.kind !== 'scan' || !isPlain(body)) return null;
  const { alias } = body.from;
  const columns = body.items.map((item) => shownColumn(item, alias));
  const comparisons = comparisonsOf(body.where, alias);
  if (comparisons === null || !columns.every((column) => column !== null)) return null;
  return {
    columns,
    comparisons,
    offset: Number(limit?.offset ?? 0n),
    most: limit === null ? maxRows : Number(limit.count),
  };
}

function isPlain({ distinct, groupBy, having, qualify }: SelectNode): boolean {
  return !distinct && groupBy === null && having === null && qualify === null;
}

function shownColumn(item: TypedExpression, alias: string): LookUp['columns'][number] | null {
  if (!isColumnOf(item, alias) || !SHOWN.has(item.type.kind)) return null;
  return { name: item.column, sql: renderTextSql(item.type, quoteIdentifier(item.column)).sql };
}

/** Null unless every part of the condition is a comparison that is understood. */
function comparisonsOf(where: TypedExpression, alias: string): readonly LookUpComparison[] | null {
  if (where.kind === 'logical' && where.op === 'AND') {
    const left = comparisonsOf(where.left, alias);
    const right = left === null ? null : comparisonsOf(where.right, alias);
    return left === null || right === null ? null : [...left, ...right];
  }
  if (where.kind !== 'comparison') return null;
  const one = comparisonOf(where, alias);
  return one === null ? null : [one];
}

function comparisonOf(
  { op, left, right }: ComparisonExpression,
  alias: string,
): LookUpComparison | null {
  if (op === '<>' || op === '<=>') return null;
  const flipped: LookUpOperator = FLIPPED[op];
  if (left.kind === 'literal') return compared(right, flipped, left, alias);
  return compared(left, op, right, alias);
}

function compared(
  column: TypedExpression,
  op: LookUpOperator,
  constant: TypedExpression,
  alias: string,
): LookUpComparison | null {
  if (!isColumnOf(column, alias) || !NUMBERS.has(column.type.kind)) return null;
  if (constant.kind !== 'literal' || constant.text === null) return null;
  if (!NUMBERS.has(constant.type.kind) || !/^-?\d{1,19}$/.test(constant.text)) return null;
  return { column: column.column, op, value: BigInt(constant.text) };
}

function isColumnOf(item: TypedExpression, alias: string): item is ColumnExpression {
  return item.kind === 'column' && item.relation === alias;
}
