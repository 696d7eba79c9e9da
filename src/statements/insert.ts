// INSERT INTO | OVERWRITE ... VALUES / SELECT: checks it against the table, plans its rows and runs it.
import { fail } from '../base/errors.ts';
import type { OverwrittenPartitions } from '../commit/types.ts';
import {
  checkCount,
  checkSource,
  type InsertRules,
  insertOutputs,
  insertRules,
  targetColumns,
} from '../loads/insert/definition.ts';
import type { InsertResult } from '../loads/insert/service.ts';
import { checkLabel } from '../loads/label.ts';
import { OPERATION_COLUMN } from '../loads/operation.ts';
import { analysisError } from '../loads/properties.ts';
import { loadTargets } from '../loads/targets.ts';
import { partialUpdateMode, type UpdateWish, updateRule } from '../loads/update-rule.ts';
import type { InsertPlan } from '../model/insert-plan.ts';
import type { PartialUpdateMode } from '../model/load-plan.ts';
import { loadOrder } from '../model/sort-key.ts';
import type { ColumnSchema, TableInfo } from '../model/table.ts';
import type { InsertSource } from '../query/plan-insert.ts';
import { plainValues, planSelectSource, planValuesSource } from '../query/plan-insert.ts';
import type { Insert } from '../sql/ast/ddl.ts';
import type { PartitionNames } from '../sql/ast/query.ts';
import { propertyMap } from './properties.ts';
import { queryWithTables } from './query.ts';
import { findTable } from './tables.ts';
import type { Outcome, StatementContext } from './types.ts';
import { variableText } from './variables.ts';

/** Throws what the statement throws before a row of it is made, for SUBMIT TASK; runs nothing. */
export async function checkInsert(statement: Insert, context: StatementContext): Promise<void> {
  const table = await findTable(statement.table, context);
  await refuseSystemTable(table, context);
  checkLabel(statement.label);
  await planInsert(statement, table, context);
}

/** EXPLAIN ANALYZE: runs it and keeps nothing. Throws what the statement throws. */
export async function explainInsert(
  statement: Insert,
  context: StatementContext,
): Promise<readonly string[]> {
  const table = await findTable(statement.table, context);
  await refuseSystemTable(table, context);
  checkLabel(statement.label);
  const plan = await planInsert(statement, table, context);
  const { services, signal } = context;
  return await services.inserts.explain({ table, plan, label: null, signal });
}

/** Inserts into a table that is known. Used by CREATE TABLE AS SELECT, too. */
export async function runInsert(
  statement: Pick<Insert, 'overwrite' | 'label' | 'columns' | 'byName' | 'properties' | 'query'> &
    Partial<Pick<Insert, 'partitions'>>,
  table: TableInfo,
  context: StatementContext,
): Promise<Outcome> {
  const { services, signal } = context;
  await refuseSystemTable(table, context);
  checkLabel(statement.label);
  const plan = await planInsert(statement, table, context);
  const { label, overwrite } = statement;
  const overwritten = overwrite ? overwrittenBy(statement, plan, context) : {};
  const mayJoin = mayJoinOthers(statement, context);
  const request = { table, plan, label, overwrite, ...overwritten, mayJoin, signal };
  const result = await services.inserts.run(request);
  return {
    kind: 'ok',
    affectedRows: result.rowsLoaded,
    ...filteredWarnings(result),
    info: `{'label':'${result.label}', 'status':'VISIBLE', 'txnId':'${result.transactionId}'}`,
  };
}

/** A warning per rejected row; the first few say why in SHOW WARNINGS. */
export function filteredWarnings({
  rowsFiltered,
  errorSamples,
}: Pick<InsertResult, 'rowsFiltered' | 'errorSamples'>): {
  readonly warnings: number;
  readonly remarks: readonly string[];
} {
  return { warnings: rowsFiltered - errorSamples.length, remarks: errorSamples };
}

/** A label names one statement's transaction, and a list of partitions is no rule that all share. */
function mayJoinOthers(
  {
    label,
    overwrite,
    partitions = null,
  }: Pick<Insert, 'label' | 'overwrite'> & Partial<Pick<Insert, 'partitions'>>,
  { session, services }: StatementContext,
): boolean {
  if (label !== null || overwrite || partitions !== null) return false;
  return variableText('enable_insert_group', 'session', session, services.globals) === 'true';
}

/** The partitions that INSERT OVERWRITE names, or by dynamic_overwrite those that get rows; else all. */
function overwrittenBy(
  { partitions = null }: Partial<Pick<Insert, 'partitions'>>,
  { target: { routing } }: InsertPlan,
  { session, services }: StatementContext,
): { readonly overwritten?: OverwrittenPartitions } {
  if (routing === undefined) return {};
  if (partitions !== null && routing.kind === 'fixed') {
    return { overwritten: routing.partitions.map(({ id }) => id) };
  }
  const dynamic = variableText('dynamic_overwrite', 'session', session, services.globals);
  return dynamic === 'true' ? { overwritten: 'dynamic' } : {};
}

/** Throws SYSTEM_OBJECT for a table that Millrace itself keeps. */
export async function refuseSystemTable(
  table: TableInfo,
  { services }: StatementContext,
): Promise<void> {
  const { catalog } = services;
  const database = await catalog.rememberDefinition(['database', String(table.databaseId)], () =>
    catalog.databases.byId(table.databaseId),
  );
  if (database?.isSystem === true) {
    throw fail('SYSTEM_OBJECT', { what: 'table', name: `${table.databaseName}.${table.name}` });
  }
}

/** Throws what the statement throws before a row of it is made. `wholeRows`: columns not named get their defaults. */
export async function planInsert(
  statement: Pick<Insert, 'columns' | 'byName' | 'overwrite' | 'properties' | 'query'> &
    Partial<Pick<Insert, 'partitions'>>,
  table: TableInfo,
  context: StatementContext,
  { wholeRows = false }: { readonly wholeRows?: boolean } = {},
): Promise<InsertPlan> {
  const { session, services } = context;
  const { mergeCondition, ...rest } = insertRulesOf(statement.properties, context);
  const allowed = variableText(
    'enable_insert_partial_update',
    'session',
    session,
    services.globals,
  );
  const partial = allowed === 'true' && !statement.overwrite && !wholeRows;
  const mode = sessionUpdateMode(context);
  return {
    userName: session.user,
    ...(await targetsOf(table, context, statement.partitions ?? null)),
    ...(await planSource(statement, table, context, { partial, mode, mergeCondition })),
    ...rest,
    sortBy: loadOrder(table.schema),
  };
}

/** How the session wants the columns written that a statement gives of rows that are there. */
export function sessionUpdateMode({ session, services }: StatementContext): PartialUpdateMode {
  return partialUpdateMode(
    variableText('partial_update_mode', 'session', session, services.globals) ?? 'auto',
  );
}

/** The rules of the session and of the statement's properties. Throws SQL_ANALYZE. */
export function insertRulesOf(
  properties: Insert['properties'],
  { session, services }: StatementContext,
): InsertRules {
  const text = (name: string): string =>
    variableText(name, 'session', session, services.globals) ?? '';
  return insertRules(propertyMap(properties), {
    strict: text('enable_insert_strict') === 'true',
    maxFilterRatio: Number(text('insert_max_filter_ratio')),
    timeoutSeconds: Number(text('insert_timeout')),
  });
}

async function planSource(
  statement: Pick<Insert, 'columns' | 'byName' | 'query'>,
  table: TableInfo,
  context: StatementContext,
  wish: Pick<UpdateWish, 'partial' | 'mode'> & { readonly mergeCondition: string | null },
): Promise<InsertSource & Pick<InsertPlan, 'outputs' | 'operation' | 'update'>> {
  const { schema } = table;
  const list = statement.columns?.map((column) => column.name) ?? null;
  const isPrimary = schema.keysType === 'PRIMARY_KEYS';
  // `__op` may be named as if it were a column of the table.
  const columns = isPrimary ? [...schema.columns, OPERATION_COLUMN] : schema.columns;
  const finish = (
    targets: readonly ColumnSchema[],
    source: InsertSource,
    session: Parameters<typeof insertOutputs>[2],
  ) => {
    const operation = targets.indexOf(OPERATION_COLUMN);
    const given = new Set(targets.map((column) => column.name.toLowerCase()));
    // Columns that an INSERT does not name keep their values (StarRocks: since 3.3.1).
    const left = schema.columns.filter((column) => !given.has(column.name.toLowerCase()));
    const partial =
      isPrimary &&
      wish.partial &&
      left.some(({ generated }) => generated === undefined) &&
      // Whose key gets a new number has no old row.
      !left.some((column) => column.isKey && column.autoIncrement === true);
    const { mergeCondition: condition, mode } = wish;
    const { timeZone } = session;
    const update = updateRule(table, { partial, mode, condition, given, timeZone });
    const outputs = insertOutputs(schema.columns, targets, session, partial);
    return { ...source, outputs, operation: operation < 0 ? null : operation, update };
  };
  const values = plainValues(statement.query);
  if (values !== null) {
    if (statement.byName) throw analysisError('INSERT BY NAME needs a SELECT: VALUES has no names');
    const targets = targetColumns(list === null ? schema.columns : columns, list, table.name);
    for (const row of values.rows) checkCount(targets.length, row.length);
    const tables = (await queryWithTables(statement.query, context)).context;
    const { services } = context;
    const newUuid = (): string => services.newUuid();
    const source = planValuesSource(values, targets, context.text, { ...tables, newUuid });
    for (const part of source.parts) checkSource(targets, part.types);
    return finish(targets, source, tables.session);
  }
  const planned = await queryWithTables(statement.query, context);
  const { query, context: tables } = planned;
  const { columns: selected, ...source } = planSelectSource(query, context.text, tables);
  const names = statement.byName ? selected.map((column) => column.name) : list;
  const targets = targetColumns(names === null ? schema.columns : columns, names, table.name);
  checkCount(targets.length, source.parts[0]?.types.length ?? targets.length);
  for (const part of source.parts) checkSource(targets, part.types);
  return finish(targets, source, tables.session);
}

/** Where rows and rejected rows of a statement's load into the table go. */
export function targetsOf(
  table: TableInfo,
  { services }: StatementContext,
  names: PartitionNames | null = null,
): ReturnType<typeof loadTargets> {
  const named =
    names === null
      ? null
      : { names: names.names.map(({ name }) => name), temporary: names.temporary };
  return loadTargets(services.catalog, table, named);
}
