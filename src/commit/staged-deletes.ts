// Deletes within a commit: do they add up, and does what they were looked up against still stand? Nothing is
// guessed: a table that moved on makes the commit fail as a whole, to be resolved anew.
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import type { DeleteFileId, TableId, TransactionId } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { CommitCheck } from '../catalog/commit-store.ts';
import type { NewDeletes, NewOverlay } from '../catalog/delete-store.ts';
import { transactionOfKey } from '../model/file-key.ts';
import type { StagedTable } from '../model/load-plan.ts';
import { sum } from './sum.ts';
import type { Turn } from './turn.ts';

/** What is wrong with the deletes of a request, null when they add up: a bug of the sender. */
export function findDeletesImbalance(
  tables: readonly StagedTable[],
  transactionId: TransactionId,
): string | null {
  for (const { deletes, ...table } of tables) {
    if (isUnresolved(table)) {
      return `rows of table ${table.tableId} with keys were not resolved`;
    }
    const wrong = table.overlay === undefined ? null : findOverlayFault(table, transactionId);
    if (wrong !== null) return wrong;
    if (deletes === undefined) continue;
    const { object, touched } = deletes;
    if (transactionOfKey(object.key) !== transactionId) {
      return `delete object ${object.key} is not of this transaction`;
    }
    const files = new Set(touched.map((file) => file.fileId));
    if (files.size < touched.length) return 'a data file is named twice in the deletes';
    const counts = touched.flatMap((file) => [file.positions, file.newPositions]);
    if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0)) {
      return 'a count of positions is not a whole number';
    }
    if (touched.some((file) => file.newPositions > file.positions)) {
      return 'more positions are new than there are';
    }
    const positions = sum(touched.map((file) => file.positions));
    if (positions !== object.rowCount) {
      return `delete object ${object.key} holds ${object.rowCount} positions, its files ${positions}`;
    }
  }
  return null;
}

function isUnresolved({ keyed, resolvedAt, files }: Omit<StagedTable, 'deletes'>): boolean {
  if (keyed === undefined || resolvedAt !== undefined) return false;
  return files.length > 0 || keyed.draft !== undefined || keyed.steps !== undefined;
}

function findOverlayFault(
  { overlay, resolvedAt }: Omit<StagedTable, 'deletes'>,
  transactionId: TransactionId,
): string | null {
  if (overlay === undefined) return null;
  const { object, touched, fieldIds } = overlay;
  if (resolvedAt === undefined) return `overlay ${object.key} is of no version of its table`;
  if (transactionOfKey(object.key) !== transactionId) {
    return `overlay ${object.key} is not of this transaction`;
  }
  if (fieldIds.length === 0 || new Set(fieldIds).size < fieldIds.length) {
    return `overlay ${object.key} has no columns, or one twice`;
  }
  const [files, parts] = [touched.map((file) => file.fileId), touched.map((file) => file.part)];
  if (new Set(files).size < files.length || new Set(parts).size < parts.length) {
    return `a data file is named twice in overlay ${object.key}`;
  }
  const counts = touched.map((file) => file.rows);
  if (!counts.every((count) => Number.isSafeInteger(count) && count > 0)) {
    return `overlay ${object.key} names a data file that it has no rows of`;
  }
  return sum(counts) === object.rowCount
    ? null
    : `overlay ${object.key} holds ${object.rowCount} rows, its files ${sum(counts)}`;
}

/** One id for each delete object and overlay. Not inside a transaction. */
export function reservePatchIds(
  catalog: Catalog,
  tables: readonly StagedTable[],
): Promise<readonly DeleteFileId[]> {
  const objects = tables.flatMap(({ deletes, overlay }) => [deletes?.object, overlay?.object]);
  const count = objects.filter((object) => object !== undefined).length;
  return count === 0 ? Promise.resolve([]) : catalog.deletes.reserveIds(count);
}

/** Deletes and overlays as the catalog stores them. `ids` are of `reservePatchIds` for the same tables. */
export function newPatches(
  tables: readonly StagedTable[],
  versions: CommitCheck['versions'],
  ids: readonly DeleteFileId[],
): { readonly deletes: readonly NewDeletes[]; readonly overlays: readonly NewOverlay[] } {
  const byTable = new Map(versions.map(({ tableId, version }) => [tableId, version]));
  const versionOf = (tableId: TableId) =>
    present(byTable.get(tableId), 'a version per changed table');
  const deletes: NewDeletes[] = [];
  const overlays: NewOverlay[] = [];
  let used = 0;
  for (const { tableId, deletes: gone, overlay } of tables) {
    const nextId = (): DeleteFileId => present(ids[used++], 'an id per object');
    if (gone !== undefined) {
      deletes.push({ id: nextId(), tableId, version: versionOf(tableId), deletes: gone });
    }
    if (overlay !== undefined) {
      overlays.push({ id: nextId(), tableId, version: versionOf(tableId), overlay });
    }
  }
  return { deletes, overlays };
}

/**
 * Within the commit's SQL transaction, after the versions were moved. Throws RESOLVE_STALE where a table is no
 * longer what the batch was resolved against, and TURN_LOST: the transaction is open still, and the caller
 * resolves anew.
 */
export async function checkResolved(
  scope: CatalogScope,
  tables: readonly StagedTable[],
  versions: CommitCheck['versions'],
  turns: readonly Turn[],
): Promise<void> {
  for (const { tableId, deletes, resolvedAt } of tables) {
    const version = versions.find((entry) => entry.tableId === tableId)?.version;
    // A table that is gone refuses the whole commit elsewhere.
    if (version === undefined) continue;
    if (resolvedAt !== undefined) {
      await checkTurn(scope, tableId, turns);
      if (version !== resolvedAt + 1) {
        const detail = `it was resolved at version ${resolvedAt}, the head was ${version - 1}`;
        throw fail('RESOLVE_STALE', { tableId, detail });
      }
    } else if (deletes !== undefined) {
      await checkFiles(scope, tableId, deletes);
    }
  }
}

async function checkTurn(
  scope: CatalogScope,
  tableId: TableId,
  turns: readonly Turn[],
): Promise<void> {
  const turn = turns.find((one) => one.tableId === tableId);
  const held = turn !== undefined && (await scope.turns.standing(turn)).held;
  if (!held) throw fail('TURN_LOST', { tableId, holder: turns[0]?.holder ?? 'nobody' });
}

async function checkFiles(
  scope: CatalogScope,
  tableId: TableId,
  { touched }: NonNullable<StagedTable['deletes']>,
): Promise<void> {
  const ids = touched.map((file) => file.fileId);
  const standing = await scope.deletes.standing(tableId, ids);
  for (const { fileId, newestPatch } of touched) {
    const now = standing.get(fileId);
    if (now?.newestPatch === newestPatch) continue;
    const detail =
      now === undefined
        ? `file ${fileId} is no longer in it`
        : `file ${fileId} was changed meanwhile`;
    throw fail('RESOLVE_STALE', { tableId, detail });
  }
}
