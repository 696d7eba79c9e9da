// SHOW SNAPSHOTS: the versions of a table that FOR VERSION AS OF and ROLLBACK TO can name, the newest first.
import type { ShowSnapshots } from '../../sql/ast/show.ts';
import { viewContext } from '../information-schema/system-databases.ts';
import { filterRows } from '../show-filter.ts';
import { findTable } from '../tables.ts';
import { retentionMs } from '../time-travel.ts';
import { type Handler, textRows } from '../types.ts';
import { limitRows, orderRows } from './order.ts';

const COLUMNS =
  'Version CommitTime Operation TransactionId FileCount RowCount DataSize ExpireTime'.split(' ');

/** Most versions that are read without a LIMIT: a day of one a second, and some. */
const MOST = 100_000;

export const showSnapshots: Handler<'show_snapshots'> = async (statement, context) => {
  const table = await findTable(statement.table, context);
  const { config, catalog } = context.services;
  const { time } = await viewContext(context);
  const keepMs = retentionMs(table, config);
  const versions = await catalog.versions.list(table, rowsWanted(statement));
  const rows = versions.map((entry, index) => {
    // A version expires so long after the next one came; the head never does.
    const replacedMs = versions[index - 1]?.committedMs ?? null;
    return [
      String(entry.version),
      time(entry.committedMs),
      entry.source,
      entry.transactionId === null ? null : String(entry.transactionId),
      text(entry.files),
      text(entry.rows),
      text(entry.sizeBytes),
      time(replacedMs === null ? null : replacedMs + keepMs),
    ];
  });
  const kept = filterRows(COLUMNS, rows, statement);
  const sorted = orderRows('SHOW SNAPSHOTS', COLUMNS, kept, statement.orderBy);
  return textRows(COLUMNS, limitRows(sorted, statement.limit));
};

/** Without conditions and order no more than LIMIT needs are read. */
function rowsWanted({ like, where, orderBy, limit }: ShowSnapshots): number {
  if (limit === null || like !== null || where !== null || orderBy.length > 0) return MOST;
  const rows = [limit.offset, limit.count].map((part) =>
    part?.kind === 'integer' ? Number(part.text) : 0,
  );
  return Math.min(
    MOST,
    rows.reduce((sum, count) => sum + count, 0),
  );
}

function text(value: number | null): string | null {
  return value === null ? null : String(value);
}
