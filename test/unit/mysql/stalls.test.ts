// Clients that stop half way: inside a packet, while they should take rows, before they log in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { COMMAND } from '../../../src/mysql/constants.ts';
import { framePayload } from '../../../src/mysql/packets/framing.ts';
import { RawClient } from '../../support/mysql-raw.ts';
import { startDemo, until } from './demo-handler.ts';

test('half a packet is cut off after net_read_timeout; a slow but steady one is not', async () => {
  const demo = await startDemo();
  try {
    demo.product.limits = { ...demo.product.limits, readMs: 250 };
    const stalled = await RawClient.loggedIn(demo.port);
    const steady = await RawClient.loggedIn(demo.port);
    const idle = await RawClient.loggedIn(demo.port);
    const packet = Buffer.concat(framePayload(Buffer.from(`\x03echo ${'a'.repeat(20)}`), 0).parts);
    stalled.socket.write(packet.subarray(0, 7));
    const cut = stalled.closed();
    for (const byte of packet) {
      steady.socket.write(Buffer.of(byte));
      await systemClock.sleep(15);
    }
    assert.equal((await steady.read())?.[0], 1);
    await cut;
    await until(() => demo.server.connectionCount === 2, 'the stalled one is gone');
    idle.command(COMMAND.ping);
    assert.equal((await idle.read())?.[0], 0);
    for (const client of [steady, idle]) client.destroy();
  } finally {
    await demo.close();
  }
});

test('a client that does not take its rows is cut off after net_write_timeout', async () => {
  const demo = await startDemo();
  try {
    demo.product.limits = { ...demo.product.limits, writeMs: 200 };
    const client = await RawClient.loggedIn(demo.port);
    client.socket.pause();
    client.command(COMMAND.query, 'big 50000000');
    await until(() => demo.product.sessionsClosed === 1, 'its session is closed');
    assert.ok(demo.product.rowsMade < 49_000_000);
    client.destroy();
  } finally {
    await demo.close();
  }
});

test('a login sent byte by byte has no more time than any other', async () => {
  const demo = await startDemo({ handshakeTimeoutMs: 200 });
  try {
    const client = await RawClient.greeted(demo.port);
    const login = Buffer.concat(framePayload(client.login({}), 1).parts);
    const startedMs = systemClock.monotonicMs();
    for (const byte of login) {
      if (client.socket.destroyed) break;
      client.socket.write(Buffer.of(byte));
      await systemClock.sleep(20);
    }
    await client.closed();
    assert.ok(systemClock.monotonicMs() - startedMs < 1_500);
    await until(() => demo.server.connectionCount === 0, 'gone');
  } finally {
    await demo.close();
  }
});

test('text that is no UTF-8 is an error that says where, never a changed value', async () => {
  const demo = await startDemo();
  try {
    const client = await RawClient.loggedIn(demo.port);
    for (const command of [COMMAND.query, COMMAND.stmtPrepare]) {
      client.command(command, Buffer.from('echo gr\xfc\xdfe', 'latin1'));
      const answer = await client.read();
      assert.equal(answer?.readUInt16LE(1), 1300);
      assert.match(answer?.toString() ?? '', /'fcdf65' \(hexadecimal\) at byte 7/);
    }
    client.destroy();
  } finally {
    await demo.close();
  }
});

test('an error before the first row comes alone, without the columns before it', async () => {
  const demo = await startDemo();
  try {
    const client = await RawClient.loggedIn(demo.port);
    client.command(COMMAND.query, 'begun');
    const answer = await client.readPacket();
    assert.equal(answer?.payload[0], 0xff);
    assert.equal(answer?.sequence, 1);
    client.command(COMMAND.ping);
    assert.equal((await client.read())?.[0], 0);
    client.destroy();
  } finally {
    await demo.close();
  }
});
