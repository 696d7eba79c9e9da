// Property: whatever batches an AGGREGATE KEY table got and whichever neighbouring files were compacted in between,
// its merged rows are those of a simple model that takes row by row.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  asId,
  type DatabaseId,
  type FieldId,
  type FileId,
  type TableId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { DeleteBitmaps } from '../../../src/engine/delete-bitmaps.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import { type FileResolver, withSources } from '../../../src/engine/plan-sources.ts';
import { dataFileKey } from '../../../src/model/file-key.ts';
import { parquetCopyOptions } from '../../../src/model/parquet-layout.ts';
import type {
  AggregateKind,
  ColumnSchema,
  DataFile,
  TableInfo,
  VolumeSpec,
} from '../../../src/model/table.ts';
import { isMergedAlready } from '../../../src/query/merged-files.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import { runCompaction } from '../../../src/tables/compaction-run.ts';
import { withEngine } from '../../support/engine-fixture.ts';

const KINDS: readonly AggregateKind[] = ['SUM', 'MIN', 'MAX', 'REPLACE', 'REPLACE_IF_NOT_NULL'];
const columns: readonly ColumnSchema[] = ['k', ...KINDS].map((name, index) => {
  const aggregate = KINDS[index - 1];
  return {
    fieldId: asId<FieldId>(index + 1),
    name,
    type: { kind: 'INT' },
    nullable: true,
    isKey: index === 0,
    defaultValue: null,
    comment: '',
    ...(aggregate === undefined ? {} : { aggregate }),
  };
});
const table: TableInfo = {
  id: asId<TableId>(10),
  databaseId: asId<DatabaseId>(1),
  databaseName: 'd',
  name: 't',
  schema: { keysType: 'AGG_KEYS', columns },
  volumeId: asId<VolumeId>(1),
  prefix: 'd/t-10/data',
  comment: '',
  distributedBy: [],
  buckets: null,
  properties: {},
  createdMs: 0,
};
const volume: VolumeSpec = {
  id: asId<VolumeId>(1),
  name: 'v',
  type: 'LOCAL',
  location: 'file:///unused',
  params: {},
};

type Value = number | null;
/** A key, and the one value that goes into every value column. */
type Row = readonly [key: Value, value: Value];
type Step =
  | { readonly kind: 'load'; readonly rows: readonly Row[] }
  | { readonly kind: 'compact'; readonly from: number; readonly count: number };

const value = fc.option(fc.integer({ min: -9, max: 9 }), { nil: null, freq: 3 });
const steps = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('load' as const),
        rows: fc.array(fc.tuple(fc.option(fc.nat(3), { nil: null }), value), {
          minLength: 1,
          maxLength: 6,
        }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('compact' as const),
        from: fc.nat(5),
        count: fc.integer({ min: 1, max: 4 }),
      }),
    },
  ),
  { minLength: 1, maxLength: 12 },
);

function merge(kind: AggregateKind, old: Value, next: Value): Value {
  if (kind === 'REPLACE') return next;
  if (old === null || next === null) return next ?? old;
  if (kind === 'SUM') return old + next;
  if (kind === 'MIN') return Math.min(old, next);
  return kind === 'MAX' ? Math.max(old, next) : next;
}

function modelOf(rows: readonly Row[]): readonly string[] {
  const merged = new Map<Value, Value[]>();
  for (const [key, next] of rows) {
    const old = merged.get(key);
    merged.set(
      key,
      KINDS.map((kind, index) =>
        old === undefined ? next : merge(kind, old[index] ?? null, next),
      ),
    );
  }
  return [...merged].map(([key, values]) => JSON.stringify([key, ...values])).sort();
}

class Rig {
  readonly #engine: Engine;
  readonly #store: LocalStore;
  readonly #temporary: string;
  readonly #random = seededRandom(3);
  #next = 1;
  files: DataFile[] = [];

  constructor(engine: Engine, store: LocalStore, temporary: string) {
    this.#engine = engine;
    this.#store = store;
    this.#temporary = temporary;
  }

  get #resolve(): FileResolver {
    return async (files) => ({
      paths: files.map(({ key }) => this.#store.localPath(key)),
      release: () => undefined,
    });
  }

  /** As a load's sink writes them: by key, rows of one key in their order. */
  async load(rows: readonly Row[]): Promise<void> {
    const id = this.#next++;
    const key = dataFileKey(table.prefix, asId<TransactionId>(id), this.#random.uuid());
    const path = join(this.#temporary, 'batch.parquet');
    const values = rows.map(
      ([k, v], index) => `(${k ?? 'NULL::INTEGER'}, ${v ?? 'NULL::INTEGER'}, ${index})`,
    );
    const list = KINDS.map((kind) => `v AS "${kind}"`).join(', ');
    await this.#engine.withConnection((connection) =>
      connection.run(
        `COPY (SELECT k, ${list} FROM (VALUES ${values.join(', ')}) AS t(k, v, n) ORDER BY k NULLS FIRST, n) TO '${path}' (${parquetCopyOptions(table.schema)})`,
      ),
    );
    await this.#store.putFile(key, path);
    this.files.push(await this.#file(id, key, rows.length));
  }

  async compact(from: number, count: number): Promise<void> {
    const inputs = this.files.slice(from, from + count);
    if (inputs.length === 0) return;
    const id = this.#next++;
    const order = {
      transactionId: asId<TransactionId>(id),
      table,
      volume,
      volumes: [volume],
      inputs,
    };
    const services = {
      engine: this.#engine,
      stores: async () => this.#store,
      tempDirectory: this.#temporary,
      random: this.#random,
    };
    const [output] = await runCompaction(order, services, new AbortController().signal);
    assert.ok(output !== undefined, 'there were rows');
    const { key, rowCount, columnStats } = output;
    this.files.splice(from, inputs.length, await this.#file(id, key, rowCount, columnStats));
  }

  read(options: { readonly unmerged?: true } = {}): Promise<readonly string[]> {
    return this.#select('SELECT * FROM __scan0', options);
  }

  /** By key, over merged rows or over rows as they lie. */
  totals(options: { readonly unmerged?: true }): Promise<readonly string[]> {
    const list = 'k, CAST(sum("SUM") AS INTEGER), min("MIN"), max("MAX")';
    return this.#select(`SELECT ${list} FROM __scan0 GROUP BY k`, options);
  }

  async #select(sql: string, options: { readonly unmerged?: true }): Promise<readonly string[]> {
    const scan = {
      ...options,
      placeholder: '__scan0',
      schema: table.schema,
      columns: columns.map(({ name }) => name),
      files: this.files,
    };
    const reader = { resolve: this.#resolve, deletes: new DeleteBitmaps(this.#resolve, 0) };
    const sources = { scans: [scan], inlineTables: [], volumes: [volume] };
    const rows = await this.#engine.withConnection((connection) =>
      withSources(reader, connection, sources, new AbortController().signal, (withClause) =>
        connection.rows(`${withClause}${sql}`),
      ),
    );
    return rows.map((row) => JSON.stringify(row)).sort();
  }

  async #file(
    id: number,
    key: string,
    rowCount: number,
    columnStats: DataFile['columnStats'] = {},
  ): Promise<DataFile> {
    return {
      id: asId<FileId>(id),
      transactionId: asId<TransactionId>(id),
      volumeId: volume.id,
      key,
      sizeBytes: (await this.#store.head(key))?.sizeBytes ?? 0,
      rowCount,
      deletes: [],
      deletedRows: 0,
      columnStats,
    };
  }
}

test('merged rows are those of a model, however files were compacted', async () => {
  await withEngine({ threads: 1 }, async (engine, directory) => {
    const root = join(directory, 'volume');
    const temporary = join(directory, 'temporary');
    await mkdir(root);
    await mkdir(temporary);
    const store = new LocalStore({ root, where: root });
    let merged = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (history: readonly Step[]) => {
        const rig = new Rig(engine, store, temporary);
        const rows: Row[] = [];
        for (const step of history) {
          if (step.kind === 'load') {
            await rig.load(step.rows);
            rows.push(...step.rows);
          } else {
            await rig.compact(step.from, step.count);
          }
        }
        assert.deepEqual(await rig.read(), modelOf(rows));
        assert.deepEqual(await rig.totals({ unmerged: true }), await rig.totals({}));
        if (isMergedAlready(rig.files, table.schema)) {
          merged += 1;
          assert.deepEqual(await rig.read({ unmerged: true }), modelOf(rows));
        }
      }),
      { numRuns: 60, seed: 5 },
    );
    assert.ok(merged > 5, `${merged} histories end in files that are merged already`);
  });
});
