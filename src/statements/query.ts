// SELECT: reads one consistent snapshot of every table named, then plans. Rows come from a CN, except
// for what the FE knows itself.
import { fail } from '../base/errors.ts';
import type { Config } from '../config/load.ts';
import type { ConstantResult } from '../model/query-plan.ts';
import type {
  InlineTableSource,
  QueryCatalog,
  QueryContext,
  QueryTable,
  TableRef,
  UserValue,
} from '../query/catalog.ts';
import { collectTableRefs } from '../query/collect-table-refs.ts';
import { planQuery, tryConstantResult } from '../query/plan-query.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { DerivedTable, Query, TableReference } from '../sql/ast/query.ts';
import { parseStatement } from '../sql/parse.ts';
import { databaseOrCurrent } from './databases.ts';
import {
  isSystemDatabase,
  systemTable,
  systemViewSql,
} from './information-schema/system-databases.ts';
import type { Handler, Outcome, StatementContext } from './types.ts';
import { PRODUCT_VERSION, SERVER_VERSION, variableText, variableValue } from './variables.ts';
import { type Visibility, visibilityOf } from './visibility.ts';

export const query: Handler<'query'> = async (statement, context) => {
  const expanded = await expandViews(statement, context);
  const constant = tryConstantResult(expanded, context.text, queryContext(context).session);
  if (constant !== null) return { kind: 'rows', ...constant };
  return planned(expanded, context);
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

async function planned(expanded: Query, context: StatementContext): Promise<Outcome> {
  const catalog = await readTables(collectTableRefs(expanded), context);
  const plan = planQuery(expanded, context.text, { ...queryContext(context), catalog });
  return { kind: 'query', plan };
}

/** A query with its views put in, and everything it is analysed over. For EXPLAIN and INSERT. */
export async function queryWithTables(
  statement: Query,
  context: StatementContext,
): Promise<{ readonly query: Query; readonly context: QueryContext }> {
  // Thousands of rows of constants name no table: not worth walking.
  const isConstant = isPlainConstants(statement);
  const expanded = isConstant ? statement : await expandViews(statement, context);
  const refs = isConstant ? [] : collectTableRefs(expanded);
  const catalog = await readTables(refs, context);
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

function queryContext({ session, services }: StatementContext): Omit<QueryContext, 'catalog'> {
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

/** Everything that the references name, from one metadata read. */
async function readTables(
  refs: readonly TableRef[],
  { session, services }: StatementContext,
): Promise<QueryCatalog> {
  const named = refs.map((ref) => ({
    database: databaseOrCurrent(ref.database, session),
    name: ref.name,
  }));
  const inline = new Map<string, InlineTableSource>();
  for (const { database, name } of named.filter((entry) => isSystemDatabase(entry.database))) {
    const table = await systemTable(database, name, { session, services });
    if (table !== undefined) inline.set(`${database}.${name}`.toLowerCase(), table);
  }
  const snapshot = await services.catalog.snapshot(
    named.map((ref) => ({ databaseName: ref.database, tableName: ref.name })),
  );
  const stored = new Map<string, QueryTable>();
  snapshot.tables.forEach((entry, index) => {
    const ref = named[index];
    if (entry === null || ref === undefined) return;
    const used = new Set(entry.files.map((file) => file.volumeId));
    stored.set(`${ref.database}.${ref.name}`, {
      kind: 'stored',
      info: entry.table,
      files: entry.files,
      volumes: snapshot.volumes.filter((volume) => used.has(volume.id)),
    });
  });
  return {
    hasDatabase: (database) => snapshot.databaseNames.has(database) || isSystemDatabase(database),
    table: (database, name) =>
      isSystemDatabase(database)
        ? inline.get(`${database}.${name}`.toLowerCase())
        : stored.get(`${database}.${name}`),
  };
}

/** Replaces references to system views over stored tables by their SELECT. The tree is plain data: a copy is made. */
async function expandViews(statement: Query, context: StatementContext): Promise<Query> {
  if (!collectTableRefs(statement).some((ref) => isSqlView(ref, context))) return statement;
  const visible = await visibilityOf(context);
  const visit = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(visit);
    if (node === null || typeof node !== 'object') return node;
    if (isTableReference(node)) return viewOf(node, context, visible) ?? node;
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, visit(value)]));
  };
  return visit(statement) as Query;
}

function isTableReference(node: object): node is TableReference {
  return 'kind' in node && node.kind === 'table';
}

function isSqlView({ database, name }: TableRef, { session }: StatementContext): boolean {
  const place = database ?? session.database;
  return place !== null && systemViewSql(place, name, { loads: 'ALL' }) !== undefined;
}

function viewOf(
  node: TableReference,
  { session }: StatementContext,
  visible: Visibility,
): DerivedTable | undefined {
  const database = node.name.database ?? session.database;
  if (database === null) return undefined;
  const sql = systemViewSql(database, node.name.name, visible);
  if (sql === undefined) return undefined;
  const parsed = parseStatement(sql);
  if (parsed.kind !== 'query') return undefined;
  return {
    kind: 'derived_table',
    pos: node.pos,
    query: parsed,
    alias: node.alias ?? node.name.name,
    columnAliases: node.columnAliases,
  };
}
