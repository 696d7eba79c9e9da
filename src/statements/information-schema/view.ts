// Shape of a system view (information_schema, sys): its columns, and where its rows come from.
import { assert } from '../../base/assert.ts';
import type { SqlType } from '../../model/sql-type.ts';
import type { Services, Session } from '../types.ts';
import type { Visibility } from '../visibility.ts';
import type { WantedColumns } from '../wanted.ts';

export type Cell = string | number | bigint | boolean | null;

export interface ViewColumn {
  readonly name: string;
  readonly type: SqlType;
}

/** A system view by its place. */
export interface SystemTable {
  readonly database: string;
  readonly name: string;
  readonly columns: readonly ViewColumn[];
}

/** What rows are made from. Asked anew for every statement. */
export interface ViewContext {
  readonly session: Session;
  readonly services: Services;
  readonly visible: Visibility;
  /** The system views themselves, which list each other. */
  readonly system: readonly SystemTable[];
  /** `yyyy-MM-dd HH:mm:ss` in the session's time zone; null stays null. */
  readonly time: (atMs: number | null) => string | null;
  /** A text of `time` back: milliseconds since the epoch; null for any other text. */
  readonly atMs: (text: string) => number | null;
  /** What the statement asks of the rows: a view that shows only the newest ones looks up older ones by it. */
  readonly wanted: WantedColumns;
}

/** One row by column name; a column that is left out is NULL. */
export type ViewRow = Readonly<Record<string, Cell>>;

/** A SELECT without WHERE. */
export interface ViewQuery {
  readonly sql: string;
  /** Columns that say into which table a row's load goes: only those of visible loads are shown. */
  readonly loadOf: { readonly database: string; readonly table: string };
  /** Columns in lower case: a SELECT must filter by one of them. */
  readonly filteredBy?: readonly string[];
}

export interface SystemView {
  readonly columns: readonly ViewColumn[];
  /** One line for docs/reference/information-schema.md. */
  readonly doc: string;
  /** The rows of this moment, a SELECT over stored tables, or `'none'`: nothing of the kind exists here. */
  readonly rows: ((context: ViewContext) => Promise<readonly ViewRow[]>) | ViewQuery | 'none';
}

/** Views by lower-case name. */
export type ViewTable = Readonly<Record<string, SystemView>>;

const TYPES: Readonly<Record<string, SqlType>> = {
  text: { kind: 'VARCHAR', length: 65533 },
  long: { kind: 'BIGINT' },
  int: { kind: 'INT' },
  double: { kind: 'DOUBLE' },
  bool: { kind: 'BOOLEAN' },
  time: { kind: 'DATETIME' },
};

function typeOf(word: string): SqlType {
  const known = TYPES[word];
  if (known !== undefined) return known;
  const length = /^v(\d+)$/.exec(word)?.[1];
  assert(length !== undefined, `the column type '${word}' is known`);
  return { kind: 'VARCHAR', length: Number(length) };
}

/**
 * Columns from lines of `type NAME NAME ...`, where a type is text, long, int, double, bool, time or v64
 * (VARCHAR(64)): `long ID, v64 NAME LABEL`.
 */
export function viewColumns(lines: string): readonly ViewColumn[] {
  return lines.split(',').flatMap((line) => {
    const [word = '', ...names] = line.trim().split(/\s+/);
    const type = typeOf(word);
    return names.map((name) => ({ name, type }));
  });
}

/** Cells in the order of the columns. A name that is no column is a bug. */
export function cellsOf(columns: readonly ViewColumn[], row: ViewRow): (string | null)[] {
  let used = 0;
  const cells = columns.map(({ name }) => {
    const cell = row[name];
    if (cell === undefined) return null;
    used += 1;
    return cell === null ? null : String(cell);
  });
  assert(
    used === Object.keys(row).length,
    `a row has only columns: ${Object.keys(row).join(', ')}`,
  );
  return cells;
}
