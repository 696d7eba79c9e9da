// What may go: transactions that timed out, files that no reader can still need, old rows of finished
// transactions. Rows only; sweep.ts in commit/ decides and deletes objects.
import { sql } from 'kysely';
import {
  asId,
  type DeleteFileId,
  type FileId,
  type TableId,
  type TableVersion,
  type TransactionId,
  type VolumeId,
} from '../base/ids.ts';
import { transactionPrefix } from '../model/file-key.ts';
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
  /** `dropped`: its table is gone for good. `expired`: no version that can be read names it. */
  readonly reason: 'expired' | 'dropped';
  /** Another row names the object (ROLLBACK brought it back), or goes with it: only this row may go. */
  readonly shared: boolean;
}

/** A table whose versions below its head are still kept. */
export interface KeptVersions {
  readonly tableId: TableId;
  readonly properties: Readonly<Record<string, string>>;
  readonly head: TableVersion;
  readonly oldest: TableVersion;
  readonly oldestMs: number;
}

const objectOf = (row: { readonly volume_id: number; readonly file_key: string }): string =>
  `${row.volume_id} ${row.file_key}`;

/** Values of one IN list. */
const CHUNK = 1000;

/** What RECOVER PARTITION would bring back, whatever versions can be read: the files, and what was deleted of them. */
const HELD_BY_BIN = {
  files: `EXISTS (SELECT 1 FROM partitions WHERE partitions.id = file.partition_id
    AND partitions.drop_kind = 'PARTITION' AND partitions.dropped_version = file.removed_version)`,
  delete_files: `EXISTS (SELECT 1 FROM file_deletes
    JOIN files ON files.id = file_deletes.file_id
    JOIN partitions ON partitions.id = files.partition_id AND partitions.drop_kind = 'PARTITION'
      AND partitions.dropped_version = files.removed_version
    WHERE file_deletes.delete_file_id = file.id AND file_deletes.removed_version = files.removed_version)`,
} as const;

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
      .where(
        sql<boolean>`(coalesce(prepared_ms, prepare_ms) + timeout_ms <= ${nowMs}
          OR (state = 'PREPARE' AND busy = 0 AND active_ms + idle_timeout_ms <= ${nowMs}))`,
      )
      .orderBy('id')
      .execute();
    return rows.map((row) => asId<TransactionId>(row.id));
  }

  /**
   * When the oldest open statement that reads tables and writes its rows began, null without one: it may read
   * files that have left their tables since, for longer than a query may.
   */
  async oldestReaderMs(): Promise<number | null> {
    // Of several statements each reads for itself: the running one counts.
    const row = await this.#context.db
      .selectFrom('transactions')
      .select(sql<number | null>`min(coalesce(active_ms, prepare_ms))`.as('began_ms'))
      .where('finish_ms', 'is', null)
      .where('state', '=', 'PREPARE')
      .where('job_id', 'is', null)
      .where('source', '<>', 'LAKE_COMPACTION')
      .where((eb) => eb.or([eb('scope', '=', ''), eb('busy', '>', 0)]))
      .executeTakeFirst();
    return row?.began_ms ?? null;
  }

  /** Tables with versions below their head, dropped ones too, and those whose clock ran ahead of `nowMs`. */
  async tablesWithHistory(nowMs: number): Promise<readonly KeptVersions[]> {
    const rows = await this.#context.db
      .selectFrom('tables')
      .select(['id', 'properties_json', 'head_version', 'oldest_version', 'oldest_ms'])
      .where((eb) =>
        eb.or([eb('oldest_version', '<', eb.ref('head_version')), eb('oldest_ms', '>', nowMs)]),
      )
      .orderBy('id')
      .execute();
    return rows.map((row) => ({
      tableId: asId<TableId>(row.id),
      properties: JSON.parse(row.properties_json) as Record<string, string>,
      head: asId<TableVersion>(row.head_version),
      oldest: asId<TableVersion>(row.oldest_version),
      oldestMs: row.oldest_ms,
    }));
  }

  /**
   * From now on the table can be read only from the version on that was its head at `sinceMs`. The rows of older
   * versions go at once; their files later.
   */
  async advance(kept: KeptVersions, sinceMs: number, nowMs: number): Promise<void> {
    await this.#context.atomically(async ({ db }) => {
      const first = await db
        .selectFrom('table_versions')
        .select('version')
        .where('table_id', '=', kept.tableId)
        .where('committed_ms', '>=', sinceMs)
        .orderBy('version')
        .limit(1)
        .executeTakeFirst();
      const version = Math.max(kept.oldest, first === undefined ? kept.head : first.version - 1);
      if (version === kept.oldest && kept.oldestMs <= nowMs) return;
      await db
        .updateTable('tables')
        .set({ oldest_version: version, oldest_ms: nowMs })
        .where('id', '=', kept.tableId)
        .execute();
      await db
        .deleteFrom('table_versions')
        .where('table_id', '=', kept.tableId)
        .where('version', '<', version)
        .execute();
    });
  }

  /**
   * Files and delete objects that no version names which anybody can or does read, and those of tables that are
   * gone for good; `limit` at most. No statement that still runs began to read before `readersSinceMs`, by the
   * database's clock.
   */
  async expiredFiles(readersSinceMs: number, limit: number): Promise<readonly ExpiredFile[]> {
    const data = await this.#expired('files', readersSinceMs, limit);
    const rest = limit - data.length;
    const deletes = rest === 0 ? [] : await this.#expired('delete_files', readersSinceMs, rest);
    return [
      ...data.map(({ id, ...file }) => ({
        ...file,
        row: { kind: 'data' as const, id: asId<FileId>(id) },
      })),
      ...deletes.map(({ id, ...file }) => ({
        ...file,
        row: { kind: 'deletes' as const, id: asId<DeleteFileId>(id) },
      })),
    ];
  }

  async #expired(
    from: 'files' | 'delete_files',
    readersSinceMs: number,
    limit: number,
  ): Promise<readonly (Omit<ExpiredFile, 'row'> & { readonly id: number })[]> {
    const { db } = this.#context;
    // Both tables have every column that is named here.
    const either = from as 'files';
    // In this order: of each table only what has expired is looked at, not all that is kept.
    const found = db
      .selectFrom('tables')
      .crossJoin(`${either} as file`)
      .whereRef('file.table_id', '=', 'tables.id')
      .select(['file.id', 'file.table_id', 'file.volume_id', 'file.file_key', 'file.size_bytes'])
      .select(({ fn, selectFrom }) =>
        selectFrom(`${either} as one`)
          .select(fn.countAll<number>().as('rows'))
          .whereRef('one.volume_id', '=', 'file.volume_id')
          .whereRef('one.file_key', '=', 'file.file_key')
          .as('naming'),
      );
    const [removed, dropped] = await runBatch(db, [
      found
        .where('file.removed_version', 'is not', null)
        .whereRef('file.removed_version', '<=', 'tables.oldest_version')
        .where('tables.oldest_ms', '<', readersSinceMs)
        .where('file.removed_ms', '<', readersSinceMs)
        .where(({ not }) => not(sql<boolean>`${sql.raw(HELD_BY_BIN[from])}`))
        .limit(limit),
      found
        .where('tables.dropped_ms', '<', readersSinceMs)
        .where('tables.drop_kind', '=', 'FORCE')
        .where((eb) =>
          eb.or([eb('file.removed_version', 'is', null), eb('file.removed_version', '>', 0)]),
        )
        .limit(limit),
    ]);
    const gone = new Set(dropped.map((row) => row.id));
    const rows = [...dropped, ...removed.filter((row) => !gone.has(row.id))].slice(0, limit);
    // An object goes with the last of the rows that name it: where all of them go now, with one of these.
    const left = new Map(rows.map((row) => [objectOf(row), Number(row.naming)]));
    const isLast = (row: (typeof rows)[number]): boolean => {
      const naming = (left.get(objectOf(row)) ?? 0) - 1;
      left.set(objectOf(row), naming);
      return naming === 0;
    };
    return rows.map((row) => ({
      id: row.id,
      tableId: asId<TableId>(row.table_id),
      volumeId: asId<VolumeId>(row.volume_id),
      key: row.file_key,
      sizeBytes: row.size_bytes,
      reason: gone.has(row.id) ? ('dropped' as const) : ('expired' as const),
      shared: !isLast(row),
    }));
  }

  /** Where transactions that were aborted since then put their files: below their table, and among rejected rows. */
  async abortedPrefixes(sinceMs: number): Promise<readonly string[]> {
    const { db } = this.#context;
    const [aborted, several, system] = await runBatch(db, [
      db
        .selectFrom('transactions')
        .innerJoin('tables', 'tables.id', 'transactions.table_id')
        .select(['transactions.id', 'tables.prefix'])
        .where('transactions.finish_ms', '>=', sinceMs)
        .where('transactions.state', '=', 'ABORTED'),
      db
        .selectFrom('transactions')
        .innerJoin('transaction_loads', 'transaction_loads.transaction_id', 'transactions.id')
        .innerJoin('tables', 'tables.id', 'transaction_loads.table_id')
        .select(['transactions.id', 'tables.prefix'])
        .distinct()
        .where('transactions.finish_ms', '>=', sinceMs)
        .where('transactions.state', '=', 'ABORTED'),
      db
        .selectFrom('tables')
        .innerJoin('databases', 'databases.id', 'tables.database_id')
        .select('tables.prefix')
        .where('databases.is_system', '=', 1),
    ]);
    const prefixes = [...aborted, ...several].flatMap(({ id, prefix }) =>
      [prefix, ...system.map((table) => table.prefix)].map((place) =>
        transactionPrefix(place, asId<TransactionId>(id)),
      ),
    );
    return [...new Set(prefixes)];
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
   * what became of it. The ledger stays for ever.
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
          db.deleteFrom('transaction_channels').where('transaction_id', 'in', chunk),
          db.deleteFrom('transaction_loads').where('transaction_id', 'in', chunk),
          db.deleteFrom('transactions').where('id', 'in', chunk),
        ]);
      }
    }
  }
}

/** Most transactions of a database that one pruning forgets: it must not hold others up for long. */
const PRUNE_ROWS = 10_000;

function chunksOf<T>(values: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(values.length / CHUNK) }, (_, index) =>
    values.slice(index * CHUNK, (index + 1) * CHUNK),
  );
}
