// Property: whatever batches a PRIMARY KEY table got, in row and column mode, with any columns, deletes and files
// compacted in between, its rows are those of a map, now and at every version before; so are those of the checker.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { present } from '../../../src/base/assert.ts';
import {
  asId,
  type DatabaseId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TableId,
  type TableVersion,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import { withSources } from '../../../src/engine/plan-sources.ts';
import type { LoadTarget, StagedTable, UpdateRule } from '../../../src/model/load-plan.ts';
import { MAX_OVERLAYS } from '../../../src/model/overlay.ts';
import type { ColumnSchema, DataFile, TableInfo, VolumeSpec } from '../../../src/model/table.ts';
import { type ResolveServices, runResolve } from '../../../src/pipeline/resolve-run.ts';
import { appendKeyed } from '../../../src/pipeline/sink/keyed.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import { checkFiles } from '../../../src/tables/check-run.ts';
import { runCompaction } from '../../../src/tables/compaction-run.ts';
import { readerOf, withEngine } from '../../support/engine-fixture.ts';

const HISTORIES = 15;
const KEYS = 12;
const signal = new AbortController().signal;

const column = (
  fieldId: number,
  name: string,
  type: ColumnSchema['type'],
  rest: Partial<ColumnSchema> = {},
): ColumnSchema => ({
  fieldId: asId<FieldId>(fieldId),
  name,
  type,
  nullable: name !== 'k',
  isKey: name === 'k',
  defaultValue: null,
  comment: '',
  ...rest,
});

const COLUMNS: readonly ColumnSchema[] = [
  column(1, 'k', { kind: 'BIGINT' }),
  column(2, 'a', { kind: 'BIGINT' }, { defaultValue: '7' }),
  column(3, 'b', { kind: 'BIGINT' }),
  column(4, 'c', { kind: 'VARCHAR', length: 20 }),
  column(5, 'd', { kind: 'LARGEINT' }),
  column(6, 'g', { kind: 'BIGINT' }, { generated: 'a + b' }),
];
const GENERATED = { column: 'g', duckdbSql: '"a" + "b"', from: ['a', 'b'] };

/** Values of a, b, c and d as texts; g is made of them. */
interface Row {
  readonly a: string | null;
  readonly b: string | null;
  readonly c: string | null;
  readonly d: string | null;
}
type Name = keyof Row;
const NAMES: readonly Name[] = ['a', 'b', 'c', 'd'];
const EMPTY: Row = { a: '7', b: null, c: null, d: null };

interface Operation {
  readonly key: number;
  readonly isDeleted: boolean;
  readonly row: Row;
}

type Step =
  | {
      readonly kind: 'batch';
      readonly mode: 'row' | 'column' | 'auto';
      readonly given: readonly Name[];
      readonly decides: boolean;
      readonly operations: readonly Operation[];
    }
  | { readonly kind: 'compact'; readonly share: number };

class Table {
  readonly #engine: Engine;
  readonly #temp: string;
  readonly #volume: VolumeSpec;
  readonly #info: TableInfo;
  readonly #target: LoadTarget;
  readonly #store: LocalStore;
  readonly #services: ResolveServices;
  readonly #versions: { files: readonly DataFile[]; rows: ReadonlyMap<number, Row> }[] = [];
  #files: readonly DataFile[] = [];
  #rows: ReadonlyMap<number, Row> = new Map();
  #next: number;
  overlays = 0;

  constructor(engine: Engine, directory: string, first: number) {
    const root = join(directory, 'volume');
    this.#engine = engine;
    this.#temp = join(directory, 'tmp');
    this.#next = first;
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
      random: seededRandom(first),
      tempDirectory: this.#temp,
      openStore: async () => this.#store,
      reserveIds: async () => 1,
      keyIndex: null,
    };
    this.#info = {
      id: asId<TableId>(10),
      databaseId: asId<DatabaseId>(1),
      databaseName: 'd',
      name: 't',
      schema: { keysType: 'PRIMARY_KEYS', columns: COLUMNS },
      volumeId: this.#volume.id,
      prefix: 'd/t-10/data',
      comment: '',
      distributedBy: [],
      buckets: null,
      properties: {},
      createdMs: 0,
    };
    this.#target = {
      tableId: this.#info.id,
      databaseName: 'd',
      tableName: 't',
      volume: this.#volume,
      prefix: this.#info.prefix,
      keys: ['k'],
    };
  }

  async play(step: Step): Promise<void> {
    if (step.kind === 'compact') await this.#compact(step.share);
    else await this.#load(step);
    this.#versions.push({ files: this.#files, rows: this.#rows });
  }

  async #load({ mode, given, decides, operations }: Extract<Step, { kind: 'batch' }>) {
    const transactionId = asId<TransactionId>(this.#next++);
    const names: readonly string[] = ['k', ...given];
    const schema = { ...this.#info.schema, columns: COLUMNS.filter((c) => names.includes(c.name)) };
    const rows = operations.map(({ key, row, isDeleted }, ordinal) => {
      const values = given.map((name) => (row[name] === null ? 'NULL' : `'${row[name]}'`));
      return `(${[key, ...values, isDeleted ? 1 : 0, ordinal].join(', ')})`;
    });
    const items = schema.columns.map(({ name, type }) =>
      type.kind === 'BIGINT'
        ? `CAST(${name} AS BIGINT) AS ${name}`
        : `CAST(${name} AS VARCHAR) AS ${name}`,
    );
    const update: UpdateRule = {
      partial: true,
      mode,
      condition: decides && given.includes('b') ? 'b' : null,
      timeZone: 'UTC',
      generated: [GENERATED],
    };
    const { table } = await this.#engine.withConnection((connection) =>
      appendKeyed(
        { target: this.#target, schema, store: this.#store, keys: ['k'], update, sortBy: [] },
        transactionId,
        this.#services,
        connection,
        `SELECT ${items.join(', ')}, __op, __ordinal FROM (VALUES ${rows.join(', ')}) b(${[...names, '__op', '__ordinal'].join(', ')})`,
        () => undefined,
        {},
      ),
    );
    const resolved = await runResolve(
      {
        transactionId,
        target: this.#target,
        schema: this.#info.schema,
        version: asId<TableVersion>(1),
        files: this.#files,
        volumes: [this.#volume],
        staged: present(table, 'a staged table'),
        timeoutMs: 60_000,
        useKeyIndex: false,
      },
      this.#services,
      signal,
    );
    this.#commit(resolved, transactionId);
    const map = new Map(this.#rows);
    for (const { key, row, isDeleted } of operations) {
      const old = map.get(key);
      const wanted = Object.fromEntries(given.map((name) => [name, row[name]]));
      if (isDeleted) map.delete(key);
      else if (old === undefined || update.condition === null || counts(row.b, old.b)) {
        map.set(key, { ...EMPTY, ...old, ...wanted });
      }
    }
    this.#rows = map;
  }

  /** As the metadata does. */
  #commit({ files, deletes, overlay }: StagedTable, transactionId: TransactionId): void {
    const [deletesId, overlayId] = [this.#next++, this.#next++].map((id) => asId<DeleteFileId>(id));
    if (overlay !== undefined) this.overlays += 1;
    const old = this.#files.map((file): DataFile => {
      const gone = deletes?.touched.find(({ fileId }) => fileId === file.id);
      const over = overlay?.touched.find(({ fileId }) => fileId === file.id);
      let now = file;
      if (gone !== undefined && deletes !== undefined) {
        const kept = file.deletes.filter(({ id }) => !gone.replaces.includes(id));
        const object = { ...deletes.object, id: present(deletesId, 'an id') };
        now = {
          ...now,
          deletes: [...kept, object],
          deletedRows: file.deletedRows + gone.newPositions,
        };
      }
      if (over !== undefined && overlay !== undefined) {
        const { object, fieldIds } = overlay;
        const added = { object: { ...object, fieldIds, id: present(overlayId, 'an id') }, ...over };
        now = { ...now, overlays: [...(now.overlays ?? []), added] };
        assert.ok((now.overlays?.length ?? 0) <= MAX_OVERLAYS, 'overlays of a file are bounded');
      }
      return now;
    });
    const made = files.map((file): DataFile => {
      const id = asId<FileId>(this.#next++);
      return { ...file, id, transactionId, deletes: [], deletedRows: 0 };
    });
    this.#files = [...old, ...made];
  }

  async #compact(share: number): Promise<void> {
    const inputs = this.#files.filter((_, index) => (index * 7 + share) % 3 !== 0);
    if (inputs.length === 0) return;
    const transactionId = asId<TransactionId>(this.#next++);
    const order = {
      transactionId,
      table: this.#info,
      volume: this.#volume,
      volumes: [this.#volume],
      inputs,
    };
    const services = {
      engine: this.#engine,
      stores: async () => this.#store,
      tempDirectory: this.#temp,
      random: this.#services.random,
    };
    const outputs = await runCompaction(order, services, signal);
    const made = outputs.map((file): DataFile => {
      const id = asId<FileId>(this.#next++);
      return { ...file, id, transactionId, deletes: [], deletedRows: 0 };
    });
    this.#files = [...this.#files.filter((file) => !inputs.includes(file)), ...made];
  }

  async check(): Promise<void> {
    for (const { files, rows } of this.#versions) await this.#checkVersion(files, rows);
    const faults = await checkFiles(
      { schema: this.#info.schema, volumes: [this.#volume], files: this.#files },
      {
        engine: this.#engine,
        stores: async () => this.#store,
        tempDirectory: this.#temp,
        random: this.#services.random,
      },
      signal,
    );
    assert.deepEqual(faults, []);
  }

  async #checkVersion(files: readonly DataFile[], map: ReadonlyMap<number, Row>): Promise<void> {
    const read = async (columns: readonly string[], where: string) => {
      const scan = { placeholder: '__scan0', schema: this.#info.schema, columns, files };
      const sources = { scans: [scan], inlineTables: [], volumes: [this.#volume] };
      const rows = await this.#engine.withConnection((connection) =>
        withSources(this.#services, connection, sources, signal, (withClause) =>
          connection.rows(
            `${withClause}SELECT ${columns.join(', ')} FROM __scan0${where} ORDER BY k`,
          ),
        ),
      );
      return rows.map((row) => row.map((value) => (value === null ? null : String(value))));
    };
    const sorted = [...map].toSorted(([left], [right]) => left - right);
    const wanted = sorted.map(([key, row]) => [
      String(key),
      ...NAMES.map((name) => row[name]),
      sumOf(row),
    ]);
    assert.deepEqual(await read(['k', ...NAMES, 'g'], ''), wanted);
    // Alone, and with a filter: statistics and deletes must not hide what an overlay has.
    const some = sorted.filter(([, { b }]) => b === '3').map(([key]) => [String(key), '3']);
    assert.deepEqual(await read(['k', 'b'], ' WHERE b = 3'), some);
  }
}

function sumOf({ a, b }: Row): string | null {
  return a === null || b === null ? null : String(Number(a) + Number(b));
}

/** A row counts where its value is the old one's or more; NULL is less than any. */
function counts(value: string | null, old: string | null): boolean {
  return old === null || (value !== null && Number(value) >= Number(old));
}

const small = fc.option(fc.integer({ min: 0, max: 6 }).map(String), { freq: 6 });
const operation: fc.Arbitrary<Operation> = fc.record({
  key: fc.nat({ max: KEYS - 1 }),
  isDeleted: fc.integer({ min: 0, max: 7 }).map((choice) => choice === 0),
  row: fc.record({ a: small, b: small, c: small, d: small }),
});
const batch: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('batch' as const),
  mode: fc.constantFrom('column', 'column', 'column', 'row', 'auto'),
  given: fc.subarray([...NAMES], { minLength: 1 }),
  decides: fc.integer({ min: 0, max: 4 }).map((choice) => choice === 0),
  operations: fc.array(operation, { minLength: 1, maxLength: 14 }),
});
const compact: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('compact' as const),
  share: fc.nat({ max: 2 }),
});
const history = fc.array(
  fc.oneof({ weight: 6, arbitrary: batch }, { weight: 1, arbitrary: compact }),
  {
    minLength: 6,
    maxLength: 20,
  },
);

test('random batches in row and column mode give what a map gives, at every version', async (t) => {
  await withEngine({}, async (engine, directory) => {
    await mkdir(join(directory, 'volume'));
    await mkdir(join(directory, 'tmp'));
    let [first, overlays] = [1, 0];
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        // Ids of their own: bitmaps are kept by file.
        const table = new Table(engine, directory, first);
        first += 1000;
        for (const step of steps) await table.play(step);
        await table.check();
        overlays += table.overlays;
      }),
      { numRuns: HISTORIES, interruptAfterTimeLimit: 120_000, markInterruptAsFailure: true },
    );
    t.diagnostic(`${overlays} overlays`);
    assert.ok(overlays > HISTORIES, 'column mode is used');
  });
});
