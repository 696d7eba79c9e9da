// What a Routine Load with schema_evolution asks of its table becomes one ALTER TABLE, by the rights of the job's
// account; in the same transaction the job notes what it added, and all loads of the table are planned anew. What cannot
// be done so is an error that pauses the job, with the statement that a person may run.
import { AppError, fail, toAppError } from '../base/errors.ts';
import type { TableId } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { LoadJobRecord } from '../catalog/load-jobs.ts';
import { NeedsRewrite, type SchemaHooks, type SchemaMaker } from '../commit/schema-commit.ts';
import { columnsLeft, type Evolution, evolves } from '../loads/routine/evolution.ts';
import { routineLoadSchemaHooks } from '../loads/routine/on-schema-change.ts';
import { parseDefinition } from '../loads/routine/service.ts';
import { computedDefault } from '../model/column-default.ts';
import type { ProposedColumn, SchemaConflict, SchemaProposal } from '../model/schema-proposal.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type { ColumnSchema, TableInfo } from '../model/table.ts';
import { STRING_TYPE } from '../query/infer/json-type.ts';
import { isWidening } from '../query/widening.ts';
import type { AlterColumnClause, ColumnDefault, ColumnDefinition } from '../sql/ast/ddl.ts';
import { parseExpression } from '../sql/parse.ts';
import { printStatement } from '../sql/print-statement.ts';
import { alteredColumns } from './alter-columns.ts';
import { typeProblem } from './column-change.ts';

export interface EvolveServices {
  readonly catalog: Catalog;
  /** Why the job's account may not ALTER its table; null when it may. */
  readonly missingRight: (job: LoadJobRecord) => AppError | null;
  readonly changeSchema: (
    tableId: TableId,
    make: SchemaMaker,
    hooks: SchemaHooks,
  ) => Promise<boolean>;
}

const NOWHERE = { start: 0, line: 1, column: 0 };

/** Throws errors of the catalog. */
export async function evolveSchema(
  job: LoadJobRecord,
  proposal: SchemaProposal,
  services: EvolveServices,
): Promise<Evolution> {
  const { catalog } = services;
  const table = await catalog.tables.byId(job.tableId);
  if (table === null || !evolves(parseDefinition(job))) return { kind: 'unchanged' };
  const refuse = (reason: string, clauses: readonly AlterColumnClause[]): Evolution => ({
    kind: 'refused',
    error: fail('LOAD_SCHEMA_CONFLICT', {
      table: `${table.databaseName}.${table.name}`,
      reason,
      statement: clauses.length === 0 ? 'there is no such statement' : textOf(table, clauses),
    }),
  });
  const [conflict] = proposal.conflicts;
  if (conflict !== undefined) return refuse(whyNot(table, conflict), mending(table, conflict));
  const clauses = clausesFor(table, proposal);
  if (clauses.length === 0) return { kind: 'unchanged' };
  const missing = services.missingRight(job);
  if (missing !== null)
    return refuse(`the account of the job may not change it (${missing.message})`, clauses);
  const added = clauses.filter(({ kind }) => kind === 'add_column').length;
  const left = columnsLeft(parseDefinition(job));
  if (added > left) {
    const reason = `they have ${added} new fields, and the job may add ${left} more columns (schema_evolution_max_columns)`;
    return refuse(reason, clauses);
  }
  try {
    return await change(job, table, clauses, services);
  } catch (thrown) {
    if (thrown instanceof NeedsRewrite) return refuse('its files would be written anew', clauses);
    const error = toAppError(thrown);
    if (error.code === 'ALTER_RUNNING') return { kind: 'unchanged' };
    if (!(thrown instanceof AppError) || error.kind !== 'user') throw thrown;
    return refuse(error.message, clauses);
  }
}

async function change(
  job: LoadJobRecord,
  table: TableInfo,
  clauses: readonly AlterColumnClause[],
  { catalog, changeSchema }: EvolveServices,
): Promise<Evolution> {
  const moment = { nowMs: catalog.nowMs(), timeZone: parseDefinition(job).timeZone };
  const changed = await changeSchema(
    table.id,
    (now, nextFieldId) => alteredColumns(now, nextFieldId, clauses, moment),
    {
      onSchemaChange: async (scope, before, after) => {
        await noteAdded(scope, job, clauses);
        await routineLoadSchemaHooks.onSchemaChange(scope, before, after);
      },
    },
  );
  return changed ? { kind: 'changed', statement: textOf(table, clauses) } : { kind: 'unchanged' };
}

/** COLUMNS, where the job has it, names the new fields too. */
async function noteAdded(
  scope: CatalogScope,
  { id }: LoadJobRecord,
  clauses: readonly AlterColumnClause[],
): Promise<void> {
  const job = await scope.loadJobs.byId(id);
  if (job === null) return;
  const definition = parseDefinition(job);
  const names = clauses.flatMap((one) => (one.kind === 'add_column' ? [one.column.name] : []));
  const columns =
    definition.columns === null
      ? null
      : [...definition.columns, ...names.map((name) => ({ name, expression: null }))];
  const columnsAdded = (definition.columnsAdded ?? 0) + names.length;
  await scope.loadJobs.setDefinition(id, JSON.stringify({ ...definition, columns, columnsAdded }));
}

/** What of the proposal is not so already. */
function clausesFor(table: TableInfo, proposal: SchemaProposal): readonly AlterColumnClause[] {
  const add = proposal.add
    .filter(({ name }) => columnOf(table, name) === undefined)
    .map(({ name, type }): AlterColumnClause => {
      const column = definitionOf({ name, type, nullable: true });
      return { kind: 'add_column', column, position: null, properties: [] };
    });
  const widen = proposal.widen.flatMap((one) => {
    const column = columnOf(table, one.name);
    return column === undefined || isWidening(one.type, column.type)
      ? []
      : [modifying(column, one)];
  });
  return [...add, ...widen];
}

function modifying(
  column: ColumnSchema,
  change: Partial<ProposedColumn & { readonly nullable: boolean }>,
): AlterColumnClause {
  const changed = definitionOf({ ...column, ...change, name: column.name });
  return { kind: 'modify_column', column: changed, position: null, properties: [] };
}

type Described = ProposedColumn & { readonly nullable: boolean } & Partial<ColumnSchema>;

function definitionOf(column: Described): ColumnDefinition {
  return {
    pos: NOWHERE,
    name: column.name,
    type: column.type,
    isKey: column.isKey ?? false,
    aggregate: column.aggregate ?? null,
    nullable: column.nullable,
    defaultValue: defaultOf(column),
    autoIncrement: false,
    generated: null,
    comment: (column.comment ?? '') === '' ? null : (column.comment ?? null),
  };
}

function defaultOf({ type, defaultValue = null, defaultIsText }: Described): ColumnDefault | null {
  if (defaultValue === null) return null;
  const isComputed =
    computedDefault({ type, defaultValue, ...(defaultIsText ? { defaultIsText } : {}) }) !== null;
  return isComputed
    ? { kind: 'expression', expression: parseExpression(defaultValue) }
    : { kind: 'text', value: defaultValue };
}

function columnOf(table: TableInfo, name: string): ColumnSchema | undefined {
  const lower = name.toLowerCase();
  return table.schema.columns.find((column) => column.name.toLowerCase() === lower);
}

function whyNot(table: TableInfo, { column, type }: SchemaConflict): string {
  const now = columnOf(table, column);
  const has = now === undefined ? 'gone' : printSqlType(now.type);
  if (type === null) return `their schema has no field for column ${column}, which is NOT NULL`;
  return `column ${column} is ${has}, the messages have ${printSqlType(type)}`;
}

/** What a person may run so that the messages fit; empty where no ALTER would do. */
function mending(table: TableInfo, { column, type }: SchemaConflict): readonly AlterColumnClause[] {
  const now = columnOf(table, column);
  if (now === undefined) return [];
  if (type === null) return now.isKey ? [] : [modifying(now, { nullable: true })];
  const choices: readonly SqlType[] = [type, STRING_TYPE, { kind: 'JSON' }];
  const wanted = choices.find((choice) => typeProblem(now.type, choice) === null);
  return wanted === undefined ? [] : [modifying(now, { type: wanted })];
}

function textOf(table: TableInfo, clauses: readonly AlterColumnClause[]): string {
  const name = { pos: NOWHERE, catalog: null, database: table.databaseName, name: table.name };
  return printStatement({ kind: 'alter_table', pos: NOWHERE, name, clauses });
}
