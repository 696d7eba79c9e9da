// The inputs of a compaction as one relation in the order of its output: rows that were deleted when it was planned
// are left out, the rest is sorted by the table's sort key. Ties are broken by the row's place, so that the order is
// the same each time it is made: the map from old places to new ones leans on that.
import { join } from 'node:path';
import { present } from '../base/assert.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import { DeleteBitmaps } from '../engine/delete-bitmaps.ts';
import type { Connection, Engine } from '../engine/duckdb.ts';
import {
  type FileResolver,
  type SourceReader,
  type StoredFile,
  withSources,
} from '../engine/plan-sources.ts';
import type { QueryScan } from '../model/query-plan.ts';
import { sortColumns, sortItemsSql } from '../model/sort-key.ts';
import type { DataFile, TableInfo, VolumeSpec } from '../model/table.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** What one compaction is to do. */
export interface CompactionOrder {
  readonly transactionId: TransactionId;
  readonly table: TableInfo;
  /** Where the output goes. */
  readonly volume: VolumeSpec;
  /** Volumes of the inputs and of their deletes. */
  readonly volumes: readonly VolumeSpec[];
  readonly inputs: readonly DataFile[];
}

export interface CompactionServices {
  readonly engine: Engine;
  readonly stores: (volume: VolumeSpec) => Promise<ObjectStore>;
  /** Private directory of the process; files in it are removed at the end. */
  readonly tempDirectory: string;
  readonly random: Random;
}

const RELATION = '__inputs';

/** SQL of the inputs' rows in the order of the output: a FROM clause with its ORDER BY, and the WITH that it needs. */
export interface OrderedInputs {
  readonly withClause: string;
  readonly fromSql: string;
  /** The relation alone, unordered, with `__file` and `__row`. */
  readonly relation: string;
}

/**
 * Runs `work` over the ordered inputs, with the columns named. `copies` gets the paths of temporary copies: the
 * caller removes them.
 */
export function withOrderedInputs<T>(
  order: CompactionOrder,
  services: CompactionServices,
  on: { readonly connection: Connection; readonly copies: string[]; readonly signal: AbortSignal },
  columns: readonly string[],
  work: (inputs: OrderedInputs) => Promise<T>,
): Promise<T> {
  const { schema } = order.table;
  const keys = sortColumns(schema).map(({ name }) => name);
  // With positions the files are one scan, in order.
  const scan: QueryScan = {
    placeholder: RELATION,
    schema,
    columns: [...new Set([...columns, ...keys])],
    files: order.inputs,
    positions: true,
  };
  const sources = { scans: [scan], inlineTables: [], volumes: order.volumes };
  const place = `${RELATION}.__file, ${RELATION}.__row`;
  const sort = keys.length === 0 ? '' : ` ORDER BY ${sortItemsSql(keys, RELATION, place)}`;
  const reader = readerOf(order, services, on.copies, on.signal);
  return withSources(reader, on.connection, sources, on.signal, (withClause) =>
    work({ withClause, fromSql: `${RELATION}${sort}`, relation: RELATION }),
  );
}

/** Reads objects in place where the volume is local, else from temporary copies. */
export function readerOf(
  order: CompactionOrder,
  services: CompactionServices,
  copies: string[],
  signal: AbortSignal,
): SourceReader {
  const uuid = services.random.uuid();
  const resolve: FileResolver = async (files) => {
    const paths: string[] = [];
    for (const file of files) {
      signal.throwIfAborted();
      const copy = join(services.tempDirectory, `compact-${uuid}-in${copies.length}.parquet`);
      paths.push(await readable(file, order, services, { copy, copies }));
    }
    return { paths, release: () => undefined };
  };
  return { resolve, deletes: new DeleteBitmaps(resolve, 0) };
}

async function readable(
  file: StoredFile,
  order: CompactionOrder,
  services: CompactionServices,
  into: { readonly copy: string; readonly copies: string[] },
): Promise<string> {
  const volume = order.volumes.find(({ id }) => id === file.volumeId);
  const store = await services.stores(present(volume, `volume ${file.volumeId} of an input`));
  const inPlace = store.localPath(file.key);
  if (inPlace !== null) return inPlace;
  into.copies.push(into.copy);
  await store.getToFile(file.key, into.copy);
  return into.copy;
}
