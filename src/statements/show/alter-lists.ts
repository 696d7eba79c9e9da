// SHOW ALTER TABLE COLUMN: changes of columns, which are done at once and so always FINISHED. SOURCE: StarRocks
// docs, SHOW ALTER TABLE (3.3).
import { fail } from '../../base/errors.ts';
import type { ListContext, ListDefinition, ListRow } from './list-definition.ts';

/** Schema hash of StarRocks' SchemaVersion, which has no meaning here. */
const NO_HASH = 0;
const TIMEOUT_SECONDS = 86_400;

async function columnChanges(context: ListContext): Promise<readonly ListRow[]> {
  const { services, visible, time, database } = context;
  if (database === null) throw fail('NO_DATABASE');
  const { catalog } = services;
  const { id } = await catalog.databases.get(database);
  const tables = new Map((await catalog.tables.list(database)).map((table) => [table.id, table]));
  return (await catalog.schemas.changes(id)).flatMap((change): ListRow[] => {
    const table = tables.get(change.tableId);
    if (table === undefined || !visible.table(database, table.name)) return [];
    const times = [time(change.createdMs), time(change.finishedMs)];
    const index = [table.name, table.id, table.id, `${change.schemaVersion}:${NO_HASH}`];
    const end = [change.transactionId, 'FINISHED', '', null, TIMEOUT_SECONDS];
    return [[change.id, table.name, ...times, ...index, ...end]];
  });
}

export const ALTER_LISTS = {
  'ALTER TABLE COLUMN': {
    columns:
      'JobId, TableName, CreateTime, FinishTime, IndexName, IndexId, OriginIndexId, SchemaVersion, TransactionId, State, Msg, Progress, Timeout'.split(
        ', ',
      ),
    rows: columnChanges,
    like: 'TableName',
  },
} as const satisfies Record<string, ListDefinition>;
