// Databases. A dropped one keeps its row, so that history can still be read and its files be swept.
import { fail } from '../base/errors.ts';
import { asId, type DatabaseId, type VolumeId } from '../base/ids.ts';
import type { DatabaseChanges, DatabaseRecord, Databases } from './catalog.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { UniqueViolation } from './driver/unique-violation.ts';
import { dropKind } from './drop-kind.ts';
import { cancelJobs } from './load-job-store.ts';
import { chooseVolume } from './volumes.ts';

/** As StarRocks numbers the reason of a job whose database is gone. */
const REASON_DATABASE_GONE = 5;

export class DatabaseStore implements Databases {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async list(): Promise<readonly DatabaseRecord[]> {
    return (await this.#select().orderBy('databases.name').execute()).map(readDatabase);
  }

  async find(name: string): Promise<DatabaseRecord | null> {
    const row = await this.#select().where('databases.name', '=', name).executeTakeFirst();
    return row === undefined ? null : readDatabase(row);
  }

  async get(name: string): Promise<DatabaseRecord> {
    const database = await this.find(name);
    if (database === null) throw fail('UNKNOWN_DATABASE', { database: name });
    return database;
  }

  async byId(id: DatabaseId): Promise<DatabaseRecord | null> {
    const row = await this.#select().where('databases.id', '=', id).executeTakeFirst();
    return row === undefined ? null : readDatabase(row);
  }

  create(database: Parameters<Databases['create']>[0]): Promise<DatabaseRecord> {
    return this.#context.atomically(async (context) => {
      const databases = new DatabaseStore(context);
      // The name first: an existing database is the clearer error than a volume that is not there.
      if ((await databases.find(database.name)) !== null) {
        throw fail('DATABASE_EXISTS', { database: database.name });
      }
      const volume = await chooseVolume(context, database.volumeName, null);
      const row = {
        id: await nextValue(context.db, 'object'),
        name: database.name,
        volume_id: volume.id,
        is_system: 0,
        properties_json: JSON.stringify(database.properties),
        created_ms: context.nowMs(),
        dropped_ms: null,
        drop_kind: '' as const,
      };
      try {
        await context.db.insertInto('databases').values(row).execute();
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        throw fail('DATABASE_EXISTS', { database: database.name }, error);
      }
      return readDatabase({ ...row, volume_name: volume.name });
    });
  }

  async drop(name: string, force = false): Promise<void> {
    await this.#context.atomically(async (context) => {
      const database = await new DatabaseStore(context).find(name);
      if (database === null) throw fail('DATABASE_DOES_NOT_EXIST', { database: name });
      if (database.isSystem) throw fail('SYSTEM_OBJECT', { what: 'database', name });
      const droppedMs = context.nowMs();
      await context.db
        .updateTable('databases')
        .set({ dropped_ms: droppedMs, drop_kind: force ? 'FORCE' : 'DATABASE' })
        .where('id', '=', database.id)
        .execute();
      await context.db
        .updateTable('tables')
        .set({ dropped_ms: droppedMs, drop_kind: force ? 'FORCE' : dropKind('DATABASE') })
        .where('database_id', '=', database.id)
        .where('dropped_ms', 'is', null)
        .execute();
      // Its views stay with it in the recycle bin.
      if (force) {
        await context.db.deleteFrom('views').where('database_id', '=', database.id).execute();
      }
      await cancelJobs(context, 'database_id', database.id, {
        errCode: REASON_DATABASE_GONE,
        message: `db ${database.id} not exist`,
      });
    });
  }

  async alter(name: string, changes: DatabaseChanges): Promise<void> {
    await this.#context.atomically(async (context) => {
      const database = await new DatabaseStore(context).get(name);
      if (database.isSystem) throw fail('SYSTEM_OBJECT', { what: 'database', name });
      const volume =
        changes.volumeName === undefined
          ? null
          : await chooseVolume(context, changes.volumeName, database.volumeId);
      const properties = { ...database.properties, ...changes.properties };
      try {
        await context.db
          .updateTable('databases')
          .set({
            properties_json: JSON.stringify(properties),
            ...(changes.name === undefined ? {} : { name: changes.name }),
            ...(volume === null ? {} : { volume_id: volume.id }),
          })
          .where('id', '=', database.id)
          .execute();
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        throw fail('DATABASE_EXISTS', { database: changes.name ?? name }, error);
      }
    });
  }

  #select() {
    return this.#context.db
      .selectFrom('databases')
      .leftJoin('volumes', 'volumes.id', 'databases.volume_id')
      .selectAll('databases')
      .select('volumes.name as volume_name')
      .where('databases.dropped_ms', 'is', null);
  }
}

interface DatabaseRow {
  readonly id: number;
  readonly name: string;
  readonly volume_id: number | null;
  readonly volume_name: string | null;
  readonly is_system: number;
  readonly properties_json: string;
  readonly created_ms: number;
}

function readDatabase(row: DatabaseRow): DatabaseRecord {
  return {
    id: asId<DatabaseId>(row.id),
    name: row.name,
    volumeId: row.volume_id === null ? null : asId<VolumeId>(row.volume_id),
    volumeName: row.volume_name,
    isSystem: row.is_system === 1,
    properties: JSON.parse(row.properties_json) as Record<string, string>,
    createdMs: row.created_ms,
  };
}
