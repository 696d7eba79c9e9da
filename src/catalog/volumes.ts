// Storage volumes. Their parameters are encrypted whole, so nobody need know which of them are secret.
import type { Selectable } from 'kysely';
import { fail } from '../base/errors.ts';
import { asId, type VolumeId } from '../base/ids.ts';
import type { VolumeType } from '../model/table.ts';
import type { NewVolume, VolumeRecord, Volumes } from './catalog.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { UniqueViolation } from './driver/unique-violation.ts';
import type { VolumesTable } from './schema/tables.ts';

export class VolumeStore implements Volumes {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async list(): Promise<readonly VolumeRecord[]> {
    const rows = await this.#context.db.selectFrom('volumes').selectAll().orderBy('name').execute();
    return rows.map((row) => readVolume(this.#context, row));
  }

  async find(name: string): Promise<VolumeRecord | null> {
    const row = await this.#context.db
      .selectFrom('volumes')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirst();
    return row === undefined ? null : readVolume(this.#context, row);
  }

  async get(name: string): Promise<VolumeRecord> {
    const volume = await this.find(name);
    if (volume === null) throw fail('UNKNOWN_VOLUME', { volume: name });
    return volume;
  }

  async byId(id: VolumeId): Promise<VolumeRecord> {
    const row = await this.#context.db
      .selectFrom('volumes')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw fail('UNKNOWN_VOLUME', { volume: String(id) });
    return readVolume(this.#context, row);
  }

  create(volume: NewVolume): Promise<VolumeRecord> {
    return this.#context.atomically(async ({ db, sealer, nowMs }) => {
      const row: VolumesTable = {
        id: await nextValue(db, 'object'),
        name: volume.name,
        type: volume.type,
        location: volume.location,
        params_sealed: sealer.seal('volume-params', JSON.stringify(volume.params)),
        enabled: Number(volume.enabled),
        is_default: 0,
        comment: volume.comment,
        created_ms: nowMs(),
      };
      try {
        await db.insertInto('volumes').values(row).execute();
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        throw fail('VOLUME_EXISTS', { volume: volume.name }, error);
      }
      return readVolume(this.#context, row);
    });
  }

  async alter(name: string, changes: Parameters<Volumes['alter']>[1]): Promise<void> {
    await this.#context.atomically(async (context) => {
      const volume = await new VolumeStore(context).get(name);
      if (changes.enabled === false && volume.isDefault) {
        throw fail('VOLUME_IN_USE', { volume: name, detail: 'the default one stays enabled' });
      }
      const params = { ...volume.params, ...changes.params };
      await context.db
        .updateTable('volumes')
        .set({
          params_sealed: context.sealer.seal('volume-params', JSON.stringify(params)),
          comment: changes.comment ?? volume.comment,
          enabled: Number(changes.enabled ?? volume.enabled),
        })
        .where('id', '=', volume.id)
        .execute();
    });
  }

  async drop(name: string): Promise<void> {
    await this.#context.atomically(async (context) => {
      const volume = await new VolumeStore(context).get(name);
      const detail = volume.isDefault
        ? 'it is the default one'
        : await findUser(context, volume.id);
      if (detail !== null) throw fail('VOLUME_IN_USE', { volume: name, detail });
      await context.db.deleteFrom('volumes').where('id', '=', volume.id).execute();
    });
  }

  async setDefault(name: string): Promise<void> {
    await this.#context.atomically(async (context) => {
      const volume = await new VolumeStore(context).get(name);
      if (!volume.enabled) throw fail('VOLUME_DISABLED', { volume: name });
      await context.db
        .updateTable('volumes')
        .set((eb) => ({
          is_default: eb.case().when('id', '=', volume.id).then(1).else(0).end(),
        }))
        .execute();
    });
  }

  async default(): Promise<VolumeRecord | null> {
    const row = await this.#context.db
      .selectFrom('volumes')
      .selectAll()
      .where('is_default', '=', 1)
      .executeTakeFirst();
    return row === undefined ? null : readVolume(this.#context, row);
  }
}

/** The volume that a new object takes: the one named, else `fallback`, else the default; enabled. */
export async function chooseVolume(
  context: CatalogContext,
  name: string | null,
  fallback: VolumeId | null,
): Promise<VolumeRecord> {
  const volumes = new VolumeStore(context);
  const named = name === null ? null : await volumes.get(name);
  const inherited = named === null && fallback !== null ? await volumes.byId(fallback) : null;
  const volume = named ?? inherited ?? (await volumes.default());
  if (volume === null) throw fail('NO_DEFAULT_VOLUME');
  if (!volume.enabled) throw fail('VOLUME_DISABLED', { volume: volume.name });
  return volume;
}

export function readVolume(context: CatalogContext, row: Selectable<VolumesTable>): VolumeRecord {
  const params = JSON.parse(context.sealer.unseal('volume-params', row.params_sealed));
  return {
    id: asId<VolumeId>(row.id),
    name: row.name,
    type: row.type as VolumeType,
    location: row.location,
    params: params as Record<string, string>,
    enabled: row.enabled === 1,
    isDefault: row.is_default === 1,
    comment: row.comment,
    createdMs: row.created_ms,
  };
}

/** What still needs the volume, null when nothing does. Dropped tables count until the sweep has removed their files. */
async function findUser({ db }: CatalogContext, id: VolumeId): Promise<string | null> {
  const database = await db
    .selectFrom('databases')
    .select('name')
    .where('volume_id', '=', id)
    .where('dropped_ms', 'is', null)
    .executeTakeFirst();
  if (database !== undefined) return `database '${database.name}' uses it`;
  const table = await db
    .selectFrom('tables')
    .select('name')
    .where('volume_id', '=', id)
    .where('dropped_ms', 'is', null)
    .executeTakeFirst();
  if (table !== undefined) return `table '${table.name}' uses it`;
  const file = await db
    .selectFrom('files')
    .select('id')
    .where('volume_id', '=', id)
    .executeTakeFirst();
  return file === undefined ? null : 'data files still lie in it';
}
