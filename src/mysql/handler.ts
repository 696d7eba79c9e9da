// What the product supplies to the MySQL server, and what it is given to answer with. Types only: this
// file is the border between the protocol (which knows no SQL) and the product (which knows no packets).
import type { TlsState } from './packet-channel.ts';

/**
 * How a user proves who they are. `digests` holds what the two plugins need for their fast path; with
 * `sha256sha256: null` (an account made from a native hash) only mysql_native_password is used.
 * `passwordDigests` in auth/digests.ts makes them from a password.
 */
export type Credential =
  | { readonly kind: 'empty-password' }
  | {
      readonly kind: 'digests';
      /** SHA1(SHA1(password)), 20 bytes, or null. */
      readonly sha1sha1: Buffer | null;
      /** SHA256(SHA256(password)), 32 bytes, or null. */
      readonly sha256sha256: Buffer | null;
    };

/** What is known of a connection once its user is authenticated. */
export interface ConnectionInfo {
  /** 1 .. 2^32-1, unique in this server; what CONNECTION_ID() and KILL use. */
  readonly connectionId: number;
  readonly user: string;
  /** The client's IP address, without port. */
  readonly host: string;
  readonly port: number;
  /** The database named at connect, not yet checked; null when none. */
  readonly database: string | null;
  /** Connection attributes such as `program_name`. Bounded: 64 KB in all. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Null: not encrypted. */
  readonly tls: TlsState | null;
  /** A person types: interactive_timeout counts in place of wait_timeout. */
  readonly interactive: boolean;
  /** The client wants "rows found" in place of "rows changed" for UPDATE. */
  readonly foundRows: boolean;
}

export type MysqlColumnType =
  | 'null'
  | 'tinyint'
  | 'smallint'
  | 'int'
  | 'bigint'
  | 'float'
  | 'double'
  | 'decimal'
  | 'date'
  | 'datetime'
  | 'time'
  /** Text that MySQL calls CHAR: other types shown as text as well. */
  | 'char'
  | 'string'
  | 'json'
  | 'binary';

/** A result column as clients see it. The product maps its own types to these. */
export interface MysqlColumn {
  readonly name: string;
  readonly type: MysqlColumnType;
  readonly unsigned?: boolean;
  /** Largest display width: characters for `string`, digits for numbers; a default for the type when left out. */
  readonly length?: number;
  /** Digits after the point of `decimal`, fraction digits of `datetime` and `time`. */
  readonly decimals?: number;
  readonly nullable?: boolean;
  readonly database?: string;
  readonly table?: string;
}

export interface OkResult {
  readonly affectedRows?: number | bigint;
  readonly lastInsertId?: number | bigint;
  readonly warnings?: number;
  /** Text such as `Rows matched: 1  Changed: 1  Warnings: 0`; '' for none. */
  readonly info?: string;
}

/**
 * Writes the answer to one command: one result, or several one after the other (each flagged so that the
 * client knows that more follow; the last one is sent when the command's promise resolves).
 *
 * Every method awaits the client when it is slow: memory stays bounded as long as the caller awaits.
 * Every method rejects (CANCELLED or the signal's reason) once the query is killed or the client gone.
 */
export interface ResultWriter {
  /** A result without rows. */
  ok(result?: OkResult): Promise<void>;
  /** Starts a result with rows. `firstSequence` is what a `RowEncoder` in another process starts with. */
  beginRows(columns: readonly MysqlColumn[]): Promise<{ readonly firstSequence: number }>;
  /** One row of text values, for results that are small or made here. Same number of values as columns. */
  row(values: readonly (string | Buffer | null)[]): Promise<void>;
  /**
   * Ready-made text row packets in order, cut anywhere; the buffer belongs to the writer from now on.
   * Not mixed with `row` within one result. For a prepared statement the rows are turned into binary ones.
   */
  raw(chunk: Buffer): Promise<void>;
  /** Ends the rows. `nextSequence`, when given, is checked against the packets that went by. */
  endRows(end?: { readonly nextSequence?: number; readonly warnings?: number }): Promise<void>;
  /**
   * Ends the whole answer with an error, also in the middle of rows. Throwing from the command does the
   * same; this one is for a handler that has work left after answering.
   */
  error(error: unknown): Promise<void>;
}

export interface QueryRequest {
  /** Whole text of a COM_QUERY; may hold several statements. */
  readonly sql: string;
  /** False when the client did not ask for several statements in one text: more than one is then an error. */
  readonly multiStatements: boolean;
  /** Aborts at once on KILL, disconnect, and shutdown; the reason is an AppError. */
  readonly signal: AbortSignal;
}

/** A parameter of a prepared statement, decoded. Dates as `YYYY-MM-DD[ HH:MM:SS[.ffffff]]`, times as `[-]HHH:MM:SS[.ffffff]`. */
export type MysqlParameter =
  | { readonly kind: 'null' }
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'decimal'; readonly value: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: Buffer }
  | { readonly kind: 'date'; readonly value: string }
  | { readonly kind: 'datetime'; readonly value: string }
  | { readonly kind: 'time'; readonly value: string };

export interface ExecuteRequest {
  readonly parameters: readonly MysqlParameter[];
  readonly signal: AbortSignal;
}

export interface PreparedStatement {
  /** Number of `?`, at most 65,535. */
  readonly parameterCount: number;
  /** Columns of its result when known already, otherwise empty. */
  readonly columns: readonly MysqlColumn[];
  /** Like `query`, with rows going out in binary form by themselves. */
  execute(request: ExecuteRequest, out: ResultWriter): Promise<void>;
  close(): void;
}

/** Flags that every OK carries; drivers skip needless `SET autocommit` by them. */
export interface SessionStatus {
  readonly autocommit: boolean;
  readonly inTransaction: boolean;
}

/** Limits of one connection; asked each time they count, since a session may change them. */
export interface SessionLimits {
  /** wait_timeout, or interactive_timeout: how long it may be idle. */
  readonly idleMs: number;
  /** net_read_timeout: how long a client may pause inside a packet. */
  readonly readMs: number;
  /** net_write_timeout: how long it may not take what is sent. */
  readonly writeMs: number;
}

/** The product's side of one connection. Commands of one connection never overlap. */
export interface MysqlSessionHandler {
  status(): SessionStatus;
  limits(): SessionLimits;
  query(request: QueryRequest, out: ResultWriter): Promise<void>;
  /** COM_INIT_DB (the `use` of the mysql CLI). Throws UNKNOWN_DATABASE. */
  initDb(database: string): Promise<void>;
  /** COM_RESET_CONNECTION: back to the state right after connect. */
  reset(): Promise<void>;
  /** COM_PROCESS_KILL: check rights, then call `MysqlServer.kill`. */
  kill(connectionId: number): Promise<void>;
  /** COM_FIELD_LIST: columns of a table of the current database, as the mysql CLI asks for completion. */
  fieldList(table: string, wildcard: string): Promise<readonly MysqlColumn[]>;
  /** COM_STATISTICS: one line of text. */
  statistics(): Promise<string>;
  prepare(sql: string): Promise<PreparedStatement>;
  /** The connection ended, whatever the cause; its running command's signal is aborted already. Must not throw. */
  close(): void;
}

/** The product's side of the server. */
export interface MysqlHandler {
  /**
   * Checks a login from `host`: finds the stored credential (null = there is no such user), calls `prove`
   * with it once, and passes on what that throws (ACCESS_DENIED). May wait before, to slow guessing.
   */
  authenticate(
    user: string,
    host: string,
    prove: (stored: Credential | null) => Promise<void>,
  ): Promise<void>;
  /**
   * An authenticated connection, also after COM_CHANGE_USER (the former session is closed first).
   * Throws to refuse it, for example UNKNOWN_DATABASE for `info.database`.
   */
  connect(info: ConnectionInfo): Promise<MysqlSessionHandler>;
}
