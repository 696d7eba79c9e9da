// What may go: transactions that timed out, files that no reader can still need, old rows of finished
// transactions. Rows only; sweep.ts in commit/ decides and deletes objects.
import { sql } from 'kysely';
import {
  asId,
  type DeleteFileId,
  type FileId,
  type TableId,
  type TransactionId,
  type VolumeId,
} from '../base/ids.ts';
import type { CatalogContext } from './context.ts';
import { runBatch } from './driver/batch.ts';

/** The row of a data file, or of an object of position deletes. */
export type FileRow =
  | { readonly kind: 'data'; readonly id: FileId }
  | { readonly kind: 'deletes'; readonly id: DeleteFileId };

export interface ExpiredFile {
  readonly row: FileRow;
  readonly tableId: TableId;
  readonly volumeId: VolumeId;
  readonly key: string;
  readonly sizeBytes: number;
}

/** Values of one IN list. */
const CHUNK = 1000;

export class RetentionStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** Open transactions whose time ran out by the database's clock. */
  async timedOut(nowMs: number): Promise<readonly TransactionId[]> {
    const rows = await this.#context.db
      .selectFrom('transactions')
      .select('id')
      .where('finish_ms', 'is', null)
      .where(sql<boolean>`coalesce(prepared_ms, prepare_ms) + timeout_ms <= ${nowMs}`)
      .orderBy('id')
      .execute();
    return rows.map((row) => asId<TransactionId>(row.id));
  }

  /** When the oldest open INSERT began, null without one: it may read files that have left their tables since. */
  async oldestInsertMs(): Promise<number | null> {
    const row = await this.#context.db
      .selectFrom('transactions')
      .select('prepare_ms')
      .where('finish_ms', 'is', null)
      .where('source', '=', 'INSERT_STREAMING')
      .orderBy('prepare_ms')
      .executeTakeFirst();
    return row?.prepare_ms ?? null;
  }

  /**
   * Files and delete objects that left their table before `beforeMs`, and those of tables dropped before it;
   * `limit` at most.
   */
  async expiredFiles(beforeMs: number, limit: number): Promise<readonly ExpiredFile[]> {
    const data = await this.#expiredData(beforeMs, limit);
    if (data.length === limit) return data;
    return [...data, ...(await this.#expiredDeletes(beforeMs, limit - data.length))];
  }

  async #expiredDeletes(beforeMs: number, limit: number): Promise<readonly ExpiredFile[]> {
    const { db } = this.#context;
    const columns = [
      'delete_files.id',
      'delete_files.table_id',
      'delete_files.volume_id',
      'delete_files.file_key',
      'delete_files.size_bytes',
    ] as const;
    const [removed, dropped] = await runBatch(db, [
      db
        .selectFrom('delete_files')
        .select(columns)
        .where('delete_files.removed_ms', 'is not', null)
        .where('delete_files.removed_ms', '<', beforeMs)
        .limit(limit),
      db
        .selectFrom('delete_files')
        .innerJoin('tables', 'tables.id', 'delete_files.table_id')
        .select(columns)
        .where('delete_files.removed_version', 'is', null)
        .where('tables.dropped_ms', '<', beforeMs)
        .limit(limit),
    ]);
    return [...removed, ...dropped].slice(0, limit).map((row) => ({
      row: { kind: 'deletes', id: asId<DeleteFileId>(row.id) },
      tableId: asId<TableId>(row.table_id),
      volumeId: asId<VolumeId>(row.volume_id),
      key: row.file_key,
      sizeBytes: row.size_bytes,
    }));
  }

  async #expiredData(beforeMs: number, limit: number): Promise<readonly ExpiredFile[]> {
    const { db } = this.#context;
    const columns = [
      'files.id',
      'files.table_id',
      'files.volume_id',
      'files.file_key',
      'files.size_bytes',
    ] as const;
    const [removed, dropped] = await runBatch(db, [
      db
        .selectFrom('files')
        .select(columns)
        .where('files.removed_ms', 'is not', null)
        .where('files.removed_ms', '<', beforeMs)
        .limit(limit),
      db
        .selectFrom('files')
        .innerJoin('tables', 'tables.id', 'files.table_id')
        .select(columns)
        .where('files.removed_version', 'is', null)
        .where('tables.dropped_ms', '<', beforeMs)
        .limit(limit),
    ]);
    return [...removed, ...dropped].slice(0, limit).map((row) => ({
      row: { kind: 'data', id: asId<FileId>(row.id) },
      tableId: asId<TableId>(row.table_id),
      volumeId: asId<VolumeId>(row.volume_id),
      key: row.file_key,
      sizeBytes: row.size_bytes,
    }));
  }

  /** Forgets files and delete objects that are gone from their volume. */
  async forget(rows: readonly FileRow[]): Promise<void> {
    await this.#forgetFiles(rows.flatMap((row) => (row.kind === 'data' ? [row.id] : [])));
    await this.#forgetDeletes(rows.flatMap((row) => (row.kind === 'deletes' ? [row.id] : [])));
  }

  async #forgetFiles(ids: readonly FileId[]): Promise<void> {
    const { db } = this.#context;
    for (const chunk of chunksOf(ids)) {
      await runBatch(db, [
        db.deleteFrom('file_deletes').where('file_id', 'in', chunk),
        db.deleteFrom('files').where('id', 'in', chunk),
      ]);
    }
  }

  async #forgetDeletes(ids: readonly DeleteFileId[]): Promise<void> {
    const { db } = this.#context;
    for (const chunk of chunksOf(ids)) {
      await runBatch(db, [
        db.deleteFrom('file_deletes').where('delete_file_id', 'in', chunk),
        db.deleteFrom('delete_files').where('id', 'in', chunk),
      ]);
    }
  }

  /** Those of `keys` that a row of a file or a delete object names, live or not yet forgotten. */
  async namedKeys(volumeId: VolumeId, keys: readonly string[]): Promise<ReadonlySet<string>> {
    const named = new Set<string>();
    for (const chunk of chunksOf(keys)) {
      const { db } = this.#context;
      const found = await runBatch(
        db,
        (['files', 'delete_files'] as const).map((table) =>
          db
            .selectFrom(table)
            .select('file_key')
            .where('volume_id', '=', volumeId)
            .where('file_key', 'in', chunk),
        ),
      );
      for (const row of found.flat()) named.add(row.file_key);
    }
    return named;
  }

  /**
   * Those of `ids` that are final: VISIBLE, ABORTED, or given out once and pruned since. Ids that this
   * metadata never gave out are not final: somebody else's.
   */
  async finalTransactions(ids: readonly TransactionId[]): Promise<ReadonlySet<TransactionId>> {
    const { db } = this.#context;
    const final = new Set<TransactionId>();
    for (const chunk of chunksOf(ids)) {
      const [rows, counters] = await runBatch(db, [
        db.selectFrom('transactions').select(['id', 'finish_ms']).where('id', 'in', chunk),
        db.selectFrom('counters').select('next_value').where('name', '=', 'transaction'),
      ]);
      const known = new Map(rows.map((row) => [row.id, row.finish_ms !== null]));
      // Whoever wrote a file under an id had begun it, so a missing row has been pruned.
      const neverGiven = counters[0]?.next_value ?? 0;
      for (const id of chunk) {
        if (known.get(id) ?? id < neverGiven) final.add(id);
      }
    }
    return final;
  }

  /**
   * Forgets finished transactions with their labels: those older than `beforeMs`, and of each database
   * those beyond the newest `keepNewest`, but none that ended after `neverAfterMs`: a caller may still ask
   * what became of it. Versions that are not heads go by `beforeMs`. The ledger stays for ever.
   */
  async prune(limits: {
    readonly beforeMs: number;
    readonly keepNewest: number;
    readonly neverAfterMs: number;
  }): Promise<void> {
    const { db } = this.#context;
    const { beforeMs, keepNewest, neverAfterMs } = limits;
    const databases = await db
      .selectFrom('transactions')
      .select('database_id')
      .distinct()
      .execute();
    for (const { database_id } of databases) {
      const finished = db
        .selectFrom('transactions')
        .where('database_id', '=', database_id)
        .where('finish_ms', 'is not', null);
      const newest = await finished
        .select('id')
        .orderBy('id', 'desc')
        .offset(keepNewest)
        .limit(1)
        .executeTakeFirst();
      const old = finished
        .select('id')
        .where('finish_ms', '<', neverAfterMs)
        .where((eb) => eb.or([eb('finish_ms', '<', beforeMs), eb('id', '<=', newest?.id ?? 0)]))
        .orderBy('id')
        .limit(PRUNE_ROWS);
      const ids = (await old.execute()).map((row) => row.id);
      for (const chunk of chunksOf(ids)) {
        await runBatch(db, [
          db.deleteFrom('labels').where('transaction_id', 'in', chunk),
          db.deleteFrom('transactions').where('id', 'in', chunk),
        ]);
      }
    }
    await db
      .deleteFrom('table_versions')
      .where('committed_ms', '<', beforeMs)
      .where(
        ({ ref, selectFrom }) =>
          sql<boolean>`${ref('version')} < ${selectFrom('tables')
            .select('tables.head_version')
            .whereRef('tables.id', '=', 'table_versions.table_id')}`,
      )
      .execute();
  }
}

/** Most transactions of a database that one pruning forgets: it must not hold others up for long. */
const PRUNE_ROWS = 10_000;

function chunksOf<T>(values: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(values.length / CHUNK) }, (_, index) =>
    values.slice(index * CHUNK, (index + 1) * CHUNK),
  );
}
