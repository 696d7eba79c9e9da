// Looks a table's metadata over: whether its rows agree with each other, and which objects they name. For CHECK
// TABLE; changes nothing.
import { sql } from 'kysely';
import { assert } from '../base/assert.ts';
import { asId, type TableId, type VolumeId } from '../base/ids.ts';
import { transactionOfKey } from '../model/file-key.ts';
import type { CatalogContext } from './context.ts';
import { runNamedBatch } from './driver/batch.ts';

/** Files that can be asked about at once. */
const MAX_ASKED = 1000;

export interface NamedObject {
  readonly volumeId: VolumeId;
  readonly key: string;
  readonly sizeBytes: number;
}

export interface TableAudit {
  /** What does not agree, for people; empty when all does. */
  readonly problems: readonly string[];
  /** Every object that a version names which can be read: data files and delete objects. */
  readonly objects: readonly NamedObject[];
}

export class AuditStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** Whether each data file is part of its table now, in the order asked. */
  async areLive(
    files: readonly Pick<NamedObject, 'volumeId' | 'key'>[],
  ): Promise<readonly boolean[]> {
    assert(files.length <= MAX_ASKED, 'a bounded number of files in one question');
    const { db } = this.#context;
    const volumes = [...new Set(files.map(({ volumeId }) => volumeId))];
    const live = new Set<string>();
    for (const volumeId of volumes) {
      const keys = files.flatMap((file) => (file.volumeId === volumeId ? [file.key] : []));
      const rows = await db
        .selectFrom('files')
        .select('file_key')
        .where('volume_id', '=', volumeId)
        .where('file_key', 'in', keys)
        .where('removed_version', 'is', null)
        .execute();
      for (const row of rows) live.add(`${volumeId} ${row.file_key}`);
    }
    return files.map(({ volumeId, key }) => live.has(`${volumeId} ${key}`));
  }

  /** From one metadata read. A table that is gone meanwhile has nothing to say. */
  async table(id: TableId): Promise<TableAudit> {
    const { db } = this.#context;
    const named = (from: 'files' | 'delete_files') => {
      // Both tables have every column that is named here.
      const either = from as 'files';
      return db
        .selectFrom(`${either} as object`)
        .innerJoin('tables', 'tables.id', 'object.table_id')
        .select(['object.volume_id', 'object.file_key', 'object.size_bytes'])
        .select(['object.transaction_id', 'object.added_version', 'object.removed_version'])
        .where('object.table_id', '=', id)
        .where((eb) =>
          eb.or([
            eb('object.removed_version', 'is', null),
            eb('object.removed_version', '>', eb.ref('tables.oldest_version')),
          ]),
        );
    };
    const found = await runNamedBatch(db, {
      table: db.selectFrom('tables').selectAll().where('id', '=', id),
      live: db
        .selectFrom('files')
        .select(({ fn }) => [
          fn.countAll<number>().as('files'),
          sql<number>`coalesce(sum(row_count), 0)`.as('rows'),
          sql<number>`coalesce(sum(size_bytes), 0)`.as('bytes'),
        ])
        .where('table_id', '=', id)
        .where('removed_version', 'is', null),
      deleted: db
        .selectFrom('file_deletes')
        .innerJoin('files', 'files.id', 'file_deletes.file_id')
        .select(sql<number>`coalesce(sum(positions), 0)`.as('rows'))
        .where('file_deletes.table_id', '=', id)
        .where('file_deletes.removed_version', 'is', null)
        .where('files.removed_version', 'is', null),
      stray: db
        .selectFrom('file_deletes')
        .leftJoin('files', 'files.id', 'file_deletes.file_id')
        .leftJoin('delete_files', 'delete_files.id', 'file_deletes.delete_file_id')
        .select(({ fn }) => fn.countAll<number>().as('rows'))
        .where('file_deletes.table_id', '=', id)
        .where('file_deletes.removed_version', 'is', null)
        .where((eb) =>
          eb.or([
            eb('files.id', 'is', null),
            eb('files.removed_version', 'is not', null),
            eb('delete_files.id', 'is', null),
            eb('delete_files.removed_version', 'is not', null),
          ]),
        ),
      files: named('files'),
      deletes: named('delete_files'),
    });
    const table = found.table[0];
    if (table === undefined) return { problems: [], objects: [] };
    const live = found.live[0];
    const rows = (live?.rows ?? 0) - (found.deleted[0]?.rows ?? 0);
    const stray = found.stray[0]?.rows ?? 0;
    const objects = [...found.files, ...found.deletes];
    return {
      problems: [
        ...differs('files', table.live_files, live?.files ?? 0),
        ...differs('rows', table.live_rows, rows),
        ...differs('bytes', table.live_bytes, live?.bytes ?? 0),
        ...(stray === 0 ? [] : [`${stray} rows of deletes belong to files that are not live`]),
        ...objects.flatMap((row) => oddities(row, table.head_version)),
      ],
      objects: objects.map((row) => ({
        volumeId: asId<VolumeId>(row.volume_id),
        key: row.file_key,
        sizeBytes: row.size_bytes,
      })),
    };
  }
}

function differs(what: string, kept: number, counted: number): readonly string[] {
  return kept === counted ? [] : [`the table counts ${kept} ${what}, its files ${counted}`];
}

function oddities(
  row: {
    readonly file_key: string;
    readonly transaction_id: number;
    readonly added_version: number;
    readonly removed_version: number | null;
  },
  head: number,
): readonly string[] {
  const { file_key: key, added_version: added, removed_version: removed } = row;
  const odd: string[] = [];
  if (transactionOfKey(key) !== row.transaction_id) {
    odd.push(`${key} is not of transaction ${row.transaction_id}, as the metadata says`);
  }
  if (added > head || (removed !== null && (removed > head || removed <= added))) {
    odd.push(
      `${key} is there from version ${added} to ${removed ?? 'now'}, the table is at ${head}`,
    );
  }
  return odd;
}
