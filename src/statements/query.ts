// SELECT: reads one consistent snapshot of every table named, then plans. Rows come from a CN, except
// for what the FE knows itself.
import { present } from '../base/assert.ts';
import type { ConstantResult } from '../model/query-plan.ts';
import type { SqlType } from '../model/sql-type.ts';
import type { QueryContext, UserValue } from '../query/catalog.ts';
import { planQuery, tryConstantResult } from '../query/plan-query.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { Query } from '../sql/ast/query.ts';
import { blamingViews, NO_TABLES, type ResolvedQuery, resolveTables } from './query-tables.ts';
import { longestQueryMs } from './time-travel.ts';
import type { Handler, Outcome, StatementContext } from './types.ts';
import {
  nearestVariables,
  PRODUCT_VERSION,
  SERVER_VERSION,
  variableText,
  variableValue,
} from './variables.ts';

export const query: Handler<'query'> = async (statement, context) => {
  const constant = tryConstantResult(statement, context.text, queryContext(context).session);
  if (constant !== null) return { kind: 'rows', ...constant };
  return planned(statement, context);
};

/** Columns of a query's result, without running it. Throws as running it does before it starts. */
export async function queryColumns(
  statement: Query,
  context: StatementContext,
): Promise<ConstantResult['columns']> {
  const outcome = await query(statement, context);
  if (outcome.kind === 'query') return outcome.plan.columns;
  return outcome.kind === 'rows' ? outcome.columns : [];
}

async function planned(statement: Query, context: StatementContext): Promise<Outcome> {
  const resolved = await resolve(statement, context);
  const plan = blamingViews(resolved.views, contextOf(resolved, context), (over) =>
    planQuery(resolved.query, context.text, over),
  );
  if (plan.knownRow === undefined) return { kind: 'query', plan };
  return { kind: 'rows', columns: plan.columns, rows: [plan.knownRow] };
}

/** A query with its views put in, and everything it is analysed over. For EXPLAIN and INSERT. */
export async function queryWithTables(
  statement: Query,
  context: StatementContext,
): Promise<{ readonly query: Query; readonly context: QueryContext }> {
  // Thousands of rows of constants name no table: not worth walking.
  if (isPlainConstants(statement)) {
    return { query: statement, context: { ...queryContext(context), catalog: NO_TABLES } };
  }
  const resolved = await resolve(statement, context);
  return { query: resolved.query, context: contextOf(resolved, context) };
}

function resolve(statement: Query, context: StatementContext): Promise<ResolvedQuery> {
  return resolveTables(statement, context, (expression) => constantValue(expression, context));
}

/** Everything that the query is analysed over, and its limits. */
function contextOf(
  { catalog, longestMs }: Pick<ResolvedQuery, 'catalog' | 'longestMs'>,
  context: StatementContext,
): QueryContext {
  const { session, limits } = queryContext(context);
  const timeoutMs = Math.min(limits.timeoutMs, longestMs);
  return { session, limits: { ...limits, timeoutMs }, catalog };
}

function isPlainConstants({ body, ctes }: Query): boolean {
  if (body.kind !== 'values' || ctes.length > 0) return false;
  return body.rows.every((row) => row.every(isPlainConstant));
}

function isPlainConstant(item: Expression): boolean {
  // Literals have no sign of their own.
  return CONSTANT_KINDS.has(item.kind === 'unary' ? item.operand.kind : item.kind);
}

const CONSTANT_KINDS: ReadonlySet<Expression['kind']> = new Set([
  'null',
  'boolean',
  'integer',
  'decimal',
  'float',
  'string',
  'binary_literal',
  'date_literal',
  'default',
]);

/**
 * The value of an expression without columns of its own, for SET: constants on the FE, everything else
 * (functions, subqueries) by a query. Throws what the query throws, NOT_AUTHORIZED for its tables too.
 */
export async function constantValue(
  expression: Expression,
  context: StatementContext,
): Promise<UserValue> {
  const { session } = queryContext(context);
  const statement = selectOf(expression);
  const constant = tryConstantResult(statement, context.text, session);
  const type = constant?.columns[0]?.type;
  if (type !== undefined) return { type, text: constant?.rows[0]?.[0] ?? null };
  await context.checkRights(statement);
  const { query: expanded, context: around } = await queryWithTables(statement, context);
  const plan = planQuery(expanded, context.text, around);
  const column = present(plan.columns[0], 'the column of a value');
  const [row] = await context.services.readRows(plan, context.signal);
  return userValue(column.type, row?.[0] ?? null);
}

/** A value as the engine sent it, in the form in which literals are kept: bytes in hex, nested values as text. */
function userValue(type: SqlType, value: Buffer | null): UserValue {
  switch (type.kind) {
    case 'VARBINARY':
      return { type, text: value?.toString('hex').toUpperCase() ?? null };
    case 'JSON':
    case 'ARRAY':
    case 'MAP':
    case 'STRUCT':
    case 'BITMAP':
    case 'HLL':
    case 'PERCENTILE':
      return { type: { kind: 'VARCHAR', length: 65_533 }, text: value?.toString('utf8') ?? null };
    default:
      return { type, text: value?.toString('utf8') ?? null };
  }
}

function selectOf(expression: Expression): Query {
  const { pos } = expression;
  return {
    kind: 'query',
    pos,
    recursive: false,
    ctes: [],
    body: {
      kind: 'select',
      pos,
      hints: [],
      distinct: false,
      items: [{ kind: 'expression_item', pos, expression, alias: 'value', end: pos.start }],
      from: null,
      where: null,
      groupBy: null,
      having: null,
      qualify: null,
    },
    orderBy: [],
    limit: null,
  };
}

export function queryContext({
  session,
  services,
}: StatementContext): Omit<QueryContext, 'catalog'> {
  const text = (name: string): string =>
    variableText(name, 'session', session, services.globals) ?? '';
  const maxRows = Number(text('sql_select_limit'));
  const { view } = services.access;
  const { identity } = session.principal;
  return {
    session: {
      currentDatabase: session.database,
      userName: identity.name,
      userHost: identity.host,
      roles: view.roleNames(view.activeRoles(session.principal)),
      hasRole: (name) =>
        view.roleNames(view.withInherited(view.activeRoles(session.principal))).includes(name),
      connectionId: session.connectionId,
      serverVersion: SERVER_VERSION,
      productVersion: PRODUCT_VERSION,
      systemVariable: (name, scope) => variableValue(name, scope, session, services.globals),
      nearVariables: nearestVariables,
      userVariable: (name) => session.userVariables.get(name),
      timeZone: text('time_zone'),
      sqlMode: text('sql_mode'),
      nowMs: services.clock.nowMs(),
    },
    limits: {
      timeoutMs: Math.min(
        Number(text('query_timeout')) * 1000,
        longestQueryMs([], services.config),
      ),
      maxRows: Number.isSafeInteger(maxRows) ? maxRows : null,
    },
  };
}
