// Every packet: golden bytes taken from the protocol's documentation or computed by hand, round trips with
// random contents, and the promise that broken input is never more than MYSQL_MALFORMED_PACKET.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError, fail } from '../../../../src/base/errors.ts';
import { CAPABILITY, SERVER_CAPABILITIES } from '../../../../src/mysql/constants.ts';
import type { MysqlColumn, MysqlParameter } from '../../../../src/mysql/handler.ts';
import {
  readAuthSwitch,
  writeAuthSwitch,
  writeFastAuthSuccess,
} from '../../../../src/mysql/packets/auth-switch.ts';
import { readTextRow, writeBinaryRow } from '../../../../src/mysql/packets/binary-row.ts';
import { readChangeUser, writeChangeUser } from '../../../../src/mysql/packets/change-user.ts';
import {
  readColumnDefinition,
  writeColumnDefinition,
} from '../../../../src/mysql/packets/column-definition.ts';
import { readError, writeError } from '../../../../src/mysql/packets/error.ts';
import {
  framePayload,
  PacketSplitter,
  SequenceFollower,
} from '../../../../src/mysql/packets/framing.ts';
import { readHandshake, writeHandshake } from '../../../../src/mysql/packets/handshake.ts';
import {
  isTlsRequest,
  readHandshakeResponse,
  writeHandshakeResponse,
} from '../../../../src/mysql/packets/handshake-response.ts';
import { readOk, writeEof, writeOk } from '../../../../src/mysql/packets/ok.ts';
import { PayloadReader } from '../../../../src/mysql/packets/payload-reader.ts';
import { PayloadWriter } from '../../../../src/mysql/packets/payload-writer.ts';
import {
  type ExecuteInput,
  readQueryText,
  readStmtExecute,
  writeStmtExecute,
} from '../../../../src/mysql/packets/stmt-execute.ts';
import { readPrepareOk, writePrepareOk } from '../../../../src/mysql/packets/stmt-prepare.ts';
import {
  readDateTime,
  readTime,
  writeDateTime,
  writeTime,
} from '../../../../src/mysql/packets/temporal.ts';
import { StatementTable } from '../../../../src/mysql/statements.ts';

const reader = (bytes: Buffer): PayloadReader => new PayloadReader(bytes);
const input = (parameterCount: number): ExecuteInput => ({
  parameterCount,
  knownTypes: null,
  longData: new Map(),
  attributes: false,
});
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const malformed = { code: 'MYSQL_MALFORMED_PACKET' };
/** Text without zeros, which end it in the protocol, and without lone surrogates. */
const word = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\0'));
const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

test('golden: OK, EOF, ERR', () => {
  assert.equal(writeOk({}, 2).toString('hex'), '00000002000000');
  assert.equal(
    writeOk({ affectedRows: 300, warnings: 1, info: 'ab' }, 0x0a).toString('hex'),
    '00fc2c0100' + '0a00' + '0100' + '026162',
  );
  assert.equal(writeEof(0, 0, 2).toString('hex'), 'fe00000200');
  assert.equal(writeEof(CAPABILITY.deprecateEof, 0, 2).toString('hex'), 'fe000002000000');
  const error = writeError(fail('NO_DATABASE'));
  assert.equal(error.toString('latin1', 3, 9), '#3D000');
  assert.equal(error.readUInt16LE(1), 1046);
  assert.deepEqual(readError(reader(error)).errno, 1046);
  assert.throws(() => readError(reader(writeOk({}, 2))), malformed);
  assert.throws(() => readOk(reader(error)), malformed);
});

test('golden: column definition', () => {
  const definition = writeColumnDefinition({
    name: 'ü',
    type: 'string',
    length: 10,
    database: 'd',
    table: 't',
    nullable: false,
  });
  assert.equal(
    definition.toString('hex'),
    '03646566' + '0164' + '0174' + '0174' + '02c3bc' + '02c3bc' + '0c2d0028000000fd01000000' + '00',
  );
  const number = readColumnDefinition(
    reader(writeColumnDefinition({ name: 'n', type: 'bigint', unsigned: true })),
  );
  assert.deepEqual(number, {
    database: '',
    table: '',
    name: 'n',
    charset: 63,
    lengthBytes: 20,
    typeCode: 8,
    flags: 128 | 32,
    decimals: 0,
  });
  assert.equal(writeColumnDefinition({ name: 'n', type: 'int' }, true).at(-1), 0xfb);
});

test('golden: handshake', () => {
  const scramble = Buffer.from('abcdefghijklmnopqrst');
  const handshake = {
    serverVersion: '8.0.33',
    connectionId: 7,
    scramble,
    capabilities: SERVER_CAPABILITIES,
    plugin: 'mysql_native_password' as const,
  };
  const written = writeHandshake(handshake);
  const expected = Buffer.concat([
    hex('0a'),
    Buffer.from('8.0.33\0'),
    hex('07000000'),
    Buffer.from('abcdefgh\0'),
    written.subarray(21, 23),
    hex('2d 0200'),
    written.subarray(26, 28),
    hex('15 00000000000000000000'),
    Buffer.from('ijklmnopqrst\0mysql_native_password\0'),
  ]);
  assert.deepEqual(written, expected);
  assert.deepEqual(readHandshake(reader(written)), handshake);
});

test('golden: auth switch', () => {
  const scramble = Buffer.alloc(20, 0x41);
  const written = writeAuthSwitch('caching_sha2_password', scramble);
  assert.equal(written.toString('latin1'), `\xfecaching_sha2_password\0${'A'.repeat(20)}\0`);
  assert.deepEqual(readAuthSwitch(reader(written)), { plugin: 'caching_sha2_password', scramble });
  assert.equal(writeFastAuthSuccess().toString('hex'), '0103');
});

test('round trip: handshake response and change user, whatever the capabilities', () => {
  const attributes = fc
    .array(fc.tuple(word, word), { maxLength: 4 })
    .map((pairs) => new Map(pairs));
  fc.assert(
    fc.property(
      fc.nat(),
      word.filter((text) => text !== ''),
      word,
      bytes(60).filter((token) => !token.includes(0)),
      attributes,
      (flags, user, database, authResponse, attributes) => {
        const capabilities = ((flags | CAPABILITY.protocol41) & ~CAPABILITY.tls) >>> 0;
        const given = (flag: number): boolean => (capabilities & flag) !== 0;
        const response = {
          capabilities,
          maxPacketBytes: 1 << 24,
          charset: 45,
          user,
          authResponse,
          database: given(CAPABILITY.connectWithDatabase) && database !== '' ? database : null,
          plugin: given(CAPABILITY.pluginAuth) ? 'mysql_native_password' : null,
          attributes: given(CAPABILITY.connectAttributes) ? attributes : new Map<string, string>(),
        };
        const written = writeHandshakeResponse(response);
        const back = readHandshakeResponse(reader(written));
        assert.deepEqual(
          { ...back, authResponse: back.authResponse.toString('hex') },
          {
            ...response,
            authResponse: authResponse.toString('hex'),
          },
        );
        const change = { user, authResponse, database: null, plugin: 'p', attributes };
        const changed = readChangeUser(reader(writeChangeUser(change, 45)), SERVER_CAPABILITIES);
        assert.deepEqual(changed, change);
      },
    ),
  );
  assert.ok(!isTlsRequest(Buffer.alloc(32)));
});

test('random bytes in place of a packet are malformed at worst', () => {
  const readers: ((payload: Buffer) => unknown)[] = [
    (payload) => readHandshakeResponse(reader(payload)),
    (payload) => readChangeUser(reader(payload), SERVER_CAPABILITIES),
    (payload) => readStmtExecute(payload, input(3)),
    (payload) => readStmtExecute(payload, { ...input(3), attributes: true }),
    (payload) => readQueryText(payload, true),
    (payload) => readTextRow(payload, 3),
    (payload) => new StatementTable(100, false).decodeExecute(payload),
    (payload) => new StatementTable(100, false).addLongData(payload),
    (payload) => isTlsRequest(payload),
  ];
  fc.assert(
    fc.property(bytes(200), fc.nat(readers.length - 1), (payload, i) => {
      try {
        readers[i]?.(payload);
      } catch (error) {
        assert.ok(error instanceof AppError);
        assert.match(error.code, /^MYSQL_(MALFORMED_PACKET|UNKNOWN_STATEMENT)$/);
      }
    }),
    { numRuns: 2000 },
  );
});

test('round trip: numbers and texts of a payload', () => {
  const lengths = fc.oneof(
    fc.nat(300),
    fc.nat(70_000),
    fc.nat(0x2000000),
    fc.maxSafeInteger().map(Math.abs),
  );
  fc.assert(
    fc.property(lengths, word, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (n, text, big) => {
      const written = new PayloadWriter(1)
        .lengthInteger(n)
        .lengthText(text)
        .u64(big)
        .zeroText(text)
        .finish();
      const back = reader(written);
      assert.deepEqual(
        [back.lengthInteger(), back.lengthText(), back.u64(), back.zeroText()],
        [n, text, big, text],
      );
      assert.equal(back.remaining, 0);
    }),
  );
  assert.throws(() => reader(hex('fb')).lengthInteger(), malformed);
  assert.throws(() => reader(hex('ff')).lengthInteger(), malformed);
  assert.throws(() => reader(hex('feffffffffffffffff')).lengthInteger(), malformed);
});

const pad = (n: number, width = 2): string => String(n).padStart(width, '0');
const dateText = fc
  .tuple(fc.nat(9999), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }))
  .map(([y, m, d]) => `${pad(y, 4)}-${pad(m)}-${pad(d)}`);
const clockText = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.constantFrom(0, 0, 1, 120_000, 999_999))
  .map(([h, m, s, f]) => `${pad(h)}:${pad(m)}:${pad(s)}${f === 0 ? '' : `.${pad(f, 6)}`}`);
const dateTimeText = fc.tuple(dateText, clockText).map(([date, clock]) => `${date} ${clock}`);
const timeText = fc
  .tuple(fc.boolean(), fc.nat(838), clockText)
  .map(([negative, hours, clock]) => `${negative ? '-' : ''}${pad(hours)}${clock.slice(2)}`)
  .filter((text) => !/^-00:00:00$/.test(text));

test('golden and round trip: dates and times', () => {
  const date = new PayloadWriter();
  assert.ok(writeDateTime(date, '2010-10-17 19:27:30.000001'));
  assert.equal(date.finish().toString('hex'), '0bda070a11131b1e01000000');
  const time = new PayloadWriter();
  assert.ok(writeTime(time, '-2899:27:30.000001'));
  assert.equal(time.finish().toString('hex'), '0c017800000013' + '1b1e01000000');
  for (const bad of ['', 'x', '2010-1-1', '12345-01-01', '2010-01-01 1:2:3']) {
    assert.equal(writeDateTime(new PayloadWriter(), bad), false);
  }
  fc.assert(
    fc.property(dateTimeText, timeText, (dateTime, time) => {
      const writer = new PayloadWriter();
      assert.ok(writeDateTime(writer, dateTime) && writeTime(writer, time));
      const back = reader(writer.finish());
      assert.equal(readDateTime(back, false), dateTime);
      assert.equal(readTime(back), time);
    }),
  );
});

test('round trip: execute parameters, with long data and remembered types', () => {
  const parameter: fc.Arbitrary<MysqlParameter> = fc.oneof(
    fc.constant({ kind: 'null' as const }),
    fc
      .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      .map((value) => ({ kind: 'integer' as const, value })),
    fc.double({ noNaN: true }).map((value) => ({ kind: 'double' as const, value })),
    word.map((value) => ({ kind: 'string' as const, value })),
    bytes(300).map((value) => ({ kind: 'bytes' as const, value })),
    dateText.map((value) => ({ kind: 'date' as const, value })),
    dateTimeText.map((value) => ({ kind: 'datetime' as const, value })),
    timeText.map((value) => ({ kind: 'time' as const, value })),
    fc.constant({ kind: 'decimal' as const, value: '12.50' }),
  );
  fc.assert(
    fc.property(fc.array(parameter, { minLength: 1, maxLength: 20 }), (parameters) => {
      const body = writeStmtExecute(1, parameters);
      const first = readStmtExecute(body, input(parameters.length));
      assert.deepEqual(first.parameters, parameters);
      // The same values without types, as clients send them the second time.
      const bitmap = (parameters.length + 7) >> 3;
      const second = Buffer.concat([
        body.subarray(0, 9 + bitmap),
        Buffer.of(0),
        body.subarray(9 + bitmap + 1 + 2 * parameters.length),
      ]);
      const again = readStmtExecute(second, {
        ...input(parameters.length),
        knownTypes: first.types,
      });
      assert.deepEqual(again.parameters, parameters);
      assert.throws(() => readStmtExecute(second, input(parameters.length)), malformed);
    }),
  );
});

test('query attributes are read over, before a text and behind parameters', () => {
  // One attribute: bitmap 00, types follow, VAR_STRING, name "a", value "v".
  const list = '01 01 00 01 fd00 01 61 01 76';
  const text = Buffer.from('SELECT 1');
  const withOne = Buffer.concat([hex(list), text]);
  assert.deepEqual(readQueryText(withOne, true), text);
  assert.deepEqual(readQueryText(Buffer.concat([hex('00 01'), text]), true), text);
  assert.deepEqual(readQueryText(text, false), text);
  assert.throws(() => readQueryText(hex('fdffffff 01'), true), malformed);
  assert.throws(() => readQueryText(hex('05 01 00'), true), malformed);
  const one = hex('01000000 08 01000000 02 00 01 0800 00 fd00 01 61 0700000000000000 01 76');
  assert.deepEqual(readStmtExecute(one, { ...input(1), attributes: true }).parameters, [
    { kind: 'integer', value: 7n },
  ]);
  const none = hex('01000000 08 01000000 01 00 01 fd00 01 61 01 76');
  assert.deepEqual(readStmtExecute(none, { ...input(0), attributes: true }).parameters, []);
  const bare = hex('01000000 00 01000000');
  assert.deepEqual(readStmtExecute(bare, { ...input(0), attributes: true }).parameters, []);
});

test('long data takes the place of a parameter, once, and is bounded', () => {
  const table = new StatementTable(10, false);
  const statement = {
    parameterCount: 2,
    columns: [],
    execute: async () => undefined,
    close: () => undefined,
  };
  const id = table.add(statement);
  const long = (text: string): Buffer => new PayloadWriter().u32(id).u16(1).text(text).finish();
  const body = writeStmtExecute(id, [{ kind: 'integer', value: 1n }, { kind: 'null' }]);
  table.addLongData(long('abc'));
  table.addLongData(long('def'));
  assert.deepEqual(table.decodeExecute(body).parameters[1], { kind: 'string', value: 'abcdef' });
  assert.deepEqual(table.decodeExecute(body).parameters[1], { kind: 'null' });
  table.addLongData(long('x'.repeat(11)));
  assert.throws(() => table.decodeExecute(body), { code: 'MYSQL_PACKET_TOO_LARGE' });
  table.addLongData(long('abc'));
  table.reset(body);
  assert.deepEqual(table.decodeExecute(body).parameters[1], { kind: 'null' });
  table.close(body);
  assert.throws(() => table.decodeExecute(body), { code: 'MYSQL_UNKNOWN_STATEMENT' });
  assert.deepEqual(
    readPrepareOk(reader(writePrepareOk({ statementId: 9, columnCount: 2, parameterCount: 3 }))),
    {
      statementId: 9,
      columnCount: 2,
      parameterCount: 3,
    },
  );
});

test('binary rows: golden, special numbers, values that do not fit', () => {
  const columns: readonly MysqlColumn[] = [
    { name: 'i', type: 'int' },
    { name: 's', type: 'string' },
    { name: 'd', type: 'double' },
    { name: 'u', type: 'bigint', unsigned: true },
  ];
  const row = writeBinaryRow(columns, ['-2', null, '1', '18446744073709551615']);
  assert.equal(
    row.toString('hex'),
    '00' + '08' + 'feffffff' + '000000000000f03f' + 'ffffffffffffffff',
  );
  for (const [text, value] of [
    ['nan', Number.NaN],
    ['-inf', -Infinity],
    ['Infinity', Infinity],
  ] as const) {
    assert.equal(writeBinaryRow([{ name: 'd', type: 'double' }], [text]).readDoubleLE(2), value);
  }
  const bad: [MysqlColumn['type'], string][] = [
    ['int', 'x'],
    ['bigint', '1.5'],
    ['double', 'x'],
    ['date', 'x'],
    ['time', 'x'],
    ['null', 'x'],
  ];
  for (const [type, text] of bad) {
    assert.throws(() => writeBinaryRow([{ name: 'c', type }], [text]), { code: 'INTERNAL' });
  }
});

test('packets in a stream cut anywhere are found whole, and followed', () => {
  const payloads = fc.array(bytes(300), { maxLength: 12 });
  fc.assert(
    fc.property(payloads, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (input, cuts) => {
      let sequence = 250;
      const stream = Buffer.concat(
        input.flatMap((payload) => {
          const { parts, nextSequence } = framePayload(payload, sequence);
          sequence = nextSequence;
          return parts;
        }),
      );
      const got: Buffer[] = [];
      const splitter = new PacketSplitter(1000, ({ payload }) => got.push(Buffer.from(payload)));
      const follower = new SequenceFollower(250);
      for (let pos = 0; pos < stream.length; ) {
        const size: number = cuts.next().value ?? 1;
        splitter.push(stream.subarray(pos, pos + size));
        follower.follow(stream.subarray(pos, pos + size));
        pos += size;
      }
      assert.deepEqual(got, input);
      assert.equal(splitter.pendingBytes, 0);
      assert.ok(follower.atBoundary);
      assert.equal(follower.nextSequence, sequence);
    }),
  );
});

test('continued packets are joined; too large ones are refused at their header', () => {
  const payload = Buffer.alloc(0xffffff + 5, 7);
  const got: { size: number; sequence: number }[] = [];
  const splitter = new PacketSplitter(payload.length, (packet) =>
    got.push({ size: packet.payload.length, sequence: packet.sequence }),
  );
  for (const part of framePayload(payload, 0).parts) splitter.push(part);
  assert.deepEqual(got, [{ size: payload.length, sequence: 1 }]);
  const small = new PacketSplitter(100, () => undefined);
  assert.throws(() => small.push(hex('65000003')), { code: 'MYSQL_PACKET_TOO_LARGE' });
  assert.equal(small.refusedSequence, 3);
});
