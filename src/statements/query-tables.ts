// The tables of a query: views are put in, then everything that is left comes from ONE metadata read, so
// that the query sees one version of all of it. Depth and number of views are bounded.
import { AppError, fail } from '../base/errors.ts';
import type { ViewRecord } from '../catalog/views.ts';
import { pointKey, type TablePoint } from '../model/table-point.ts';
import type {
  InlineTableSource,
  QueryCatalog,
  QueryContext,
  QueryTable,
  TableRef,
} from '../query/catalog.ts';
import { collectTableRefs } from '../query/collect-table-refs.ts';
import { planQuery } from '../query/plan-query.ts';
import { replaceTables } from '../query/replace-tables.ts';
import type { DerivedTable, Query, TableReference } from '../sql/ast/query.ts';
import { parseStatement } from '../sql/parse.ts';
import { databaseOrCurrent } from './databases.ts';
import { checkDemandedFilters } from './demanded-filter.ts';
import {
  demandedFilter,
  isSystemDatabase,
  systemTable,
  systemViewSql,
} from './information-schema/system-databases.ts';
import { queryRequirements } from './privileges.ts';
import { temporarySession } from './temporary.ts';
import { type Evaluate, longestQueryMs, withPoints } from './time-travel.ts';
import type { StatementContext } from './types.ts';
import { variableText } from './variables.ts';
import { viewQuery } from './view-query.ts';
import { type Visibility, visibilityOf } from './visibility.ts';
import { wantedOfTable } from './wanted.ts';

/** How deep views may name views. */
export const MAX_VIEW_DEPTH = 16;

export interface ResolvedQuery {
  readonly query: Query;
  readonly catalog: QueryCatalog;
  /** Every view that was put in, the outermost first. */
  readonly views: readonly ViewRecord[];
  /** How deep they name each other; 0 without views. */
  readonly depth: number;
  /** The longest that the query may run. */
  readonly longestMs: number;
}

/** A query of constants has this. */
export const NO_TABLES: QueryCatalog = { hasDatabase: () => false, table: () => undefined };

/**
 * Throws NO_DATABASE, LIMIT_EXCEEDED for views nested too deep, NOT_AUTHORIZED for a view with SECURITY INVOKER,
 * UNKNOWN_VERSION, NO_VERSION_THEN. `evaluate` is for the points of time travel.
 */
export async function resolveTables(
  statement: Query,
  context: StatementContext,
  evaluate: Evaluate,
): Promise<ResolvedQuery> {
  const { session, services } = context;
  const timeZone = variableText('time_zone', 'session', session, services.globals) ?? 'UTC';
  const views: ViewRecord[] = [];
  let query = statement;
  for (let depth = 0; ; depth += 1) {
    query = await withPoints(await withSystemViews(query, context), evaluate, timeZone);
    const found = await readTables(query, context);
    if (found.views.size === 0) return { query, ...found, views, depth };
    checkViewDepth(depth + 1);
    const queries = new Map<string, Query>();
    for (const [key, view] of found.views) {
      const own = viewQuery(view);
      if (view.security === 'INVOKER') {
        await services.access.check(session.principal, queryRequirements(own, session));
      }
      queries.set(key, own);
      views.push(view);
    }
    query = replaceTables(query, (table) => {
      const key = keyOf(table.name.database ?? session.database, table.name.name);
      const view = found.views.get(key);
      const own = queries.get(key);
      if (view === undefined || own === undefined) return undefined;
      if (table.asOf !== undefined) {
        throw fail('NOT_SUPPORTED', {
          what: `FOR ${table.asOf.unit} AS OF behind the view ${view.name}`,
          hint: 'put it behind the tables in a query of your own',
        });
      }
      return derived(table, view, own);
    });
  }
}

/** Throws LIMIT_EXCEEDED for views nested too deep. */
export function checkViewDepth(depth: number): void {
  if (depth <= MAX_VIEW_DEPTH) return;
  throw fail('LIMIT_EXCEEDED', {
    what: 'the depth of views in views',
    actual: depth,
    limit: MAX_VIEW_DEPTH,
    hint: 'put the queries of some into those that name them',
  });
}

function derived(table: TableReference, view: ViewRecord, query: Query): DerivedTable {
  const { pos } = table;
  const names = view.columns.map(({ name }) => ({ pos, name }));
  return {
    kind: 'derived_table',
    pos,
    query,
    alias: table.alias ?? view.name,
    columnAliases: table.columnAliases.length > 0 ? table.columnAliases : names,
    ...(table.alias === null ? { viewDatabase: view.databaseName } : {}),
  };
}

function keyOf(database: string | null, name: string): string {
  return `${database ?? ''}\0${name}`;
}

/**
 * Runs `work`; where it fails over views, and one of them alone fails too, that view is named.
 * Throws VIEW_INVALID, else what `work` throws.
 */
export function blamingViews<T>(
  views: readonly ViewRecord[],
  over: QueryContext,
  work: (over: QueryContext) => T,
): T {
  try {
    return work(over);
  } catch (error) {
    const isUser = error instanceof AppError && error.kind === 'user';
    if (!isUser) throw error;
    // The innermost broken one is to blame.
    for (const view of views.toReversed()) checkAlone(view, over);
    throw error;
  }
}

function checkAlone(view: ViewRecord, over: QueryContext): void {
  const query = viewQuery(view);
  // A view over views is checked through those.
  const known = collectTableRefs(query).every(
    ({ database, name }) => over.catalog.table(database ?? '', name) !== undefined,
  );
  try {
    planQuery(query, view.definition, over);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (!known && error.code !== 'UNKNOWN_TABLE' && error.code !== 'UNKNOWN_DATABASE') return;
    const name = `${view.databaseName}.${view.name}`;
    throw fail('VIEW_INVALID', { view: name, detail: error.message }, error);
  }
}

interface FoundTables {
  readonly catalog: QueryCatalog;
  /** Views by database and name. */
  readonly views: ReadonlyMap<string, ViewRecord>;
  readonly longestMs: number;
}

/** Everything that the query names, from one metadata read. */
async function readTables(
  query: Query,
  { session, services }: StatementContext,
): Promise<FoundTables> {
  const named = collectTableRefs(query).map((ref) => ({
    database: databaseOrCurrent(ref.database, session),
    name: ref.name,
    ...(ref.at === undefined ? {} : { at: ref.at }),
  }));
  const inline = new Map<string, InlineTableSource>();
  for (const { database, name } of named.filter((entry) => isSystemDatabase(entry.database))) {
    const wanted = wantedOfTable(
      query,
      (other) =>
        other.name.toLowerCase() === name.toLowerCase() &&
        databaseOrCurrent(other.database, session).toLowerCase() === database.toLowerCase(),
    );
    const table = await systemTable(database, name, { session, services }, wanted);
    if (table !== undefined) inline.set(`${database}.${name}`.toLowerCase(), table);
  }
  const sessionId = temporarySession(session, services);
  const snapshot = await services.catalog.snapshot(
    named.map(({ database, name, ...at }) => ({
      databaseName: database,
      tableName: name,
      sessionId,
      ...at,
    })),
  );
  const stored = new Map<string, QueryTable>();
  snapshot.tables.forEach((entry, index) => {
    const ref = named[index];
    if (entry === null || ref === undefined) return;
    if (session.explicit.transaction?.written.has(entry.table.id) === true) {
      throw fail('TRANSACTION_WRITTEN', { table: entry.table.name });
    }
    const used = new Set(entry.files.map((file) => file.volumeId));
    stored.set(storedKey(ref.database, ref.name, ref.at), {
      kind: 'stored',
      info: entry.table,
      version: entry.version,
      files: entry.files,
      ...(entry.table.partitioning === undefined ? {} : { partitions: entry.partitions }),
      volumes: snapshot.volumes.filter((volume) => used.has(volume.id)),
    });
  });
  const views = snapshot.views.flatMap((view): [string, ViewRecord][] =>
    view === null ? [] : [[keyOf(view.databaseName, view.name), view]],
  );
  return {
    views: new Map(views),
    catalog: {
      hasDatabase: (database) => snapshot.databaseNames.has(database) || isSystemDatabase(database),
      table: (database, name, at) =>
        isSystemDatabase(database)
          ? inline.get(`${database}.${name}`.toLowerCase())
          : stored.get(storedKey(database, name, at)),
    },
    longestMs: longestQueryMs(
      snapshot.tables.flatMap((entry, index) =>
        entry === null ? [] : [{ info: entry.table, travels: named[index]?.at !== undefined }],
      ),
      services.config,
    ),
  };
}

function storedKey(database: string, name: string, at: TablePoint | undefined): string {
  return `${pointKey(at)}\0${database}.${name}`;
}

/** Puts in the SELECT of system views over stored tables. Throws FILTER_DEMANDED. */
async function withSystemViews(query: Query, context: StatementContext): Promise<Query> {
  if (!collectTableRefs(query).some((ref) => isSqlView(ref, context))) return query;
  const visible = await visibilityOf(context);
  const demands = new Map<TableReference, readonly string[]>();
  const replaced = replaceTables(query, (table) => {
    const columns = demandedFilter(
      table.name.database ?? context.session.database ?? '',
      table.name.name,
    );
    if (columns !== null) demands.set(table, columns);
    return systemViewOf(table, context, visible);
  });
  checkDemandedFilters(query, demands);
  return replaced;
}

function isSqlView({ database, name }: TableRef, { session }: StatementContext): boolean {
  const place = database ?? session.database;
  return place !== null && systemViewSql(place, name, { loads: 'ALL' }) !== undefined;
}

function systemViewOf(
  node: TableReference,
  { session }: StatementContext,
  visible: Visibility,
): DerivedTable | undefined {
  const database = node.name.database ?? session.database;
  if (database === null) return undefined;
  const sql = systemViewSql(database, node.name.name, visible);
  if (sql === undefined) return undefined;
  const parsed = parseStatement(sql);
  if (parsed.kind !== 'query') return undefined;
  return {
    kind: 'derived_table',
    pos: node.pos,
    query: parsed,
    alias: node.alias ?? node.name.name,
    columnAliases: node.columnAliases,
  };
}
