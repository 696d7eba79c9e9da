// SELECT: reads one consistent snapshot of every table named, then plans. Rows come from a CN, except
// for what the FE knows itself.
import { fail } from '../base/errors.ts';
import type { Config } from '../config/load.ts';
import type { ConstantResult } from '../model/query-plan.ts';
import type { QueryContext, UserValue } from '../query/catalog.ts';
import { planQuery, tryConstantResult } from '../query/plan-query.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { Query } from '../sql/ast/query.ts';
import { blamingViews, NO_TABLES, resolveTables } from './query-tables.ts';
import type { Handler, Outcome, StatementContext } from './types.ts';
import { PRODUCT_VERSION, SERVER_VERSION, variableText, variableValue } from './variables.ts';

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
  const { query: expanded, catalog, views } = await resolveTables(statement, context);
  const plan = blamingViews(views, { ...queryContext(context), catalog }, (over) =>
    planQuery(expanded, context.text, over),
  );
  return { kind: 'query', plan };
}

/** A query with its views put in, and everything it is analysed over. For EXPLAIN and INSERT. */
export async function queryWithTables(
  statement: Query,
  context: StatementContext,
): Promise<{ readonly query: Query; readonly context: QueryContext }> {
  // Thousands of rows of constants name no table: not worth walking.
  const { query: expanded, catalog } = isPlainConstants(statement)
    ? { query: statement, catalog: NO_TABLES }
    : await resolveTables(statement, context);
  return { query: expanded, context: { ...queryContext(context), catalog } };
}

function isPlainConstants({ body, ctes }: Query): boolean {
  if (body.kind !== 'values' || ctes.length > 0) return false;
  return body.rows.every((row) => row.every((item) => CONSTANT_KINDS.has(item.kind)));
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

/** The value of an expression without tables, for SET. Throws SQL_ANALYZE when it needs rows. */
export async function constantValue(
  expression: Expression,
  context: StatementContext,
): Promise<UserValue> {
  const { session } = queryContext(context);
  const result = tryConstantResult(selectOf(expression), context.text, session);
  const type = result?.columns[0]?.type;
  if (result === null || type === undefined) {
    throw fail('SQL_ANALYZE', { detail: 'Set statement only support constant expr' });
  }
  return { type, text: result.rows[0]?.[0] ?? null };
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
      userVariable: (name) => session.userVariables.get(name),
      timeZone: text('time_zone'),
      sqlMode: text('sql_mode'),
      nowMs: services.clock.nowMs(),
    },
    limits: {
      timeoutMs: Math.min(Number(text('query_timeout')) * 1000, longestQueryMs(services.config)),
      maxRows: Number.isSafeInteger(maxRows) ? maxRows : null,
    },
  };
}

/** Files that left a table are kept for this long: no query may run longer, whatever its session says. */
function longestQueryMs(config: Config): number {
  return (
    Math.max(config.int('query_timeout_second'), config.int('version_retention_second')) * 1000
  );
}
