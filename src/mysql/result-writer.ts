// Writes the results of one command. The packet that ends a result is held back until it is known whether
// another result follows, so callers need not say so. Keeps at most one flush of bytes plus one raw chunk.
import { assert } from '../base/assert.ts';
import { fail, toAppError } from '../base/errors.ts';
import { CAPABILITY, STATUS } from './constants.ts';
import type { CursorKeeper } from './cursor.ts';
import type { MysqlColumn, OkResult, ResultWriter, SessionStatus } from './handler.ts';
import { FLUSH_BYTES, type OutputMark, type PacketChannel } from './packet-channel.ts';
import { readTextRow, writeBinaryRow } from './packets/binary-row.ts';
import { writeColumnDefinition } from './packets/column-definition.ts';
import { writeError } from './packets/error.ts';
import { PacketSplitter, SequenceFollower } from './packets/framing.ts';
import { writeEof, writeOk } from './packets/ok.ts';
import { PayloadWriter } from './packets/payload-writer.ts';
import { MAX_ROW_BYTES, RowEncoder } from './row-encoder.ts';

/** What a kept row costs besides its bytes, about. */
const ROW_OVERHEAD_BYTES = 100;

/** The status flags of an OK or EOF. */
export function statusFlags(status: SessionStatus, moreResults: boolean): number {
  return (
    (status.autocommit ? STATUS.autocommit : 0) |
    (status.inTransaction ? STATUS.inTransaction : 0) |
    (moreResults ? STATUS.moreResultsExist : 0)
  );
}

/** Rows under way. */
interface OpenRows {
  readonly columns: readonly MysqlColumn[];
  /** Follows raw chunks as they come in (they are text rows also when binary ones go out). */
  readonly follower: SequenceFollower;
  readonly splitter: PacketSplitter;
  /** Before the columns. */
  readonly start: OutputMark;
}

export interface CommandOptions {
  readonly channel: PacketChannel;
  readonly capabilities: number;
  /** Asked when a packet is made: a statement may change it. */
  readonly status: () => SessionStatus;
  readonly signal: AbortSignal;
  /** True for COM_STMT_EXECUTE. */
  readonly binary: boolean;
  /** Takes the rows of the (only) result where the client fetches them; null: they are sent. Binary only. */
  readonly cursor: CursorKeeper | null;
}

export class CommandWriter implements ResultWriter {
  readonly #options: CommandOptions;
  readonly #channel: PacketChannel;
  /** Rows on their way into a cursor; null: rows are sent. */
  #kept: { readonly rows: Buffer[]; bytes: number } | null = null;
  #rows: OpenRows | null = null;
  /** Gathers what `row` is given, in text form. */
  #encoder: RowEncoder | null = null;
  #heldBack: ((moreResults: boolean) => Buffer) | null = null;
  #ended = false;
  /** Any row of the open result was written. */
  #hasRows = false;

  constructor(options: CommandOptions) {
    this.#options = options;
    this.#channel = options.channel;
  }

  /** True once an error was sent: nothing may follow. */
  get ended(): boolean {
    return this.#ended;
  }

  async ok(result: OkResult = {}): Promise<void> {
    this.#startResult();
    this.#heldBack = (more) => writeOk(result, this.#flags(more));
  }

  async beginRows(columns: readonly MysqlColumn[]): Promise<{ readonly firstSequence: number }> {
    assert(columns.length > 0, 'a result with rows has columns');
    this.#startResult();
    const { binary } = this.#options;
    const start = this.#channel.mark();
    this.#channel.write(new PayloadWriter(9).lengthInteger(columns.length).finish());
    for (const column of columns) this.#channel.write(writeColumnDefinition(column));
    if (this.#options.cursor === null) this.#endColumns();
    else this.#kept = { rows: [], bytes: 0 };
    const firstSequence = this.#channel.sequence;
    this.#hasRows = false;
    this.#rows = {
      columns,
      start,
      follower: new SequenceFollower(firstSequence),
      splitter: new PacketSplitter(MAX_ROW_BYTES, ({ payload }) => {
        if (binary) this.#binaryRow(columns, readTextRow(payload, columns.length));
      }),
    };
    // Not flushed: an error before the first row takes the columns back.
    this.#options.signal.throwIfAborted();
    return { firstSequence };
  }

  async row(values: readonly (string | Buffer | null)[]): Promise<void> {
    const { columns } = this.#openRows();
    assert(values.length === columns.length, 'as many values as columns');
    this.#hasRows = true;
    if (this.#options.binary) this.#binaryRow(columns, values);
    else this.#textRow(values);
    await this.#flushWhenFull();
  }

  /** What a client without DEPRECATE_EOF waits for between columns and rows. */
  #endColumns(): void {
    const { capabilities } = this.#options;
    if ((capabilities & CAPABILITY.deprecateEof) !== 0) return;
    this.#channel.write(writeEof(capabilities, 0, this.#flags(false)));
  }

  async raw(chunk: Buffer): Promise<void> {
    const { follower, splitter } = this.#openRows();
    assert(this.#encoder === null, 'ready-made rows and single rows are not mixed');
    this.#options.signal.throwIfAborted();
    this.#hasRows = true;
    follower.follow(chunk);
    if (this.#options.binary) {
      splitter.push(chunk);
      await this.#flushWhenFull();
      return;
    }
    this.#channel.writeRaw(chunk);
    this.#channel.sequence = follower.nextSequence;
    // A small result goes to the socket in one piece with its end; a piece of a packet waits for nothing.
    if (follower.atBoundary) await this.#flushWhenFull();
    else await this.#channel.flush(this.#options.signal);
  }

  async endRows(
    end: { readonly nextSequence?: number; readonly warnings?: number } = {},
  ): Promise<void> {
    const { follower } = this.#openRows();
    assert(follower.atBoundary, 'rows end with a whole packet');
    assert(
      end.nextSequence === undefined || end.nextSequence === follower.nextSequence,
      'the encoder and the packets agree on the next sequence id',
    );
    this.#endEncoder();
    this.#rows = null;
    const { capabilities, cursor } = this.#options;
    const kept = this.#kept;
    this.#kept = null;
    if (kept !== null) cursor?.keep(kept.rows, kept.bytes);
    const status = kept === null ? 0 : STATUS.cursorExists;
    this.#heldBack = (more) =>
      writeEof(capabilities, end.warnings ?? 0, this.#flags(more) | status);
  }

  async error(error: unknown): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#rows !== null && !this.#rows.follower.atBoundary && !this.#options.binary) {
      // Half a packet is out: no error can be told apart from row bytes any more.
      this.#channel.destroy();
      return;
    }
    this.#endEncoder();
    // Connector/J with cursors cannot read an error behind columns.
    const noRowSent = !this.#hasRows || this.#kept !== null;
    if (this.#rows !== null && noRowSent) this.#channel.takeBack(this.#rows.start);
    this.#release(true);
    this.#channel.write(writeError(toAppError(error)));
    // Not with the command's signal: it may be what caused the error.
    await this.#channel.flush();
  }

  /** Sends what was held back as the last result; the command's promise has resolved. */
  async finish(): Promise<void> {
    if (this.#ended) return;
    if (this.#rows !== null || this.#heldBack === null) {
      throw fail('INTERNAL', { detail: 'a command ended without completing its result' });
    }
    this.#release(false);
    this.#ended = true;
    await this.#channel.flush();
  }

  #startResult(): void {
    assert(!this.#ended && this.#rows === null, 'the former result is complete');
    this.#options.signal.throwIfAborted();
    this.#release(true);
  }

  #release(moreResults: boolean): void {
    if (this.#heldBack === null) return;
    this.#channel.write(this.#heldBack(moreResults));
    this.#heldBack = null;
  }

  #openRows(): OpenRows {
    const rows = this.#rows;
    assert(rows !== null, 'rows are written between beginRows and endRows');
    return rows;
  }

  #binaryRow(columns: readonly MysqlColumn[], values: readonly (string | Buffer | null)[]): void {
    const row = writeBinaryRow(columns, values);
    const kept = this.#kept;
    if (kept === null) {
      this.#channel.write(row);
      return;
    }
    kept.rows.push(row);
    kept.bytes += row.length + ROW_OVERHEAD_BYTES;
    if (kept.bytes <= (this.#options.cursor?.freeBytes ?? 0)) return;
    // Too much to keep: sent as if no cursor had been asked for, which clients have to take.
    this.#kept = null;
    this.#endColumns();
    for (const each of kept.rows) this.#channel.write(each);
  }

  #textRow(values: readonly (string | Buffer | null)[]): void {
    this.#encoder ??= new RowEncoder(this.#channel.sequence, (chunk) =>
      this.#channel.writeRaw(chunk),
    );
    const encoder = this.#encoder;
    encoder.startRow();
    for (const value of values) {
      if (value === null) encoder.nullValue();
      else if (typeof value === 'string') encoder.string(value);
      else encoder.utf8(value, 0, value.length);
    }
    encoder.endRow();
  }

  /** Passes on what `row` gathered. */
  #endEncoder(): void {
    const encoder = this.#encoder;
    if (encoder === null) return;
    encoder.abandonRow();
    encoder.flush();
    this.#channel.sequence = encoder.sequence;
    this.#encoder = null;
  }

  #flags(moreResults: boolean): number {
    return statusFlags(this.#options.status(), moreResults);
  }

  async #flushWhenFull(): Promise<void> {
    this.#options.signal.throwIfAborted();
    if (this.#channel.unflushedBytes >= FLUSH_BYTES) {
      await this.#channel.flush(this.#options.signal);
    }
  }
}
