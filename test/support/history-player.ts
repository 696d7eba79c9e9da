// Has a whole server (world.ts) play a history of a table, with calls lost and processes killed on the way. After each
// step a reader sees what the model says; where an answer was lost, the state before or the one after, whole. Readers
// beside a step see one of both, and never go back. At the end all files are read again and nothing else is left.
import assert from 'node:assert/strict';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import { armFailpoints } from '../../src/base/failpoints.ts';
import type { History, MessageData, RowStatement, Statement, Step, Trouble } from './history.ts';
import {
  HistoryStatements,
  type KnownVersion,
  type Played,
  type Said,
} from './history-statements.ts';
import {
  batch,
  type Change,
  type KeysModel,
  type Operation,
  S,
  type State,
  shownRow,
  shownRows,
  V,
  type Value,
} from './table-model.ts';
import type { Theatre } from './theatre.ts';

const DATABASE = 'm';
const COUNTER = 'counter';
/** A failpoint that is armed like this is not met. */
const NEVER = 1_000_000_000;
const LOAD_MS = 30_000;
const HISTORY_MS = 120_000;
const SWEEPS = 3;

/** A step as it is done: the statement and what it makes of a state. */
interface Work {
  readonly run: () => Promise<void>;
  /** States that are right afterwards; the first is that of a step without trouble. */
  readonly after: readonly State[];
  /** States that readers may see meanwhile. */
  readonly seen: readonly State[];
  /** Two things go on at once: there is no one order of what is seen. */
  readonly isMixed?: boolean;
  /** What may be there, too, where something failed. */
  readonly broken?: readonly State[];
  readonly refusal?: RegExp;
  /** What somebody does who got no answer. */
  readonly repair?: () => Promise<void>;
}

const tables = { made: 0 };

export class HistoryPlayer implements Played {
  readonly #theatre: Theatre;
  readonly model: KeysModel;
  readonly history: History;
  readonly #table: string;
  readonly said: string[] = [];
  state: State;
  readonly #statements: HistoryStatements;
  #connection: Connection | null = null;
  /** The table's job, and the topic of the same name. */
  #job: string | null = null;
  #jobs = 0;
  readonly versions: KnownVersion[] = [];
  #points: string[] = [];

  constructor(theatre: Theatre, model: KeysModel, history: History) {
    this.#theatre = theatre;
    this.model = model;
    this.history = history;
    tables.made += 1;
    this.#table = `t${tables.made}`;
    this.#statements = new HistoryStatements(this);
    const { partitions } = history;
    this.state = {
      columns: [
        { id: V, name: 'v', type: 'INT', initial: null },
        { id: S, name: 's', type: 'VARCHAR(20)', initial: null },
      ],
      rows: [],
      partitions:
        partitions === 'range'
          ? new Map([
              [0, this.#statements.newPlace()],
              [1, this.#statements.newPlace()],
            ])
          : null,
    };
  }

  /** Throws what is wrong, with everything that was said; what does not end in time is wrong, too. */
  async play(): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = systemClock.after(HISTORY_MS, () =>
      late.reject(new Error(`it does not end within ${HISTORY_MS} ms`)),
    );
    const playing = this.#play();
    // Of one that is late nobody hears any more.
    playing.catch(() => undefined);
    try {
      await Promise.race([playing, late.promise]);
    } catch (error) {
      const said = [...this.said, ...this.#theatre.logged.slice(-15)].join('\n');
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${said}`, {
        cause: error,
      });
    } finally {
      timer.cancel();
    }
  }

  async #play(): Promise<void> {
    try {
      await this.#create();
      for (const { step, trouble, isRead } of this.history.acts) {
        const work = this.#workOf(step);
        if (work !== null) await this.#do(work, trouble, isRead);
      }
      await this.#end();
    } finally {
      this.#calm();
      this.#connection?.destroy();
    }
  }

  async #create(): Promise<void> {
    await this.#sql(`CREATE DATABASE IF NOT EXISTS ${DATABASE}`);
    const keys = this.model === 'DUPLICATE' ? 'DUPLICATE KEY(k)' : `${this.model} KEY(k, p)`;
    const [sum, replace] = this.model === 'AGGREGATE' ? [' SUM', ' REPLACE'] : ['', ''];
    const counter = this.#isCounted ? `, ${COUNTER} BIGINT NOT NULL AUTO_INCREMENT` : '';
    const ranges = 'PARTITION p0 VALUES [("0"), ("1")), PARTITION p1 VALUES [("1"), ("2"))';
    const by = { none: '', range: `PARTITION BY RANGE(p) (${ranges})`, list: 'PARTITION BY (p)' };
    await this.#sql(
      `CREATE TABLE ${this.name} (k INT NOT NULL, p INT NOT NULL, v INT${sum} NULL, s VARCHAR(20)${replace} NULL${counter}) ${keys} ${by[this.history.partitions]} DISTRIBUTED BY HASH(k)`,
    );
    await this.#remember();
  }

  async #sql(sql: string): Promise<Value[][]> {
    this.#connection ??= await this.#theatre.connect();
    const [found] = await this.#connection.query({ sql, rowsAsArray: true });
    return Array.isArray(found) ? (found as unknown as Value[][]) : [];
  }

  /** All rows, as texts, sorted; what the table counts is not the model's. */
  async #read(connection?: Connection, at = ''): Promise<readonly string[]> {
    this.#connection ??= await this.#theatre.connect();
    const sql = `SELECT * FROM ${this.name}${at}`;
    const [found, fields] = await (connection ?? this.#connection).query({
      sql,
      rowsAsArray: true,
    });
    const counted = fields.findIndex(({ name }) => name === COUNTER);
    return (found as unknown as Value[][])
      .map((row) => shownRow(row.filter((_, index) => index !== counted)))
      .toSorted();
  }

  /** The partitions that there are, where statements make them; null: rows do, or there are none. */
  async #places(): Promise<readonly string[] | null> {
    if (this.history.partitions !== 'range') return null;
    const found = await this.#sql(
      `SELECT PARTITION_NAME FROM information_schema.partitions_meta WHERE DB_NAME = '${DATABASE}' AND TABLE_NAME = '${this.#table}'`,
    );
    return found.map(([name]) => String(name)).toSorted();
  }

  /** Numbers of rows and of different counts: no count is given twice. */
  async #counted(): Promise<void> {
    if (!this.#isCounted) return;
    const table = `${this.name}`;
    const [[rows, counts] = []] = await this.#sql(
      `SELECT count(*), count(DISTINCT ${COUNTER}) FROM ${table}`,
    );
    assert.equal(counts, rows, 'each row has a count of its own');
  }

  get #isCounted(): boolean {
    return this.history.isCounted && this.model !== 'AGGREGATE';
  }

  /** Keeps what the table is now as what its head version is. */
  async #remember(): Promise<void> {
    const version = await this.#theatre.head(DATABASE, this.#table);
    const last = this.versions.pop();
    if (last !== undefined && last.version !== version) {
      const before = last.state.partitions;
      const came = [...(this.state.partitions ?? [])].filter(([p]) => before?.has(p) !== true);
      this.versions.push({ ...last, maybe: new Map(came) });
    }
    this.versions.push({ version, state: this.state, maybe: new Map() });
  }

  // -- doing a step

  async #do(work: Work, trouble: Trouble | null, isRead: boolean): Promise<void> {
    if (trouble !== null) this.said.push(`-- ${JSON.stringify(trouble)}`);
    this.#arm(trouble);
    const reader = isRead ? await this.#reader(work) : null;
    let failure: unknown = null;
    const running = work.run().catch((error: unknown) => {
      failure = error;
    });
    await this.#kill(trouble);
    await running;
    await reader?.();
    this.#calm();
    if (failure !== null) await work.repair?.();
    await this.#settle();
    const shown = await this.#read();
    if (failure !== null && (trouble === null || trouble.kind === 'slow')) {
      const text = failure instanceof Error ? failure.message : String(failure);
      assert.ok(work.refusal?.test(text) === true, text);
    }
    const possible =
      failure === null ? work.after : [this.state, ...work.after, ...(work.broken ?? [])];
    const places = await this.#places();
    const state = possible.find(
      (one) => same(shownRows(one), shown) && (places === null || samePlaces(one, places)),
    );
    assert.ok(
      state !== undefined,
      `${failure === null ? 'done' : `failed (${String(failure)})`}, and the table holds\n${shown.join('\n')}\nin ${String(places)}, not\n${possible.map((one) => shownRows(one).join('\n')).join('\nnor\n')}`,
    );
    this.state = state;
    const [[count] = []] = await this.#sql(`SELECT count(*) FROM ${this.name}`);
    assert.equal(Number(count), shown.length, 'count(*)');
    await this.#counted();
    await this.#remember();
  }

  #arm(trouble: Trouble | null): void {
    if (trouble?.kind === 'lose') this.#theatre.lose(trouble.method, trouble.part);
    if (trouble?.kind === 'slow') {
      this.#theatre.slow(trouble.method, trouble.part, trouble.ms);
    }
    if (trouble?.kind !== 'fail') return;
    this.#points.push(trouble.point);
    armFailpoints(`${trouble.point}=error`);
  }

  #calm(): void {
    this.#theatre.calm();
    for (const point of this.#points.splice(0)) armFailpoints(`${point}=error@${NEVER}`);
  }

  async #kill(trouble: Trouble | null): Promise<void> {
    if (trouble === null || !('turns' in trouble)) return;
    for (let turn = 0; turn < trouble.turns; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (trouble.kind === 'kill_loader') await this.#theatre.killLoader();
    else if (trouble.kind === 'kill_query') await this.#theatre.killQuery();
    else {
      await this.#theatre.crash();
      // Only now: a statement that waits gets the error of a lost connection.
      this.#connection?.destroy();
      this.#connection = null;
    }
  }

  /** Reads until told to stop: one whole state each time, and never an earlier one than before. */
  async #reader({ seen, isMixed = false }: Work): Promise<() => Promise<void>> {
    const connection = await this.#theatre.connect();
    const texts = [this.state, ...seen].map((state) => shownRows(state).join('\n'));
    let isOver = false;
    let least = 0;
    const found: string[] = [];
    const reading = (async () => {
      while (!isOver) {
        let rows: readonly string[];
        try {
          rows = await this.#read(connection);
        } catch {
          // The server was killed, or the table is being dropped.
          return;
        }
        const text = rows.join('\n');
        const at = texts.findIndex((one, index) => index >= least && one === text);
        if (at < 0) found.push(text);
        else if (!isMixed) least = at;
      }
    })();
    return async () => {
      isOver = true;
      await reading;
      connection.destroy();
      assert.deepEqual(found, [], `a reader saw neither of\n${texts.join('\nnor\n')}`);
    };
  }

  /** Waits until everything that was produced is in the table. */
  async #settle(): Promise<void> {
    const job = this.#job;
    if (job === null) return;
    const untilMs = systemClock.monotonicMs() + LOAD_MS;
    for (;;) {
      const waiting = await this.#theatre.waiting(DATABASE, job, job);
      if (waiting === null) return;
      const isOver = systemClock.monotonicMs() > untilMs;
      assert.ok(!isOver && waiting.isRunning, waiting.what);
      await systemClock.sleep(2);
    }
  }

  async #end(): Promise<void> {
    if (this.#job !== null) await this.#sql(`STOP ROUTINE LOAD FOR ${DATABASE}.${this.#job}`);
    const checked = await this.#sql(`CHECK TABLE ${this.name} EXTENDED`);
    assert.equal(checked.at(-1)?.[3], 'OK', JSON.stringify(checked));
    await this.#assertObjects();
    if (await this.#theatre.passDays()) await this.#checkDaysLater();
    await this.#sql(`DROP TABLE ${this.name} FORCE`);
    await this.#theatre.forget(DATABASE, this.#table);
  }

  /** What is there is what versions name, once it was swept; a compaction beside may give up after a sweep looked. */
  async #assertObjects(): Promise<void> {
    let wrong: readonly string[] = [];
    for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
      await this.#sql('ADMIN SWEEP');
      wrong = await this.#theatre.wrongObjects(DATABASE, this.#table);
      if (wrong.length === 0) return;
    }
    assert.deepEqual(wrong, []);
  }

  /** Only the newest version is left, and its objects. */
  async #checkDaysLater(): Promise<void> {
    await this.#assertObjects();
    assert.deepEqual(await this.#read(), shownRows(this.state), 'days later');
    const [first] = this.versions;
    const head = await this.#theatre.head(DATABASE, this.#table);
    if (first === undefined || first.version === head) return;
    await assert.rejects(
      this.#read(undefined, ` FOR VERSION AS OF ${first.version}`),
      /no version/,
    );
  }

  // -- what steps are

  #workOf(step: Step): Work | null {
    switch (step.kind) {
      case 'load':
        return this.#load(step.messages, step.beside);
      case 'refused':
        return this.#work({
          sql: `INSERT INTO ${this.name} (k, p, v) VALUES (1, NULL, 1)`,
          change: (state) => state,
          refusal: /./,
        });
      case 'both':
        return this.#both(step.one, step.other);
      case 'compact':
        return this.#compact(step.mask, step.beside);
      case 'travel':
        return this.#travel(step.at);
      case 'drop_recover':
        return this.#dropRecover();
      default: {
        const said = this.#statements.of(step);
        return said === null ? null : this.#work(said);
      }
    }
  }

  get name(): string {
    return `${DATABASE}.${this.#table}`;
  }

  #work({ sql, change, or, refusal }: Said): Work {
    const next = change(this.state);
    return {
      run: () => this.#say(sql),
      after: or === undefined ? [next] : [next, or(this.state)],
      seen: [next],
      ...(refusal === undefined ? {} : { refusal }),
    };
  }

  async #say(sql: string, connection?: Connection): Promise<void> {
    this.said.push(`${sql};`);
    if (connection === undefined) await this.#sql(sql);
    else await connection.query(sql);
  }

  /** Two statements at once: one after the other, in either order. */
  #both(first: RowStatement, second: RowStatement): Work | null {
    const [one, other] = [this.#statements.rowChange(first), this.#statements.rowChange(second)];
    // INSERT of a query reads what was before both.
    if (one === null || other === null) return null;
    if ([first, second].some(({ kind }) => kind === 'insert_select')) return null;
    const ends = [other.change(one.change(this.state)), one.change(other.change(this.state))];
    const alone = [one.change(this.state), other.change(this.state)];
    return {
      run: async () => {
        const connection = await this.#theatre.connect();
        try {
          await allDone([this.#say(one.sql), this.#say(other.sql, connection)]);
        } finally {
          connection.destroy();
        }
      },
      after: ends,
      seen: [...alone, ...ends],
      broken: alone,
      isMixed: true,
    };
  }

  #compact(mask: number, besideStep: Statement | null): Work {
    const beside = besideStep === null ? null : this.#statements.of(besideStep);
    const compact = async (): Promise<void> => {
      this.said.push(`-- compact ${mask}`);
      await this.#theatre.compact(DATABASE, this.#table, mask);
    };
    if (beside === null) return { run: compact, after: [this.state], seen: [] };
    const next = beside.change(this.state);
    return {
      run: () => allDone([compact(), this.#say(beside.sql)]),
      after: beside.or === undefined ? [next] : [next, beside.or(this.state)],
      seen: [next],
      ...(beside.refusal === undefined ? {} : { refusal: beside.refusal }),
    };
  }

  #travel(at: number): Work | null {
    const chosen = this.versions[at % this.versions.length];
    if (chosen === undefined) return null;
    const run = async (): Promise<void> => {
      this.said.push(`-- read version ${chosen.version}`);
      const shown = await this.#read(undefined, ` FOR VERSION AS OF ${chosen.version}`);
      assert.deepEqual(shown, shownRows(chosen.state));
    };
    return { run, after: [this.state], seen: [] };
  }

  #dropRecover(): Work {
    const table = `${this.name}`;
    const run = async (): Promise<void> => {
      this.said.push('-- drop and recover');
      await this.#sql(`DROP TABLE ${table}`);
      // A load of a table that is dropped is over.
      this.#job = null;
      await this.#sql(`RECOVER TABLE ${table}`);
    };
    const repair = async (): Promise<void> => {
      await this.#sql(`RECOVER TABLE ${table}`).catch((error: unknown) => {
        // It was not dropped, or it was recovered.
        assert.match(String(error), /already exists|There is no dropped table/i);
      });
      if (this.#job === null) return;
      const waiting = await this.#theatre.waiting(DATABASE, this.#job, this.#job);
      const [[state] = []] = await this.#sql(
        `SELECT STATE FROM information_schema.routine_load_jobs WHERE NAME = '${this.#job}'`,
      );
      if (waiting?.isRunning === false || state === 'CANCELLED') this.#job = null;
    };
    return { run, after: [this.state], seen: [], repair };
  }

  #load(data: readonly MessageData[], besideStep: Statement | null): Work | null {
    const messages = data.flatMap((one) => {
      const p = this.#statements.place(one.p);
      return p === null ? [] : [{ ...one, p }];
    });
    if (messages.length === 0) return null;
    const isKeyed = this.model === 'PRIMARY';
    const isMerged = isKeyed && this.history.isMerged;
    const rule = {
      isPartial: isKeyed && this.history.isPartial,
      mergeBy: isMerged ? V : null,
    };
    const deletes = isKeyed && !isMerged;
    const operations = messages.map(
      ({ k, p, v, isDelete }): Operation => ({
        k,
        p,
        given: new Map([[V, String(v)]]),
        isDelete: deletes && isDelete,
      }),
    );
    const beside = besideStep === null ? null : this.#statements.of(besideStep);
    const load = (from: number, to: number): Change =>
      batch(this.model, operations.slice(from, to), rule);
    const changes = beside === null ? [] : [beside.change, ...(beside.or ? [beside.or] : [])];
    const orders = changes.flatMap((change) =>
      operations.map((_, index) =>
        load(index, operations.length)(change(load(0, index)(this.state))),
      ),
    );
    const all = load(0, operations.length)(this.state);
    const ends = operations.map((_, index) => index + 1);
    const prefixes = ends.map((end) => load(0, end)(this.state));
    // The statement at any point, and the load by then as far as it likes.
    const mixed = [0, ...ends].flatMap((from) =>
      [0, ...ends].flatMap((to) =>
        beside === null || to < from
          ? []
          : [load(from, to)(beside.change(load(0, from)(this.state)))],
      ),
    );
    return {
      run: async () => {
        const topic = await this.#topicOfJob(deletes);
        const texts = operations.map(({ k, p, given, isDelete }) =>
          JSON.stringify({
            k,
            p,
            v: Number(given.get(V)),
            ...(deletes ? { __op: isDelete ? 1 : 0 } : {}),
          }),
        );
        this.said.push(`-- load ${texts.join(' ')}`);
        await this.#theatre.produce(topic, texts);
        if (beside !== null) await this.#say(beside.sql);
        await this.#settle();
      },
      after: beside === null ? [all] : [...orders, ...changes.map((change) => change(all))],
      broken: [all],
      ...(beside?.refusal === undefined ? {} : { refusal: beside.refusal }),
      seen: [...prefixes, ...mixed],
      isMixed: beside !== null,
    };
  }

  /** The topic of the table's job, which is made when it is first needed. */
  async #topicOfJob(deletes: boolean): Promise<string> {
    if (this.#job !== null) return this.#job;
    this.#jobs += 1;
    const name = `${this.#table}_j${this.#jobs}`;
    await this.#theatre.makeTopic(name);
    const { isPartial, isMerged } = this.history;
    const isKeyed = this.model === 'PRIMARY';
    const properties = [
      '"format" = "json"',
      ...(isKeyed && isPartial ? ['"partial_update" = "true"'] : []),
      ...(isKeyed && isMerged ? ['"merge_condition" = "v"'] : []),
    ];
    const sql = `CREATE ROUTINE LOAD ${DATABASE}.${name} ON ${this.#table} COLUMNS (k, p, v${deletes ? ', __op' : ''}) PROPERTIES (${properties.join(', ')}) FROM KAFKA ("kafka_broker_list" = "${this.#theatre.kafka}", "kafka_topic" = "${name}", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`;
    this.said.push(`${sql};`);
    await this.#sql(sql);
    this.#job = name;
    return name;
  }
}

/** Waits for all, whatever becomes of them; throws what the first of them failed with. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(work)) {
    if (one.status === 'rejected') throw one.reason;
  }
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}

function samePlaces({ partitions }: State, places: readonly string[]): boolean {
  return same([...(partitions?.keys() ?? [])].map((p) => `p${p}`).toSorted(), places);
}
