// The compressed protocol: packets, a real client, garbage.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { CAPABILITY } from '../../../src/mysql/constants.ts';
import {
  CompressedReader,
  compressLast,
  compressStream,
} from '../../../src/mysql/packets/compressed.ts';
import { PLAIN_CAPABILITIES, RawClient } from '../../support/mysql-raw.ts';
import { startDemo } from './demo-handler.ts';

let demo: Awaited<ReturnType<typeof startDemo>>;
before(async () => {
  demo = await startDemo();
});
after(() => demo.close());

test('round trip of any bytes, cut anywhere', async () => {
  const runs = fc.array(
    fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 60 })),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(runs, fc.integer({ min: 1, max: 977 }), async (parts, step) => {
      const bytes = Buffer.concat(
        parts.flatMap(([piece, count]) => Array.from({ length: count }, () => Buffer.from(piece))),
      );
      const { parts: packets, nextSequence } = await compressStream(bytes, 250);
      const sent = Buffer.concat([...packets, compressLast(bytes, nextSequence)]);
      const got: Buffer[] = [];
      const reader = new CompressedReader((plain) => got.push(plain));
      for (let at = 0; at < sent.length; at += step) reader.push(sent.subarray(at, at + step));
      assert.deepEqual(Buffer.concat(got), Buffer.concat([bytes, bytes]));
      assert.equal(reader.pendingBytes, 0);
    }),
  );
});

test('large pieces are cut into packets of at most 16 MB', async () => {
  const bytes = Buffer.alloc(40_000_000, 'some text that compresses ');
  const { parts, nextSequence } = await compressStream(bytes, 3);
  assert.equal(nextSequence, 6);
  assert.ok(Buffer.concat(parts).length < bytes.length / 20);
});

test('what is no zlib data, or of another length than announced, is malformed', () => {
  const malformed = { code: 'MYSQL_MALFORMED_PACKET' };
  const good = compressLast(Buffer.alloc(1000, 'a'), 0);
  for (const lie of [999, 1001, 0xffffff]) {
    const packet = Buffer.from(good);
    packet.writeUIntLE(lie, 4, 3);
    assert.throws(() => new CompressedReader(() => undefined).push(packet), malformed);
  }
  const rubbish = Buffer.from(good);
  rubbish.fill(0x55, 7);
  assert.throws(() => new CompressedReader(() => undefined).push(rubbish), malformed);
});

async function compressed(): Promise<Connection> {
  return mysql.createConnection({
    host: '127.0.0.1',
    port: demo.port,
    user: 'root',
    compress: true,
    multipleStatements: true,
  });
}

test('a compressing client: results, errors, other users, 20 MB both ways', async () => {
  const connection = await compressed();
  const one = async (sql: string): Promise<unknown> => {
    const [rows] = await connection.query<RowDataPacket[][]>({ sql, rowsAsArray: true });
    return rows[0]?.[0];
  };
  try {
    assert.equal(await one('echo hi'), 'hi');
    const [rows] = await connection.query<RowDataPacket[]>('big 30000');
    assert.equal(rows.length, 30_000);
    assert.deepEqual(
      (await connection.execute('big 3000'))[0],
      (await connection.query('big 3000'))[0],
    );
    await assert.rejects(connection.query('bad'), { errno: 1064 });
    await assert.rejects(connection.query('half'), { errno: 1064 });
    const text = 'x'.repeat(20_000_000);
    assert.equal(await one(`length ${text}`), String(text.length + 7));
    assert.equal(String(await one('wide 20000000')).length, 20_000_000);
    await connection.changeUser({ user: 'ann', password: 'sécret' });
    assert.match(String(await one('who')), /^ann@/);
    const [results] = await connection.query('select 1; select 2');
    assert.equal((results as unknown[]).length, 2);
  } finally {
    connection.destroy();
  }
});

test('compressed garbage ends its own connection only, with an error', async () => {
  const other = await compressed();
  const capabilities = PLAIN_CAPABILITIES | CAPABILITY.compress;
  for (const garbage of [
    Buffer.from('030000006400007a7a7a', 'hex'),
    Buffer.concat([Buffer.from('10000000ffffff', 'hex'), Buffer.alloc(16, 0x78)]),
  ]) {
    const client = await RawClient.loggedIn(demo.port, { capabilities });
    client.socket.write(garbage);
    await client.closed();
  }
  await other.query('echo still here');
  other.destroy();
});
