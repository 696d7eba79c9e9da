// The result writer alone, over a socket pair: order and flags of packets, errors in the middle, misuse.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { fail } from '../../../src/base/errors.ts';
import { CAPABILITY, STATUS } from '../../../src/mysql/constants.ts';
import type { MysqlColumn } from '../../../src/mysql/handler.ts';
import { PacketChannel } from '../../../src/mysql/packet-channel.ts';
import { readError } from '../../../src/mysql/packets/error.ts';
import { type Packet, PacketSplitter } from '../../../src/mysql/packets/framing.ts';
import { readOk } from '../../../src/mysql/packets/ok.ts';
import { PayloadReader } from '../../../src/mysql/packets/payload-reader.ts';
import { CommandWriter } from '../../../src/mysql/result-writer.ts';
import { MAX_ROW_BYTES, RowEncoder } from '../../../src/mysql/row-encoder.ts';

const listener = createServer();
before(async () => {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
});
after(() => listener.close());

const N: readonly MysqlColumn[] = [{ name: 'n', type: 'int' }];

interface Rig {
  out: CommandWriter;
  channel: PacketChannel;
  abort: AbortController;
  client: Socket;
  /** Closes and gives every packet that the client got. */
  packets(): Promise<Packet[]>;
}

async function rig(capabilities: number = CAPABILITY.deprecateEof, binary = false): Promise<Rig> {
  const address = listener.address();
  assert.ok(address !== null && typeof address === 'object');
  const client = connect(address.port, '127.0.0.1');
  const [socket] = (await once(listener, 'connection')) as [Socket];
  const packets: Packet[] = [];
  const splitter = new PacketSplitter(MAX_ROW_BYTES, (packet) => packets.push(packet));
  client.on('data', (data) => splitter.push(data));
  const channel = new PacketChannel(socket, systemClock, 1000);
  channel.sequence = 1;
  const abort = new AbortController();
  const status = () => ({ autocommit: true, inTransaction: false });
  const out = new CommandWriter({
    channel,
    capabilities,
    status,
    signal: abort.signal,
    binary,
    cursor: null,
  });
  return {
    out,
    channel,
    abort,
    client,
    async packets() {
      channel.end();
      await once(client, 'close');
      return packets;
    },
  };
}

function inOrder(packets: readonly Packet[], first = 1): void {
  packets.forEach((packet, i) => {
    assert.equal(packet.sequence, (first + i) & 0xff, `sequence of packet ${i}`);
  });
}

test('several results: all but the last say that more follow', async () => {
  const { out, packets } = await rig();
  await out.ok({ affectedRows: 300n });
  await out.beginRows(N);
  await out.row(['5']);
  await out.endRows();
  await out.ok();
  await out.finish();
  const got = await packets();
  inOrder(got);
  const more = STATUS.autocommit | STATUS.moreResultsExist;
  const oks = [got[0], got[4], got[5]].map((packet) =>
    readOk(new PayloadReader(packet?.payload ?? Buffer.alloc(0))),
  );
  assert.deepEqual(
    oks.map((ok) => ok.statusFlags),
    [more, more, STATUS.autocommit],
  );
  assert.equal(oks[0]?.affectedRows, 300);
  assert.equal(got.length, 6);
});

test('without DEPRECATE_EOF there are two EOF packets', async () => {
  const { out, packets } = await rig(0);
  assert.deepEqual(await out.beginRows(N), { firstSequence: 4 });
  await out.row([null]);
  await out.endRows({ warnings: 70_000 });
  await out.finish();
  const got = await packets();
  inOrder(got);
  assert.deepEqual(
    got.map((packet) => packet.payload.toString('hex')).filter((hex) => hex.length <= 10),
    ['01', 'fe00000200', 'fb', 'feffff0200'],
  );
});

test('an error in the middle of rows follows the rows before it', async () => {
  for (const ready of [true, false]) {
    const { out, packets } = await rig();
    const { firstSequence } = await out.beginRows(N);
    if (ready) {
      const encoder = new RowEncoder(firstSequence, (chunk) => {
        // Cut anywhere: also inside a header.
        for (let i = 0; i < chunk.length; i += 3) void out.raw(chunk.subarray(i, i + 3));
      });
      for (let i = 0; i < 700; i++) {
        encoder.startRow();
        encoder.integer(i);
        encoder.endRow();
      }
      encoder.flush();
    } else for (let i = 0; i < 700; i++) await out.row([String(i)]);
    await out.error(fail('SQL_ANALYZE', { detail: 'late' }));
    await out.error(fail('SQL_ANALYZE', { detail: 'second' }));
    await out.finish();
    const got = await packets();
    inOrder(got);
    assert.equal(got.length, 703);
    const error = readError(new PayloadReader(got[702]?.payload ?? Buffer.alloc(0)));
    assert.deepEqual(error, {
      errno: 1064,
      sqlState: 'HY000',
      message: 'Getting analyzing error. Detail message: late.',
    });
  }
});

test('an error within a half-sent packet cuts the connection', async () => {
  const { out, channel, packets } = await rig();
  await out.beginRows(N);
  await out.raw(Buffer.from([5, 0, 0, 3, 4, 0x31]));
  await out.error(fail('CANCELLED'));
  assert.ok(channel.closed.aborted);
  assert.equal((await packets()).length, 2);
});

test('binary rows are made of ready-made text rows', async () => {
  const { out, packets } = await rig(CAPABILITY.deprecateEof, true);
  const { firstSequence } = await out.beginRows(N);
  const encoder = new RowEncoder(firstSequence, (chunk) => void out.raw(chunk));
  for (const value of [7, -1]) {
    encoder.startRow();
    encoder.integer(value);
    encoder.endRow();
  }
  encoder.startRow();
  encoder.nullValue();
  encoder.endRow();
  encoder.flush();
  await out.endRows({ nextSequence: encoder.sequence });
  await out.finish();
  const got = await packets();
  inOrder(got);
  assert.deepEqual(
    got.slice(2, 5).map((packet) => packet.payload.toString('hex')),
    ['000007000000', '0000ffffffff', '0004'],
  );
});

test('an aborted signal stops writers, also one that waits for its client', async () => {
  const { out, abort, client } = await rig();
  client.pause();
  await out.beginRows(N);
  const block = Buffer.alloc(1_000_004, 0x20);
  block.writeUIntLE(1_000_000, 0, 3);
  const writing = (async () => {
    for (let i = 0; i < 1000; i++) {
      const next = Buffer.from(block);
      next[3] = (3 + i) & 0xff;
      await out.raw(next);
    }
  })();
  const stopped = assert.rejects(writing, { code: 'CANCELLED' });
  await systemClock.sleep(200);
  abort.abort(fail('CANCELLED'));
  await stopped;
  await assert.rejects(out.row(['1']));
  client.destroy();
});

test('misuse is told: unfinished rows, no result, wrong sequence, wrong width', async () => {
  const first = await rig();
  await assert.rejects(first.out.finish(), { code: 'INTERNAL' });
  await assert.rejects(first.out.row(['1']), /invariant/);
  await first.out.beginRows(N);
  await assert.rejects(first.out.ok(), /invariant/);
  await assert.rejects(first.out.row(['1', '2']), /invariant/);
  await assert.rejects(first.out.endRows({ nextSequence: 99 }), /invariant/);
  await assert.rejects(first.out.finish(), { code: 'INTERNAL' });
  await first.packets();
});
