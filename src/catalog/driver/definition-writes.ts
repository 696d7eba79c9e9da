// Which statements may change a definition (a database, a table's columns and properties, partitions, volumes, views,
// users): those that commits and loads send again and again do not. What it does not know counts as one that may.

/** Rows of these are history, positions and files. */
const NO_DEFINITIONS: ReadonlySet<string> = new Set([
  'counters',
  'delete_files',
  'file_deletes',
  'files',
  'labels',
  'load_jobs',
  'load_ledger',
  'load_positions',
  'table_turns',
  'table_versions',
  'task_leases',
  'task_runs',
  'transaction_channels',
  'transaction_loads',
  'transactions',
]);

/** Columns of `tables` that say how far a table is, and not what it is. */
const PROGRESS_COLUMNS: ReadonlySet<string> = new Set([
  'head_version',
  'live_bytes',
  'live_files',
  'live_rows',
  'next_auto_id',
  'oldest_ms',
  'oldest_version',
]);

const WRITES = /^(?:insert into|delete from|update|select)\b\s*(?:"(\w+)")?/;
/** Texts whose answer is remembered; there are as many as the code has statements, times their numbers of rows. */
const MAX_TEXTS = 5_000;
const known = new Map<string, boolean>();

/** Of statements as Kysely writes them: lower-case words, quoted names. */
export function mayChangeDefinitions(sql: string): boolean {
  const found = known.get(sql);
  if (found !== undefined) return found;
  if (known.size >= MAX_TEXTS) known.clear();
  const answer = judge(sql);
  known.set(sql, answer);
  return answer;
}

function judge(sql: string): boolean {
  const [start, table] = WRITES.exec(sql) ?? [];
  if (start === undefined) return true;
  if (start.startsWith('select')) return false;
  if (table === undefined) return true;
  if (NO_DEFINITIONS.has(table)) return false;
  const set = /^update "tables" set (.*?) where /.exec(sql)?.[1];
  if (set === undefined) return true;
  const names = set.match(/"\w+"/g) ?? [];
  return names.some((name) => !PROGRESS_COLUMNS.has(name.slice(1, -1)));
}
