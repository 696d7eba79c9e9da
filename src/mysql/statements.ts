// The prepared statements of one connection: ids, parameter types remembered between executes, long data.
// Bounded in number and in bytes. Holds no sockets.
import { fail } from '../base/errors.ts';
import { type CursorKeeper, MAX_CURSOR_BYTES, OpenCursor } from './cursor.ts';
import type { MysqlParameter, PreparedStatement } from './handler.ts';
import { PayloadReader } from './packets/payload-reader.ts';
import {
  type ParameterType,
  readStatementId,
  readStmtExecute,
  readStmtFetch,
} from './packets/stmt-execute.ts';

/** Most statements open on one connection, whatever the product allows (max_prepared_stmt_count). */
export const MAX_STATEMENTS = 65_536;

interface Entry {
  readonly statement: PreparedStatement;
  types: readonly ParameterType[] | null;
  longData: Map<number, Buffer[]>;
  longBytes: number;
  /** Rows of its last execute that wait to be fetched. */
  cursor: OpenCursor | null;
  /** More long data than allowed came; told at the next execute, as long data has no answer. */
  tooLong: boolean;
}

export class StatementTable {
  readonly #entries = new Map<number, Entry>();
  readonly #maxLongBytes: number;
  readonly #attributes: boolean;
  #lastId = 0;

  /** `attributes`: CLIENT_QUERY_ATTRIBUTES was negotiated. */
  constructor(maxLongBytes: number, attributes: boolean) {
    this.#maxLongBytes = maxLongBytes;
    this.#attributes = attributes;
  }

  /** Adds a statement and gives its id. Throws LIMIT_EXCEEDED; the caller closes the statement then. */
  add(statement: PreparedStatement): number {
    if (this.#entries.size >= MAX_STATEMENTS) {
      throw fail('LIMIT_EXCEEDED', {
        what: 'the number of prepared statements of a connection',
        actual: this.#entries.size + 1,
        limit: MAX_STATEMENTS,
        hint: 'close statements that are done with',
      });
    }
    this.#lastId += 1;
    this.#entries.set(this.#lastId, {
      statement,
      types: null,
      longData: new Map(),
      longBytes: 0,
      tooLong: false,
      cursor: null,
    });
    return this.#lastId;
  }

  /**
   * COM_STMT_EXECUTE. Long data is used up by it, also when it fails; a cursor of before is closed. `cursor`:
   * where the rows go that the client wants to fetch; null when it wants them at once.
   */
  decodeExecute(body: Buffer): {
    statement: PreparedStatement;
    parameters: MysqlParameter[];
    cursor: CursorKeeper | null;
  } {
    const entry = this.#entry(body, 'COM_STMT_EXECUTE');
    entry.cursor = null;
    const { longData, tooLong } = entry;
    forgetLongData(entry);
    if (tooLong) throw fail('MYSQL_PACKET_TOO_LARGE', { limit: this.#maxLongBytes });
    const joined = new Map([...longData].map(([index, parts]) => [index, Buffer.concat(parts)]));
    const { parameterCount } = entry.statement;
    const { parameters, types, wantsCursor } = readStmtExecute(body, {
      parameterCount,
      knownTypes: entry.types,
      longData: joined,
      attributes: this.#attributes,
    });
    entry.types = types;
    return {
      statement: entry.statement,
      parameters,
      cursor: wantsCursor ? this.#keeperOf(entry) : null,
    };
  }

  #keeperOf(entry: Entry): CursorKeeper {
    let keptBytes = 0;
    for (const { cursor } of this.#entries.values()) keptBytes += cursor?.bytes ?? 0;
    return {
      freeBytes: MAX_CURSOR_BYTES - keptBytes,
      keep: (rows, bytes) => {
        entry.cursor = new OpenCursor(rows, bytes);
      },
    };
  }

  /**
   * COM_STMT_FETCH: gives up to so many rows one by one; true when they were the last, and the cursor is closed.
   * Throws MYSQL_UNKNOWN_STATEMENT, MYSQL_NO_CURSOR.
   */
  async fetch(body: Buffer, write: (row: Buffer) => Promise<void>): Promise<boolean> {
    const entry = this.#entry(body, 'COM_STMT_FETCH');
    const { statementId, rowCount } = readStmtFetch(body);
    const { cursor } = entry;
    if (cursor === null) throw fail('MYSQL_NO_CURSOR', { statementId });
    for (let given = 0; given < rowCount; given += 1) {
      const row = cursor.take();
      if (row === undefined) break;
      await write(row);
    }
    if (cursor.isDone) entry.cursor = null;
    return cursor.isDone;
  }

  /** COM_STMT_SEND_LONG_DATA: `u32 statement id | u16 parameter | data`. Unknown ids are ignored, as it has no answer. */
  addLongData(body: Buffer): void {
    const reader = new PayloadReader(body);
    const entry = this.#entries.get(reader.u32());
    if (entry === undefined) return;
    const index = reader.u16();
    const data = reader.rest();
    entry.longBytes += data.length;
    entry.tooLong ||= entry.longBytes > this.#maxLongBytes;
    if (entry.tooLong || index >= entry.statement.parameterCount) return;
    const parts = entry.longData.get(index);
    if (parts === undefined) entry.longData.set(index, [data]);
    else parts.push(data);
  }

  /** COM_STMT_RESET. */
  reset(body: Buffer): void {
    const entry = this.#entry(body, 'COM_STMT_RESET');
    forgetLongData(entry);
    entry.cursor = null;
  }

  /** COM_STMT_CLOSE; unknown ids are ignored, as it has no answer. */
  close(body: Buffer): void {
    const id = readStatementId(body);
    this.#entries.get(id)?.statement.close();
    this.#entries.delete(id);
  }

  closeAll(): void {
    for (const { statement } of this.#entries.values()) statement.close();
    this.#entries.clear();
  }

  #entry(body: Buffer, command: string): Entry {
    const statementId = readStatementId(body);
    const entry = this.#entries.get(statementId);
    if (entry === undefined) throw fail('MYSQL_UNKNOWN_STATEMENT', { statementId, command });
    return entry;
  }
}

function forgetLongData(entry: Entry): void {
  entry.longData = new Map();
  entry.longBytes = 0;
  entry.tooLong = false;
}
