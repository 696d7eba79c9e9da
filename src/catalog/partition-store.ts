// Partitions of tables: rows, their figures, and finding or making the partition of what a commit brings. Files
// name their partition; a partition that is dropped takes its files along at one version of the table.
import { fail } from '../base/errors.ts';
import { asId, type PartitionId, type TableId, type TableVersion } from '../base/ids.ts';
import {
  boundsOfKey,
  canonicalValue,
  holds,
  nameOfKey,
  overlap,
  type Partition,
  type PartitionBounds,
  type Partitioning,
  type PartitionKey,
} from '../model/partition.ts';
import { partitionColumns } from '../model/partition-routing.ts';
import type { StagedFile, TableSchema } from '../model/table.ts';
import { type CatalogContext, nextValue } from './context.ts';
import type { MetadataDb } from './driver/batch.ts';

/** Most partitions of a table. */
export const MAX_PARTITIONS = 10_000;

export interface NewPartition {
  readonly name: string;
  readonly isTemporary: boolean;
  readonly bounds: PartitionBounds;
  readonly properties: Readonly<Record<string, string>>;
}

/** What SHOW PARTITIONS says of one. */
export interface PartitionStatus {
  readonly partition: Partition;
  readonly fileCount: number;
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** The last version that brought it files; 1 where none did. */
  readonly version: TableVersion;
  readonly updatedMs: number | null;
}

/** What is known of a table when its partitions are looked for. */
interface PartitionedTable {
  readonly id: TableId;
  readonly name: string;
  readonly schema: TableSchema;
  readonly partitioning: Partitioning;
}

export class PartitionStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** Live ones, temporary ones too, by id. */
  async list(tableId: TableId): Promise<readonly Partition[]> {
    const rows = await selectPartitions(this.#context.db)
      .where('partitions.table_id', '=', tableId)
      .execute();
    return rows.map(readPartition);
  }

  /** Live ones with what they hold. */
  async status(tableId: TableId): Promise<readonly PartitionStatus[]> {
    const { db } = this.#context;
    const figures = await db
      .selectFrom('files')
      .leftJoin('file_deletes', (join) =>
        join
          .onRef('file_deletes.file_id', '=', 'files.id')
          .on('file_deletes.removed_version', 'is', null),
      )
      .select(({ fn }) => [
        'files.id',
        'files.partition_id',
        'files.row_count',
        'files.size_bytes',
        'files.added_version',
        'files.added_ms',
        fn.sum<number | null>('file_deletes.positions').as('deleted'),
      ])
      .where('files.table_id', '=', tableId)
      .where('files.removed_version', 'is', null)
      .groupBy([
        'files.id',
        'files.partition_id',
        'files.row_count',
        'files.size_bytes',
        'files.added_version',
        'files.added_ms',
      ])
      .execute();
    const byPartition = Map.groupBy(figures, (row) => row.partition_id);
    return (await this.list(tableId)).map((partition) => {
      const own = byPartition.get(partition.id) ?? [];
      const total = (pick: (row: (typeof own)[number]) => number): number =>
        own.reduce((sum, row) => sum + pick(row), 0);
      return {
        partition,
        fileCount: own.length,
        rowCount: total((row) => row.row_count - Number(row.deleted ?? 0)),
        sizeBytes: total((row) => row.size_bytes),
        version: asId<TableVersion>(Math.max(1, ...own.map((row) => row.added_version))),
        updatedMs: own.length === 0 ? null : Math.max(...own.map((row) => row.added_ms)),
      };
    });
  }

  /** Throws PARTITION_EXISTS, LIMIT_EXCEEDED. Inside a transaction. */
  async add(tableId: TableId, partitions: readonly NewPartition[]): Promise<readonly Partition[]> {
    const { db, nowMs } = this.#context;
    const live = await this.list(tableId);
    if (live.length + partitions.length > MAX_PARTITIONS) {
      throw fail('LIMIT_EXCEEDED', {
        what: 'the number of partitions of a table',
        actual: live.length + partitions.length,
        limit: MAX_PARTITIONS,
        hint: 'use longer time units, or drop old partitions',
      });
    }
    const made: Partition[] = [];
    for (const { name, isTemporary, bounds, properties } of partitions) {
      const taken = [...live, ...made].some(
        (one) => one.isTemporary === isTemporary && sameName(one.name, name),
      );
      if (taken) throw fail('PARTITION_EXISTS', { partition: name });
      const id = asId<PartitionId>(await nextValue(db, 'object'));
      const createdMs = nowMs();
      await db
        .insertInto('partitions')
        .values({
          id,
          table_id: tableId,
          name,
          is_temporary: isTemporary ? 1 : 0,
          bounds_json: JSON.stringify(bounds),
          properties_json: JSON.stringify(properties),
          created_ms: createdMs,
          dropped_ms: null,
          drop_kind: '',
          dropped_version: 0,
        })
        .execute();
      made.push({ id, name, isTemporary, bounds, properties, createdMs });
    }
    return made;
  }

  async alter(
    id: PartitionId,
    changes: {
      readonly name?: string;
      readonly isTemporary?: boolean;
      readonly properties?: Readonly<Record<string, string>>;
    },
  ): Promise<void> {
    const { name, isTemporary, properties } = changes;
    await this.#context.db
      .updateTable('partitions')
      .set({
        ...(name === undefined ? {} : { name }),
        ...(isTemporary === undefined ? {} : { is_temporary: isTemporary ? 1 : 0 }),
        ...(properties === undefined ? {} : { properties_json: JSON.stringify(properties) }),
      })
      .where('id', '=', id)
      .execute();
  }

  /** Marks them dropped; their files left at `version`. With `force` they cannot be recovered. */
  async drop(ids: readonly PartitionId[], version: TableVersion, force: boolean): Promise<void> {
    const { db, nowMs } = this.#context;
    const kind = force ? ('FORCE' as const) : ('PARTITION' as const);
    await db
      .updateTable('partitions')
      .set({ dropped_ms: nowMs(), drop_kind: kind, dropped_version: version })
      .where('id', 'in', [...ids])
      .execute();
  }

  /** The ordinary partition of that name that was dropped last and can be recovered; null when there is none. */
  async dropped(
    tableId: TableId,
    name: string,
  ): Promise<{ readonly partition: Partition; readonly version: TableVersion } | null> {
    const rows = await this.#context.db
      .selectFrom('partitions')
      .selectAll()
      .where('table_id', '=', tableId)
      .where('drop_kind', '=', 'PARTITION')
      .where('is_temporary', '=', 0)
      .orderBy('dropped_ms', 'desc')
      .orderBy('dropped_version', 'desc')
      .execute();
    const row = rows.find((one) => sameName(one.name, name));
    if (row === undefined) return null;
    return { partition: readPartition(row), version: asId<TableVersion>(row.dropped_version) };
  }

  /**
   * Makes those of `ids` that were dropped live again. Throws PARTITION_EXISTS where one that was made since has
   * the name, PARTITION_OVERLAPS where it has some of the values. False: there was none. Inside a transaction.
   */
  async revive(tableId: TableId, ids: ReadonlySet<number>): Promise<boolean> {
    const { db } = this.#context;
    const live = await this.list(tableId);
    const known = new Set<number>(live.map(({ id }) => id));
    const gone = (await allPartitions(db, tableId)).filter(
      ({ id }) => ids.has(id) && !known.has(id),
    );
    if (gone.length === 0) return false;
    const { partitioning, schema } = await this.#partitioned(tableId);
    const types = partitionColumns(partitioning, schema.columns).map(({ type }) => type);
    for (const one of gone) {
      const beside = live.filter(({ isTemporary }) => isTemporary === one.isTemporary);
      const taken = beside.find((other) => sameName(one.name, other.name));
      if (taken !== undefined) throw fail('PARTITION_EXISTS', { partition: taken.name });
      const over = beside.find((other) => overlap(types, one.bounds, other.bounds));
      if (over !== undefined) {
        throw fail('PARTITION_OVERLAPS', { partition: one.name, other: over.name });
      }
      await db
        .updateTable('partitions')
        .set({ dropped_ms: null, drop_kind: '', dropped_version: 0 })
        .where('id', '=', one.id)
        .execute();
    }
    return true;
  }

  /**
   * The partition of each staged file, in order; 0 = of a table without. Makes what is missing. Throws
   * PARTITION_GONE where one was dropped since the load was planned, LIMIT_EXCEEDED. Inside a transaction.
   */
  async place(
    files: readonly { readonly tableId: TableId; readonly file: StagedFile }[],
  ): Promise<readonly number[]> {
    const wanted = new Set(
      files.flatMap(({ tableId, file }) => (file.partition === undefined ? [] : [tableId])),
    );
    const finders = new Map<TableId, PartitionFinder>();
    for (const tableId of wanted) finders.set(tableId, await this.#finder(tableId));
    const placed: number[] = [];
    for (const { tableId, file } of files) {
      const finder = finders.get(tableId);
      const { partition } = file;
      placed.push(
        finder === undefined || partition === undefined ? 0 : await finder.find(partition),
      );
    }
    return placed;
  }

  async #finder(tableId: TableId): Promise<PartitionFinder> {
    return new PartitionFinder(this, await this.#partitioned(tableId), await this.list(tableId));
  }

  async #partitioned(tableId: TableId): Promise<PartitionedTable> {
    const row = await this.#context.db
      .selectFrom('tables')
      .select(['name', 'schema_json', 'partitioning_json'])
      .where('id', '=', tableId)
      .executeTakeFirst();
    if (row === undefined || row.partitioning_json === '') {
      throw fail('UNKNOWN_TABLE', { table: String(tableId) });
    }
    return {
      id: tableId,
      name: row.name,
      schema: JSON.parse(row.schema_json) as TableSchema,
      partitioning: JSON.parse(row.partitioning_json) as Partitioning,
    };
  }
}

class PartitionFinder {
  readonly #store: PartitionStore;
  readonly #table: PartitionedTable;
  readonly #live: Partition[];

  constructor(store: PartitionStore, table: PartitionedTable, live: readonly Partition[]) {
    this.#store = store;
    this.#table = table;
    this.#live = [...live];
  }

  async find(staged: NonNullable<StagedFile['partition']>): Promise<PartitionId> {
    if (staged.kind === 'id') {
      if (this.#live.some(({ id }) => id === staged.id)) return staged.id;
      throw fail('PARTITION_GONE', { table: this.#table.name });
    }
    const { partitioning, schema } = this.#table;
    const types = partitionColumns(partitioning, schema.columns).map(({ type }) => type);
    const key: PartitionKey = staged.key.map((text, index) => {
      const type = types[index];
      return text === null || type === undefined ? null : (canonicalValue(type, text) ?? text);
    });
    const ordinary = this.#live.filter(({ isTemporary }) => !isTemporary);
    const found = ordinary.find(({ bounds }) => holds(types, bounds, key));
    if (found !== undefined) return found.id;
    const bounds = boundsOfKey(partitioning, types, key);
    const name = freeName(nameOfKey(partitioning, key), ordinary);
    const [made] = await this.#store.add(this.#table.id, [
      { name, isTemporary: false, bounds, properties: {} },
    ]);
    if (made === undefined) throw fail('INTERNAL', { detail: 'a partition was not made' });
    this.#live.push(made);
    return made.id;
  }
}

function freeName(wanted: string, live: readonly Partition[]): string {
  const isFree = (name: string): boolean => !live.some((one) => sameName(one.name, name));
  if (isFree(wanted)) return wanted;
  for (let number = 1; ; number += 1) {
    const name = `${wanted}_${number.toString(16)}`;
    if (isFree(name)) return name;
  }
}

/** Names of partitions are alike in either case. SOURCE: StarRocks. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Live partitions by id. */
export function selectPartitions(db: MetadataDb) {
  return db
    .selectFrom('partitions')
    .selectAll('partitions')
    .where('partitions.dropped_ms', 'is', null)
    .orderBy('partitions.id');
}

/** Every partition that a table ever had, dropped ones too. */
export async function allPartitions(
  db: MetadataDb,
  tableId: TableId,
): Promise<readonly Partition[]> {
  const rows = await db
    .selectFrom('partitions')
    .selectAll()
    .where('table_id', '=', tableId)
    .orderBy('id')
    .execute();
  return rows.map(readPartition);
}

export function readPartition(row: {
  readonly id: number;
  readonly name: string;
  readonly is_temporary: number;
  readonly bounds_json: string;
  readonly properties_json: string;
  readonly created_ms: number;
}): Partition {
  return {
    id: asId<PartitionId>(row.id),
    name: row.name,
    isTemporary: row.is_temporary === 1,
    bounds: JSON.parse(row.bounds_json) as PartitionBounds,
    properties: JSON.parse(row.properties_json) as Record<string, string>,
    createdMs: row.created_ms,
  };
}
