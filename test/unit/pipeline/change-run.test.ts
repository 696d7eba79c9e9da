// DELETE and UPDATE from their text to staged files and back, against a model in memory.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import {
  asId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TableId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { DeleteBitmaps } from '../../../src/engine/delete-bitmaps.ts';
import type { Engine } from '../../../src/engine/duckdb.ts';
import { withSources } from '../../../src/engine/plan-sources.ts';
import { RejectRegistry } from '../../../src/engine/reject-function.ts';
import { insertOutputs } from '../../../src/loads/insert/definition.ts';
import type { ChangePlan, StagedChange } from '../../../src/model/change-plan.ts';
import { parquetCopyOptions } from '../../../src/model/parquet-layout.ts';
import type { SqlType } from '../../../src/model/sql-type.ts';
import type { ColumnSchema, DataFile, TableSchema, VolumeSpec } from '../../../src/model/table.ts';
import { runChange } from '../../../src/pipeline/change-run.ts';
import type { InsertServices } from '../../../src/pipeline/insert-run.ts';
import { changeQuery } from '../../../src/query/change-query.ts';
import { planChangedRows } from '../../../src/query/plan-change.ts';
import { planQuery } from '../../../src/query/plan-query.ts';
import { parseStatement } from '../../../src/sql/parse.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import { withEngine } from '../../support/engine-fixture.ts';
import { catalogOf, parseQuery, SESSION, storedTable } from '../query/harness.ts';

const INT: SqlType = { kind: 'INT' };
const TEXT: SqlType = { kind: 'VARCHAR', length: 5 };
const column = (
  id: number,
  name: string,
  type: SqlType,
  nullable: boolean,
  defaultValue: string | null = null,
): ColumnSchema => ({
  fieldId: asId<FieldId>(id),
  name,
  type,
  nullable,
  isKey: id === 1,
  defaultValue,
  comment: '',
});
const SCHEMA: TableSchema = {
  keysType: 'PRIMARY_KEYS',
  columns: [
    column(1, 'k', INT, false),
    column(2, 'a', INT, true),
    column(3, 's', TEXT, false, 'dflt'),
  ],
};
const signal = new AbortController().signal;

type Row = readonly [k: number, a: number | null, s: string];

class Rig {
  readonly #engine: Engine;
  readonly #root: string;
  readonly #services: InsertServices;
  readonly #volume: VolumeSpec;
  files: readonly DataFile[] = [];
  #ids = 0;

  constructor(engine: Engine, directory: string, rejects: RejectRegistry) {
    this.#engine = engine;
    this.#root = join(directory, 'volume');
    const location = `file://${this.#root}`;
    this.#volume = { id: asId<VolumeId>(1), name: 'v', type: 'LOCAL', location, params: {} };
    const resolve: InsertServices['resolve'] = async (files) => ({
      paths: files.map(({ key }) => join(this.#root, key)),
      release: () => undefined,
    });
    this.#services = {
      engine,
      resolve,
      deletes: new DeleteBitmaps(resolve, 1_000_000),
      rejects,
      reserveIds: () => Promise.reject(new Error('no column of this table counts')),
      keepRejects: async () => undefined,
      openStore: async () => new LocalStore({ root: this.#root, where: this.#root }),
      clock: systemClock,
      random: seededRandom(5),
      tempDirectory: join(directory, 'tmp'),
    };
  }

  async addFile(rows: readonly Row[]): Promise<void> {
    this.#ids += 1;
    const key = `d/t-10/data/t${this.#ids}/00000000-0000-4000-a000-${String(this.#ids).padStart(12, '0')}.parquet`;
    await mkdir(join(this.#root, key, '..'), { recursive: true });
    const values = rows.map(([k, a, s]) => `(${k}, ${a}, '${s}')`).join(', ');
    await this.#engine.withConnection((connection) =>
      connection.run(
        `COPY (SELECT k::INTEGER AS k, a::INTEGER AS a, s FROM (VALUES ${values}) v(k, a, s)) TO '${join(this.#root, key)}' (${parquetCopyOptions(SCHEMA)})`,
      ),
    );
    this.#add({ volumeId: asId(1), key, sizeBytes: 1, rowCount: rows.length, columnStats: {} });
  }

  #add(file: Omit<DataFile, 'id' | 'transactionId' | 'deletes' | 'deletedRows'>): void {
    const id = asId<FileId>(this.files.length + 1);
    const transactionId = asId<TransactionId>(this.#ids);
    this.files = [...this.files, { ...file, id, transactionId, deletes: [], deletedRows: 0 }];
  }

  #tables() {
    const stored = storedTable('t', {});
    assert(stored.kind === 'stored');
    const info = { ...stored.info, schema: SCHEMA };
    const other = {
      kind: 'inline',
      databaseName: 'db',
      name: 'u',
      columns: [
        { name: 'k', type: INT },
        { name: 'x', type: INT },
        { name: 'y', type: TEXT },
      ],
      rows: [
        ['1', '10', 'ten'],
        ['1', '11', 'elf'],
        ['2', '20', 'zwan'],
      ],
    } as const;
    return [{ ...stored, info, files: this.files, volumes: [this.#volume] }, other];
  }

  plan(text: string): ChangePlan {
    const statement = parseStatement(text);
    assert(statement.kind === 'delete' || statement.kind === 'update');
    const assignments = statement.kind === 'delete' ? [] : statement.assignments;
    const computed = assignments.filter(({ value }) => value.kind !== 'default');
    const assigned = new Set(assignments.map((entry) => entry.column));
    const kept =
      statement.kind === 'delete' ? [] : SCHEMA.columns.filter(({ name }) => !assigned.has(name));
    const query = changeQuery(statement, 'db', computed);
    const tables = catalogOf(this.#tables());
    const context = { catalog: tables, session: SESSION, limits: { timeoutMs: 1, maxRows: null } };
    const { types, fromTable, ...rows } = planChangedRows(query, kept, computed, text, context);
    const named = (name: string) => SCHEMA.columns.filter((entry) => entry.name === name);
    const targets = [...kept, ...computed.flatMap((entry) => named(entry.column))];
    const target = {
      tableId: asId<TableId>(10),
      databaseName: 'd',
      tableName: 't',
      volume: this.#volume,
      prefix: 'd/t-10/data',
      keys: null,
    };
    return {
      userName: 'root',
      target,
      ...rows,
      update:
        statement.kind === 'delete'
          ? null
          : {
              types,
              fromTable,
              outputs: insertOutputs(SCHEMA.columns, targets, SESSION),
              rejected: { ...target, tableId: asId<TableId>(11), prefix: 'd/r-11/data' },
              strictMode: !text.includes('loosely'),
              sortBy: [],
              maxFilterRatio: text.includes('loosely') ? 1 : 0,
            },
      timeoutMs: 60_000,
    };
  }

  /** Stages the change and, as a commit would, makes it part of the table. */
  async change(text: string): Promise<StagedChange> {
    this.#ids += 1;
    const transactionId = asId<TransactionId>(this.#ids);
    const begun = { transactionId, label: 'l' };
    const staged = await runChange(this.plan(text), begun, this.#services, signal);
    for (const { tableId, files, deletes } of staged.tables) {
      if (tableId !== asId<TableId>(10)) continue;
      assert(deletes !== undefined);
      const object = { ...deletes.object, id: asId<DeleteFileId>(this.#ids) };
      this.files = this.files.map((file) => {
        const touched = deletes.touched.find(({ fileId }) => fileId === file.id);
        if (touched === undefined) return file;
        const deletedRows = file.deletedRows + touched.newPositions;
        return { ...file, deletes: [...file.deletes, object], deletedRows };
      });
      for (const file of files) this.#add(file);
    }
    return staged;
  }

  async rows(): Promise<readonly Row[]> {
    const plan = planQuery(parseQuery('SELECT k, a, s FROM t ORDER BY k, a, s'), '', {
      catalog: catalogOf(this.#tables()),
      session: SESSION,
      limits: { timeoutMs: 1, maxRows: null },
    });
    return await this.#engine.withConnection((connection) =>
      withSources(this.#services, connection, plan, signal, async (withClause) => {
        const rows = await connection.rows(`${withClause}SELECT * FROM (${plan.duckdbSql})`);
        return rows.map(([k, a, s]) => [Number(k), a === null ? null : Number(a), String(s)]);
      }),
    );
  }
}

async function withRig(work: (rig: Rig) => Promise<void>): Promise<void> {
  await withEngine({}, async (engine, directory) => {
    const rejects = new RejectRegistry();
    await engine.withConnection(async (connection) => rejects.install(connection));
    await work(new Rig(engine, directory, rejects));
  });
}

const FIRST: readonly Row[] = [
  [1, 1, 'one'],
  [2, 2, 'two'],
  [3, null, 'three'],
];
const SECOND: readonly Row[] = [
  [4, 4, 'four'],
  [5, 5, 'five'],
];

async function withTwoFiles(work: (rig: Rig) => Promise<void>): Promise<void> {
  await withRig(async (rig) => {
    await rig.addFile(FIRST);
    await rig.addFile(SECOND);
    await work(rig);
  });
}

test('UPDATE: new rows in the place of old ones, of both files, all values as they were before', async () => {
  await withTwoFiles(async (rig) => {
    const staged = await rig.change('UPDATE t SET a = k + a, s = concat(s, a) WHERE k IN (2, 4)');
    assert.equal(staged.rowsChanged, 2);
    const [table] = staged.tables;
    assert.equal(table?.files[0]?.rowCount, 2);
    assert.deepEqual(
      table?.deletes?.touched.map(({ fileId, positions }) => [fileId, positions]),
      [
        [1, 1],
        [2, 1],
      ],
    );
    assert.deepEqual(await rig.rows(), [
      [1, 1, 'one'],
      [2, 4, 'two2'],
      [3, null, 'three'],
      [4, 8, 'four4'],
      [5, 5, 'five'],
    ]);
    // The updated rows can be updated and deleted again.
    await rig.change('UPDATE t SET a = NULL WHERE a > 7');
    await rig.change('DELETE FROM t WHERE a IS NULL OR k = 2');
    assert.deepEqual(
      (await rig.rows()).map(([k]) => k),
      [1, 5],
    );
  });
});

test('UPDATE: what nothing matches stages nothing; DEFAULT; a constant for all', async () => {
  await withTwoFiles(async (rig) => {
    const none = await rig.change('UPDATE t SET a = 1 WHERE k > 100');
    assert.deepEqual([none.tables.length, none.rowsChanged], [0, 0]);
    await rig.change('UPDATE t SET s = DEFAULT, a = DEFAULT WHERE k < 3');
    await rig.change("UPDATE t SET a = '7' WHERE k > 3");
    assert.deepEqual(await rig.rows(), [
      [1, null, 'dflt'],
      [2, null, 'dflt'],
      [3, null, 'three'],
      [4, 7, 'four'],
      [5, 7, 'five'],
    ]);
  });
});

test('UPDATE with FROM: a row that several match takes all its values from one of them', async () => {
  await withTwoFiles(async (rig) => {
    const staged = await rig.change('UPDATE t SET a = u.x, s = u.y FROM u WHERE t.k = u.k');
    assert.equal(staged.rowsChanged, 2);
    const [one, two] = await rig.rows();
    assert.ok(
      (one?.[1] === 10 && one[2] === 'ten') || (one?.[1] === 11 && one[2] === 'elf'),
      String(one),
    );
    assert.deepEqual(two, [2, 20, 'zwan']);
    await rig.change(
      'WITH best AS (SELECT k, max(x) AS x FROM u GROUP BY k) UPDATE t SET a = best.x * 2 FROM best WHERE best.k = t.k',
    );
    assert.deepEqual(
      (await rig.rows()).map(([, a]) => a),
      [22, 40, null, 4, 5],
    );
  });
});

test('DELETE with USING: a row that several match is deleted once', async () => {
  await withTwoFiles(async (rig) => {
    const staged = await rig.change('DELETE FROM t USING u WHERE t.k = u.k');
    assert.equal(staged.rowsChanged, 2);
    assert.equal(staged.tables[0]?.deletes?.object.rowCount, 2);
    assert.deepEqual(
      (await rig.rows()).map(([k]) => k),
      [3, 4, 5],
    );
  });
});

test('UPDATE: a value that does not fit ends it; where rows may be left out, these keep their values', async () => {
  await withTwoFiles(async (rig) => {
    for (const [text, expected] of [
      ["UPDATE t SET s = 'much too long' WHERE k < 3", /capacity=5, actual=13/],
      ['UPDATE t SET s = NULL WHERE k < 3', /NULL value in non-nullable column 's'/],
      ["UPDATE t SET a = 'abc' WHERE k < 3", /Value 'abc' is out of range/],
    ] as const) {
      await assert.rejects(
        rig.change(text),
        (error) => error instanceof AppError && expected.test(error.message),
        text,
      );
    }
    assert.deepEqual(await rig.rows(), [...FIRST, ...SECOND]);
    const staged = await rig.change(
      "UPDATE t SET s = CASE WHEN k = 2 THEN 'much too long' ELSE 'ok' END /* loosely */ WHERE k < 4",
    );
    assert.deepEqual([staged.rowsChanged, staged.rowsFiltered], [2, 1]);
    assert.deepEqual(
      staged.tables.map(({ tableId, files }) => [tableId, files[0]?.rowCount]),
      [
        [10, 2],
        [11, 1],
      ],
    );
    assert.deepEqual(
      (await rig.rows()).map(([, , s]) => s),
      ['ok', 'two', 'ok', 'four', 'five'],
    );
  });
});

test('random changes give what a model in memory gives', async () => {
  for (const seed of [1, 2, 3]) {
    await withRig(async (rig) => {
      const random = seededRandom(seed);
      const pick = (below: number): number => random.below(below);
      let model: Row[] = [];
      for (let step = 0; step < 25; step += 1) {
        const at = pick(40);
        const from = pick(40);
        switch (pick(5)) {
          case 0: {
            const first = model.length === 0 ? 0 : Math.max(...model.map(([k]) => k)) + 1;
            const rows = Array.from(
              { length: 1 + pick(12) },
              (_, i): Row => [first + i, pick(4) === 0 ? null : pick(9), `s${pick(99)}`],
            );
            await rig.addFile(rows);
            model.push(...rows);
            break;
          }
          case 1: {
            const to = from + pick(4);
            await rig.change(`DELETE FROM t WHERE k BETWEEN ${from} AND ${to}`);
            model = model.filter(([k]) => k < from || k > to);
            break;
          }
          case 2:
            await rig.change(`UPDATE t SET a = coalesce(a, 0) + 1 WHERE k % 5 = ${at % 5}`);
            model = model.map(([k, a, s]) => (k % 5 === at % 5 ? [k, (a ?? 0) + 1, s] : [k, a, s]));
            break;
          case 3:
            await rig.change(`UPDATE t SET s = 'x${at}', a = k WHERE a > ${at % 9}`);
            model = model.map(([k, a, s]) =>
              a !== null && a > at % 9 ? [k, k, `x${at}`] : [k, a, s],
            );
            break;
          default:
            await rig.change(`DELETE FROM t WHERE a = ${at % 9} AND k > ${from}`);
            model = model.filter(([k, a]) => !(a === at % 9 && k > from));
        }
        const sorted = model.toSorted((x, y) => x[0] - y[0]);
        assert.deepEqual(await rig.rows(), sorted, `seed ${seed}, step ${step}`);
      }
    });
  }
});
