// Logins: both plugins, with and without a password, switches between them, TLS, refusals.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as tcpConnect } from 'node:net';
import { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import fc from 'fast-check';
import mysql, { type ConnectionOptions, type RowDataPacket } from 'mysql2/promise';
import { systemClock } from '../../../src/base/clock.ts';
import { seededRandom, systemRandom } from '../../../src/base/random.ts';
import { cachingSha2Token, checkCachingSha2 } from '../../../src/mysql/auth/caching-sha2.ts';
import { nativeHashCredential, passwordDigests } from '../../../src/mysql/auth/digests.ts';
import {
  checkNativePassword,
  nativePasswordToken,
} from '../../../src/mysql/auth/native-password.ts';
import { makeScramble } from '../../../src/mysql/auth/scramble.ts';
import { type AuthPlugin, CAPABILITY, SERVER_CAPABILITIES } from '../../../src/mysql/constants.ts';
import { readAuthSwitch } from '../../../src/mysql/packets/auth-switch.ts';
import { framePayload, type Packet, PacketSplitter } from '../../../src/mysql/packets/framing.ts';
import { readHandshake } from '../../../src/mysql/packets/handshake.ts';
import { writeHandshakeResponse } from '../../../src/mysql/packets/handshake-response.ts';
import { PayloadReader } from '../../../src/mysql/packets/payload-reader.ts';
import { selfSigned } from '../../../src/mysql/self-signed.ts';
import { startDemo, until } from './demo-handler.ts';

const PLUGINS: readonly AuthPlugin[] = ['mysql_native_password', 'caching_sha2_password'];
const CERTIFICATE = selfSigned({
  hosts: ['localhost', '127.0.0.1'],
  nowMs: systemClock.nowMs(),
  random: systemRandom,
});
const servers = new Map<AuthPlugin, Awaited<ReturnType<typeof startDemo>>>();

before(async () => {
  for (const authPlugin of PLUGINS) {
    servers.set(authPlugin, await startDemo({ authPlugin, tls: CERTIFICATE }));
  }
});
after(async () => {
  for (const server of servers.values()) await server.close();
});

function port(plugin: AuthPlugin): number {
  return servers.get(plugin)?.port ?? 0;
}

async function who(plugin: AuthPlugin, options: ConnectionOptions): Promise<string> {
  const connection = await mysql.createConnection({
    host: '127.0.0.1',
    port: port(plugin),
    ...options,
  });
  try {
    const [rows] = await connection.query<RowDataPacket[]>('who');
    return String(rows[0]?.['who']);
  } finally {
    connection.destroy();
  }
}

for (const plugin of PLUGINS) {
  test(`${plugin} offered: right and wrong passwords`, async () => {
    assert.match(await who(plugin, { user: 'root', password: '' }), /^root@127.0.0.1 db=null/);
    assert.match(await who(plugin, { user: 'ann', password: 'sécret' }), /^ann@/);
    assert.match(
      await who(plugin, { user: 'old', password: 'sécret', database: 'd' }),
      /^old@.* db=d/,
    );
    const refused: [ConnectionOptions, string][] = [
      [
        { user: 'root', password: 'x' },
        "Access denied for user 'root'@'127.0.0.1' (using password: YES)",
      ],
      [
        { user: 'ann', password: 'secret' },
        "Access denied for user 'ann'@'127.0.0.1' (using password: YES)",
      ],
      [
        { user: 'ann', password: '' },
        "Access denied for user 'ann'@'127.0.0.1' (using password: NO)",
      ],
      [
        { user: 'old', password: 'secret' },
        "Access denied for user 'old'@'127.0.0.1' (using password: YES)",
      ],
      [
        { user: 'nobody', password: 'x' },
        "Access denied for user 'nobody'@'127.0.0.1' (using password: YES)",
      ],
      [
        { user: 'nobody', password: '' },
        "Access denied for user 'nobody'@'127.0.0.1' (using password: NO)",
      ],
    ];
    for (const [options, message] of refused) {
      await assert.rejects(who(plugin, options), { errno: 1045, sqlState: '28000', message });
    }
    await assert.rejects(who(plugin, { user: 'ann', password: 'sécret', database: 'nowhere' }), {
      errno: 1049,
    });
  });

  test(`${plugin} offered: over TLS`, async () => {
    const ssl = { rejectUnauthorized: false };
    assert.match(await who(plugin, { user: 'ann', password: 'sécret', ssl }), /tls=TLSv1\.3$/);
  });
}

test('where TLS is required, logins without it are refused before the password is looked at', async () => {
  const strict = await startDemo({ tls: CERTIFICATE, requireTls: true });
  try {
    const options = { host: '127.0.0.1', port: strict.port, user: 'root' };
    await assert.rejects(mysql.createConnection(options), { errno: 3159 });
    const ssl = { rejectUnauthorized: false };
    (await mysql.createConnection({ ...options, ssl })).destroy();
  } finally {
    await strict.close();
  }
});

test('a broken TLS hello ends the connection', async () => {
  const server = servers.get('mysql_native_password');
  assert.ok(server !== undefined);
  const socket = tcpConnect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  const request = Buffer.alloc(32);
  request.writeUInt32LE(SERVER_CAPABILITIES | CAPABILITY.tls, 0);
  socket.write(
    Buffer.concat([...framePayload(request, 1).parts, Buffer.from('not a hello at all')]),
  );
  socket.resume();
  await until(() => socket.closed, 'socket closed');
  await until(() => server.server.connectionCount === 0, 'session gone');
});

test('a TLS hello sent together with the request for TLS', async () => {
  // As Connector/J does at times; its record header would be a packet of 192 KB.
  const raw = tcpConnect(port('mysql_native_password'), '127.0.0.1');
  raw.on('error', () => undefined);
  await once(raw, 'data');
  const request = Buffer.alloc(32);
  request.writeUInt32LE(SERVER_CAPABILITIES | CAPABILITY.tls, 0);
  let pending = Buffer.concat(framePayload(request, 1).parts);
  const pipe = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      if (pending.length > 0) chunk.writeUInt8(3, 2);
      raw.write(Buffer.concat([pending, chunk]));
      pending = Buffer.alloc(0);
      done();
    },
  });
  raw.on('data', (data) => pipe.push(data));
  const secure = tlsConnect({ socket: pipe, rejectUnauthorized: false });
  await once(secure, 'secureConnect');
  secure.destroy();
  raw.destroy();
});

/** A client by hand, for what the real ones do not do. Gives the packets that came. */
async function byHand(options: {
  user: string;
  plugin: string | null;
  token: (scramble: Buffer) => Buffer;
  answer?: (plugin: string, scramble: Buffer) => Buffer;
}): Promise<Buffer[]> {
  const socket = tcpConnect(port('mysql_native_password'), '127.0.0.1');
  const got: Buffer[] = [];
  const send = (payload: Buffer, sequence: number): void => {
    socket.write(Buffer.concat(framePayload(payload, sequence).parts));
  };
  const onPacket = ({ payload, sequence }: Packet): void => {
    got.push(payload);
    if (got.length === 1) {
      const { scramble } = readHandshake(new PayloadReader(payload));
      const response = {
        capabilities:
          options.plugin === null
            ? SERVER_CAPABILITIES & ~CAPABILITY.pluginAuth
            : SERVER_CAPABILITIES,
        maxPacketBytes: 1 << 24,
        charset: 45,
        user: options.user,
        authResponse: options.token(scramble),
        database: null,
        plugin: options.plugin,
        attributes: new Map([['program_name', 'by hand']]),
      };
      send(writeHandshakeResponse(response), sequence + 1);
    } else if (payload[0] === 0xfe && options.answer !== undefined) {
      const request = readAuthSwitch(new PayloadReader(payload));
      send(options.answer(request.plugin, request.scramble), sequence + 1);
    } else if (payload[0] === 0x00 || payload[0] === 0xff) socket.end();
  };
  const splitter = new PacketSplitter(1 << 20, onPacket);
  socket.on('data', (data) => splitter.push(data));
  await until(() => socket.closed, 'closed');
  return got;
}

test('an unknown plugin of the client is switched away from', async () => {
  const got = await byHand({
    user: 'ann',
    plugin: 'authentication_windows_client',
    token: () => Buffer.from('whatever'),
    answer: (plugin, scramble) => {
      assert.equal(plugin, 'mysql_native_password');
      return nativePasswordToken('sécret', scramble);
    },
  });
  assert.equal(got.at(-1)?.[0], 0x00);
});

test('a client without plugins logs in natively, and cannot be switched', async () => {
  const token = (scramble: Buffer): Buffer => nativePasswordToken('sécret', scramble);
  const right = await byHand({ user: 'ann', plugin: null, token });
  assert.equal(right.at(-1)?.[0], 0x00);
  const wrong = await byHand({ user: 'ann', plugin: null, token: () => Buffer.alloc(20) });
  assert.equal(wrong.at(-1)?.[0], 0xff);
});

test('a lone zero byte is an empty password', async () => {
  const got = await byHand({
    user: 'root',
    plugin: 'caching_sha2_password',
    token: () => Buffer.alloc(1),
  });
  assert.equal(got.at(-1)?.[0], 0x00);
});

test('known digests and tokens', () => {
  const digests = passwordDigests('password');
  assert.ok(digests.kind === 'digests');
  // SELECT PASSWORD('password') of MySQL 5.7.
  const hash = '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19';
  assert.deepEqual(nativeHashCredential(hash), { ...digests, sha256sha256: null });
  assert.equal(nativeHashCredential('*12'), null);
  assert.deepEqual(passwordDigests(''), { kind: 'empty-password' });
});

test('tokens match exactly for the right password and scramble', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), fc.nat(), (password, other, seed) => {
      const scramble = makeScramble(seededRandom(seed));
      assert.ok(scramble.every((byte) => byte > 0 && byte < 0x80 && byte !== 0x24));
      const digests = passwordDigests(password);
      assert.ok(digests.kind === 'digests');
      const { sha1sha1, sha256sha256 } = digests;
      assert.ok(sha1sha1 !== null && sha256sha256 !== null);
      for (const attempt of [password, other]) {
        const right = attempt === password;
        const native = nativePasswordToken(attempt, scramble);
        assert.equal(checkNativePassword(native, scramble, sha1sha1), right);
        const sha2 = cachingSha2Token(attempt, scramble);
        assert.equal(checkCachingSha2(sha2, scramble, sha256sha256), right);
      }
    }),
  );
});
