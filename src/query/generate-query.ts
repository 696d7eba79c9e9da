// Typed query -> one DuckDB SELECT. Outputs are c0, c1, ...; relations keep their generated aliases; the
// tables appear as their placeholders, each once.

import type { SqlType } from '../model/sql-type.ts';
import { castSql } from './cast-sql.ts';
import type { TypedExpression } from './expression.ts';
import {
  directionSql,
  expressionSql,
  type GenerateContext,
  sortKeySql,
} from './generate-expression.ts';
import type {
  BodyNode,
  GroupNode,
  JoinNode,
  OrderNode,
  QueryNode,
  RelationNode,
  SelectNode,
  SetNode,
  SetOperand,
} from './query-node.ts';
import { sameRepresentation } from './types.ts';

/** @param timeZone session zone, for functions between UTC and local time. */
export function querySql(query: QueryNode, timeZone: string): string {
  const context: GenerateContext = { timeZone, query: (node) => sqlOf(node, context) };
  return sqlOf(query, context);
}

function sqlOf(query: QueryNode, context: GenerateContext): string {
  const ctes = query.ctes.map((cte) => `${cte.name} AS (${sqlOf(cte.query, context)})`);
  const withClause =
    ctes.length === 0 ? '' : `WITH ${query.recursive ? 'RECURSIVE ' : ''}${ctes.join(', ')} `;
  const order = query.orderBy.map((item) => orderSql(item, context));
  const orderClause = order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`;
  return `${withClause}${bodySql(query.body, context)}${orderClause}${limitSql(query)}`;
}

function limitSql({ limit }: QueryNode): string {
  if (limit === null) return '';
  return ` LIMIT ${limit.count}${limit.offset === 0n ? '' : ` OFFSET ${limit.offset}`}`;
}

function orderSql(item: OrderNode, context: GenerateContext): string {
  if (item.kind === 'expression') return sortKeySql(item.key, context);
  return `${item.index + 1} ${directionSql(item)}`;
}

function bodySql(body: BodyNode, context: GenerateContext): string {
  switch (body.kind) {
    case 'select':
      return selectSql(body, context);
    case 'nested':
      return `SELECT * FROM (${sqlOf(body.query, context)})`;
    case 'converted':
      return convertedSql(`(${sqlOf(body.query, context)})`, bodyTypes(body.query), body.types);
    case 'values': {
      const rows = body.rows.map(
        (row) => `(${row.map((item) => expressionSql(item, context)).join(', ')})`,
      );
      const names = (body.rows[0] ?? []).map((_, i) => `c${i}`).join(', ');
      return `SELECT * FROM (VALUES ${rows.join(', ')}) AS v(${names})`;
    }
    case 'set':
      return setSql(body, context);
  }
}

/** Types the query's columns really have, before any conversion asked for. */
function bodyTypes(query: QueryNode): readonly SqlType[] {
  return query.columns.map((column) => column.type);
}

function convertedSql(from: string, types: readonly SqlType[], wanted: readonly SqlType[]): string {
  const items = wanted.map((to, i) => {
    const type = types[i] ?? to;
    return `${sameRepresentation(type, to) ? `c${i}` : castSql(`c${i}`, type, to)} AS c${i}`;
  });
  return `SELECT ${items.join(', ')} FROM ${from} AS q`;
}

function setSql(set: SetNode, context: GenerateContext): string {
  const side = (operand: SetOperand): string => {
    const body = `(${bodySql(operand.body, context)})`;
    const differs = operand.types.some(
      (type, i) => !sameRepresentation(type, set.types[i] ?? type),
    );
    return differs ? `(${convertedSql(body, operand.types, set.types)})` : body;
  };
  return `${side(set.left)} ${set.op}${set.all ? ' ALL' : ''} ${side(set.right)}`;
}

function selectSql(select: SelectNode, context: GenerateContext): string {
  const sql = (expression: TypedExpression): string => expressionSql(expression, context);
  const items = select.items.map((item, i) => `${sql(item)} AS c${i}`);
  const parts = [`SELECT ${select.distinct ? 'DISTINCT ' : ''}${items.join(', ')}`];
  if (select.from !== null) parts.push(`FROM ${relationSql(select.from, context)}`);
  if (select.where !== null) parts.push(`WHERE ${sql(select.where)}`);
  if (select.groupBy !== null) parts.push(groupSql(select.groupBy, context));
  if (select.having !== null) parts.push(`HAVING ${sql(select.having)}`);
  if (select.qualify !== null) parts.push(`QUALIFY ${sql(select.qualify)}`);
  return parts.join(' ');
}

function groupSql(groupBy: GroupNode, context: GenerateContext): string {
  const list = (items: readonly TypedExpression[]): string =>
    items.map((item) => expressionSql(item, context)).join(', ');
  switch (groupBy.kind) {
    case 'simple':
      return `GROUP BY ${list(groupBy.items)}`;
    case 'rollup':
      return `GROUP BY ROLLUP (${list(groupBy.items)})`;
    case 'cube':
      return `GROUP BY CUBE (${list(groupBy.items)})`;
    case 'grouping_sets':
      return `GROUP BY GROUPING SETS (${groupBy.sets.map((set) => `(${list(set)})`).join(', ')})`;
  }
}

function relationSql(relation: RelationNode, context: GenerateContext): string {
  switch (relation.kind) {
    case 'scan':
      return `${relation.placeholder} AS ${relation.alias}`;
    case 'cte':
      return `${relation.name} AS ${relation.alias}`;
    case 'derived':
      return `(${sqlOf(relation.query, context)}) AS ${relation.alias}`;
    case 'table_function': {
      const names = Array.from({ length: relation.columns }, (_, i) => `c${i}`).join(', ');
      return `${expressionSql(relation.call, context)} AS ${relation.alias}(${names})`;
    }
    case 'join':
      return joinSql(relation, context);
  }
}

function joinSql(join: JoinNode, context: GenerateContext): string {
  const left = nestedRelation(join.left, context, false);
  const right = nestedRelation(join.right, context, true);
  const on = join.on === null ? 'TRUE' : expressionSql(join.on, context);
  if (join.type === 'CROSS') return `${left} CROSS JOIN ${right}`;
  return `${left} ${join.type} JOIN ${right} ON ${on}`;
}

function nestedRelation(relation: RelationNode, context: GenerateContext, right: boolean): string {
  const sql = relationSql(relation, context);
  return right && relation.kind === 'join' ? `(${sql})` : sql;
}
