// Bounds on shapes that DuckDB plans in exponential time, without looking at interrupts: found by trying
// (see test/unit/query/limits.test.ts). Far above what people and tools write.
import { fail } from '../base/errors.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type { QueryNode, RelationNode } from './query-node.ts';
import { MAX_DECIMAL_PRECISION } from './types.ts';
import { containsAggregate } from './walk.ts';

/** Subqueries inside expressions, one in another: each doubles the work (16: 0.3 s, 50: hours). */
export const MAX_SUBQUERY_DEPTH = 12;
/** Lambdas, one in another: each doubles the work (8: 0.1 s, 14: 7 s). */
export const MAX_LAMBDA_DEPTH = 8;
/** Levels of ARRAY, MAP and STRUCT in one type. SOURCE: StarRocks' limit. */
const MAX_TYPE_DEPTH = 15;
/** The same in a result: each level of the text made of it doubles the work (8: 0.1 s, 15: 10 s). */
export const MAX_RESULT_TYPE_DEPTH = 8;
/** Relations that one join order is sought for (100: 1.5 s, 150: 28 s). */
const MAX_JOINED = 100;

/** Longest DuckDB statement made, in characters: a bound on what repeated arguments may grow to. */
const MAX_SQL_LENGTH = 16 * 1024 * 1024;

/** The generated statement itself. @throws LIMIT_EXCEEDED when it is too long. */
export function boundedSql(sql: string, hint = ''): string {
  if (sql.length <= MAX_SQL_LENGTH) return sql;
  throw fail('LIMIT_EXCEEDED', {
    what: 'the statement',
    actual: `${sql.length} characters`,
    limit: MAX_SQL_LENGTH,
    hint,
  });
}

/** @throws LIMIT_EXCEEDED for a type that is nested too deep. */
export function checkTypeDepth(type: SqlType, limit = MAX_TYPE_DEPTH): void {
  const depth = typeDepth(type);
  if (depth <= limit) return;
  throw fail('LIMIT_EXCEEDED', {
    what: 'the nesting depth of the type',
    actual: depth,
    limit,
    hint: '',
  });
}

function typeDepth(type: SqlType): number {
  switch (type.kind) {
    case 'ARRAY':
      return 1 + typeDepth(type.element);
    case 'MAP':
      return 1 + Math.max(typeDepth(type.key), typeDepth(type.value));
    case 'STRUCT':
      return 1 + Math.max(...type.fields.map((field) => typeDepth(field.type)));
    default:
      return 0;
  }
}

/** @param cteWidths widths of the WITH tables, by generated name. @throws LIMIT_EXCEEDED for too many joins. */
export function checkJoined(relation: RelationNode, cteWidths: ReadonlyMap<string, number>): void {
  const width = joinWidth(relation, cteWidths);
  if (width <= MAX_JOINED) return;
  throw fail('LIMIT_EXCEEDED', {
    what: 'the number of tables joined with each other',
    actual: width,
    limit: MAX_JOINED,
    hint: 'store a part of the result in a table first',
  });
}

/** Relations that the engine may join in one go: plain subqueries and WITH tables dissolve into it. */
function joinWidth(relation: RelationNode, cteWidths: ReadonlyMap<string, number>): number {
  switch (relation.kind) {
    case 'scan':
    case 'table_function':
      return 1;
    case 'cte':
      return cteWidths.get(relation.name) ?? 1;
    case 'derived':
      return queryWidth(relation.query, cteWidths);
    case 'join':
      return joinWidth(relation.left, cteWidths) + joinWidth(relation.right, cteWidths);
  }
}

/** What a query counts for in the join that reads it. */
export function queryWidth(query: QueryNode, cteWidths: ReadonlyMap<string, number>): number {
  const { body } = query;
  if (body.kind === 'nested' || body.kind === 'converted') return queryWidth(body.query, cteWidths);
  if (body.kind !== 'select' || body.from === null || query.limit !== null) return 1;
  const stays = body.distinct || body.groupBy !== null || body.items.some(containsAggregate);
  return stays ? 1 : joinWidth(body.from, cteWidths);
}

/**
 * Refuses lengths and digits that no type has; DuckDB would refuse them in its own words, or change them.
 * @throws SQL_ANALYZE. SOURCE: the ranges of StarRocks' DECIMAL, CHAR and VARCHAR pages.
 */
export function checkTypeRange(type: SqlType): void {
  switch (type.kind) {
    case 'DECIMAL':
      if (type.precision < 1 || type.precision > MAX_DECIMAL_PRECISION) {
        throw outOfRange(type, `the precision must be 1 to ${MAX_DECIMAL_PRECISION}`);
      }
      if (type.scale > type.precision) throw outOfRange(type, 'the scale exceeds the precision');
      return;
    case 'ARRAY':
      checkTypeRange(type.element);
      return;
    case 'MAP':
      checkTypeRange(type.key);
      checkTypeRange(type.value);
      return;
    case 'STRUCT':
      for (const field of type.fields) checkTypeRange(field.type);
      return;
    default:
      return;
  }
}

function outOfRange(type: SqlType, reason: string): Error {
  return fail('SQL_ANALYZE', { detail: `Invalid type ${printSqlType(type)}: ${reason}` });
}
