// The commit of a compaction: inputs leave and outputs enter at one new version, under the table's turn. Rows that were
// deleted from an input meanwhile have to be carried over first. It always yields: to a load that waits for the turn,
// and to anything that took an input away.
import { assert, present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { DeleteFileId, FileId, TableVersion } from '../base/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { NewDeletes } from '../catalog/delete-store.ts';
import { transactionOfKey } from '../model/file-key.ts';
import type { CommitResult } from '../model/load-plan.ts';
import { checkOpen, refuse } from './judge.ts';
import { answerAgain, Refused, Repeated } from './refused.ts';
import { sum } from './sum.ts';
import type { CompactionCommit } from './types.ts';

export async function commitCompaction(
  catalog: Catalog,
  request: CompactionCommit,
): Promise<CommitResult> {
  const { transactionId, tableId, inputs, outputs } = request;
  assert(request.turn.tableId === tableId, 'the turn is for the same table');
  failpoint('compaction.before-sql');
  const ids = await catalog.commits.reserveFileIds(outputs.length);
  const deleteIds = request.carried === null ? [] : await catalog.deletes.reserveIds(1);
  try {
    const answer = await catalog.transaction(async (scope) => {
      const check = await scope.commits.attempt({
        transactionId,
        task: null,
        job: null,
        progress: [],
        tables: [
          {
            tableId,
            files: outputs.length - inputs.length,
            // Rows stay; the bytes change by what is really removed, known only below.
            rows: 0,
            sizeBytes: 0,
          },
        ],
      });
      checkOpen(catalog, transactionId, check);
      const version = check.versions[0]?.version;
      if (version === undefined) throw new Refused(null, `table ${tableId} was dropped`);
      const { held, loadWaits } = await scope.turns.standing(request.turn);
      if (!held || loadWaits) {
        throw fail('TURN_LOST', { tableId, holder: request.turn.holder });
      }
      const removed = await scope.commits.removeFiles(tableId, inputs, version);
      if (removed.length !== new Set(inputs).size || removed.length !== inputs.length) {
        throw new Refused(null, 'an input is no longer in the table');
      }
      // Deletes only grow: the same number of rows means the same rows.
      const deletedRows = sum(removed.map((file) => file.deletedRows));
      const known = request.deletedRows + (request.carried?.rowCount ?? 0);
      if (deletedRows !== known) {
        const detail = `${deletedRows} rows of the inputs are deleted by now, not ${known}`;
        throw fail('RESOLVE_STALE', { tableId, detail });
      }
      // Overlays, too, only grow.
      const overlaidRows = sum(removed.map((file) => file.overlaidRows));
      if (overlaidRows !== request.overlaidRows) {
        throw new Refused(null, 'columns of an input got newer values');
      }
      const inputRows = sum(removed.map((file) => file.rowCount)) - request.deletedRows;
      checkOutputs(request, inputRows);
      const sequence = Math.max(...removed.map((file) => file.sequence));
      if (request.merged === true) {
        const between = await scope.commits.countBetween(tableId, removed);
        // What lies between merged files would change its place among them.
        if (between > 0) throw new Refused(null, 'the inputs are no neighbours any more');
      }
      const addedMs = Math.max(...removed.map((file) => file.addedMs));
      const added = sum(outputs.map((file) => file.sizeBytes));
      const outputRows = sum(outputs.map((file) => file.rowCount));
      const sizeBytes = added - sum(removed.map((file) => file.sizeBytes));
      await scope.commits.grow(tableId, outputRows - inputRows, sizeBytes);
      failpoint('compaction.in-sql');
      const answered = { versions: [{ tableId, version }], continueTask: false };
      await scope.commits.publish({
        transactionId,
        jobId: null,
        versions: check.versions,
        files: outputs.map((file, index) => {
          const id = present(ids[index], 'an id per file');
          return { id, tableId, version, addedMs, file, sequence };
        }),
        deletes: carriedDeletes(request, version, ids, deleteIds),
        progress: [],
        segments: [],
        outcome: answered,
      });
      return { state: 'VISIBLE', ...answered } satisfies CommitResult;
    });
    failpoint('compaction.after-sql');
    return answer;
  } catch (error) {
    if (error instanceof Repeated) return answerAgain(error.transaction);
    if (error instanceof Refused) return await refuse(catalog, { transactionId }, error);
    throw error;
  }
}

function carriedDeletes(
  { tableId, carried }: CompactionCommit,
  version: TableVersion,
  ids: readonly FileId[],
  deleteIds: readonly DeleteFileId[],
): readonly NewDeletes[] {
  if (carried === null) return [];
  const positions = carried.rowCount;
  const touched = [
    {
      fileId: present(ids[0], 'the id of the output'),
      positions,
      newPositions: positions,
      newestPatch: null,
      replaces: [],
    },
  ];
  const id = present(deleteIds[0], 'an id of the carried deletes');
  return [{ id, tableId, version, deletes: { object: carried, touched } }];
}

/** A compaction that loses or makes rows is a bug of the compactor: refused. Merging leaves fewer, but some. */
function checkOutputs(request: CompactionCommit, inputRows: number): void {
  const { transactionId, outputs, carried } = request;
  const objects = [...outputs, ...(carried === null ? [] : [carried])];
  const outputRows = sum(outputs.map((file) => file.rowCount));
  const foreign = objects.find((file) => transactionOfKey(file.key) !== transactionId);
  const isRight =
    request.merged === true
      ? outputRows <= inputRows && (outputRows > 0 || inputRows === 0)
      : outputRows === inputRows;
  const detail = !isRight
    ? `inputs hold ${inputRows} rows, outputs ${outputRows}`
    : foreign !== undefined
      ? `file ${foreign.key} is not of this transaction`
      : carried !== null && (outputs.length !== 1 || request.merged === true)
        ? 'deletes are carried over to one output of the same rows'
        : null;
  if (detail === null) return;
  throw new Refused(fail('COMMIT_REQUEST_INVALID', { transactionId, detail }));
}
