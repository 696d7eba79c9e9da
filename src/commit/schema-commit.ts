// The commit of a change of columns: no file is touched, the new schema is a version of its own. Readers go
// on with the schema they read; loads that were planned over the old one are told in the same transaction.
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TableId } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { SchemaChange } from '../catalog/schema-store.ts';
import type { TableInfo } from '../model/table.ts';
import { checkLeader } from './judge.ts';

/**
 * Makes the new schema from the table as it is at this moment; null = nothing changes. Throws what is wrong
 * with the change; nothing is changed then.
 */
export type SchemaMaker = (table: TableInfo, nextFieldId: number) => SchemaChange | null;

export interface SchemaHooks {
  /** Inside the SQL transaction, with the table before and after. */
  onSchemaChange(scope: CatalogScope, before: TableInfo, after: TableInfo): Promise<void>;
}

/** The table has files, which the change would have to write anew: a job does that. */
export class NeedsRewrite extends Error {
  readonly table: TableInfo;

  constructor(table: TableInfo) {
    super(`the files of table ${table.name} have to be written anew`);
    this.table = table;
  }
}

/** False when nothing changed. Throws UNKNOWN_TABLE, SYSTEM_OBJECT, LEADER_LOST, ALTER_RUNNING, NeedsRewrite and what `make` throws. */
export async function changeSchema(
  catalog: Catalog,
  tableId: TableId,
  make: SchemaMaker,
  hooks: SchemaHooks,
): Promise<boolean> {
  const transactionId = await catalog.begins.reserveTransactionId();
  const changed = await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    const { table: before, nextFieldId } = await scope.schemas.current(tableId);
    const database = await scope.databases.byId(before.databaseId);
    if (database?.isSystem === true) {
      throw fail('SYSTEM_OBJECT', { what: 'table', name: before.name });
    }
    const change = make(before, nextFieldId);
    if (change === null) return false;
    if ((await scope.alterJobs.openOf(tableId)) !== null) {
      throw fail('ALTER_RUNNING', { table: before.name });
    }
    // Nothing is there to be written anew: as any other change.
    const isEmpty = (await scope.partitionFiles.countLive(tableId)) === 0;
    if (change.rewrites !== undefined && !isEmpty) throw new NeedsRewrite(before);
    await scope.schemas.change(tableId, change, transactionId);
    failpoint('schema.in-sql');
    const { schema, distributedBy } = change;
    await hooks.onSchemaChange(scope, before, { ...before, schema, distributedBy });
    return true;
  });
  failpoint('schema.after-sql');
  return changed;
}
