// The tables that a Routine Load job loads.
import { fail } from '../../base/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { type LoadJobRecord, tablesOfJob } from '../../catalog/load-jobs.ts';
import type { TableInfo } from '../../model/table.ts';

type Tables = { readonly tables: Pick<Catalog['tables'], 'byId'> };
type Job = Pick<LoadJobRecord, 'tableId' | 'tableName' | 'furtherTables'>;

/** In the order of the job's statement. Throws UNKNOWN_TABLE for one that is gone. */
export async function tableInfos({ tables }: Tables, job: Job): Promise<readonly TableInfo[]> {
  const found: TableInfo[] = [];
  for (const { id, name } of tablesOfJob(job)) {
    const table = await tables.byId(id);
    if (table === null) throw fail('UNKNOWN_TABLE', { table: name });
    found.push(table);
  }
  return found;
}
