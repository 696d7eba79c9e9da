// A table in memory, as simple as can be: what rows statements and loads leave in a table of each model. States are
// values: each change gives a new one. Texts are what the wire shows.

export type KeysModel = 'DUPLICATE' | 'PRIMARY' | 'UNIQUE' | 'AGGREGATE';
export type Value = string | null;

export interface ModelColumn {
  /** Never used again: a column that is renamed keeps it. */
  readonly id: number;
  readonly name: string;
  readonly type: string;
  /** What rows hold that were there before the column, and what rows get that do not give it. */
  readonly initial: Value;
}

export interface ModelRow {
  readonly k: number;
  readonly p: number;
  /** By id of the column; what is not in it is the column's initial value. */
  readonly values: ReadonlyMap<number, Value>;
}

export interface State {
  /** Beside k and p. */
  readonly columns: readonly ModelColumn[];
  readonly rows: readonly ModelRow[];
  /** Which partition holds a value of p, by a number that a partition made anew does not share; null: no partitions. */
  readonly partitions: ReadonlyMap<number, number> | null;
}

export type Change = (state: State) => State;

/** What a row of a batch does to the row of its key. */
export interface Operation {
  readonly k: number;
  readonly p: number;
  /** By id of the column. */
  readonly given: ReadonlyMap<number, Value>;
  readonly isDelete: boolean;
}

export const V = 1;
export const S = 2;

const sameKey = (one: { k: number; p: number }, other: { k: number; p: number }): boolean =>
  one.k === other.k && one.p === other.p;

export interface BatchRule {
  /** Columns that are not given keep their value. */
  readonly isPartial: boolean;
  /** Only rows whose value of this column is not smaller than the old one's. */
  readonly mergeBy: number | null;
}

/** A batch, row by row. */
export function batch(model: KeysModel, operations: readonly Operation[], rule: BatchRule): Change {
  return (state) => {
    let { rows } = state;
    for (const operation of operations) rows = applied(model, state, rows, operation, rule);
    return { ...state, rows };
  };
}

function applied(
  model: KeysModel,
  { columns }: State,
  rows: readonly ModelRow[],
  { k, p, given, isDelete }: Operation,
  { isPartial, mergeBy }: BatchRule,
): readonly ModelRow[] {
  const old = model === 'DUPLICATE' ? undefined : rows.find((row) => sameKey(row, { k, p }));
  const others = old === undefined ? rows : rows.filter((row) => row !== old);
  if (isDelete) return others;
  const values = new Map<number, Value>();
  for (const { id, initial } of columns) {
    const before = old === undefined ? initial : (old.values.get(id) ?? null);
    const now = given.has(id) ? (given.get(id) ?? null) : initial;
    if (model === 'AGGREGATE' && id === V)
      values.set(id, sum(old === undefined ? null : before, now));
    else if (model === 'PRIMARY' && isPartial && !given.has(id)) values.set(id, before);
    else values.set(id, now);
  }
  if (old !== undefined && mergeBy !== null) {
    const [before, now] = [old.values.get(mergeBy) ?? null, values.get(mergeBy) ?? null];
    if (before !== null && (now === null || Number(now) < Number(before))) return rows;
  }
  return [...others, { k, p, values }];
}

function sum(a: Value, b: Value): Value {
  if (a === null) return b;
  return b === null ? a : String(Number(a) + Number(b));
}

export const remove =
  (test: (row: ModelRow) => boolean): Change =>
  (state) => ({ ...state, rows: state.rows.filter((row) => !test(row)) });

export const update =
  (test: (row: ModelRow) => boolean, id: number, value: (row: ModelRow) => Value): Change =>
  (state) => ({
    ...state,
    rows: state.rows.map((row) =>
      test(row) ? { ...row, values: new Map([...row.values, [id, value(row)]]) } : row,
    ),
  });

export const addColumn =
  (column: ModelColumn): Change =>
  ({ columns, rows, partitions }) => ({
    columns: [...columns, column],
    rows: rows.map((row) => ({
      ...row,
      values: new Map([...row.values, [column.id, column.initial]]),
    })),
    partitions,
  });

export const changeColumn =
  (id: number, change: Partial<ModelColumn> | null): Change =>
  (state) => ({
    ...state,
    columns: state.columns.flatMap((column) => {
      if (column.id !== id) return [column];
      return change === null ? [] : [{ ...column, ...change }];
    }),
  });

/** The rows of another state under the columns of this one. */
export const goBack =
  (then: State): Change =>
  (state) => ({
    columns: state.columns,
    rows: then.rows.map((row) => ({
      ...row,
      values: new Map(
        state.columns.map(({ id, initial }) => [
          id,
          row.values.has(id) ? (row.values.get(id) ?? null) : initial,
        ]),
      ),
    })),
    partitions:
      state.partitions === null ? null : new Map([...(then.partitions ?? []), ...state.partitions]),
  });

/** The rows as `SELECT k, p, <columns>` gives them, as one text each, sorted. */
export function shownRows({ columns, rows }: State): readonly string[] {
  return rows
    .map(({ k, p, values }) =>
      shownRow([String(k), String(p), ...columns.map(({ id }) => values.get(id) ?? null)]),
    )
    .toSorted();
}

export const shownRow = (row: readonly Value[]): string => JSON.stringify(row);
