// CHECK TABLE and ADMIN SWEEP: whether everything that the metadata names is there and right, and what nothing
// names any more. SOURCE: MySQL, CHECK TABLE, for its columns and words.
import { toAppError } from '../base/errors.ts';
import { findTable } from './tables.ts';
import { type Handler, textRows } from './types.ts';

/** Problems of one table that are listed; a directory that is gone would name every file. */
const MOST_PROBLEMS = 1000;

export const checkTable: Handler<'check_table'> = async (statement, context) => {
  const rows: string[][] = [];
  for (const name of statement.tables) {
    const table = await findTable(name, context);
    const shown = `${table.databaseName}.${table.name}`;
    try {
      const found = await context.services.checkTable(table, statement.deep, context.signal);
      const { problems, objects, filesRead } = found;
      for (const problem of problems.slice(0, MOST_PROBLEMS)) {
        rows.push([shown, 'check', 'error', problem]);
      }
      if (problems.length > MOST_PROBLEMS) {
        rows.push([shown, 'check', 'error', `and ${problems.length - MOST_PROBLEMS} more`]);
      }
      const read = statement.deep ? `, ${filesRead} files read again` : '';
      rows.push([shown, 'check', 'note', `${objects} objects found by name and size${read}`]);
      rows.push([shown, 'check', 'status', problems.length === 0 ? 'OK' : 'Corrupt']);
    } catch (thrown) {
      context.signal.throwIfAborted();
      rows.push([shown, 'check', 'error', toAppError(thrown).fullMessage]);
      rows.push([shown, 'check', 'status', 'Operation failed']);
    }
  }
  return textRows(['Table', 'Op', 'Msg_type', 'Msg_text'], rows);
};

export const adminSweep: Handler<'admin_sweep'> = async ({ dryRun }, { services }) => {
  const { catalog } = services;
  const { files, timedOut, failures } = await services.sweep(dryRun);
  const volumes = new Map((await catalog.volumes.list()).map(({ id, name }) => [id, name]));
  const tables = new Map(
    (await catalog.tables.all()).map((table) => [table.id, `${table.databaseName}.${table.name}`]),
  );
  const volumeName = (id: (typeof files)[number]['volumeId']): string =>
    volumes.get(id) ?? String(id);
  const tableName = (id: (typeof files)[number]['tableId']): string | null =>
    id === null ? null : (tables.get(id) ?? String(id));
  const done = dryRun ? 'would be' : 'was';
  return textRows(
    ['What', 'Volume', 'Key', 'SizeBytes', 'Table', 'Reason'],
    [
      ...timedOut.map((id) => [
        `transaction ${done} aborted`,
        null,
        String(id),
        null,
        null,
        'it was open for longer than its timeout',
      ]),
      ...files.map(({ volumeId, key, sizeBytes, reason, tableId, shared }) => [
        shared ? `row ${done} forgotten` : `object ${done} deleted`,
        volumeName(volumeId),
        key,
        String(sizeBytes),
        tableName(tableId),
        REASONS[reason],
      ]),
      ...failures.map(({ volumeId, error }) => [
        'volume left out',
        volumeName(volumeId),
        null,
        null,
        null,
        error.fullMessage,
      ]),
    ],
  );
};

const REASONS = {
  expired: 'no version names it that can be read',
  dropped: 'its table was dropped and cannot be recovered',
  orphan: 'its transaction is over and did not commit it',
} as const;
