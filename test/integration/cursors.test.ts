// Read-only cursors of the binary protocol, packet by packet: rows come when they are fetched, and what a
// connection keeps of them is bounded.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { present } from '../../src/base/assert.ts';
import { CAPABILITY, COMMAND, STATUS } from '../../src/mysql/constants.ts';
import { readOk } from '../../src/mysql/packets/ok.ts';
import { PayloadReader } from '../../src/mysql/packets/payload-reader.ts';
import { PLAIN_CAPABILITIES, RawClient } from '../support/mysql-raw.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const NO_CURSOR = 1421;
const MB = 1024 * 1024;
/** Bytes of a row of `wide`, about. */
const WIDE_BYTES = 100_000;

let server: TestServer;

before(async () => {
  server = await startServer({ broker: 'off' });
});
after(() => server.stop());

type End =
  | { readonly kind: 'end'; readonly status: number }
  | { readonly kind: 'error'; readonly code: number };

/** A client that prepares, executes and fetches. */
class CursorClient {
  readonly #client: RawClient;
  readonly #deprecateEof: boolean;

  private constructor(client: RawClient, deprecateEof: boolean) {
    this.#client = client;
    this.#deprecateEof = deprecateEof;
  }

  static async open(deprecateEof = true): Promise<CursorClient> {
    const capabilities = deprecateEof
      ? PLAIN_CAPABILITIES
      : PLAIN_CAPABILITIES & ~CAPABILITY.deprecateEof;
    const client = await RawClient.loggedIn(server.ready.queryPort, { capabilities });
    return new CursorClient(client, deprecateEof);
  }

  close(): void {
    this.#client.destroy();
  }

  async #packet(): Promise<Buffer> {
    return present((await this.#client.read()) ?? undefined, 'a packet');
  }

  /** The id of the statement. */
  async prepare(sql: string): Promise<number> {
    this.#client.command(COMMAND.stmtPrepare, sql);
    const ok = await this.#packet();
    assert.equal(ok[0], 0, ok.toString());
    const columns = ok.readUInt16LE(5);
    const packets = columns === 0 || this.#deprecateEof ? columns : columns + 1;
    for (let at = 0; at < packets; at += 1) await this.#packet();
    return ok.readUInt32LE(1);
  }

  /** Executes with a cursor asked for; the packets behind the columns. */
  async execute(statement: number): Promise<{ readonly rows: number; readonly end: End }> {
    const body = Buffer.alloc(9);
    body.writeUInt32LE(statement, 0);
    body.writeUInt8(1, 4);
    body.writeUInt32LE(1, 5);
    this.#client.command(COMMAND.stmtExecute, body);
    const first = await this.#packet();
    const end = this.#end(first, true);
    if (end !== null) return { rows: 0, end };
    for (let at = 0; at < (first[0] ?? 0); at += 1) await this.#packet();
    const found = await this.rest();
    if (this.#deprecateEof || found.rows > 0) return found;
    // Without a cursor the columns end with an EOF of their own.
    const isCursor = found.end.kind === 'end' && (found.end.status & STATUS.cursorExists) !== 0;
    return isCursor ? found : this.rest();
  }

  async fetch(statement: number, count: number): Promise<{ rows: number; end: End }> {
    const body = Buffer.alloc(8);
    body.writeUInt32LE(statement, 0);
    body.writeUInt32LE(count, 4);
    this.#client.command(COMMAND.stmtFetch, body);
    return this.rest();
  }

  async reset(statement: number): Promise<void> {
    const body = Buffer.alloc(4);
    body.writeUInt32LE(statement, 0);
    this.#client.command(COMMAND.stmtReset, body);
    assert.equal((await this.#packet())[0], 0);
  }

  /** Binary rows up to what ends them. */
  async rest(): Promise<{ rows: number; end: End }> {
    for (let rows = 0; ; rows += 1) {
      const packet = await this.#packet();
      const end = this.#end(packet, false);
      if (end !== null) return { rows, end };
    }
  }

  /** OK, EOF or ERR; null for a row or a number of columns. A binary row begins with 0, too. */
  #end(packet: Buffer, isFirst: boolean): End | null {
    if (packet[0] === 0xff) return { kind: 'error', code: packet.readUInt16LE(1) };
    if (isFirst && packet[0] === 0) return { kind: 'end', status: readStatus(packet) };
    if (packet[0] !== 0xfe) return null;
    const status = this.#deprecateEof ? readStatus(packet) : packet.readUInt16LE(3);
    return { kind: 'end', status };
  }
}

const readStatus = (packet: Buffer): number => readOk(new PayloadReader(packet)).statusFlags;

function statusOf(end: End): number {
  assert.equal(end.kind, 'end', JSON.stringify(end));
  return end.kind === 'end' ? end.status & (STATUS.cursorExists | STATUS.lastRowSent) : 0;
}

const errorOf = (end: End): number => (end.kind === 'error' ? end.code : 0);

const rowsOf = (count: number): string =>
  `SELECT generate_series FROM TABLE(generate_series(1, ${count}))`;
const wide = (bytes: number): string =>
  `SELECT repeat('x', ${WIDE_BYTES}) FROM TABLE(generate_series(1, ${Math.floor(bytes / WIDE_BYTES)}))`;

for (const deprecateEof of [true, false]) {
  test(`rows come as they are fetched, ${deprecateEof ? 'with' : 'without'} DEPRECATE_EOF`, async () => {
    const client = await CursorClient.open(deprecateEof);
    const statement = await client.prepare(rowsOf(1000));
    const opened = await client.execute(statement);
    assert.deepEqual([opened.rows, statusOf(opened.end)], [0, STATUS.cursorExists]);
    const some = await client.fetch(statement, 300);
    assert.deepEqual([some.rows, statusOf(some.end)], [300, STATUS.cursorExists]);
    const none = await client.fetch(statement, 0);
    assert.deepEqual([none.rows, statusOf(none.end)], [0, STATUS.cursorExists]);
    const rest = await client.fetch(statement, 0xffffffff);
    assert.deepEqual([rest.rows, statusOf(rest.end)], [700, STATUS.lastRowSent]);
    assert.equal(errorOf((await client.fetch(statement, 1)).end), NO_CURSOR);
    client.close();
  });
}

test('two cursors at once, an empty one, and what closes a cursor', async () => {
  const client = await CursorClient.open();
  const [a, b, empty] = [
    await client.prepare(rowsOf(10)),
    await client.prepare(rowsOf(20)),
    await client.prepare('SELECT 1 WHERE false'),
  ];
  await client.execute(a);
  await client.execute(b);
  assert.equal((await client.fetch(a, 5)).rows, 5);
  assert.equal((await client.fetch(b, 100)).rows, 20);
  // Executed anew, it begins at its first row.
  await client.execute(a);
  const all = await client.fetch(a, 10);
  assert.deepEqual([all.rows, statusOf(all.end)], [10, STATUS.lastRowSent]);
  await client.execute(a);
  await client.reset(a);
  assert.equal(errorOf((await client.fetch(a, 1)).end), NO_CURSOR);
  const opened = await client.execute(empty);
  assert.equal(statusOf(opened.end), STATUS.cursorExists);
  const nothing = await client.fetch(empty, 10);
  assert.deepEqual([nothing.rows, statusOf(nothing.end)], [0, STATUS.lastRowSent]);
  client.close();
});

for (const deprecateEof of [true, false]) {
  test(`a result over 16 MB is not kept: it comes at once, ${deprecateEof ? 'with' : 'without'} DEPRECATE_EOF`, async () => {
    const client = await CursorClient.open(deprecateEof);
    const large = await client.prepare(wide(20 * MB));
    const sent = await client.execute(large);
    assert.deepEqual([sent.rows, statusOf(sent.end)], [Math.floor((20 * MB) / WIDE_BYTES), 0]);
    assert.equal(errorOf((await client.fetch(large, 1)).end), NO_CURSOR);
    client.close();
  });
}

test('the bound is one for all cursors of a connection, and what is fetched makes room', async () => {
  const client = await CursorClient.open();
  const [a, b] = [await client.prepare(wide(10 * MB)), await client.prepare(wide(9 * MB))];
  assert.equal(statusOf((await client.execute(a)).end), STATUS.cursorExists);
  const second = await client.execute(b);
  assert.equal(statusOf(second.end), 0);
  assert.ok(second.rows > 0);
  await client.fetch(a, 1_000_000);
  assert.equal(statusOf((await client.execute(b)).end), STATUS.cursorExists);
  client.close();
});

test('errors and statements without rows are answered as ever', async () => {
  const client = await CursorClient.open();
  // Its columns are known; only the run tells that it cannot be answered.
  const fails = await client.prepare('SELECT (SELECT g FROM (SELECT 1 AS g UNION ALL SELECT 2) t)');
  assert.notEqual(errorOf((await client.execute(fails)).end), 0);
  assert.equal(errorOf((await client.fetch(fails, 1)).end), NO_CURSOR);
  const sets = await client.prepare('SET @a = 1');
  assert.equal(statusOf((await client.execute(sets)).end), 0);
  assert.equal(errorOf((await client.fetch(4711, 1)).end), 1243);
  client.close();
});
