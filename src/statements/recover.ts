// RECOVER: what was dropped comes back from the recycle bin. SOURCE: StarRocks docs, RECOVER (3.3).
import { databaseOf } from './databases.ts';
import { refuseSystemTable } from './insert.ts';
import { findTable, tableName } from './tables.ts';
import { type Handler, OK } from './types.ts';

export const recover: Handler<'recover'> = async ({ what }, context) => {
  const { recycleBin } = context.services.catalog;
  switch (what.type) {
    case 'DATABASE':
      await recycleBin.recoverDatabase(databaseOf(what.name));
      return OK;
    case 'TABLE': {
      const { database, name } = tableName(what.name, context.session);
      await recycleBin.recoverTable(database, name);
      return OK;
    }
    case 'PARTITION': {
      const table = await findTable(what.table, context);
      await refuseSystemTable(table, context);
      await context.services.recoverPartition(table.id, what.name);
      return OK;
    }
  }
};
