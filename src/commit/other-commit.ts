// The commit of a load without a task (INSERT): its files enter their tables at one new version each, or the
// transaction is aborted for good. A repeat changes nothing and gives the same answer.
import { assert, present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import { asId, type PartitionId, type TableId, type TableVersion } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { CommittedParts } from '../catalog/committed-partitions.ts';
import { transactionOfKey } from '../model/file-key.ts';
import type { CommitResult, StagedTable } from '../model/load-plan.ts';
import type { TableInfo } from '../model/table.ts';
import { batchRows } from './check-request.ts';
import { changes, growthOf, growthOfTable } from './growth.ts';
import { checkOpen, checkRejectedStore, checkTables, refuse } from './judge.ts';
import { answerAgain, Refused, Repeated, refusedIfGone } from './refused.ts';
import {
  checkResolved,
  findDeletesImbalance,
  newPatches,
  reservePatchIds,
} from './staged-deletes.ts';
import { sum } from './sum.ts';
import type { CommitLimits, OtherCommit } from './types.ts';

export interface OtherCommitOptions {
  readonly catalog: Catalog;
  readonly limits: CommitLimits;
  readonly rejectedTable: TableId;
}

export async function commitOther(
  options: OtherCommitOptions,
  request: OtherCommit,
): Promise<CommitResult> {
  const { catalog } = options;
  const { transactionId } = request;
  failpoint('insert.before-sql');
  const imbalance = findImbalance(request, options.rejectedTable);
  const tables = grownTables(request);
  const ids = await catalog.commits.reserveFileIds(sum(tables.map((table) => table.files.length)));
  const patchIds = await reservePatchIds(catalog, tables);
  try {
    const answer = await catalog.transaction(async (scope) => {
      const check = await scope.commits.attempt({
        transactionId,
        task: null,
        job: null,
        progress: [],
        tables: growthOf(tables),
      });
      checkOpen(catalog, transactionId, check);
      if (imbalance !== null) {
        throw new Refused(fail('COMMIT_REQUEST_INVALID', { transactionId, detail: imbalance }));
      }
      const versions = new Map(check.versions.map((version) => [version.tableId, version]));
      checkTables(request, check);
      checkRejectedStore(request, check, options.rejectedTable, limitsOf(request, options));
      const table = await currentTable(scope, request);
      for (const target of request.further ?? []) await currentTable(scope, target);
      const turns = [request.turn, ...(request.furtherTurns ?? [])].filter(
        (turn) => turn !== undefined,
      );
      await checkResolved(scope, tables, check.versions, turns);
      const emptied = await replace(scope, request, table, versions);
      failpoint('insert.in-sql');
      const answered = {
        versions: check.versions.map(({ tableId, version }) => ({ tableId, version })),
        continueTask: false,
      };
      const addedMs = catalog.nowMs();
      const files = tables.flatMap(({ tableId, files }) =>
        files.map((file) => ({ tableId, file })),
      );
      await scope.commits.publish({
        transactionId,
        jobId: null,
        versions: check.versions,
        files: files.map(({ tableId, file }, index) => ({
          id: present(ids[index], 'an id per file'),
          tableId,
          version: present(versions.get(tableId), 'a version per table').version,
          addedMs,
          file,
        })),
        ...newPatches(tables, check.versions, patchIds),
        progress: [],
        segments: [],
        emptied,
        outcome: {
          ...answered,
          load: {
            rowsLoaded: request.rowsLoaded,
            rowsFiltered: request.rowsFiltered,
            errorSamples: request.errorSamples,
          },
          ...(request.deleted === undefined ? {} : { deleted: request.deleted }),
          ...(request.facts === undefined ? {} : { facts: request.facts }),
        },
      });
      return { state: 'VISIBLE', ...answered } satisfies CommitResult;
    });
    failpoint('insert.after-sql');
    return answer;
  } catch (thrown) {
    const error = refusedIfGone(thrown);
    if (error instanceof Repeated) return answerAgain(error.transaction);
    if (error instanceof Refused) return await refuse(catalog, request, error);
    throw error;
  }
}

/** A target as it is. Throws Refused where it is gone, or not what the rows were made for. */
async function currentTable(
  scope: CatalogScope,
  { tableId, rewrittenVersion = 0 }: Pick<OtherCommit, 'tableId' | 'rewrittenVersion'>,
): Promise<TableInfo> {
  const table = await scope.tables.byId(tableId);
  if (table === null) throw new Refused(null, `table ${tableId} was dropped`);
  if ((table.rewrittenVersion ?? 0) !== rewrittenVersion)
    throw new Refused(fail('TABLE_REWRITTEN', { table: table.name }));
  return table;
}

/** A REPLAY writes records that are there already: it is what a full store asks for. */
const REPLAY_SHARE = 2;

function limitsOf({ replayed }: OtherCommit, { limits }: OtherCommitOptions): CommitLimits {
  const { rejectedStoreBytes } = limits;
  const share = replayed === undefined ? 1 : REPLAY_SHARE;
  return { ...limits, rejectedStoreBytes: rejectedStoreBytes * share };
}

/** The tables that get a new version: an overwritten one also where no row comes. */
function grownTables({ tables, tableId, overwrite }: OtherCommit): readonly StagedTable[] {
  const grown = tables.filter(changes);
  const known = grown.some((table) => table.tableId === tableId);
  return overwrite === true && !known ? [...grown, { tableId, files: [] }] : grown;
}

/**
 * Takes the old files out of an overwritten table or partitions; the new ones are not in it yet. Returns the partitions
 * whose files left.
 */
async function replace(
  scope: CatalogScope,
  { tables, tableId, overwrite, overwritten }: OtherCommit,
  table: TableInfo,
  versions: ReadonlyMap<TableId, { readonly version: TableVersion }>,
): Promise<CommittedParts['emptied']> {
  if (overwrite !== true) return [];
  const { version } = present(versions.get(tableId), 'a version of the overwritten table');
  const staged = tables.find((entry) => entry.tableId === tableId) ?? { tableId, files: [] };
  assert(
    staged.deletes === undefined && staged.overlay === undefined,
    'only files overwrite a table',
  );
  if (table.partitioning === undefined) {
    await scope.commits.replaceFiles(growthOfTable(staged), version);
    return [];
  }
  const partitionIds = await overwrittenIds(scope, staged, overwritten);
  await scope.commits.removePartitionFiles(tableId, partitionIds, version);
  return [{ tableId, partitionIds }];
}

async function overwrittenIds(
  { partitions }: CatalogScope,
  { tableId, files }: StagedTable,
  overwritten: OtherCommit['overwritten'],
): Promise<readonly PartitionId[]> {
  if (overwritten === 'dynamic') {
    const placed = await partitions.place(files.map((file) => ({ tableId, file })));
    return [...new Set(placed)].map((id) => asId<PartitionId>(id));
  }
  if (overwritten !== undefined) return overwritten;
  const all = await partitions.list(tableId);
  return all.filter(({ isTemporary }) => !isTemporary).map(({ id }) => id);
}

/** What is wrong with the request, null when it adds up: a bug of the sender, never made visible. */
function findImbalance(request: OtherCommit, rejectedTable: TableId): string | null {
  const tables = request.tables.map((table) => table.tableId);
  if (new Set(tables).size < tables.length) return 'a table is named twice';
  const foreign = request.tables
    .flatMap((table) => table.files)
    .find((file) => transactionOfKey(file.key) !== request.transactionId);
  if (foreign !== undefined) return `file ${foreign.key} is not of this transaction`;
  const deletes = findDeletesImbalance(request.tables, request.transactionId);
  if (deletes !== null) return deletes;
  const rowsOf = (staged: readonly StagedTable[]): number => sum(staged.map(batchRows));
  const targets = [request, ...(request.further ?? [])].map(({ tableId }) => tableId);
  const loaded = rowsOf(request.tables.filter(({ tableId }) => targets.includes(tableId)));
  // Rejected rows of a load that failed come as rows of their own table.
  const isOwn = targets.includes(rejectedTable);
  const rejected = isOwn
    ? 0
    : rowsOf(request.tables.filter((table) => table.tableId === rejectedTable));
  if (loaded + rejected !== rowsOf(request.tables)) return 'it has files of another table';
  if (loaded !== request.rowsLoaded) {
    return `its files hold ${loaded} rows, it loaded ${request.rowsLoaded}`;
  }
  const { records, copies } = request.replayed ?? { records: 0, copies: 0 };
  const gone = sum(
    request.tables.flatMap(({ tableId, deletes }) =>
      tableId === rejectedTable ? (deletes?.touched ?? []).map((file) => file.newPositions) : [],
    ),
  );
  if (gone !== records) return `${gone} rejected rows leave their table, ${records} were replayed`;
  return rejected === request.rowsFiltered + copies
    ? null
    : `${rejected} rejected rows are kept, ${request.rowsFiltered} were filtered and ${copies} copied`;
}
