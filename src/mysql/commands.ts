// What each command of an authenticated connection does: decodes it, calls the product's handler, writes the
// answer or the error. Owns the product's session and its prepared statements. Never waits for input.
import { isUtf8 } from 'node:buffer';
import { fail, toAppError } from '../base/errors.ts';
import { CAPABILITY, COMMAND, STATUS } from './constants.ts';
import type { MysqlColumn, MysqlSessionHandler, PreparedStatement } from './handler.ts';
import { FLUSH_BYTES, type PacketChannel } from './packet-channel.ts';
import { writeColumnDefinition } from './packets/column-definition.ts';
import { writeError } from './packets/error.ts';
import { writeEof, writeOk } from './packets/ok.ts';
import { PayloadReader } from './packets/payload-reader.ts';
import { readQueryText } from './packets/stmt-execute.ts';
import { writePrepareOk } from './packets/stmt-prepare.ts';
import { type CommandOptions, CommandWriter, statusFlags } from './result-writer.ts';
import type { MysqlLog } from './session.ts';
import { StatementTable } from './statements.ts';

export interface CommandContext {
  readonly connectionId: number;
  readonly channel: PacketChannel;
  readonly capabilities: number;
  readonly handler: MysqlSessionHandler;
  readonly maxPacketBytes: number;
  readonly log: MysqlLog;
}

/** What the session does after a command: the last two are its own business. */
export type AfterCommand = 'go-on' | 'quit' | 'change-user';

const COMMAND_NAMES: ReadonlyMap<number, string> = new Map([
  [COMMAND.quit, 'Quit'],
  [COMMAND.initDb, 'Init DB'],
  [COMMAND.query, 'Query'],
  [COMMAND.fieldList, 'Field List'],
  [COMMAND.statistics, 'Statistics'],
  [COMMAND.processKill, 'Kill'],
  [COMMAND.ping, 'Ping'],
  [COMMAND.changeUser, 'Change user'],
  [COMMAND.stmtPrepare, 'Prepare'],
  [COMMAND.stmtExecute, 'Execute'],
  [COMMAND.stmtSendLongData, 'Long Data'],
  [COMMAND.stmtClose, 'Close stmt'],
  [COMMAND.stmtReset, 'Reset stmt'],
  [COMMAND.stmtFetch, 'Fetch'],
  [COMMAND.setOption, 'Set option'],
  [COMMAND.resetConnection, 'Reset Connection'],
]);

/** A command's name as SHOW PROCESSLIST writes it. */
export function commandName(payload: Buffer): string {
  return COMMAND_NAMES.get(payload[0] ?? 0) ?? 'Error';
}

const PARAMETER: MysqlColumn = { name: '?', type: 'string' };

export class CommandRunner {
  readonly #context: CommandContext;
  readonly #statements: StatementTable;
  #multiStatements: boolean;

  constructor(context: CommandContext) {
    this.#context = context;
    this.#statements = new StatementTable(
      context.maxPacketBytes,
      this.#has(CAPABILITY.queryAttributes),
    );
    this.#multiStatements = this.#has(CAPABILITY.multiStatements);
  }

  /** Runs one command and flushes its answer. Rejects only when the connection is gone. */
  async run(payload: Buffer, signal: AbortSignal): Promise<AfterCommand> {
    const command = payload[0] ?? 0;
    if (command === COMMAND.quit) return 'quit';
    if (command === COMMAND.changeUser) return 'change-user';
    const { channel } = this.#context;
    try {
      await this.#dispatch(command, payload.subarray(1), signal);
    } catch (thrown) {
      if (channel.closed.aborted) return 'quit';
      channel.write(writeError(this.#toError(thrown, signal, commandName(payload))));
    }
    await channel.flush();
    return 'go-on';
  }

  /** Closes the statements and the product's session. */
  close(): void {
    this.#statements.closeAll();
    this.#context.handler.close();
  }

  async #dispatch(command: number, body: Buffer, signal: AbortSignal): Promise<void> {
    const { handler, channel, capabilities } = this.#context;
    switch (command) {
      case COMMAND.query: {
        const sql = sqlText(readQueryText(body, this.#has(CAPABILITY.queryAttributes)));
        const multiStatements = this.#multiStatements;
        await this.#answer(signal, { binary: false, cursor: null }, (out) =>
          handler.query({ sql, multiStatements, signal }, out),
        );
        return;
      }
      case COMMAND.stmtPrepare:
        await this.#prepare(sqlText(body));
        return;
      case COMMAND.stmtExecute: {
        const { statement, parameters, cursor } = this.#statements.decodeExecute(body);
        await this.#answer(signal, { binary: true, cursor }, (out) =>
          statement.execute({ parameters, signal }, out),
        );
        return;
      }
      case COMMAND.stmtFetch:
        await this.#fetch(body, signal);
        return;
      case COMMAND.stmtSendLongData:
        this.#statements.addLongData(body);
        return;
      case COMMAND.stmtClose:
        this.#statements.close(body);
        return;
      case COMMAND.fieldList: {
        const reader = new PayloadReader(body);
        const columns = await handler.fieldList(reader.zeroText(), reader.restText());
        for (const column of columns) channel.write(writeColumnDefinition(column, true));
        channel.write(writeEof(capabilities, 0, this.#flags()));
        return;
      }
      case COMMAND.statistics:
        channel.write(Buffer.from(await handler.statistics(), 'utf8'));
        return;
      case COMMAND.setOption:
        this.#multiStatements = new PayloadReader(body).u16() === 0;
        channel.write(writeEof(capabilities, 0, this.#flags()));
        return;
      default:
        await this.#plain(command, body);
        channel.write(writeOk({}, this.#flags()));
    }
  }

  /** The commands that are answered with a bare OK. */
  async #plain(command: number, body: Buffer): Promise<void> {
    const { handler } = this.#context;
    switch (command) {
      case COMMAND.ping:
        return;
      case COMMAND.initDb:
        await handler.initDb(body.toString('utf8'));
        return;
      case COMMAND.processKill:
        await handler.kill(new PayloadReader(body).u32());
        return;
      case COMMAND.stmtReset:
        this.#statements.reset(body);
        return;
      case COMMAND.resetConnection:
        this.#statements.closeAll();
        this.#multiStatements = this.#has(CAPABILITY.multiStatements);
        await handler.reset();
        return;
      default:
        throw fail('MYSQL_UNKNOWN_COMMAND', { command });
    }
  }

  /** Rows of an open cursor, then whether there are more. */
  async #fetch(body: Buffer, signal: AbortSignal): Promise<void> {
    const { channel, capabilities } = this.#context;
    const isLast = await this.#statements.fetch(body, async (row) => {
      signal.throwIfAborted();
      channel.write(row);
      if (channel.unflushedBytes >= FLUSH_BYTES) await channel.flush(signal);
    });
    const status = isLast ? STATUS.lastRowSent : STATUS.cursorExists;
    channel.write(writeEof(capabilities, 0, this.#flags() | status));
  }

  /** Runs what writes results, and sees to it that the answer is complete whatever happens. */
  async #answer(
    signal: AbortSignal,
    { binary, cursor }: Pick<CommandOptions, 'binary' | 'cursor'>,
    work: (out: CommandWriter) => Promise<void>,
  ): Promise<void> {
    const { channel, capabilities, handler } = this.#context;
    const status = (): ReturnType<MysqlSessionHandler['status']> => handler.status();
    const out = new CommandWriter({ channel, capabilities, status, signal, binary, cursor });
    try {
      await work(out);
      await out.finish();
    } catch (thrown) {
      const error = this.#toError(thrown, signal, binary ? 'Execute' : 'Query');
      if (!channel.closed.aborted) await out.error(error);
    }
  }

  async #prepare(sql: string): Promise<void> {
    const { handler, channel, capabilities } = this.#context;
    const statement = await handler.prepare(sql);
    const statementId = this.#keep(statement);
    const { parameterCount, columns } = statement;
    channel.write(writePrepareOk({ statementId, parameterCount, columnCount: columns.length }));
    const groups = [Array.from({ length: parameterCount }, () => PARAMETER), columns];
    for (const group of groups) {
      for (const column of group) channel.write(writeColumnDefinition(column));
      if (group.length > 0 && !this.#has(CAPABILITY.deprecateEof)) {
        channel.write(writeEof(capabilities, 0, this.#flags()));
      }
    }
  }

  #keep(statement: PreparedStatement): number {
    try {
      return this.#statements.add(statement);
    } catch (thrown) {
      statement.close();
      throw thrown;
    }
  }

  /** The error to tell; what nobody foresaw is logged with its stack. */
  #toError(thrown: unknown, signal: AbortSignal, command: string): ReturnType<typeof toAppError> {
    // Whatever an aborted command breaks with, the cause to tell is the abort.
    const error = toAppError(signal.aborted ? signal.reason : thrown);
    if (error.kind === 'internal') {
      const { connectionId, log } = this.#context;
      log('mysql command failed', { connection: connectionId, command }, thrown);
    }
    return error;
  }

  #flags(): number {
    return statusFlags(this.#context.handler.status(), false);
  }

  #has(capability: number): boolean {
    return (this.#context.capabilities & capability) !== 0;
  }
}

/** The text of a statement. Throws MYSQL_INVALID_TEXT rather than change what cannot be read. */
function sqlText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  const text = bytes.toString('utf8');
  const before = text.slice(0, text.indexOf('\ufffd'));
  const at = Buffer.byteLength(before, 'utf8');
  throw fail('MYSQL_INVALID_TEXT', {
    offset: at,
    bytes: bytes.subarray(at, at + 4).toString('hex'),
  });
}
