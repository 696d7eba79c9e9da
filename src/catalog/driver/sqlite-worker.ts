// The worker thread that owns the SQLite file, since node:sqlite blocks. It runs what it is sent, in
// order, and knows nothing of the product. A failed request that began a transaction rolls it back.
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type {
  SqliteFailure,
  SqliteRequest,
  SqliteResponse,
  SqlStatement,
  SqlValue,
  StatementResult,
} from './sqlite-messages.ts';

const port = parentPort;
if (port === null) throw new Error('sqlite-worker runs as a worker thread only');

/** Prepared statements kept; multi-row inserts make new texts, so there is a bound. */
const MAX_PREPARED = 400;
/** A file lock of a process that was just killed is gone within this. */
const BUSY_TIMEOUT_MS = 1000;

interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
  /** Columns whose 64-bit values stay bigint. */
  readonly bigintColumns: ReadonlySet<string>;
}

function open(path: string): DatabaseSync {
  const opened = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // EXCLUSIVE must come before WAL, or a second process could open the file too.
    opened.exec('PRAGMA locking_mode=EXCLUSIVE');
    opened.exec('PRAGMA journal_mode=WAL');
    opened.exec('PRAGMA synchronous=FULL');
    opened.exec('PRAGMA temp_store=MEMORY');
    opened.exec('BEGIN IMMEDIATE; COMMIT');
    return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
}

function describe(error: unknown): SqliteFailure {
  const errcode =
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
      ? error.errcode
      : null;
  return { errcode, message: error instanceof Error ? error.message : String(error) };
}

function serve(database: DatabaseSync, reply: (response: SqliteResponse) => void): void {
  const prepared = new Map<string, Prepared>();

  const prepare = (sql: string): Prepared => {
    const known = prepared.get(sql);
    if (known !== undefined) {
      // Moved to the end: the first entry is always the least recently used.
      prepared.delete(sql);
      prepared.set(sql, known);
      return known;
    }
    const statement = database.prepare(sql);
    statement.setReadBigInts(true);
    const columns = statement.columns().map((column) => column.name);
    const made: Prepared = {
      statement,
      returnsRows: columns.length > 0,
      bigintColumns: new Set(columns.filter((name) => name.endsWith('_offset'))),
    };
    prepared.set(sql, made);
    const oldest = prepared.keys().next();
    if (prepared.size > MAX_PREPARED && oldest.done !== true) prepared.delete(oldest.value);
    return made;
  };

  const run = ({ sql, parameters }: SqlStatement): StatementResult => {
    const { statement, returnsRows, bigintColumns } = prepare(sql);
    const values = parameters.map(toInput);
    if (!returnsRows) return { rows: [], changes: Number(statement.run(...values).changes) };
    const rows = statement.all(...values).map((row) => fromRow(row, bigintColumns));
    return { rows, changes: rows.length };
  };

  port?.on('message', (request: SqliteRequest) => {
    try {
      if (request.begin) database.exec('BEGIN IMMEDIATE');
      const results = request.statements.map(run);
      if (request.end === 'commit') database.exec('COMMIT');
      if (request.end === 'rollback' && database.isTransaction) database.exec('ROLLBACK');
      if (request.end === 'close') {
        prepared.clear();
        database.close();
      }
      reply({ id: request.id, results });
      if (request.end === 'close') port?.close();
    } catch (error) {
      // A statement's failure leaves an interactive transaction open for its owner to end; a failed
      // COMMIT or a whole batch is undone here.
      if (database.isOpen && database.isTransaction && request.end !== null) {
        database.exec('ROLLBACK');
      }
      reply({ id: request.id, failure: describe(error) });
    }
  });
}

/** Whole numbers go in as integers: node:sqlite would bind a number as a double. */
function toInput(value: SqlValue): SQLInputValue {
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
}

function fromRow(
  row: Record<string, unknown>,
  bigintColumns: ReadonlySet<string>,
): Record<string, SqlValue> {
  const plain: Record<string, SqlValue> = {};
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'bigint' && !bigintColumns.has(name)) {
      const number = Number(value);
      if (!Number.isSafeInteger(number)) throw new Error(`column ${name} holds ${value}`);
      plain[name] = number;
    } else if (
      value === null ||
      typeof value === 'string' ||
      typeof value === 'bigint' ||
      typeof value === 'number' ||
      value instanceof Uint8Array
    ) {
      plain[name] = value;
    } else {
      throw new Error(`column ${name} has a value of type ${typeof value}`);
    }
  }
  return plain;
}

const reply = (response: SqliteResponse): void => port.postMessage(response);
try {
  const { path } = workerData as { readonly path: string };
  const database = open(path);
  serve(database, reply);
  reply({ id: -1, results: [] });
} catch (error) {
  reply({ id: -1, failure: describe(error) });
  port.close();
}
