// The databases of system views and the views in them: one table. Names are found in any case. Rows are
// made only for the views that a statement names.
import { INFORMATION_SCHEMA, SYS } from '../../catalog/catalog.ts';
import { timeFormatter } from '../../loads/time-zone.ts';
import type { InlineTableSource } from '../../query/catalog.ts';
import { epochOfLocal } from '../../query/time-zone.ts';
import { printString } from '../../sql/print-text.ts';
import type { StatementContext } from '../types.ts';
import { variableText } from '../variables.ts';
import { type Visibility, visibilityOf } from '../visibility.ts';
import { NOTHING_WANTED, type WantedColumns } from '../wanted.ts';
import { ABSENT_VIEWS } from './absent.ts';
import { COLUMN_VIEWS } from './columns.ts';
import { COMPACTION_VIEWS } from './compactions.ts';
import { GRANT_VIEWS, SYS_GRANT_VIEWS } from './grants.ts';
import { KEY_VIEWS } from './keys.ts';
import { LOAD_VIEWS } from './loads.ts';
import { NODE_VIEWS } from './nodes.ts';
import { OBJECT_VIEWS } from './objects.ts';
import { RECYCLE_BIN_VIEWS } from './recycle-bin.ts';
import { SERVER_VIEWS } from './server.ts';
import { SYS_VIEWS } from './sys.ts';
import { TASK_VIEWS } from './tasks.ts';
import {
  cellsOf,
  type SystemView,
  type ViewContext,
  type ViewQuery,
  type ViewTable,
} from './view.ts';

export const SYSTEM_VIEWS: Readonly<Record<string, ViewTable>> = {
  [INFORMATION_SCHEMA]: {
    ...OBJECT_VIEWS,
    ...COLUMN_VIEWS,
    ...KEY_VIEWS,
    ...LOAD_VIEWS,
    ...TASK_VIEWS,
    ...RECYCLE_BIN_VIEWS,
    ...SERVER_VIEWS,
    ...GRANT_VIEWS,
    ...NODE_VIEWS,
    ...COMPACTION_VIEWS,
    ...ABSENT_VIEWS,
  },
  [SYS]: { ...SYS_GRANT_VIEWS, ...SYS_VIEWS },
};

function viewsOf(database: string): ViewTable | undefined {
  const lower = database.toLowerCase();
  return Object.hasOwn(SYSTEM_VIEWS, lower) ? SYSTEM_VIEWS[lower] : undefined;
}

/** Is it a database of system views, in any case? */
export function isSystemDatabase(database: string): boolean {
  return viewsOf(database) !== undefined;
}

/** The view, undefined when there is none of that name. */
export function systemView(database: string, name: string): SystemView | undefined {
  const views = viewsOf(database);
  const lower = name.toLowerCase();
  return views !== undefined && Object.hasOwn(views, lower) ? views[lower] : undefined;
}

/** Names of a database's views in order, empty for other databases. */
export function systemViewNames(database: string): readonly string[] {
  return Object.keys(viewsOf(database) ?? {}).sort();
}

/** The SELECT that a view stands for in a session, undefined when its rows are made by the FE. */
export function systemViewSql(
  database: string,
  name: string,
  visible: Pick<Visibility, 'loads'>,
): string | undefined {
  const rows = systemView(database, name)?.rows;
  if (typeof rows !== 'object') return undefined;
  return seenSql(rows, visible);
}

/** Columns in lower case, by one of which a SELECT of the view must filter; null where all of it is shown. */
export function demandedFilter(database: string, name: string): readonly string[] | null {
  const rows = systemView(database, name)?.rows;
  return typeof rows === 'object' ? (rows.filteredBy ?? null) : null;
}

/** The rows of visible loads. */
function seenSql({ sql, loadOf }: ViewQuery, visible: Pick<Visibility, 'loads'>): string {
  if (visible.loads === 'ALL') return sql;
  if (visible.loads.length === 0) return `${sql} WHERE FALSE`;
  const tables = visible.loads.map((load) => printString(`${load.database}.${load.table}`));
  const isSeen = (table: string): string =>
    `concat(${loadOf.database}, '.', ${table}) IN (${tables.join(', ')})`;
  // Of a job of several tables a row may name them all.
  const isAllSeen = `array_length(array_filter(x -> NOT ${isSeen('x')}, split(${loadOf.table}, ','))) = 0`;
  return `${sql} WHERE ${isSeen(loadOf.table)} OR (${loadOf.table} LIKE '%,%' AND ${isAllSeen})`;
}

const TIME = /^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?$/;

/** What rows of views and lists are made from, for one statement. */
export async function viewContext(
  context: Pick<StatementContext, 'session' | 'services'>,
  wanted: WantedColumns = NOTHING_WANTED,
): Promise<ViewContext> {
  const { session, services } = context;
  const visible = await visibilityOf(context);
  const zone = variableText('time_zone', 'session', session, services.globals) ?? 'Etc/UTC';
  const format = timeFormatter(zone);
  return {
    session,
    services,
    visible,
    system: Object.entries(SYSTEM_VIEWS).flatMap(([database, views]) =>
      visible.database(database)
        ? Object.entries(views).map(([name, { columns }]) => ({ database, name, columns }))
        : [],
    ),
    time: (atMs) => (atMs === null ? null : format(atMs)),
    atMs: (text) => (TIME.test(text) ? epochOfLocal(text, zone) : null),
    wanted,
  };
}

/** The view with its rows of this moment, undefined when there is none whose rows the FE makes. */
export async function systemTable(
  database: string,
  name: string,
  context: Pick<StatementContext, 'session' | 'services'>,
  wanted: WantedColumns = NOTHING_WANTED,
): Promise<InlineTableSource | undefined> {
  const view = systemView(database, name);
  if (view === undefined || typeof view.rows === 'object') return undefined;
  const rows = view.rows === 'none' ? [] : await view.rows(await viewContext(context, wanted));
  return {
    kind: 'inline',
    databaseName: database.toLowerCase(),
    name: name.toLowerCase(),
    columns: view.columns,
    rows: rows.map((row) => cellsOf(view.columns, row)),
  };
}
