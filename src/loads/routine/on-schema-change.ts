// What becomes of Routine Load jobs when the columns of their table change: in the same SQL transaction
// their tasks lose their leases and are planned anew, or the job pauses where it would load other data than
// it did. Nothing is lost either way: positions stand where the last commit left them.
import { toAppError } from '../../base/errors.ts';
import type { TableId } from '../../base/ids.ts';
import type { CatalogScope } from '../../catalog/catalog.ts';
import { type LoadJobRecord, tablesOfJob } from '../../catalog/load-jobs.ts';
import type { SchemaHooks } from '../../commit/schema-commit.ts';
import type { LoadOutput, LoadTransform } from '../../model/load-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import { compileTransform } from './compile.ts';
import type { RoutineLoadDefinition } from './definition.ts';
import { REASONS } from './health.ts';
import { parseDefinition } from './service.ts';

export const routineLoadSchemaHooks: SchemaHooks = {
  async onSchemaChange(scope, before, after) {
    const jobs = await scope.loadJobs.list({ databaseId: before.databaseId, all: false });
    for (const job of jobs) {
      if (job.state === 'PAUSED' || !tablesOfJob(job).some(({ id }) => id === before.id)) continue;
      await replan(scope, job, before, after);
    }
  },
};

async function replan(
  scope: CatalogScope,
  job: LoadJobRecord,
  before: TableInfo,
  after: TableInfo,
): Promise<void> {
  const others = tablesOfJob(job).filter(({ id }) => id !== before.id);
  const tables = new Map<TableId, TableInfo>();
  for (const { id } of others) {
    const table = await scope.tables.byId(id);
    if (table !== null) tables.set(id, table);
  }
  const together = (one: TableInfo): readonly TableInfo[] =>
    tablesOfJob(job).flatMap(({ id }) => (id === one.id ? [one] : (tables.get(id) ?? [])));
  const problem = problemOf(parseDefinition(job), before, after, together);
  if (problem !== null) {
    await scope.loadJobs.setState(job.id, ['NEED_SCHEDULE', 'RUNNING'], 'PAUSED', {
      errCode: REASONS.tasksAbort,
      message: `${problem}; ALTER ROUTINE LOAD with other COLUMNS where it is needed, then RESUME`,
    });
  }
  await scope.leases.revokeJob(job.id, `the columns of table ${before.name} changed`);
}

/** Why the job may not just go on over the new columns; null when it may. */
export function problemOf(
  definition: RoutineLoadDefinition,
  before: TableInfo,
  after: TableInfo,
  /** The table with the others of the job, in the job's order. */
  together: (table: TableInfo) => readonly TableInfo[] = (table) => [table],
): string | null {
  const old = compiled(definition, before, together(before));
  // It could not run before either: its own error says why.
  if (typeof old === 'string') return null;
  const now = compiled(definition, after, together(after));
  if (typeof now === 'string') return now;
  const isPositional =
    definition.columns === null &&
    ((definition.properties['format'] ?? 'csv') === 'csv' ||
      (definition.properties['jsonpaths'] ?? '').trim() !== '');
  if (isPositional && old.fields.join('\n') !== now.fields.join('\n')) {
    return `the columns of table ${before.name} changed, and the job loads them by their position`;
  }
  for (const { column, from } of old.outputs) {
    const other = now.outputs.find((output) => output.column.fieldId === column.fieldId);
    const isGiven = from.kind === 'field' || from.kind === 'expression';
    if (!isGiven || other === undefined) continue;
    if (sourceOf(other.from) === sourceOf(from)) continue;
    return other.column.name === column.name
      ? `column ${column.name} of table ${before.name} would be loaded from something else`
      : `column ${column.name} of table ${before.name}, which the job loads, is now called ${other.column.name}`;
  }
  return null;
}

function compiled(
  definition: RoutineLoadDefinition,
  table: TableInfo,
  tables: readonly TableInfo[],
): LoadTransform | string {
  try {
    return compileTransform(definition, table, tables);
  } catch (error) {
    return toAppError(error).message;
  }
}

function sourceOf(from: LoadOutput['from']): string {
  switch (from.kind) {
    case 'field':
      return `field ${from.field.toLowerCase()}`;
    case 'expression':
      return `expression ${from.duckdbSql}`;
    case 'default':
      return 'default';
    case 'generated':
      return 'generated';
  }
}
