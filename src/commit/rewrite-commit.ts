// The commit of a change of columns whose files were written anew: the schema changes, all old files leave and the new
// ones enter at one version, under the table's turn, and only if the files and what is deleted of them are still those
// that were written anew. What was planned over the old columns is refused from then on, or planned anew.
import { assert, present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { DeleteFileId, FileId, TableId, TableVersion, TransactionId } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { NewDeletes } from '../catalog/delete-store.ts';
import type { SchemaChange } from '../catalog/schema-store.ts';
import { transactionOfKey } from '../model/file-key.ts';
import {
  type DataFile,
  overlaidRows,
  type StagedFile,
  type StagedObject,
  type TableInfo,
} from '../model/table.ts';
import { checkOpen } from './judge.ts';
import { Refused, Repeated } from './refused.ts';
import type { SchemaHooks } from './schema-commit.ts';
import { sum } from './sum.ts';
import type { Turn } from './turn.ts';

export interface RewriteCommit {
  readonly transactionId: TransactionId;
  readonly job: { readonly id: number; readonly createdMs: number };
  readonly turn: Turn;
  /** The table as it was when the change was worked out. */
  readonly before: TableInfo;
  readonly change: SchemaChange;
  /** All files of the table, as they were read. */
  readonly inputs: readonly DataFile[];
  /** What each became, in order. */
  readonly outputs: readonly StagedFile[];
  readonly deletes: { readonly object: StagedObject; readonly positions: readonly number[] } | null;
}

/** Files that leave in one step: a bound on the values of one statement. */
const REMOVED_AT_ONCE = 10_000;

/**
 * True once it is visible, also when asked again; false: the job or the transaction had ended. Throws without touching
 * anything: RESOLVE_STALE (files came or went, or rows were deleted), TABLE_REWRITTEN (the columns are others by now),
 * TURN_LOST, UNKNOWN_TABLE, LEADER_LOST.
 */
export async function commitRewrite(
  catalog: Catalog,
  request: RewriteCommit,
  hooks: SchemaHooks,
): Promise<boolean> {
  const { transactionId, inputs, outputs } = request;
  assert(inputs.length === outputs.length, 'an output for each input');
  const foreign = outputs.find(({ key }) => transactionOfKey(key) !== transactionId);
  if (foreign !== undefined) {
    const detail = `file ${foreign.key} is not of this transaction`;
    throw fail('COMMIT_REQUEST_INVALID', { transactionId, detail });
  }
  const ids = await catalog.commits.reserveFileIds(outputs.length);
  const deleteIds = request.deletes === null ? [] : await catalog.deletes.reserveIds(1);
  try {
    await catalog.transaction((scope) => swap(catalog, scope, request, { ids, deleteIds, hooks }));
  } catch (error) {
    if (error instanceof Repeated) return error.transaction.state === 'VISIBLE';
    if (error instanceof Refused) return false;
    throw error;
  }
  failpoint('rewrite.after-sql');
  return true;
}

async function swap(
  catalog: Catalog,
  scope: CatalogScope,
  request: RewriteCommit,
  {
    ids,
    deleteIds,
    hooks,
  }: {
    readonly ids: readonly FileId[];
    readonly deleteIds: readonly DeleteFileId[];
    readonly hooks: SchemaHooks;
  },
): Promise<void> {
  const { transactionId, before, change, inputs, outputs, job } = request;
  const tableId = before.id;
  const nothing = { task: null, job: null, progress: [], tables: [] };
  checkOpen(catalog, transactionId, await scope.commits.attempt({ transactionId, ...nothing }));
  const { held } = await scope.turns.standing(request.turn);
  if (!held) throw fail('TURN_LOST', { tableId, holder: request.turn.holder });
  if (!(await scope.alterJobs.end(job.id, 'FINISHED', ''))) {
    throw new Refused(null, 'the job was cancelled');
  }
  const { table } = await scope.schemas.current(tableId);
  if (JSON.stringify(table.schema) !== JSON.stringify(before.schema)) {
    throw fail('TABLE_REWRITTEN', { table: table.name });
  }
  const version = await scope.schemas.change(tableId, change, transactionId, job);
  const removed = await removeAll(scope, tableId, inputs, version);
  const live = await scope.partitionFiles.countLive(tableId);
  const isSame =
    live === 0 &&
    inputs.every((file) => {
      const now = removed.get(file.id);
      return now?.deletedRows === file.deletedRows && now.overlaidRows === overlaidRows(file);
    }) &&
    removed.size === inputs.length;
  if (!isSame) {
    const detail = 'files of the table, deleted rows or overlays of them, are others by now';
    throw fail('RESOLVE_STALE', { tableId, detail });
  }
  failpoint('rewrite.in-sql');
  await scope.commits.publish({
    transactionId,
    jobId: null,
    versions: [],
    files: outputs.map((file, index) => {
      const input = present(inputs[index], 'the input of an output');
      const { sequence, addedMs } = present(removed.get(input.id), 'a file that left');
      const id = present(ids[index], 'an id per file');
      return { id, tableId, version, addedMs, file, sequence };
    }),
    deletes: carried(request, version, ids, deleteIds),
    progress: [],
    segments: [],
    outcome: { versions: [{ tableId, version }], continueTask: false },
  });
  const bytes = (files: readonly { readonly sizeBytes: number }[]): number =>
    sum(files.map(({ sizeBytes }) => sizeBytes));
  await scope.commits.grow(tableId, 0, bytes(outputs) - bytes(inputs));
  await scope.versions.holdsNow(tableId, version);
  const { schema, distributedBy } = change;
  await hooks.onSchemaChange(scope, table, { ...table, schema, distributedBy });
}

type Removed = Awaited<ReturnType<CatalogScope['commits']['removeFiles']>>[number];

async function removeAll(
  { commits }: CatalogScope,
  tableId: TableId,
  inputs: readonly DataFile[],
  version: TableVersion,
): Promise<ReadonlyMap<FileId, Removed>> {
  const removed = new Map<FileId, Removed>();
  for (let from = 0; from < inputs.length; from += REMOVED_AT_ONCE) {
    const chunk = inputs.slice(from, from + REMOVED_AT_ONCE).map(({ id }) => id);
    for (const file of await commits.removeFiles(tableId, chunk, version)) {
      removed.set(file.id, file);
    }
  }
  return removed;
}

function carried(
  { before, deletes }: RewriteCommit,
  version: TableVersion,
  ids: readonly FileId[],
  deleteIds: readonly DeleteFileId[],
): readonly NewDeletes[] {
  if (deletes === null) return [];
  const { object, positions } = deletes;
  const touched = positions.flatMap((count, index) =>
    count === 0
      ? []
      : [
          {
            fileId: present(ids[index], 'the id of an output'),
            positions: count,
            newPositions: count,
            newestPatch: null,
            replaces: [],
          },
        ],
  );
  const id = present(deleteIds[0], 'an id of the carried deletes');
  return [{ id, tableId: before.id, version, deletes: { object, touched } }];
}
