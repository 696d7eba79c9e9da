// schema_evolution of a job: whether it can be, and what the loader has to know to see what is new in its messages.
import { type AppError, toAppError } from '../../base/errors.ts';
import type { JobId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { LoadJobRecord } from '../../catalog/load-jobs.ts';
import type { LoadTransform } from '../../model/load-plan.ts';
import {
  decodeProposal,
  type EvolutionSpec,
  type SchemaProposal,
} from '../../model/schema-proposal.ts';
import type { TableInfo } from '../../model/table.ts';
import { OPERATION_COLUMN } from '../operation.ts';
import { analysisError, propertyOf } from '../properties.ts';
import type { RoutineLoadDefinition } from './definition.ts';
import { JOB_PROPERTIES } from './properties.ts';

/** Of a statement in OtherMsg. */
const SHOWN_CHARACTERS = 2_000;

/** `unchanged`: the messages may fit already. */
export type Evolution =
  | { readonly kind: 'changed'; readonly statement: string }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly error: AppError };

export interface EvolveOptions {
  readonly catalog: Catalog;
  readonly log: Log;
  /** Changes a job's table as its messages ask. Throws errors of the catalog. */
  readonly evolve: (job: LoadJobRecord, proposal: SchemaProposal) => Promise<Evolution>;
}

/**
 * What is left of the error that a task ended with: where its messages ask for another table, and it is changed so, null.
 * The job's tasks have lost their leases then.
 */
export async function afterChange(
  { catalog, evolve, log }: EvolveOptions,
  jobId: JobId,
  error: AppError,
): Promise<AppError | null> {
  const job = error.code === 'LOAD_SCHEMA_CHANGED' ? await catalog.loadJobs.byId(jobId) : null;
  if (job === null) return error;
  try {
    const evolved = await evolve(job, decodeProposal(String(error.fields['proposal'])));
    if (evolved.kind === 'unchanged') return error;
    if (evolved.kind === 'refused') return evolved.error;
    log.info('a routine load changed its table', { job: job.name, sql: evolved.statement });
    const shown = evolved.statement.slice(0, SHOWN_CHARACTERS);
    await catalog.loadJobs.setOtherMessage(jobId, `schema_evolution: ${shown}`);
    return null;
  } catch (thrown) {
    return toAppError(thrown);
  }
}

export function evolves({ properties }: Pick<RoutineLoadDefinition, 'properties'>): boolean {
  return propertyOf(JOB_PROPERTIES, properties, 'schema_evolution') !== 'none';
}

/** Columns that the job may still add. */
export function columnsLeft(definition: RoutineLoadDefinition): number {
  const most = propertyOf(JOB_PROPERTIES, definition.properties, 'schema_evolution_max_columns');
  return Math.max(0, Number(most) - (definition.columnsAdded ?? 0));
}

/** Throws SQL_ANALYZE where fields do not become columns by their names. */
export function checkEvolution(definition: RoutineLoadDefinition, table: TableInfo): void {
  if (!evolves(definition)) return;
  const format = propertyOf(JOB_PROPERTIES, definition.properties, 'format');
  if (format === 'csv' || format === 'raw')
    throw analysisError(`schema_evolution is not for format ${format}: its fields have no names`);
  if ((definition.properties['jsonpaths'] ?? '').trim() !== '')
    throw analysisError('schema_evolution can not be used with jsonpaths');
  if (table.schema.keysType === 'AGG_KEYS')
    throw analysisError('schema_evolution can not be used with an AGGREGATE KEY table');
}

/** For the plan; null = the table stays as it is. */
export function evolutionOf(
  definition: RoutineLoadDefinition,
  table: TableInfo,
  { fields, outputs }: LoadTransform,
): EvolutionSpec | null {
  if (!evolves(definition)) return null;
  const columns = outputs.flatMap(({ column, from }) => {
    // An element of an UNNEST is no field of the message.
    if (from.kind !== 'field' || !fields.includes(from.field)) return [];
    const { name, type, nullable, defaultValue, autoIncrement } = column;
    const isRequired = !nullable && defaultValue === null && autoIncrement !== true;
    return [{ name, type, field: from.field, isRequired }];
  });
  const derived = (definition.columns ?? []).map(({ name }) => name);
  const inTable = table.schema.columns.map(({ name }) => name);
  const loaded = new Set(columns.map(({ field }) => field));
  const known = [OPERATION_COLUMN.name, ...fields, ...derived, ...inTable];
  return { columns, known: [...new Set(known)].filter((name) => !loaded.has(name)) };
}
