// DELETE and UPDATE: checks them against the table, plans which rows they change and runs them. Which rows these are
// is worked out anew when the table changed in between.
import { fail } from '../base/errors.ts';
import type { DeletedRows } from '../catalog/transactions.ts';
import type { PlannedChange } from '../loads/change/service.ts';
import { insertOutputs } from '../loads/insert/definition.ts';
import { analysisError } from '../loads/properties.ts';
import type { RowUpdate } from '../model/change-plan.ts';
import { writesColumns } from '../model/overlay.ts';
import { loadOrder } from '../model/sort-key.ts';
import { printSqlType } from '../model/sql-type.ts';
import type { ColumnSchema, TableInfo, TableSchema } from '../model/table.ts';
import type { QueryContext, StoredTable } from '../query/catalog.ts';
import { changeQuery, mergedDeleteQuery } from '../query/change-query.ts';
import { generatedFrom } from '../query/generated-column.ts';
import { type ChangedRows, planChangedRows } from '../query/plan-change.ts';
import { isCastable } from '../query/types.ts';
import type { Assignment, ChangeStatement, Delete, Update } from '../sql/ast/change.ts';
import type { Query } from '../sql/ast/query.ts';
import {
  filteredWarnings,
  insertRulesOf,
  refuseSystemTable,
  sessionUpdateMode,
  targetsOf,
} from './insert.ts';
import { queryWithTables } from './query.ts';
import { deleteCondition } from './show/deletes.ts';
import { findTable, tableName } from './tables.ts';
import type { Outcome, StatementContext } from './types.ts';
import { variableText } from './variables.ts';

/** SOURCE: StarRocks, UPDATE: fewer columns than this, and less than this share of all, need no WHERE in mode auto. */
const FEW_COLUMNS = 4;
const FEW_SHARE = 0.3;

/** EXPLAIN ANALYZE: runs it and changes nothing. Throws what the statement throws. */
export async function explainChange(
  statement: ChangeStatement,
  context: StatementContext,
): Promise<readonly string[]> {
  const table = await checkedTable(statement, context);
  return await context.services.changes.explain({
    kind: statement.kind,
    table,
    signal: context.signal,
    plan: () => planChange(statement, table, context),
  });
}

/** The table of a statement that may run on it. Throws what the statement throws before it looks for rows. */
export async function checkedTable(
  statement: ChangeStatement,
  context: StatementContext,
): Promise<TableInfo> {
  const table = await findTable(statement.table, context);
  await refuseSystemTable(table, context);
  if (statement.kind === 'delete') checkDelete(statement, table);
  else checkUpdate(statement, table, context);
  return table;
}

/** As a transaction of its own. */
export async function runChange(
  statement: ChangeStatement,
  table: TableInfo,
  context: StatementContext,
): Promise<Outcome> {
  const { services, signal } = context;
  const { label, transactionId, rowsChanged, ...filtered } = await services.changes.run({
    kind: statement.kind,
    table,
    signal,
    ...(statement.kind === 'delete' ? { deleted: deletedRows(statement) } : {}),
    plan: () => planChange(statement, table, context),
  });
  return {
    kind: 'ok',
    affectedRows: rowsChanged,
    ...filteredWarnings(filtered),
    info: `{'label':'${label}', 'status':'VISIBLE', 'txnId':'${transactionId}'}`,
  };
}

function deletedRows({ partitions, where }: Delete): DeletedRows {
  return {
    partitions: partitions?.names.map(({ name }) => name) ?? null,
    condition: where === null ? '' : deleteCondition(where),
  };
}

/** SOURCE: StarRocks' words for what DELETE needs. */
function checkDelete({ where, partitions }: Delete, { schema }: TableInfo): void {
  if (where === null) {
    throw analysisError(
      schema.keysType === 'PRIMARY_KEYS'
        ? 'Delete must specify where clause to prevent full table delete'
        : 'Where clause is not set',
    );
  }
  if (partitions?.temporary === true) {
    throw analysisError('Do not support deleting temp partitions');
  }
}

/** SOURCE: StarRocks' words for what UPDATE needs. */
function checkUpdate(statement: Update, table: TableInfo, context: StatementContext): void {
  const { schema, name } = table;
  if (schema.keysType === 'AGG_KEYS') {
    throw analysisError(`table ${name} does not support update: its rows are merged by their keys`);
  }
  const hasKeys = schema.keysType !== 'DUP_KEYS';
  const path = ['default_catalog', table.databaseName, name].map((part) => part.toLowerCase());
  const seen = new Set<string>();
  for (const { qualifier, column, value } of statement.assignments) {
    const own = qualifier.every(
      (part, index) => part.toLowerCase() === path[path.length - qualifier.length + index],
    );
    const found = own ? columnNamed(schema, column) : undefined;
    if (found === undefined) {
      const shown = [...qualifier, column].join('.');
      throw analysisError(`table '${name}' do not existing column '${shown}'`);
    }
    if (found.isKey && hasKeys) {
      throw analysisError(`primary key column cannot be updated: ${found.name}`);
    }
    if (found.generated !== undefined) {
      throw analysisError(`materialized column '${found.name}' can not be specified.`);
    }
    if (found.autoIncrement === true && (value.kind === 'default' || value.kind === 'null')) {
      throw analysisError(`AUTO_INCREMENT column: ${found.name} must not be NULL`);
    }
    if (value.kind === 'default' && found.defaultValue === null && !found.nullable) {
      throw analysisError(`Column has no default value, column: ${found.name}`);
    }
    if (seen.has(found.name)) throw analysisError(`Column '${column}' specified twice`);
    seen.add(found.name);
  }
  if (statement.where === null && !needsNoWhere(seen.size, schema, context)) {
    throw analysisError('must specify where clause to prevent full table update');
  }
}

function needsNoWhere(
  count: number,
  { columns }: TableSchema,
  { session, services }: StatementContext,
): boolean {
  const mode = variableText('partial_update_mode', 'session', session, services.globals);
  if (mode === 'column') return true;
  return mode === 'auto' && count < FEW_COLUMNS && count < columns.length * FEW_SHARE;
}

function columnNamed({ columns }: TableSchema, name: string): ColumnSchema | undefined {
  const lower = name.toLowerCase();
  return columns.find((column) => column.name.toLowerCase() === lower);
}

/** The assignments whose values the query computes: all but DEFAULT. */
function computedOf(statement: ChangeStatement): readonly Assignment[] {
  if (statement.kind === 'delete') return [];
  return statement.assignments.filter(({ value }) => value.kind !== 'default');
}

/** The query that finds the rows of a statement that is as it must be: for EXPLAIN. Throws as running it does. */
export async function checkedChangeQuery(
  statement: ChangeStatement,
  context: StatementContext,
): Promise<Query> {
  const table = await findTable(statement.table, context);
  if (statement.kind === 'delete') checkDelete(statement, table);
  else checkUpdate(statement, table, context);
  return queryOf(statement, table.schema, context);
}

function queryOf(
  statement: ChangeStatement,
  { keysType, columns }: TableSchema,
  { session }: StatementContext,
): Query {
  const { database } = tableName(statement.table, session);
  if (statement.kind === 'delete' && keysType === 'AGG_KEYS') {
    const keys = columns.filter((column) => column.isKey).map((column) => column.name);
    return mergedDeleteQuery(statement, database, keys);
  }
  return changeQuery(statement, database, computedOf(statement));
}

/** Over the tables as they are now. */
async function planChange(
  statement: ChangeStatement,
  table: TableInfo,
  context: StatementContext,
): Promise<PlannedChange> {
  const { database } = tableName(statement.table, context.session);
  const computed = computedOf(statement);
  const query = queryOf(statement, table.schema, context);
  const { query: expanded, context: tables } = await queryWithTables(query, context);
  const stored = tables.catalog.table(database, statement.table.name);
  if (stored?.kind !== 'stored' || stored.info.id !== table.id) {
    throw fail('UNKNOWN_TABLE', { table: `${database}.${statement.table.name}` });
  }
  const { schema } = stored.info;
  const assigned = new Set(
    statement.kind === 'update'
      ? statement.assignments.map(({ column }) => columnNamed(schema, column)?.name)
      : [],
  );
  const overlaid =
    statement.kind === 'delete' ? null : overlaidBy(statement, stored, assigned, context);
  const kept = statement.kind === 'delete' ? [] : keptColumns(schema, assigned, overlaid);
  const rows = planChangedRows(expanded, kept, computed, context.text, tables);
  const { target, rejected } = await targetsOf(stored.info, context);
  const rules = insertRulesOf([], context);
  const { types, fromTable, ...found } = rows;
  const update =
    statement.kind === 'delete'
      ? null
      : {
          ...updateOf(schema, kept, computed, overlaid, { types, fromTable }, tables),
          ...rules,
          rejected,
        };
  return {
    version: stored.version,
    plan: {
      userName: context.session.user,
      target,
      ...found,
      update,
      timeoutMs: rules.timeoutMs,
    },
  };
}

/** The columns whose new values are written as an overlay; null: whole rows are. */
function overlaidBy(
  { where }: Update,
  { info: { schema }, files }: StoredTable,
  assigned: ReadonlySet<string | undefined>,
  context: StatementContext,
): readonly ColumnSchema[] | null {
  if (schema.keysType !== 'PRIMARY_KEYS') return null;
  const session = sessionUpdateMode(context);
  const isFew = assigned.size < FEW_COLUMNS && assigned.size < schema.columns.length * FEW_SHARE;
  // SOURCE: StarRocks: mode auto takes columns for a few of them in all rows.
  const mode = session === 'auto' ? (where === null && isFew ? 'column' : 'row') : session;
  const written = schema.columns.filter(
    (column) =>
      assigned.has(column.name) ||
      (column.generated !== undefined &&
        generatedFrom(column, schema.columns).some((name) => isNamed(assigned, name))),
  );
  // How many rows change is not known before they are read.
  const isOverlay = writesColumns(schema, { mode, written, rowCount: 0, files });
  return isOverlay ? written : null;
}

function isNamed(names: ReadonlySet<string | undefined>, wanted: string): boolean {
  return [...names].some((name) => name?.toLowerCase() === wanted.toLowerCase());
}

/** Columns that are read of the old rows: all others, or those that generated columns of an overlay are made of. */
function keptColumns(
  { columns }: TableSchema,
  assigned: ReadonlySet<string | undefined>,
  overlaid: readonly ColumnSchema[] | null,
): readonly ColumnSchema[] {
  const left = columns.filter(
    ({ name, generated }) => !assigned.has(name) && generated === undefined,
  );
  if (overlaid === null) return left;
  const made = overlaid.filter(({ generated }) => generated !== undefined);
  const sources = new Set(
    made.flatMap((column) => generatedFrom(column, columns).map((name) => name.toLowerCase())),
  );
  return left.filter(({ name }) => sources.has(name.toLowerCase()));
}

/** Where the values of the new rows come from. Throws SQL_ANALYZE for types that no cast makes the column's. */
function updateOf(
  schema: TableSchema,
  kept: readonly ColumnSchema[],
  computed: readonly Assignment[],
  overlaid: readonly ColumnSchema[] | null,
  { types, fromTable }: Pick<ChangedRows, 'types' | 'fromTable'>,
  { session }: QueryContext,
): Pick<RowUpdate, 'types' | 'fromTable' | 'outputs' | 'sortBy' | 'overlaid'> {
  const sources = [...kept, ...computed.flatMap(({ column }) => columnNamed(schema, column) ?? [])];
  for (const [index, column] of sources.entries()) {
    const type = types[index];
    if (type === undefined || isCastable(type, column.type)) continue;
    throw analysisError(
      `Cannot cast '${printSqlType(type)}' to '${printSqlType(column.type)}' for column '${column.name}'`,
    );
  }
  const needed =
    overlaid === null
      ? schema.columns
      : schema.columns.filter((column) => overlaid.includes(column) || kept.includes(column));
  // What is neither kept nor computed is set to DEFAULT, or made of the others.
  const outputs = insertOutputs(needed, sources, session).map(({ column, from }) => {
    // A row that is there has its number: none is made for a NULL, which does not fit.
    const { autoIncrement: _, ...plain } = column;
    return { column: plain, from };
  });
  const rows = { types, fromTable, outputs, sortBy: loadOrder(schema) };
  return overlaid === null ? rows : { ...rows, overlaid };
}
