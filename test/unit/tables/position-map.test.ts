// Rows deleted while a compaction runs: carried over to the output by the map of positions, whatever the order of the
// rows, and just as well when the map was lost.
import assert from 'node:assert/strict';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import {
  asId,
  type DatabaseId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TableId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { type Random, seededRandom, systemRandom } from '../../../src/base/random.ts';
import { DeleteBitmaps } from '../../../src/engine/delete-bitmaps.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import { withSources } from '../../../src/engine/plan-sources.ts';
import { parquetCopyOptions } from '../../../src/model/parquet-layout.ts';
import type { DataFile, DeleteFile, TableInfo, VolumeSpec } from '../../../src/model/table.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import type { CompactionServices } from '../../../src/tables/compaction-inputs.ts';
import { runCompaction } from '../../../src/tables/compaction-run.ts';
import { carryDeletes, forgetMap } from '../../../src/tables/position-map.ts';
import { withEngine } from '../../support/engine-fixture.ts';

const volume: VolumeSpec = {
  id: asId<VolumeId>(1),
  name: 'v',
  type: 'LOCAL',
  location: 'file:///unused',
  params: {},
};

function tableOf(keysType: TableInfo['schema']['keysType'], isSorted: boolean): TableInfo {
  const column = (fieldId: number, name: string, isKey: boolean) => ({
    fieldId: asId<FieldId>(fieldId),
    name,
    type: { kind: 'BIGINT' } as const,
    nullable: !isKey,
    isKey,
    defaultValue: null,
    comment: '',
  });
  return {
    id: asId<TableId>(10),
    databaseId: asId<DatabaseId>(1),
    databaseName: 'd',
    name: 't',
    schema: {
      keysType,
      columns: [column(1, 'k', isSorted), column(2, 'v', false)],
    },
    volumeId: volume.id,
    prefix: 'd/t-10/data',
    comment: '',
    distributedBy: [],
    buckets: null,
    properties: {},
    createdMs: 0,
  };
}

/** A table of random rows in memory and in files, from which random rows are deleted. */
class Rig {
  readonly services: CompactionServices;
  readonly #engine: Engine;
  readonly #random: Random;
  readonly #table: TableInfo;
  readonly #store: LocalStore;
  readonly #deleted = new Map<FileId, Set<number>>();
  readonly #objects = new Map<FileId, DeleteFile[]>();
  #ids = 100;
  files: DataFile[] = [];

  constructor(table: TableInfo, engine: Engine, directory: string, random: Random) {
    const root = join(directory, 'volume');
    this.#store = new LocalStore({ root, where: root });
    this.#table = table;
    this.#engine = engine;
    this.#random = random;
    const tempDirectory = join(directory, 'temporary');
    this.services = {
      engine,
      stores: async () => this.#store,
      tempDirectory,
      random: systemRandom,
    };
  }

  async #put(key: string, sql: string, options: string): Promise<void> {
    const path = join(this.services.tempDirectory, 'put');
    await this.#engine.withConnection((connection) =>
      connection.run(`COPY (${sql}) TO '${path}' (${options})`),
    );
    await this.#store.putFile(key, path);
  }

  async addFile(rows: number): Promise<void> {
    const id = asId<FileId>(this.files.length + 1);
    const key = `${this.#table.prefix}/t${id}/${systemRandom.uuid()}.parquet`;
    await this.#put(
      key,
      // Keys repeat, within a file and between files; v tells the rows apart.
      `SELECT CAST((i * 7919 + ${id} * 31) % 50 AS BIGINT) AS k, CAST(${id} * 100000 + i AS BIGINT) AS v FROM range(${rows}) t(i)`,
      parquetCopyOptions(this.#table.schema),
    );
    this.files.push({
      id,
      transactionId: asId<TransactionId>(id),
      volumeId: volume.id,
      key,
      sizeBytes: 1,
      rowCount: rows,
      deletes: [],
      deletedRows: 0,
      columnStats: {},
    });
  }

  /** Deletes about a part of the rows, in one object for all files. */
  async delete(part: number): Promise<void> {
    const values: string[] = [];
    for (const { id, key, rowCount } of this.files) {
      const old = this.#deleted.get(id) ?? new Set<number>();
      for (let row = 0; row < rowCount; row += 1) {
        if (old.has(row) || this.#random.below(1000) >= part * 1000) continue;
        old.add(row);
        values.push(`('${volume.location}/${key}', ${row})`);
      }
      this.#deleted.set(id, old);
    }
    if (values.length === 0) return;
    const key = `${this.#table.prefix}/t9/${systemRandom.uuid()}-deletes.parquet`;
    await this.#put(
      key,
      `SELECT file_path, CAST(pos AS BIGINT) AS pos FROM (VALUES ${values.join(', ')}) t(file_path, pos)`,
      'FORMAT parquet',
    );
    const object: DeleteFile = {
      id: asId<DeleteFileId>(this.#ids++),
      volumeId: volume.id,
      key,
      sizeBytes: 1,
      rowCount: values.length,
    };
    this.files = this.files.map((file) => {
      const objects = [...(this.#objects.get(file.id) ?? []), object];
      this.#objects.set(file.id, objects);
      return { ...file, deletes: objects, deletedRows: this.#deleted.get(file.id)?.size ?? 0 };
    });
  }

  /** Values of v that a reader sees. */
  async read(files: readonly DataFile[]): Promise<readonly (readonly unknown[])[]> {
    const resolve = async (asked: readonly { readonly key: string }[]) => ({
      paths: asked.map(({ key }) => present(this.#store.localPath(key) ?? undefined, 'a path')),
      release: () => undefined,
    });
    const { schema } = this.#table;
    const scan = { placeholder: '__t', schema, columns: ['k', 'v'], files };
    return this.#engine.withConnection((connection) =>
      withSources(
        { resolve, deletes: new DeleteBitmaps(resolve, 0) },
        connection,
        { scans: [scan], inlineTables: [], volumes: [volume] },
        new AbortController().signal,
        (withClause) => connection.rows(`${withClause}SELECT k, v FROM __t`),
      ),
    );
  }
}

const byValue = (rows: readonly (readonly unknown[])[]) =>
  rows.map(([k, v]) => `${v} ${k}`).toSorted();

for (const [keysType, isSorted] of [
  ['PRIMARY_KEYS', true],
  ['DUP_KEYS', true],
  ['DUP_KEYS', false],
] as const)
  for (const isLost of [false, true])
    test(`deletes are carried over: ${keysType}, ${isSorted ? 'sorted' : 'as loaded'}, map ${isLost ? 'lost' : 'kept'}`, async () => {
      await withEngine({ threads: 1 }, async (engine, directory) => {
        await mkdir(join(directory, 'temporary'));
        await mkdir(join(directory, 'volume'));
        const random = seededRandom(isLost ? 11 : 12);
        const table = tableOf(keysType, isSorted);
        const rig = new Rig(table, engine, directory, random);
        for (const rows of [500, 1, 700, 64]) await rig.addFile(rows);
        await rig.delete(0.1);
        const { signal } = new AbortController();
        const transactionId = asId<TransactionId>(77);
        const order = { transactionId, table, volume, volumes: [volume], inputs: rig.files };
        const [output] = await runCompaction(order, rig.services, signal);
        assert.ok(output !== undefined);
        assert.deepEqual(
          await carryDeletes({ ...order, output, now: rig.files }, rig.services, signal),
          null,
        );
        const file = {
          ...output,
          id: asId<FileId>(50),
          transactionId,
          deletes: [],
          deletedRows: 0,
        } satisfies DataFile;
        const rows = await rig.read([file]);
        assert.deepEqual(byValue(rows), byValue(await rig.read(rig.files)));
        if (isSorted) {
          const keys = rows.map(([k]) => Number(k));
          assert.deepEqual(
            keys,
            keys.toSorted((a, b) => a - b),
          );
        }
        for (const part of [0.05, 0.3]) {
          await rig.delete(part);
          if (isLost) await forgetMap(transactionId, rig.services);
          const carried = await carryDeletes(
            { ...order, output, now: rig.files },
            rig.services,
            signal,
          );
          assert.ok(carried !== null);
          assert.match(carried.key, /^d\/t-10\/data\/t77\/.*-deletes\.parquet$/);
          const now: DataFile = {
            ...file,
            deletes: [{ ...carried, id: asId<DeleteFileId>(1) }],
            deletedRows: carried.rowCount,
          };
          assert.deepEqual(byValue(await rig.read([now])), byValue(await rig.read(rig.files)));
        }
        await forgetMap(transactionId, rig.services);
        await rm(join(directory, 'temporary', 'put'), { force: true });
        assert.deepEqual(await readdir(join(directory, 'temporary')), [], 'nothing is left');
      });
    });
