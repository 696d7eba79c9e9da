// What became of loads, read from their transactions and what these tell of themselves (there is no second table of
// loads): SHOW LOAD, SHOW STREAM LOAD, information_schema.loads and stream_loads. As long as labels are kept.
// SOURCE: StarRocks, shared/reference parts 5, 8, 9; docs, information_schema.loads.
import type { DatabaseId, TableId } from '../../base/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { TransactionChannel } from '../../catalog/transaction-channels.ts';
import {
  type LoadKind,
  type Range,
  readOutcome,
  type TransactionOutcome,
  type TransactionRecord,
  type TransactionState,
  type Transactions,
} from '../../catalog/transactions.ts';
import type { LoadFacts } from '../../model/load-facts.ts';
import type { TableInfo } from '../../model/table.ts';
import type { Wanted } from '../wanted.ts';
import type { ViewContext } from './view.ts';

/** Most loads of one kind in one list, the newest, and as many older ones of what is asked for. */
const LOADS_LIMIT = 2_000;

/** As StarRocks spells them. */
export type LoadState = 'LOADING' | 'PREPARED' | 'COMMITED' | 'FINISHED' | 'CANCELLED';

const STATES: Readonly<Record<TransactionState, LoadState>> = {
  PREPARE: 'LOADING',
  PREPARED: 'PREPARED',
  COMMITTED: 'COMMITED',
  VISIBLE: 'FINISHED',
  ABORTED: 'CANCELLED',
};

/** What a load read and what became of it. */
export interface LoadNumbers {
  /** Rows of the body, the messages or the query. */
  readonly scanRows: number;
  readonly loadedRows: number;
  readonly filteredRows: number;
  readonly unselectedRows: number;
  /** Of the body or the messages; null = it read none. */
  readonly scanBytes: number | null;
}

export interface ListedLoad {
  readonly transaction: TransactionRecord;
  readonly kind: LoadKind;
  readonly database: string;
  /** '' when the table is gone; several are parted by commas. */
  readonly table: string;
  readonly type: string;
  readonly state: LoadState;
  /** `type:..; msg:..`; null unless it was cancelled. */
  readonly error: string | null;
  /** Null while it runs, and of one that ended without telling. */
  readonly numbers: LoadNumbers | null;
  readonly facts: LoadFacts | null;
  /** That its loads came by side by side; empty = none. */
  readonly channels: readonly TransactionChannel[];
  /** First few reasons of rejected rows. */
  readonly errorSamples: readonly string[];
  /** Finds the rejected rows, and a link to them; null when there are none. */
  readonly trackingSql: string | null;
  readonly trackingUrl: string | null;
}

/** What a list shows: its kinds of loads, of a database (null = of all), and its name of ids in lower case. */
export interface LoadListing {
  readonly kinds: readonly LoadKind[];
  readonly databaseName: string | null;
  readonly idColumn: string;
  /** Only those that have not ended. */
  readonly running?: boolean;
}

type Listing = Pick<ViewContext, 'services' | 'visible' | 'wanted' | 'atMs'>;
type Filter = Parameters<Transactions['list']>[0];

/**
 * Loads that the session may know of (INSERT on all of their tables), newest first: of each kind the newest 2,000, and the
 * newest 2,000 of those with the labels, ids, databases and times of creation that are asked for.
 */
export async function listedLoads(
  context: Listing,
  { kinds, databaseName, idColumn, running = false }: LoadListing,
): Promise<readonly ListedLoad[]> {
  const { services, visible } = context;
  const { catalog } = services;
  const databases = new Map((await catalog.databases.list()).map(({ id, name }) => [id, name]));
  const tables = new Map((await catalog.tables.all()).map((table) => [table.id, table]));
  const only = idOfName(databases, databaseName);
  if (databaseName !== null && only === undefined) return [];
  const older = olderLoads(context, idColumn, databases);
  const shown: ListedLoad[] = [];
  for (const kind of kindsOf(context, kinds)) {
    // Without a job there is no task to look for among all transactions, which have no index of them.
    if (kind === 'tasks' && (await catalog.loadJobs.list({ all: true })).length === 0) continue;
    const filter: Filter = {
      ...(only === undefined ? {} : { databaseId: only }),
      ...(running ? { running } : {}),
      kind,
      limit: LOADS_LIMIT,
    };
    const found = await newestAndOlder(catalog.transactions, filter, older);
    const loaded = await loadedTables(catalog, found);
    const channelled = found.filter(({ scope }) => scope === 'CLIENT').map(({ id }) => id);
    const channels = await catalog.transactionChannels.ofAll(channelled);
    for (const transaction of found) {
      const database = databases.get(transaction.databaseId);
      const outcome = readOutcome(transaction.attachmentJson);
      const names = tablesOf(transaction, outcome, loaded.get(transaction.id), tables);
      if (database === undefined || !names.every((name) => visible.load(database, name))) continue;
      const own = channels.get(transaction.id) ?? [];
      shown.push({
        ...described(transaction, kind, outcome, services.errorLogUrl),
        ...(own.length === 0 ? {} : { type: 'PARALLEL_STREAM_LOAD' }),
        channels: own,
        database,
        table: names.filter((name) => name !== '').join(','),
      });
    }
  }
  return shown.sort((a, b) => b.transaction.id - a.transaction.id);
}

async function newestAndOlder(
  transactions: Transactions,
  filter: Filter,
  older: Partial<Filter> | null,
): Promise<readonly TransactionRecord[]> {
  const newest = await transactions.list(filter);
  if (newest.length < LOADS_LIMIT || older === null) return newest;
  const known = new Set(newest.map(({ id }) => id));
  const found = await transactions.list({ ...older, ...filter });
  return [...newest, ...found.filter(({ id }) => !known.has(id))];
}

/** What each transaction of several loads has loaded so far, or had when it ended. */
export function loadedTables(
  { transactionLoads }: Pick<Catalog, 'transactionLoads'>,
  transactions: readonly TransactionRecord[],
): ReturnType<Catalog['transactionLoads']['tablesOf']> {
  const several = transactions.filter(({ scope }) => scope !== '');
  return transactionLoads.tablesOf(several.map(({ id }) => id));
}

/** Names of the tables that got rows, '' for one that is gone; of another database is only that of rejected rows. */
function tablesOf(
  { tableId, databaseId }: TransactionRecord,
  { versions }: TransactionOutcome,
  loaded: readonly TableId[] | undefined,
  tables: ReadonlyMap<TableId, Pick<TableInfo, 'name' | 'databaseId'>>,
): readonly string[] {
  const ids = new Set([
    // Of several tables, whose loads tell which.
    ...(tableId === null && loaded !== undefined ? [] : [tableId]),
    ...(loaded ?? []),
    ...versions.map((version) => version.tableId),
  ]);
  return [...ids].flatMap((id) => {
    const table = id === null ? undefined : tables.get(id);
    if (table === undefined) return [''];
    return table.databaseId === databaseId ? [table.name] : [];
  });
}

function described(
  transaction: TransactionRecord,
  kind: LoadKind,
  outcome: TransactionOutcome,
  errorLogUrl: ViewContext['services']['errorLogUrl'],
): Omit<ListedLoad, 'database' | 'table' | 'channels'> {
  const { id, state, reason, jobId } = transaction;
  const numbers = numbersOf(outcome);
  const isTracked = numbers !== null && numbers.filteredRows > 0;
  // A task's rejected rows are found by its own id: its job has those of all its tasks.
  const by = jobId === null ? 'job_id' : 'id';
  return {
    transaction,
    kind,
    type: typeOf(kind, outcome.facts),
    state: STATES[state],
    error: state === 'ABORTED' ? `type:${failureOf(outcome)}; msg:${reason}` : null,
    numbers,
    facts: outcome.facts,
    errorSamples: outcome.facts?.errorSamples ?? outcome.load?.errorSamples ?? [],
    trackingSql: isTracked
      ? `select tracking_log from information_schema.load_tracking_logs where ${by}=${id}`
      : null,
    trackingUrl: isTracked ? errorLogUrl({ kind: 'transaction', id }) : null,
  };
}

function numbersOf({ facts, load }: TransactionOutcome): LoadNumbers | null {
  if (facts !== null) {
    const { rowsLoaded, rowsFiltered, rowsUnselected, bodyBytes, loadType } = facts;
    return {
      scanRows: rowsLoaded + rowsFiltered + rowsUnselected,
      loadedRows: rowsLoaded,
      filteredRows: rowsFiltered,
      unselectedRows: rowsUnselected,
      scanBytes: loadType === 'INSERT' ? null : bodyBytes,
    };
  }
  if (load === null) return null;
  // The WHERE of an INSERT is a part of its query: what that leaves out never was a row of the load.
  const { rowsLoaded, rowsFiltered, rowsUnselected = 0, receivedBytes = null } = load;
  return {
    scanRows: rowsLoaded + rowsFiltered + rowsUnselected,
    loadedRows: rowsLoaded,
    filteredRows: rowsFiltered,
    unselectedRows: rowsUnselected,
    scanBytes: receivedBytes,
  };
}

function typeOf(kind: LoadKind, facts: LoadFacts | null): string {
  switch (kind) {
    case 'inserts':
      return 'INSERT';
    case 'tasks':
      return 'ROUTINE_LOAD';
    case 'bodies':
      return facts?.loadType ?? 'STREAM_LOAD';
  }
}

/** SOURCE: StarRocks docs, SHOW LOAD: kinds of failures. */
function failureOf({ facts, error }: TransactionOutcome): string {
  switch (facts?.errorCode ?? error?.code) {
    case 'INSERT_FILTERED':
    case 'BODY_FILTERED':
    case 'REJECTED_STORE_FULL':
      return 'ETL_QUALITY_UNSATISFIED';
    case 'TIMEOUT':
      return 'TIMEOUT';
    case 'CANCELLED':
    case 'CLIENT_GONE':
      return 'USER_CANCEL';
    default:
      return 'LOAD_RUN_FAIL';
  }
}

function idOfName(
  databases: ReadonlyMap<DatabaseId, string>,
  name: string | null,
): DatabaseId | undefined {
  return [...databases].find(([, known]) => known === name)?.[0];
}

const KIND_OF_TYPE: Readonly<Record<string, LoadKind>> = {
  INSERT: 'inserts',
  STREAM_LOAD: 'bodies',
  TRANSACTION_STREAM_LOAD: 'bodies',
  PARALLEL_STREAM_LOAD: 'bodies',
  ROUTINE_LOAD: 'tasks',
};

/** Kinds that can have a row of the types that are asked for. */
function kindsOf({ wanted }: Listing, kinds: readonly LoadKind[]): readonly LoadKind[] {
  const types = wanted.get('type')?.equals;
  if (types == null) return kinds;
  const asked = types.map((type) => KIND_OF_TYPE[type.toUpperCase()]);
  return kinds.filter((kind) => asked.includes(kind));
}

/** Which loads are asked for, in terms of the metadata; null = no ones in particular. */
function olderLoads(
  { wanted, atMs }: Listing,
  idColumn: string,
  databases: ReadonlyMap<DatabaseId, string>,
): Partial<Filter> | null {
  const [id, label, created, named] = [idColumn, 'label', 'create_time', 'db_name'].map(
    (name) => wanted.get(name) ?? wanted.get(name.replaceAll('_', '')),
  );
  const databaseId = idOfName(
    databases,
    named?.equals?.length === 1 ? (named.equals[0] ?? null) : null,
  );
  const labels = label?.equals;
  const ids = id === undefined ? null : rangeOf(id, idOf);
  const prepareMs = created === undefined ? null : rangeOf(created, atMs);
  if (labels == null && ids === null && prepareMs === null && databaseId === undefined) return null;
  return {
    ...(databaseId === undefined ? {} : { databaseId }),
    ...(labels == null ? {} : { labels }),
    ...(ids === null ? {} : { ids }),
    // Times are shown in whole seconds.
    ...(prepareMs === null
      ? {}
      : {
          prepareMs: { ...prepareMs, high: prepareMs.high === null ? null : prepareMs.high + 999 },
        }),
  };
}

function idOf(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function rangeOf(
  { equals, low, high }: Wanted,
  read: (text: string) => number | null,
): Range | null {
  const values = equals?.map(read) ?? [];
  if (values.length > 0 && values.every((value) => value !== null)) {
    return { low: Math.min(...values), high: Math.max(...values) };
  }
  const range = { low: low === null ? null : read(low), high: high === null ? null : read(high) };
  return range.low === null && range.high === null ? null : range;
}
