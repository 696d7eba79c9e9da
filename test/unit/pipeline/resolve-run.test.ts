// Batches of a table with keys, from the sink through the look-up to what a reader sees: upserts, deletes, partial
// updates and conditions at random against a map in memory, with keys of one and of two columns.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import {
  asId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TableId,
  type TableVersion,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { type Random, seededRandom, systemRandom } from '../../../src/base/random.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import { KeyIndex } from '../../../src/engine/key-index/key-index.ts';
import { withSources } from '../../../src/engine/plan-sources.ts';
import type { LoadTarget, StagedTable, UpdateRule } from '../../../src/model/load-plan.ts';
import type { ColumnSchema, DataFile, TableSchema, VolumeSpec } from '../../../src/model/table.ts';
import { type ResolveServices, runResolve } from '../../../src/pipeline/resolve-run.ts';
import { appendKeyed } from '../../../src/pipeline/sink/keyed.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import { readerOf, withEngine } from '../../support/engine-fixture.ts';

const BATCHES = 24;
const signal = new AbortController().signal;

function column(fieldId: number, name: string, isKey: boolean, isText = false): ColumnSchema {
  return {
    fieldId: asId<FieldId>(fieldId),
    name,
    type: isText ? { kind: 'VARCHAR', length: 20 } : { kind: 'BIGINT' },
    nullable: !isKey,
    isKey,
    defaultValue: name === 'v' ? '7' : null,
    comment: '',
  };
}

const SCHEMAS: Readonly<Record<string, TableSchema>> = {
  'one key column': {
    keysType: 'PRIMARY_KEYS',
    columns: [column(1, 'k', true), column(2, 'v', false), column(3, 'w', false)],
  },
  'two key columns': {
    keysType: 'PRIMARY_KEYS',
    columns: [
      column(1, 'k', true),
      column(2, 't', true, true),
      column(3, 'v', false),
      column(4, 'w', false),
    ],
  },
};

interface Row {
  readonly v: number | null;
  readonly w: number | null;
}

interface Operation {
  readonly key: number;
  readonly row: Row | null;
}

const FULL = 'full';
const PARTIAL = 'partial';
const CONDITION = 'condition';
type Mode = typeof FULL | typeof PARTIAL | typeof CONDITION;

const MODES: readonly Mode[] = [FULL, FULL, PARTIAL, CONDITION];

const RULES: Readonly<Record<Mode, UpdateRule | null>> = {
  full: null,
  partial: { partial: true, condition: null, timeZone: 'UTC' },
  condition: { partial: false, condition: 'w', timeZone: 'UTC' },
};

class Table {
  readonly #engine: Engine;
  readonly #schema: TableSchema;
  readonly #volume: VolumeSpec;
  readonly #target: LoadTarget;
  readonly #store: LocalStore;
  #services: ResolveServices;
  readonly #random: Random;
  readonly #rows = new Map<number, Row>();
  #files: DataFile[] = [];
  #next = 1;

  constructor(engine: Engine, directory: string, schema: TableSchema, random: Random) {
    const root = join(directory, 'volume');
    mkdirSync(root);
    this.#engine = engine;
    this.#schema = schema;
    this.#random = random;
    const location = `file://${root}`;
    this.#volume = { id: asId<VolumeId>(1), name: 'v', type: 'LOCAL', location, params: {} };
    this.#store = new LocalStore({ root, where: root });
    const resolve = async (files: readonly { readonly key: string }[]) => ({
      paths: files.map(({ key }) => join(root, key)),
      release: () => undefined,
    });
    this.#services = {
      engine,
      ...readerOf(resolve),
      random,
      tempDirectory: join(directory, 'tmp'),
      openStore: async () => this.#store,
      reserveIds: async () => 1,
      keyIndex: null,
    };
    this.#target = {
      tableId: asId<TableId>(10),
      databaseName: 'd',
      tableName: 't',
      volume: this.#volume,
      prefix: 'd/t-10/data',
      keys: schema.columns.filter((entry) => entry.isKey).map((entry) => entry.name),
    };
  }

  /** From here on keys are looked up through an index, whatever the size of the files. */
  async openIndex(directory: string): Promise<KeyIndex> {
    const { engine, resolve } = this.#services;
    const keyIndex = await KeyIndex.open({
      directory: join(directory, 'keys'),
      maxBytes: 1024 ** 3,
      memoryBytes: 1024 ** 2,
      minRows: 1,
      incarnation: 'a-b-c',
      engine,
      resolve,
      clock: systemClock,
      log: silentLog,
    });
    this.#services = { ...this.#services, keyIndex };
    return keyIndex;
  }

  /** One batch as it came, in order. */
  async load(operations: readonly Operation[], mode: Mode): Promise<void> {
    const transactionId = asId<TransactionId>(this.#next++);
    const given = this.#schema.columns.filter(({ name }) => mode !== PARTIAL || name !== 'v');
    const rows = operations.map(({ key, row }, ordinal) => {
      const values: Readonly<Record<string, string>> = {
        k: String(key),
        t: `'key ${key % 3}'`,
        v: String(row?.v ?? 'NULL'),
        w: String(row?.w ?? 'NULL'),
      };
      const list = given.map(({ name }) => values[name] ?? 'NULL');
      return `(${[...list, row === null ? 1 : 0, ordinal].join(', ')})`;
    });
    const names = given.map(({ name }) => name);
    const items = given.map(({ name, type }) =>
      type.kind === 'BIGINT' ? `CAST(${name} AS BIGINT) AS ${name}` : name,
    );
    const { table } = await this.#engine.withConnection((connection) =>
      appendKeyed(
        {
          target: this.#target,
          schema: { ...this.#schema, columns: given },
          store: this.#store,
          keys: this.#target.keys ?? [],
          update: RULES[mode],
          sortBy: mode === FULL && this.#random.below(2) === 0 ? ['k'] : [],
        },
        transactionId,
        this.#services,
        connection,
        `SELECT ${items.join(', ')}, __op, __ordinal FROM (VALUES ${rows.join(', ')}) b(${[...names, '__op', '__ordinal'].join(', ')})`,
        (count) => assert.equal(count, operations.length),
        {},
      ),
    );
    assert.ok(table !== null);
    const resolved = await runResolve(
      {
        transactionId,
        target: this.#target,
        schema: this.#schema,
        version: asId<TableVersion>(1),
        files: this.#files,
        volumes: [this.#volume],
        useKeyIndex: true,
        staged: table,
        timeoutMs: 60_000,
      },
      this.#services,
      signal,
    );
    this.#commit(resolved, transactionId);
    this.#apply(operations, mode);
  }

  #commit({ files, deletes, keyed }: StagedTable, transactionId: TransactionId): void {
    if (keyed?.draft !== undefined) {
      const made = files.reduce((sum, file) => sum + file.rowCount, 0);
      assert.ok(made <= keyed.draft.file.rowCount, 'no more rows than were staged');
    }
    if (deletes !== undefined) {
      const object = { ...deletes.object, id: asId<DeleteFileId>(this.#next++) };
      const touched = new Map(deletes.touched.map((entry) => [entry.fileId, entry]));
      this.#files = this.#files.map((file) => {
        const entry = touched.get(file.id);
        if (entry === undefined) return file;
        const kept = file.deletes.filter(({ id }) => !entry.replaces.includes(id));
        const deletedRows = file.deletedRows + entry.newPositions;
        return { ...file, deletes: [...kept, object], deletedRows };
      });
    }
    for (const file of files) {
      const id = asId<FileId>(this.#next++);
      this.#files.push({ ...file, id, transactionId, deletes: [], deletedRows: 0 });
    }
  }

  #apply(operations: readonly Operation[], mode: Mode): void {
    for (const { key, row } of operations) {
      const old = this.#rows.get(key);
      if (row === null) this.#rows.delete(key);
      else if (mode === PARTIAL)
        this.#rows.set(key, { v: old === undefined ? 7 : old.v, w: row.w });
      else if (mode === CONDITION && old !== undefined && !counts(row.w, old.w)) continue;
      else this.#rows.set(key, row);
    }
  }

  async check(): Promise<void> {
    const columns = this.#schema.columns.map(({ name }) => name);
    const scan = { placeholder: '__scan0', schema: this.#schema, columns, files: this.#files };
    const sources = { scans: [scan], inlineTables: [], volumes: [this.#volume] };
    const rows = await this.#engine.withConnection((connection) =>
      withSources(this.#services, connection, sources, signal, (withClause) =>
        connection.rows(`${withClause}SELECT k, v, w FROM __scan0 ORDER BY k`),
      ),
    );
    const seen = rows.map((row) => row.map((value) => (value === null ? null : Number(value))));
    const wanted = [...this.#rows].toSorted(([a], [b]) => a - b).map(([k, { v, w }]) => [k, v, w]);
    assert.deepEqual(seen, wanted);
  }
}

/** A row counts where its value is the old one's or more; NULL is less than any. */
function counts(value: number | null, old: number | null): boolean {
  return old === null || (value !== null && value >= old);
}

function operationsOf(random: Random): readonly Operation[] {
  return Array.from({ length: 1 + random.below(60) }, (): Operation => {
    const key = random.below(40);
    const small = (): number | null => (random.below(9) === 0 ? null : random.below(50));
    return { key, row: random.below(5) === 0 ? null : { v: small(), w: small() } };
  });
}

for (const [name, schema] of Object.entries(SCHEMAS))
  test(`random batches give what a map gives, ${name}`, async (t) => {
    const seed = Number(process.env['MILLRACE_SEED'] ?? systemRandom.below(1e9));
    t.diagnostic(`MILLRACE_SEED=${seed}`);
    const random = seededRandom(seed);
    await withEngine({}, async (engine, directory) => {
      const table = new Table(engine, directory, schema, random);
      for (let batch = 0; batch < BATCHES; batch += 1) {
        const mode = MODES[random.below(MODES.length)] ?? FULL;
        await table.load(operationsOf(random), mode);
        await table.check();
      }
    });
  });

for (const [name, schema] of Object.entries(SCHEMAS))
  test(`the same through the key index, built, lost and taken over meanwhile, ${name}`, async (t) => {
    const seed = Number(process.env['MILLRACE_SEED'] ?? systemRandom.below(1e9));
    t.diagnostic(`MILLRACE_SEED=${seed}`);
    const random = seededRandom(seed);
    await withEngine({}, async (engine, directory) => {
      const table = new Table(engine, directory, schema, random);
      let index = await table.openIndex(directory);
      let indexedLookUps = 0;
      for (let batch = 0; batch < BATCHES; batch += 1) {
        const mode = MODES[random.below(MODES.length)] ?? FULL;
        await table.load(operationsOf(random), mode);
        await table.check();
        // Sometimes a batch comes while indexes are being built.
        if (random.below(3) > 0) await index.settled();
        if (random.below(8) > 0) continue;
        indexedLookUps += index.load().indexedLookUps;
        await index.close();
        if (random.below(2) === 0) rmSync(join(directory, 'keys'), { recursive: true });
        index = await table.openIndex(directory);
      }
      indexedLookUps += index.load().indexedLookUps;
      assert.ok(indexedLookUps > 0, 'some look-ups went through the index');
      await index.close();
    });
  });
