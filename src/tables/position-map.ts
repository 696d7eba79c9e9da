// Rows that are deleted from a compaction's inputs after it read them are deleted from its output, too: a map tells
// for each place in the output which place of which input its row came from. It is a local file of this process, made
// from the sort columns alone whenever it is not there, so that losing it loses nothing.
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Connection } from '../engine/duckdb.ts';
import { quoteLiteral } from '../model/duckdb-text.ts';
import { deleteFileKey } from '../model/file-key.ts';
import { dataFilePath, deleteCopyOptions } from '../model/parquet-layout.ts';
import type { DataFile, StagedFile, StagedObject } from '../model/table.ts';
import {
  type CompactionOrder,
  type CompactionServices,
  type OrderedInputs,
  readerOf,
  withOrderedInputs,
} from './compaction-inputs.ts';

/** A compaction that was staged, and its inputs as they are by now: the same files in the same order. */
export interface CarryOrder extends CompactionOrder {
  readonly output: StagedFile;
  readonly now: readonly DataFile[];
}

const MAP_OPTIONS = 'FORMAT parquet, PARQUET_VERSION v2, COMPRESSION lz4_raw';
const CARRIED = '__carried';

/** Writes the map while the inputs are being read anyway. */
export async function keepMap(
  { transactionId }: CompactionOrder,
  services: CompactionServices,
  over: OrderedInputs & { readonly connection: Connection; readonly signal: AbortSignal },
): Promise<void> {
  const path = mapPath(transactionId, services);
  await over.connection.run(
    `COPY (${over.withClause}SELECT __file, __row FROM ${over.fromSql}) TO ${quoteLiteral(`${path}.new`)} (${MAP_OPTIONS})`,
    { signal: over.signal },
  );
  await rename(`${path}.new`, path);
}

/** Removes the map of a compaction that came to an end. */
export async function forgetMap(
  transactionId: TransactionId,
  services: Pick<CompactionServices, 'tempDirectory'>,
): Promise<void> {
  const path = mapPath(transactionId, services);
  await rm(`${path}.new`, { force: true });
  await rm(path, { force: true });
}

/**
 * Stages what was deleted of the inputs since they were read as position deletes of the output. Null when nothing
 * was. Asked again it does the whole anew. Throws engine and storage errors, INTERNAL when a row is not in the output.
 */
export async function carryDeletes(
  order: CarryOrder,
  services: CompactionServices,
  signal: AbortSignal,
): Promise<StagedObject | null> {
  const { inputs, now, transactionId, table, volume } = order;
  assert(
    inputs.length === now.length && inputs.every(({ id }, index) => id === now[index]?.id),
    'the same inputs as before',
  );
  const uuid = services.random.uuid();
  const path = join(services.tempDirectory, `carry-${uuid}.parquet`);
  const copies = [path];
  try {
    return await services.engine.withConnection(async (connection) => {
      const on = { connection, copies, signal };
      const { rows, count } = await deletedSince(order, services, on);
      if (count === 0) return null;
      const map = await findMap(order, services, on);
      await connection.fillBitmapTable(CARRIED, rows);
      const name = dataFilePath(volume.location, order.output.key);
      const [stats] = await connection.objects(
        `COPY (SELECT ${quoteLiteral(name)} AS file_path, m.file_row_number AS pos FROM read_parquet(${quoteLiteral(map)}, file_row_number = true) m JOIN ${CARRIED} d ON CAST(m.__file AS UBIGINT) = d.file WHERE get_bit(d.bits, CAST(m.__row AS INTEGER)) = 1 ORDER BY pos) TO ${quoteLiteral(path)} (${deleteCopyOptions()})`,
        { signal },
      );
      const { count: copied, file_size_bytes: sizeBytes } = present(
        stats,
        'statistics of the COPY',
      );
      const written = Number(copied);
      if (written !== count) {
        throw fail('INTERNAL', {
          detail: `${written} of ${count} rows deleted meanwhile are in the output of a compaction`,
        });
      }
      const key = deleteFileKey(table.prefix, transactionId, uuid);
      failpoint('compaction.before-carry');
      await (await services.stores(volume)).putFile(key, path);
      return { volumeId: volume.id, key, sizeBytes: Number(sizeBytes), rowCount: count };
    });
  } finally {
    for (const copy of copies) await rm(copy, { force: true });
  }
}

interface Work {
  readonly connection: Connection;
  readonly copies: string[];
  readonly signal: AbortSignal;
}

/** The rows that are deleted now and were not when the inputs were read, as bits per input. */
async function deletedSince(
  order: CarryOrder,
  services: CompactionServices,
  { connection, copies, signal }: Work,
): Promise<{
  readonly rows: readonly { file: number; bits: Uint8Array }[];
  readonly count: number;
}> {
  const { deletes } = readerOf(order, services, copies, signal);
  const changed = order.now.flatMap((file, index) =>
    file.deletedRows === order.inputs[index]?.deletedRows ? [] : [index],
  );
  const pick = (files: readonly DataFile[]): readonly DataFile[] =>
    changed.flatMap((index) => files[index] ?? []);
  const before = await deletes.of(connection, pick(order.inputs), order.volumes, signal);
  const after = await deletes.of(connection, pick(order.now), order.volumes, signal);
  const rows = changed.map((file, at) => ({
    file,
    bits: without(present(after[at] ?? undefined, 'deletes of a file that has some'), before[at]),
  }));
  const count = changed.reduce(
    (sum, index) =>
      sum + (order.now[index]?.deletedRows ?? 0) - (order.inputs[index]?.deletedRows ?? 0),
    0,
  );
  return { rows, count };
}

function without(bits: Uint8Array, old: Uint8Array | null | undefined): Uint8Array {
  return bits.map((byte, index) => byte & ~(old?.[index] ?? 0));
}

/** Where the map lies; made if it is not there. */
async function findMap(
  order: CompactionOrder,
  services: CompactionServices,
  on: Work,
): Promise<string> {
  const path = mapPath(order.transactionId, services);
  if (!existsSync(path)) {
    await withOrderedInputs(order, services, on, [], (inputs) =>
      keepMap(order, services, { ...inputs, ...on }),
    );
  }
  return path;
}

function mapPath(
  transactionId: TransactionId,
  { tempDirectory }: Pick<CompactionServices, 'tempDirectory'>,
): string {
  return join(tempDirectory, `compact-${transactionId}-map.parquet`);
}
