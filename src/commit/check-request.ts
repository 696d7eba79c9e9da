// Does a commit request add up? A batch that does not balance is a bug of the sender and is never made
// visible: the ledger would be wrong for ever. Pure.

import type { TableId } from '../base/ids.ts';
import { transactionOfKey } from '../model/file-key.ts';
import type { CommitRequest, PartitionProgress, StagedTable } from '../model/load-plan.ts';
import { STATISTICS_DATABASE } from '../model/system-tables.ts';
import { findDeletesImbalance } from './staged-deletes.ts';
import { sum } from './sum.ts';

/** What is wrong with the request, null when it adds up. `rejectedTable` is where filtered rows go. */
export function findImbalance(request: CommitRequest, rejectedTable: TableId): string | null {
  for (const progress of request.progress) {
    const wrong = findProgressImbalance(progress);
    if (wrong !== null) return `partition ${progress.partition} of ${progress.topic}: ${wrong}`;
  }
  const partitions = request.progress.map((entry) => `${entry.partition}:${entry.topic}`);
  if (new Set(partitions).size < partitions.length) return 'a partition is named twice';
  const tables = request.tables.map((table) => table.tableId);
  if (new Set(tables).size < tables.length) return 'a table is named twice';
  for (const file of request.tables.flatMap((table) => table.files)) {
    if (transactionOfKey(file.key) !== request.transactionId) {
      return `file ${file.key} is not of this transaction`;
    }
  }
  const deletes = findDeletesImbalance(request.tables, request.transactionId);
  if (deletes !== null) return deletes;
  const rejected = request.tables.filter((table) => table.tableId === rejectedTable);
  const loaded = request.tables.filter((table) => table.tableId !== rejectedTable);
  const rowsOf = (staged: CommitRequest['tables']): number => sum(staged.map(batchRows));
  const rowsLoaded = sum(request.progress.map((entry) => entry.rowsLoaded));
  const rowsFiltered = sum(request.progress.map((entry) => entry.rowsFiltered));
  if (rowsOf(loaded) !== rowsLoaded) {
    return `its files hold ${rowsOf(loaded)} rows, its partitions loaded ${rowsLoaded}`;
  }
  if (rowsOf(rejected) !== rowsFiltered) {
    return `${STATISTICS_DATABASE} gets ${rowsOf(rejected)} rows, its partitions filtered ${rowsFiltered}`;
  }
  return null;
}

/** Rows of the batch that a staged table stands for: not all of them need be in its files. */
export function batchRows({ files, keyed, overlay }: StagedTable): number {
  // What was made of several batches may be fewer rows than came.
  if (keyed?.steps !== undefined) return sum(keyed.steps.map(batchRows));
  const changed = sum(files.map((file) => file.rowCount)) + (overlay?.object.rowCount ?? 0);
  // What was made of a draft may be fewer rows than came.
  const written = keyed?.draft?.file.rowCount ?? changed;
  return written + (keyed?.replacedRows ?? 0) + (keyed?.deletes?.rowCount ?? 0);
}

function findProgressImbalance(progress: PartitionProgress): string | null {
  const { fromOffset, toOffset, skipped } = progress;
  const counts = [
    progress.receivedMessages,
    progress.consumedMessages,
    progress.rowsLoaded,
    progress.rowsFiltered,
    progress.rowsUnselected,
    progress.receivedBytes,
    ...Object.values(skipped),
  ];
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0)) {
    return 'a count is not a whole number';
  }
  if (fromOffset < 0n || toOffset < fromOffset) return `offsets ${fromOffset} to ${toOffset}`;
  if (toOffset - fromOffset !== BigInt(progress.receivedMessages + skipped.gap)) {
    return `offsets ${fromOffset} to ${toOffset} are not ${progress.receivedMessages} messages and a gap of ${skipped.gap}`;
  }
  const accounted = progress.consumedMessages + skipped.control + skipped.aborted + skipped.empty;
  if (accounted !== progress.receivedMessages) {
    return `${progress.receivedMessages} messages received, ${accounted} accounted for`;
  }
  return null;
}
