// Files of CREATE FILE. Their content is encrypted: private keys are among them.
import type { Selectable } from 'kysely';
import { fail } from '../base/errors.ts';
import { asId, type DatabaseId } from '../base/ids.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { UniqueViolation } from './driver/unique-violation.ts';
import type { SmallFilesTable } from './schema/tables.ts';

/** What SHOW FILE tells of a file. */
export interface SmallFileRecord {
  readonly id: number;
  readonly databaseId: DatabaseId;
  readonly catalogName: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly md5: string;
  readonly createdMs: number;
}

export interface NewSmallFile {
  readonly databaseId: DatabaseId;
  readonly catalogName: string;
  readonly name: string;
  /** Hexadecimal. */
  readonly md5: string;
  readonly content: Uint8Array;
}

export interface SmallFiles {
  /** Of one database, by id. */
  list(databaseId: DatabaseId): Promise<readonly SmallFileRecord[]>;
  /** Files of all databases. */
  count(): Promise<number>;
  find(databaseId: DatabaseId, catalogName: string, name: string): Promise<SmallFileRecord | null>;
  /** The bytes; null when there is no such file. Secret: never logged or shown. */
  content(databaseId: DatabaseId, catalogName: string, name: string): Promise<Buffer | null>;
  /** Throws SMALL_FILE_EXISTS. */
  create(file: NewSmallFile): Promise<SmallFileRecord>;
  /** False when it was not there. */
  drop(databaseId: DatabaseId, catalogName: string, name: string): Promise<boolean>;
}

export class SmallFileStore implements SmallFiles {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async list(databaseId: DatabaseId): Promise<readonly SmallFileRecord[]> {
    const rows = await this.#context.db
      .selectFrom('small_files')
      .selectAll()
      .where('database_id', '=', databaseId)
      .orderBy('id')
      .execute();
    return rows.map(readRecord);
  }

  async count(): Promise<number> {
    const row = await this.#context.db
      .selectFrom('small_files')
      .select((eb) => eb.fn.countAll<number>().as('files'))
      .executeTakeFirstOrThrow();
    return Number(row.files);
  }

  async find(
    databaseId: DatabaseId,
    catalogName: string,
    name: string,
  ): Promise<SmallFileRecord | null> {
    const row = await this.#row(databaseId, catalogName, name);
    return row === undefined ? null : readRecord(row);
  }

  async content(databaseId: DatabaseId, catalogName: string, name: string): Promise<Buffer | null> {
    const row = await this.#row(databaseId, catalogName, name);
    if (row === undefined) return null;
    return Buffer.from(this.#context.sealer.unseal('small-file', row.content_sealed), 'base64');
  }

  create(file: NewSmallFile): Promise<SmallFileRecord> {
    return this.#context.atomically(async ({ db, sealer, nowMs }) => {
      const row: SmallFilesTable = {
        id: await nextValue(db, 'object'),
        database_id: file.databaseId,
        catalog_name: file.catalogName,
        name: file.name,
        size_bytes: file.content.length,
        md5: file.md5.toLowerCase(),
        content_sealed: sealer.seal('small-file', Buffer.from(file.content).toString('base64')),
        created_ms: nowMs(),
      };
      try {
        await db.insertInto('small_files').values(row).execute();
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        throw fail('SMALL_FILE_EXISTS', { file: file.name }, error);
      }
      return readRecord(row);
    });
  }

  async drop(databaseId: DatabaseId, catalogName: string, name: string): Promise<boolean> {
    const gone = await this.#context.db
      .deleteFrom('small_files')
      .where('database_id', '=', databaseId)
      .where('catalog_name', '=', catalogName)
      .where('name', '=', name)
      .returning('id')
      .executeTakeFirst();
    return gone !== undefined;
  }

  #row(databaseId: DatabaseId, catalogName: string, name: string) {
    return this.#context.db
      .selectFrom('small_files')
      .selectAll()
      .where('database_id', '=', databaseId)
      .where('catalog_name', '=', catalogName)
      .where('name', '=', name)
      .executeTakeFirst();
  }
}

function readRecord(row: Selectable<SmallFilesTable>): SmallFileRecord {
  return {
    id: row.id,
    databaseId: asId<DatabaseId>(row.database_id),
    catalogName: row.catalog_name,
    name: row.name,
    sizeBytes: row.size_bytes,
    md5: row.md5,
    createdMs: row.created_ms,
  };
}
