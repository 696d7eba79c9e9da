// Random changes of columns, rows and compactions over real files, against rows kept in memory: whatever
// the schema that a file was written with, readers see what the model says.
import assert from 'node:assert/strict';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  asId,
  type DatabaseId,
  type FileId,
  type TableId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import type { ColumnRewrite } from '../../../src/model/column-rewrite.ts';
import { nextFieldId, numberColumns } from '../../../src/model/field-ids.ts';
import {
  parquetCopyOptions,
  readParquetSql,
  readSelectList,
  stagedFileFromStats,
  storeSelectList,
} from '../../../src/model/parquet-layout.ts';
import { duckdbType } from '../../../src/model/sql-type.ts';
import type { DataFile, TableInfo, TableSchema } from '../../../src/model/table.ts';
import { pruneFiles } from '../../../src/query/prune-files.ts';
import type { AlterColumnClause } from '../../../src/sql/ast/ddl.ts';
import { parseStatement } from '../../../src/sql/parse.ts';
import { alteredColumns } from '../../../src/statements/alter-columns.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { runRewrite } from '../../../src/tables/rewrite-run.ts';
import { withEngine } from '../../support/engine-fixture.ts';

const TYPES = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'LARGEINT', 'VARCHAR(20)'] as const;
const NAMES = ['a', 'b', 'c'] as const;

type Step =
  | { readonly kind: 'insert'; readonly value: number }
  | { readonly kind: 'compact' }
  | { readonly kind: 'alter'; readonly sql: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('insert'), value: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact') }) },
  {
    weight: 5,
    arbitrary: fc
      .oneof(
        fc
          .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...TYPES), fc.option(fc.nat(100)))
          .map(
            ([name, type, value]) =>
              `ADD COLUMN ${name} ${type}${value === null ? '' : ` DEFAULT "${value}"`} AFTER id`,
          ),
        fc.constantFrom(...NAMES).map((name) => `DROP COLUMN ${name}`),
        fc
          .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...NAMES))
          .map(([from, to]) => `RENAME COLUMN ${from} TO ${to}`),
        fc
          .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...TYPES))
          .map(([name, type]) => `MODIFY COLUMN ${name} ${type}`),
      )
      .map((sql) => ({ kind: 'alter' as const, sql })),
  },
);

type ModelRow = Map<string, string | null>;

class Run {
  readonly #engine: Engine;
  readonly #directory: string;
  #table: TableInfo;
  #nextFieldId: number;
  #files: { readonly path: string; readonly file: DataFile }[] = [];
  #rows: ModelRow[] = [];
  #made = 0;

  constructor(engine: Engine, directory: string) {
    this.#engine = engine;
    this.#directory = directory;
    const columns = numberColumns([
      {
        name: 'id',
        type: { kind: 'INT' },
        nullable: false,
        isKey: true,
        defaultValue: null,
        comment: '',
      },
    ]);
    this.#nextFieldId = nextFieldId(columns);
    this.#table = {
      id: asId<TableId>(1),
      databaseId: asId<DatabaseId>(1),
      databaseName: 'd',
      name: 't',
      schema: { keysType: 'DUP_KEYS', columns },
      volumeId: asId<VolumeId>(1),
      prefix: 'p',
      comment: '',
      distributedBy: [],
      buckets: null,
      properties: {},
      createdMs: 0,
    };
  }

  async take(one: Step): Promise<void> {
    if (one.kind === 'insert') await this.#insert(one.value);
    else if (one.kind === 'compact') await this.#compact();
    else await this.#alter(one.sql);
    await this.#check();
  }

  async #alter(sql: string): Promise<void> {
    const parsed = parseStatement(`ALTER TABLE t ${sql}`);
    assert(parsed.kind === 'alter_table');
    const clauses = parsed.clauses as readonly AlterColumnClause[];
    const moment = { nowMs: 0, timeZone: 'Etc/UTC' };
    let change: ReturnType<typeof alteredColumns>;
    try {
      change = alteredColumns(this.#table, this.#nextFieldId, clauses, moment);
    } catch {
      // Refused (no such column, a narrower type): everything stays as it was.
      return;
    }
    if (change === null) return;
    if (change.rewrites !== undefined) await this.#rewrite(change.schema, change.rewrites);
    const [clause] = clauses;
    if (clause?.kind === 'add_column') {
      const { name, defaultValue } = clause.column;
      const value = defaultValue?.kind === 'text' ? defaultValue.value : null;
      for (const row of this.#rows) row.set(name, value);
    } else if (clause?.kind === 'drop_column') {
      for (const row of this.#rows) row.delete(clause.name);
    } else if (clause?.kind === 'rename_column') {
      for (const row of this.#rows) {
        row.set(clause.to, row.get(clause.name) ?? null);
        row.delete(clause.name);
      }
    }
    this.#table = { ...this.#table, schema: change.schema };
    this.#nextFieldId = change.nextFieldId;
  }

  /** As the job in the background does: each file becomes another one with the same rows. */
  async #rewrite(after: TableSchema, rewrites: readonly ColumnRewrite[]): Promise<void> {
    const at = (key: string): string => (key.startsWith('/') ? key : join(this.#directory, key));
    const store: Pick<ObjectStore, 'localPath' | 'putFile'> = {
      localPath: at,
      putFile: async (key, path) => {
        await mkdir(dirname(at(key)), { recursive: true });
        await copyFile(path, at(key));
      },
    };
    const volume = {
      id: asId<VolumeId>(1),
      name: 'v',
      type: 'LOCAL',
      location: '',
      params: {},
    } as const;
    const outputs = await runRewrite(
      {
        transactionId: asId<TransactionId>(1),
        table: { ...this.#table, prefix: 'anew' },
        after,
        rewrites,
        volume,
        volumes: [volume],
        inputs: this.#files.map(({ file }) => file),
      },
      {
        engine: this.#engine,
        stores: async () => store as ObjectStore,
        tempDirectory: this.#directory,
        random: systemRandom,
      },
      new AbortController().signal,
    );
    this.#files = outputs.map((output, index) => {
      this.#made += 1;
      const old = this.#files[index]?.file;
      assert(old !== undefined && output.rowCount === old.rowCount);
      return { path: at(output.key), file: { ...old, ...output, id: asId<FileId>(this.#made) } };
    });
  }

  async #insert(value: number): Promise<void> {
    const { columns } = this.#table.schema;
    const id = this.#rows.length;
    const texts = columns.map(({ name }, index) => (name === 'id' ? id : value + index));
    this.#rows.push(new Map(columns.map(({ name }, i) => [name, String(texts[i])])));
    const list = columns.map(
      ({ name, type }, i) => `CAST(${texts[i]} AS ${duckdbType(type)}) AS "${name}"`,
    );
    await this.#write(`SELECT ${list.join(', ')}`, []);
  }

  async #compact(): Promise<void> {
    if (this.#files.length < 2) return;
    const inputs = this.#files.slice(0, 3);
    const { schema } = this.#table;
    const paths = inputs.map(({ path }) => path);
    await this.#write(
      `SELECT ${readSelectList(schema)} FROM ${readParquetSql(schema, paths)}`,
      inputs,
    );
  }

  async #write(select: string, inputs: readonly unknown[]): Promise<void> {
    const { schema } = this.#table;
    this.#made += 1;
    const path = join(this.#directory, `${this.#made}.parquet`);
    const sql = `COPY (SELECT ${storeSelectList(schema)} FROM (${select})) TO '${path}' (${parquetCopyOptions(schema)})`;
    const [stats] = await this.#engine.withConnection((connection) => connection.objects(sql));
    const target = { volumeId: asId<VolumeId>(1), key: path, schema };
    const staged = stagedFileFromStats(stats ?? {}, target);
    const id = asId<FileId>(this.#made);
    const transactionId = asId<TransactionId>(this.#made);
    const file: DataFile = { ...staged, id, transactionId, deletes: [], deletedRows: 0 };
    this.#files = [...this.#files.filter((entry) => !inputs.includes(entry)), { path, file }];
  }

  async #check(): Promise<void> {
    const { schema } = this.#table;
    const sorted = (rows: readonly ModelRow[]): unknown =>
      rows
        .map((row) => schema.columns.map(({ name }) => row.get(name) ?? null))
        .toSorted(
          (x, y) =>
            Number(x[schema.columns.findIndex(({ name }) => name === 'id')]) -
            Number(y[schema.columns.findIndex(({ name }) => name === 'id')]),
        );
    assert.deepEqual(sorted(await this.#read(schema, this.#files, '')), sorted(this.#rows));
    // Texts have an order of their own.
    for (const column of schema.columns.filter(({ type }) => type.kind !== 'VARCHAR')) {
      for (const constant of ['0', '50']) {
        const condition = {
          kind: 'comparison' as const,
          type: { kind: 'BOOLEAN' as const },
          op: '>=' as const,
          left: {
            kind: 'column' as const,
            type: column.type,
            relation: 's',
            column: column.name,
            display: column.name,
          },
          right: { kind: 'literal' as const, type: column.type, text: constant },
        };
        const draft = {
          placeholder: 's',
          alias: 's',
          schema,
          files: this.#files.map(({ file }) => file),
          volumes: [],
        };
        const kept = new Set(pruneFiles(draft, [], [condition]));
        const files = this.#files.filter(({ file }) => kept.has(file));
        const found = await this.#read(schema, files, `WHERE "${column.name}" >= ${constant}`);
        const expected = this.#rows.filter((row) => {
          const value = row.get(column.name) ?? null;
          return value !== null && Number(value) >= Number(constant);
        });
        assert.deepEqual(sorted(found), sorted(expected), `${column.name} >= ${constant}`);
      }
    }
  }

  async #read(
    schema: TableSchema,
    files: readonly { readonly path: string }[],
    where: string,
  ): Promise<ModelRow[]> {
    if (files.length === 0) return [];
    const paths = files.map(({ path }) => path);
    const texts = schema.columns.map(({ name }) => `CAST("${name}" AS VARCHAR)`).join(', ');
    const rows = await this.#engine.withConnection((connection) =>
      connection.rows(
        `SELECT ${texts} FROM (SELECT ${readSelectList(schema)} FROM ${readParquetSql(schema, paths)}) ${where}`,
      ),
    );
    return rows.map(
      (row) =>
        new Map(
          schema.columns.map(({ name }, i) => [name, row[i] === null ? null : String(row[i])]),
        ),
    );
  }
}

test('random changes of columns read as the model says', async () => {
  await withEngine({ threads: 1 }, async (engine, directory) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        const run = new Run(engine, directory);
        for (const one of steps) await run.take(one);
      }),
      { numRuns: Number(process.env['FC_RUNS'] ?? 25) },
    );
  });
});
