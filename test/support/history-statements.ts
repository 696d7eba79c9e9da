// The statements of histories: their SQL, and what they make of a state of the model.
import type { History, RowData, RowStatement, Statement, Where } from './history.ts';
import {
  addColumn,
  batch,
  type Change,
  changeColumn,
  goBack,
  type KeysModel,
  type ModelRow,
  type Operation,
  remove,
  S,
  type State,
  update,
  V,
  type Value,
} from './table-model.ts';

/** A statement and what it makes of a state. */
export interface Said {
  readonly sql: string;
  readonly change: Change;
  /** What it may make of a state as well: it depends on what came first while an earlier step went on. */
  readonly or?: Change;
  /** What a refusal says that is no mistake. */
  readonly refusal?: RegExp;
}

/** What the table is while a history is played. */
export interface Played {
  /** With its database. */
  readonly name: string;
  readonly model: KeysModel;
  readonly history: History;
  readonly state: State;
  readonly versions: readonly KnownVersion[];
}

/** A version of which is known what it holds. */
export interface KnownVersion {
  readonly version: number;
  /** What it was last: partitions come without a version of their own. */
  readonly state: State;
  /** Partitions that came while the next version was made, maybe before it. */
  readonly maybe: ReadonlyMap<number, number>;
}

export class HistoryStatements {
  readonly #played: Played;
  #columns = S;
  #places = 0;

  constructor(played: Played) {
    this.#played = played;
  }

  /** A number for a partition that is made now. */
  newPlace(): number {
    this.#places += 1;
    return this.#places;
  }

  get #name(): string {
    return this.#played.name;
  }

  get #state(): State {
    return this.#played.state;
  }

  get #model(): KeysModel {
    return this.#played.model;
  }

  /** Null where there is nothing to do: no such partition or column, or not in this model. */
  of(step: Statement): Said | null {
    switch (step.kind) {
      case 'overwrite': {
        const rows = this.#placed(step.rows);
        if (rows.length === 0) return null;
        const change: Change = (state) => this.#batch(rows, ['v', 's'])({ ...state, rows: [] });
        return { sql: `INSERT OVERWRITE ${this.#values(rows)}`, change };
      }
      case 'overwrite_place': {
        const p = this.place(step.p);
        if (this.#state.partitions === null || p === null) return null;
        const rows = step.rows.map((row) => ({ ...row, p }));
        return {
          sql: `INSERT OVERWRITE ${this.#name} PARTITION (p${p}) (k, p, v, s) VALUES ${this.#tuples(rows)}`,
          change: (state) => this.#batch(rows, ['v', 's'])(remove((row) => row.p === p)(state)),
        };
      }
      case 'truncate':
        return {
          sql: `TRUNCATE TABLE ${this.#name}`,
          change: (state) => ({ ...state, rows: [] }),
        };
      case 'truncate_place':
      case 'add_place':
      case 'drop_place':
        return this.#placeChange(step);
      case 'add_column':
      case 'drop_column':
      case 'rename_column':
      case 'widen':
        return this.#columnChange(step);
      case 'alter_compact':
        return { sql: `ALTER TABLE ${this.#name} COMPACT`, change: (state) => state };
      case 'rollback':
        return this.#rollback(step.at);
      default:
        return this.rowChange(step);
    }
  }

  rowChange(step: RowStatement): Said | null {
    const table = this.#name;
    switch (step.kind) {
      case 'insert': {
        const rows = this.#placed(step.rows);
        if (rows.length === 0) return null;
        return { sql: `INSERT INTO ${this.#values(rows)}`, change: this.#batch(rows, ['v', 's']) };
      }
      case 'insert_some': {
        const rows = this.#placed(step.rows);
        if (rows.length === 0) return null;
        const tuples = rows.map(({ k, p, v }) => `(${k}, ${p}, ${v ?? 'NULL'})`).join(', ');
        return {
          sql: `INSERT INTO ${table} (k, p, v) VALUES ${tuples}`,
          change: this.#batch(rows, ['v'], true),
        };
      }
      case 'insert_ops': {
        const rows = this.#placed(step.rows);
        if (this.#model !== 'PRIMARY' || rows.length === 0) return null;
        const isDelete = (index: number): boolean => (step.deleted & (1 << index)) !== 0;
        const tuples = rows.map(
          ({ k, p, v, s }, index) =>
            `(${k}, ${p}, ${v ?? 'NULL'}, ${quoted(s)}, ${isDelete(index) ? 1 : 0})`,
        );
        const operations = rows.map((row, index) => ({
          ...operationOf(row, ['v', 's']),
          isDelete: isDelete(index),
        }));
        return {
          sql: `INSERT INTO ${table} (k, p, v, s, __op) VALUES ${tuples.join(', ')}`,
          change: batch('PRIMARY', operations, { isPartial: true, mergeBy: null }),
        };
      }
      case 'insert_select': {
        const change: Change = (state) => {
          const chosen = state.rows.filter(({ k }) => k === step.k);
          const operations = chosen.map(({ k, p, values }) => {
            const v = values.get(V) ?? null;
            const given = new Map<number, Value>([
              [V, v === null ? null : String(Number(v) + 1)],
              [S, values.get(S) ?? null],
            ]);
            return { k, p, given, isDelete: false };
          });
          return batch(this.#model, operations, { isPartial: true, mergeBy: null })(state);
        };
        return {
          sql: `INSERT INTO ${table} (k, p, v, s) SELECT k, p, v + 1, s FROM ${table} WHERE k = ${step.k}`,
          change,
        };
      }
      case 'update_add': {
        if (this.#model === 'AGGREGATE') return null;
        const { sql, test } = whereOf(step.where);
        const change = update(test, V, ({ values }) => {
          const v = values.get(V) ?? null;
          return v === null ? null : String(Number(v) + step.n);
        });
        return { sql: `UPDATE ${table} SET v = v + ${step.n} WHERE ${sql}`, change };
      }
      case 'update_text': {
        if (this.#model === 'AGGREGATE') return null;
        const { sql, test } = whereOf(step.where);
        const change = update(test, S, () => step.s);
        return { sql: `UPDATE ${table} SET s = ${quoted(step.s)} WHERE ${sql}`, change };
      }
      case 'delete': {
        const { sql, test } = whereOf(step.where);
        return { sql: `DELETE FROM ${table} WHERE ${sql}`, change: remove(test) };
      }
    }
  }

  /** Rows whose place there is; where partitions are made by rows, all. */
  #placed(rows: readonly RowData[]): readonly RowData[] {
    return rows.flatMap((row) => {
      const p = this.place(row.p);
      return p === null ? [] : [{ ...row, p }];
    });
  }

  /** The partition that a place stands for; null: there is none. */
  place(p: number): number | null {
    const places = [...(this.#state.partitions?.keys() ?? [])];
    if (this.#played.history.partitions !== 'range') return p;
    return places[p % Math.max(1, places.length)] ?? null;
  }

  #tuples(rows: readonly RowData[]): string {
    return rows.map(({ k, p, v, s }) => `(${k}, ${p}, ${v ?? 'NULL'}, ${quoted(s)})`).join(', ');
  }

  #values(rows: readonly RowData[]): string {
    return `${this.#name} (k, p, v, s) VALUES ${this.#tuples(rows)}`;
  }

  #batch(rows: readonly RowData[], names: readonly ('v' | 's')[], isPartial = true): Change {
    const operations = rows.map((row) => ({ ...operationOf(row, names), isDelete: false }));
    return batch(this.#model, operations, { isPartial, mergeBy: null });
  }

  #placeChange(
    step: Extract<Statement, { kind: 'truncate_place' | 'add_place' | 'drop_place' }>,
  ): Said | null {
    const { partitions } = this.#state;
    if (this.#played.history.partitions !== 'range' || partitions === null) return null;
    if (step.kind === 'add_place') {
      const p = [0, 1, 2, 3].find((one) => !partitions.has(one));
      if (p === undefined) return null;
      const made = this.newPlace();
      return {
        sql: `ALTER TABLE ${this.#name} ADD PARTITION p${p} VALUES [("${p}"), ("${p + 1}"))`,
        change: (state) => ({
          ...state,
          partitions: new Map([...(state.partitions ?? []), [p, made]]),
        }),
      };
    }
    const p = this.place(step.p);
    if (p === null) return null;
    const gone = remove((row) => row.p === p);
    if (step.kind === 'truncate_place') {
      return { sql: `TRUNCATE TABLE ${this.#name} PARTITION (p${p})`, change: gone };
    }
    return {
      sql: `ALTER TABLE ${this.#name} DROP PARTITION p${p}`,
      change: (state) => ({
        ...gone(state),
        partitions: new Map([...(state.partitions ?? [])].filter(([one]) => one !== p)),
      }),
    };
  }

  #columnChange(
    step: Extract<Statement, { kind: 'add_column' | 'drop_column' | 'rename_column' | 'widen' }>,
  ): Said | null {
    const alter = `ALTER TABLE ${this.#name}`;
    const [sum, replace] = this.#model === 'AGGREGATE' ? [' SUM', ' REPLACE'] : ['', ''];
    if (step.kind === 'widen') {
      const type = this.#state.columns.find(({ id }) => id === V)?.type;
      if (type !== 'INT') return null;
      const sql = `${alter} MODIFY COLUMN v BIGINT${sum} NULL`;
      return { sql, change: changeColumn(V, { type: 'BIGINT' }) };
    }
    if (step.kind === 'add_column') {
      this.#columns += 1;
      const id = this.#columns;
      const initial = step.initial === null ? null : String(step.initial);
      const type = step.isText ? 'VARCHAR(20)' : 'INT';
      const given = initial === null ? '' : ` DEFAULT "${initial}"`;
      const sql = `${alter} ADD COLUMN c${id} ${type}${replace} NULL${given}`;
      return { sql, change: addColumn({ id, name: `c${id}`, type, initial }) };
    }
    const own = this.#state.columns.filter(({ id }) => id > S);
    const column = own[step.at % Math.max(1, own.length)];
    if (column === undefined) return null;
    if (step.kind === 'drop_column') {
      return {
        sql: `${alter} DROP COLUMN ${column.name}`,
        change: changeColumn(column.id, null),
      };
    }
    const name = `${column.name}r`;
    const sql = `${alter} RENAME COLUMN ${column.name} TO ${name}`;
    return { sql, change: changeColumn(column.id, { name }) };
  }

  #rollback(at: number): Said | null {
    const chosen = this.#played.versions[at % this.#played.versions.length];
    if (chosen === undefined) return null;
    const { version, state: then, maybe } = chosen;
    const all = new Map([...(then.partitions ?? []), ...maybe]);
    const conflicts = [...all].some(([p, made]) => {
      const now = this.#state.partitions?.get(p);
      return now !== undefined && now !== made;
    });
    return {
      sql: `ALTER TABLE ${this.#name} ROLLBACK TO VERSION ${version}`,
      change: goBack(then),
      ...(maybe.size === 0 ? {} : { or: goBack({ ...then, partitions: all }) }),
      ...(conflicts ? { refusal: /p\d/ } : {}),
    };
  }
}

const quoted = (text: string | null): string => (text === null ? 'NULL' : `'${text}'`);

function operationOf(
  { k, p, v, s }: RowData,
  names: readonly ('v' | 's')[],
): Omit<Operation, 'isDelete'> {
  const values = { v: v === null ? null : String(v), s };
  return {
    k,
    p,
    given: new Map(names.map((name) => [name === 'v' ? V : S, values[name]])),
  };
}

function whereOf(where: Where): {
  readonly sql: string;
  readonly test: (row: ModelRow) => boolean;
} {
  switch (where.kind) {
    case 'key':
      return { sql: `k = ${where.k}`, test: ({ k }) => k === where.k };
    case 'upto':
      return { sql: `k <= ${where.k}`, test: ({ k }) => k <= where.k };
    case 'place':
      return { sql: `p = ${where.p}`, test: ({ p }) => p === where.p };
    case 'value':
      return {
        sql: `v > ${where.v}`,
        test: ({ values }) => {
          const v = values.get(V) ?? null;
          return v !== null && Number(v) > where.v;
        },
      };
  }
}
