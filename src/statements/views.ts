// CREATE / ALTER / DROP VIEW. A view keeps its query as canonical SQL with qualified names, and the names of
// its columns; what it reads is resolved when it is read. SOURCE: StarRocks docs, CREATE VIEW (3.3).
import { fail } from '../base/errors.ts';
import type { ViewDefinition, ViewRecord } from '../catalog/views.ts';
import { analysisError } from '../loads/properties.ts';
import { canonicalQuery } from '../query/canonical-query.ts';
import { analysePlan } from '../query/plan-query.ts';
import type { QueryNode } from '../query/query-node.ts';
import { replaceTables } from '../query/replace-tables.ts';
import type { ViewColumnName } from '../sql/ast/ddl.ts';
import type { Query } from '../sql/ast/query.ts';
import { printQuery } from '../sql/print.ts';
import { databaseOrCurrent } from './databases.ts';
import { checkName } from './names.ts';
import { quoteName, quoteText } from './properties.ts';
import { constantValue, queryContext } from './query.ts';
import { checkViewDepth, resolveTables } from './query-tables.ts';
import { tableName } from './tables.ts';
import { temporarySession } from './temporary.ts';
import { type Handler, OK, type StatementContext } from './types.ts';

export const createView: Handler<'create_view'> = async (statement, context) => {
  const { session, services } = context;
  const { database, name } = tableName(statement.name, session);
  const { catalog } = services;
  if (statement.ifNotExists && statement.orReplace) {
    throw analysisError('IF NOT EXISTS and OR REPLACE exclude each other');
  }
  const existing = await catalog.views.find(database, name);
  if (statement.ifNotExists && existing !== null) return OK;
  checkName('table', name);
  const view = await define(statement.query, statement.columns, { database, name }, context);
  await catalog.views.put(
    database,
    name,
    { ...view, comment: statement.comment ?? '', security: statement.security ?? 'NONE' },
    statement.orReplace,
  );
  return OK;
};

export const alterView: Handler<'alter_view'> = async (statement, context) => {
  const { session, services } = context;
  const { database, name } = tableName(statement.name, session);
  const existing = await viewOf(database, name, context);
  const { columns, definition, comment, security } = existing;
  const change =
    statement.query === null
      ? { columns, definition }
      : await define(statement.query, statement.columns, { database, name }, context);
  const changed = { comment, ...change, security: statement.security ?? security };
  await services.catalog.views.put(database, name, changed, true);
  return OK;
};

export const dropView: Handler<'drop_view'> = async (statement, context) => {
  const { session, services } = context;
  const { database, name } = tableName(statement.name, session);
  if (statement.ifExists && (await services.catalog.views.find(database, name)) === null) return OK;
  await viewOf(database, name, context);
  await services.catalog.views.drop(database, name);
  return OK;
};

/** Throws NOT_A_VIEW for a table, UNKNOWN_TABLE. */
async function viewOf(
  database: string,
  name: string,
  { services }: StatementContext,
): Promise<ViewRecord> {
  const view = await services.catalog.views.find(database, name);
  if (view !== null) return view;
  const table = await services.catalog.tables.find(database, name);
  if (table !== null) throw fail('NOT_A_VIEW', { name: `${database}.${name}` });
  throw fail('UNKNOWN_TABLE', { table: `${database}.${name}` });
}

/** Checks the query and gives what a view keeps of it. */
async function define(
  query: Query,
  names: readonly ViewColumnName[],
  self: { readonly database: string; readonly name: string },
  context: StatementContext,
): Promise<Pick<ViewDefinition, 'columns' | 'definition'>> {
  const qualified = await qualify(query, context);
  const resolved = await resolveTables(qualified, context, (expression) =>
    constantValue(expression, context),
  );
  if (resolved.views.some((view) => isSame(view, self))) {
    throw analysisError(`View '${self.database}.${self.name}' can not read itself`);
  }
  // One that nobody could read is refused now.
  checkViewDepth(resolved.depth + 1);
  const over = { ...queryContext(context), catalog: resolved.catalog };
  const { node, analysis } = analysePlan(resolved.query, context.text, over);
  const columns = viewColumns(names, node);
  const canonical = canonicalQuery(qualified, analysis, context.text);
  return { columns, definition: printQuery(canonical) };
}

function isSame(view: ViewRecord, self: { readonly database: string; readonly name: string }) {
  return view.databaseName === self.database && view.name === self.name;
}

function viewColumns(names: readonly ViewColumnName[], node: QueryNode): ViewDefinition['columns'] {
  if (names.length > 0 && names.length !== node.columns.length) {
    throw analysisError(
      `The view's column list has ${names.length} names, its query ${node.columns.length} columns`,
    );
  }
  const columns = node.columns.map(({ name, type }, index) => ({
    name: names[index]?.name ?? name,
    type,
    comment: names[index]?.comment ?? '',
  }));
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name.toLowerCase())) throw analysisError(`Duplicate column name '${name}'`);
    seen.add(name.toLowerCase());
  }
  return columns;
}

/** Every table with its database. Throws NO_DATABASE, and SQL_ANALYZE for a temporary table. */
async function qualify(query: Query, context: StatementContext): Promise<Query> {
  const { session, services } = context;
  const named: { database: string; name: string }[] = [];
  const qualified = replaceTables(query, (table) => {
    const database = databaseOrCurrent(table.name.database, session);
    named.push({ database, name: table.name.name });
    return { ...table, name: { ...table.name, catalog: null, database } };
  });
  for (const { database, name } of named) {
    const own = await services.catalog.tables.find(
      database,
      name,
      temporarySession(session, services),
    );
    const ordinary = await services.catalog.tables.find(database, name);
    if (own !== null && own.id !== ordinary?.id) {
      throw analysisError(`A view can not read the temporary table '${database}.${name}'`);
    }
  }
  return qualified;
}

/** The CREATE VIEW statement that makes the same view. */
export function createViewText(view: ViewRecord): string {
  const columns = view.columns.map(
    ({ name, comment }) =>
      `${quoteName(name)}${comment === '' ? '' : ` COMMENT ${quoteText(comment)}`}`,
  );
  const comment = view.comment === '' ? '' : `\nCOMMENT ${quoteText(view.comment)}`;
  const security = view.security === 'INVOKER' ? '\nSECURITY INVOKER' : '';
  return `CREATE VIEW ${quoteName(view.name)} (${columns.join(', ')})${comment}${security}\nAS ${view.definition};`;
}
