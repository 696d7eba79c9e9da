// Random statements against a model in memory: INSERT, UPDATE, DELETE, INSERT OVERWRITE and TRUNCATE of tables of each
// model, while compaction goes on. After each statement the table holds what the model says, and counts it right.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { seededRandom } from '../../src/base/random.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const STATEMENTS = Number(process.env['MODEL_STATEMENTS'] ?? 40);
const KEYS = 12;

type Row = readonly [k: number, v: number];

type Merge = 'none' | 'replace' | 'sum';

/** A table of one model: what its statements are, and what rows it holds after them. */
class Model {
  readonly table: string;
  readonly ddl: string;
  readonly #merge: Merge;
  #rows: Row[] = [];

  constructor(table: string, merge: Merge, keys: string) {
    this.table = table;
    this.#merge = merge;
    const value = merge === 'sum' ? 'v BIGINT SUM' : 'v BIGINT';
    this.ddl = `CREATE TABLE ${table} (k INT NOT NULL, ${value}) ${keys} DISTRIBUTED BY HASH(k)`;
  }

  get canUpdate(): boolean {
    return this.#merge !== 'sum';
  }

  get rows(): readonly Row[] {
    return this.#rows.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  }

  add(rows: readonly Row[]): void {
    if (this.#merge === 'none') {
      this.#rows.push(...rows);
      return;
    }
    const held = new Map(this.#rows);
    for (const [k, v] of rows) {
      held.set(k, this.#merge === 'sum' ? (held.get(k) ?? 0) + v : v);
    }
    this.#rows = [...held];
  }

  replace(rows: readonly Row[]): void {
    this.#rows = [];
    this.add(rows);
  }

  update(test: (row: Row) => boolean, value: (row: Row) => number): number {
    const changed = this.#rows.filter(test).length;
    this.#rows = this.#rows.map((row) => (test(row) ? [row[0], value(row)] : row));
    return changed;
  }

  remove(test: (row: Row) => boolean): number {
    const before = this.#rows.length;
    this.#rows = this.#rows.filter((row) => !test(row));
    return before - this.#rows.length;
  }
}

async function rowsOf(connection: Connection, table: string): Promise<readonly Row[]> {
  const [rows] = await connection.query({
    sql: `SELECT k, v FROM ${table} ORDER BY k, v`,
    rowsAsArray: true,
  });
  return (rows as unknown as string[][]).map(([k, v]) => [Number(k), Number(v)]);
}

class Play {
  readonly #connection: Connection;
  readonly #model: Model;
  readonly #random: ReturnType<typeof seededRandom>;
  readonly said: string[] = [];

  constructor(connection: Connection, model: Model, seed: number) {
    this.#connection = connection;
    this.#model = model;
    this.#random = seededRandom(seed);
  }

  #below(limit: number): number {
    return this.#random.below(limit);
  }

  async #run(sql: string): Promise<number> {
    this.said.push(sql);
    const [result] = await this.#connection.query(sql);
    return (result as { affectedRows: number }).affectedRows;
  }

  #newRows(): readonly Row[] {
    return Array.from({ length: 1 + this.#below(5) }, () => [this.#below(KEYS), this.#below(9)]);
  }

  async step(): Promise<void> {
    const model = this.#model;
    const { table } = model;
    const n = this.#below(9);
    const key = this.#below(KEYS);
    switch (this.#below(model.canUpdate ? 10 : 7)) {
      case 0: {
        const rows = this.#newRows();
        const list = rows.map(([k, v]) => `(${k}, ${v})`).join(', ');
        await this.#run(`INSERT OVERWRITE ${table} VALUES ${list}`);
        model.replace(rows);
        return;
      }
      case 1:
        if (this.#below(4) > 0) return;
        await this.#run(`TRUNCATE TABLE ${table}`);
        model.replace([]);
        return;
      case 2:
        await this.#delete(`v = ${n}`, ([, v]) => v === n);
        return;
      case 3:
        await this.#delete(`k > ${key} AND v < ${n}`, ([k, v]) => k > key && v < n);
        return;
      case 4:
      case 5:
      case 6: {
        const rows = this.#newRows();
        await this.#run(
          `INSERT INTO ${table} VALUES ${rows.map(([k, v]) => `(${k}, ${v})`).join(', ')}`,
        );
        model.add(rows);
        return;
      }
      case 7:
        await this.#update(
          `v = v + ${n}`,
          `k <= ${key}`,
          ([k]) => k <= key,
          ([, v]) => v + n,
        );
        return;
      case 8: {
        const from = `FROM (SELECT ${key} AS x, ${n} AS y) s`;
        await this.#update(
          `v = s.y * k ${from}`,
          'k = s.x',
          ([k]) => k === key,
          ([k]) => n * k,
        );
        return;
      }
      default:
        await this.#update(
          'v = k',
          `v % 3 = ${n % 3}`,
          ([, v]) => v % 3 === n % 3,
          ([k]) => k,
        );
    }
  }

  async #delete(where: string, test: (row: Row) => boolean): Promise<void> {
    const changed = await this.#run(`DELETE FROM ${this.#model.table} WHERE ${where}`);
    const expected = this.#model.remove(test);
    // Of merged rows it is not known how many rows of files there are.
    if (this.#model.canUpdate) assert.equal(changed, expected, this.said.at(-1));
  }

  async #update(
    set: string,
    where: string,
    test: (row: Row) => boolean,
    value: (row: Row) => number,
  ): Promise<void> {
    const changed = await this.#run(`UPDATE ${this.#model.table} SET ${set} WHERE ${where}`);
    assert.equal(changed, this.#model.update(test, value), this.said.at(-1));
  }

  async check(): Promise<void> {
    const { table, rows } = this.#model;
    const history = this.said.join(';\n');
    assert.deepEqual(await rowsOf(this.#connection, table), rows, history);
    const [counted] = await this.#connection.query({
      sql: `SELECT count(*) FROM ${table}`,
      rowsAsArray: true,
    });
    const [[count] = []] = counted as unknown as string[][];
    assert.equal(Number(count), rows.length, history);
  }
}

const TABLES = [
  ['dup', 'none', 'DUPLICATE KEY(k)'],
  ['agg', 'sum', 'AGGREGATE KEY(k)'],
  ['prim', 'replace', 'PRIMARY KEY(k)'],
  ['uniq', 'replace', 'UNIQUE KEY(k)'],
] as const;

/** A server whose tables lie in a volume of its own: with a configuration file there is none from the beginning. */
async function startWith(dataDir: string, lines: string): Promise<TestServer> {
  const conf = join(dataDir, 'cn.conf');
  const location = join(dataDir, 'volumes', 'own');
  mkdirSync(location, { recursive: true });
  writeFileSync(conf, lines);
  const server = await startServer({ dataDir, broker: 'off', conf: [conf] });
  await server.sql(
    `CREATE STORAGE VOLUME own TYPE = LOCAL LOCATIONS = ("file://${location}") PROPERTIES ("enabled" = "true")`,
  );
  await server.sql('SET own AS DEFAULT STORAGE VOLUME');
  return server;
}

async function play(server: TestServer, [table, merge, keys]: (typeof TABLES)[number]) {
  const seed = Number(process.env['MODEL_SEED'] ?? 7);
  const connection = await server.connect();
  await connection.query('USE d');
  const model = new Model(table, merge, keys);
  await connection.query(model.ddl);
  const game = new Play(connection, model, seed);
  for (let step = 0; step < STATEMENTS; step += 1) {
    await game.step();
    await game.check();
  }
  connection.destroy();
}

for (const isIndexed of [false, true])
  describe(`random statements${isIndexed ? ', every file with a key index' : ''}`, () => {
    let dataDir: string;
    let server: TestServer;

    before(async () => {
      dataDir = mkdtempSync(join(tmpdir(), 'millrace-model-'));
      server = isIndexed
        ? await startWith(dataDir, 'key_index_min_rows = 1\n')
        : await startServer({ dataDir, broker: 'off' });
      await server.sql('CREATE DATABASE d');
    });
    after(async () => {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });

    for (const table of TABLES) {
      const [, merge, keys] = table;
      if (isIndexed && merge !== 'replace') continue;
      test(`${keys}: what the model says after each of ${STATEMENTS} statements`, async () => {
        await play(server, table);
        if (!isIndexed) return;
        const metrics = await fetch(`http://127.0.0.1:${server.ready.httpPort}/metrics`);
        assert.match(await metrics.text(), /millrace_key_look_ups_total\{path="index"\} [1-9]/);
      });
    }
  });
