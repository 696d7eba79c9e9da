// The tables of Routine Load jobs that load several: their names, and which jobs load a table.
import { asId, type JobId, type TableId } from '../base/ids.ts';
import type { CatalogContext } from './context.ts';
import type { LoadJobRecord } from './load-jobs.ts';

/** Ids as `further_tables_json` has them. */
export function readTableIds(json: string): readonly TableId[] {
  return (JSON.parse(json) as readonly number[]).map((id) => asId<TableId>(id));
}

/** The jobs with the names of their further tables, which the row of a job does not have. */
export async function namedTables(
  { db }: CatalogContext,
  jobs: readonly LoadJobRecord[],
): Promise<readonly LoadJobRecord[]> {
  const ids = jobs.flatMap(({ furtherTables = [] }) => furtherTables.map(({ id }) => id));
  if (ids.length === 0) return jobs;
  const rows = await db
    .selectFrom('tables')
    .select(['id', 'name'])
    .where('id', 'in', [...new Set(ids)])
    .where('dropped_ms', 'is', null)
    .execute();
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  return jobs.map((job) =>
    job.furtherTables === undefined
      ? job
      : {
          ...job,
          furtherTables: job.furtherTables.map(({ id }) => ({
            id,
            name: names.get(id) ?? String(id),
          })),
        },
  );
}

/** Jobs that have not ended and load the table, among others or alone. */
export async function jobsOfTable(
  { db }: CatalogContext,
  tableId: number,
): Promise<readonly JobId[]> {
  const rows = await db
    .selectFrom('load_jobs')
    .select(['id', 'table_id', 'further_tables_json'])
    .where('ended_ms', 'is', null)
    .where(({ or, eb }) =>
      or([eb('table_id', '=', tableId), eb('further_tables_json', '<>', '[]')]),
    )
    .execute();
  return rows
    .filter(
      (row) =>
        row.table_id === tableId ||
        readTableIds(row.further_tables_json).some((id) => id === tableId),
    )
    .map(({ id }) => asId<JobId>(id));
}
