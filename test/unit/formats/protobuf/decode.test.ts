// Protobuf's bytes as lines of JSON: what Google's own library wrote means the same here, later values and
// pieces of messages count as the format says, and bytes that are no message end in a reason.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FieldForm } from '../../../../src/formats/avro/decode.ts';
import { ByteReader } from '../../../../src/formats/byte-reader.ts';
import { LineWriter } from '../../../../src/formats/json/line-writer.ts';
import { MalformedMessage } from '../../../../src/formats/malformed.ts';
import { compileProto, readMessageIndexes } from '../../../../src/formats/protobuf/decode.ts';
import {
  findProtoMessage,
  type ProtoMessage,
  ProtoSchemaProblem,
  parseProtoSchema,
} from '../../../../src/formats/protobuf/schema.ts';
import { zoneOffset } from '../../../../src/formats/time-text.ts';

const file = (name: string): string => readFileSync(`test/fixtures/protobuf/${name}`, 'utf8');
const MESSAGES = parseProtoSchema(file('types.proto'), [
  { name: 'legacy.proto', text: file('legacy.proto') },
]);
const rows = JSON.parse(file('rows.json')) as readonly {
  readonly bytes: string;
  readonly json: Record<string, unknown>;
}[];

function lineOf(
  message: ProtoMessage | undefined,
  bytes: Buffer,
  wanted: Readonly<Record<string, FieldForm>> | null = null,
  zone = 'UTC',
): string {
  assert(message !== undefined);
  const write = compileProto(message, {
    wanted: wanted === null ? null : new Map(Object.entries(wanted)),
    zone: zoneOffset(zone),
  });
  const from = new ByteReader();
  const out = new LineWriter(1024 * 1024);
  from.open(bytes, 0, bytes.length);
  write(from, out);
  return out.bytes.toString('utf8', 0, out.length);
}

/** Numbers beyond doubles as texts, so that they can be compared digit by digit. */
const exactly = (line: string): unknown =>
  JSON.parse(line.replace(/([:,[])(-?\d{17,}|-?9\d{15})(?=[,}\]])/g, '$1"long:$2"'));

const one = (text: string): ProtoMessage | undefined => parseProtoSchema(text, [])[0];
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('messages that protobuf wrote mean the same, all of them and field by field', () => {
  for (const { bytes, json } of rows) {
    const given = Buffer.from(bytes, 'base64');
    assert.deepEqual(exactly(lineOf(MESSAGES[1], given)), json);
    for (const [name, value] of Object.entries(json)) {
      const alone = exactly(lineOf(MESSAGES[1], given, { [name]: 'json' }));
      assert.deepEqual(alone, { [name]: value });
    }
  }
});

test('compiled files in base64 are the same as their texts, alone and mixed', () => {
  const compiled = JSON.parse(file('descriptors.json')) as Readonly<Record<string, string>>;
  const types = compiled['types.proto'] ?? '';
  const legacy = compiled['legacy.proto'] ?? '';
  for (const [main, other] of [
    [types, legacy],
    [types, file('legacy.proto')],
    [file('types.proto'), legacy],
  ] as const) {
    const messages = parseProtoSchema(main, [{ name: 'legacy.proto', text: other }]);
    assert.deepEqual(
      messages.map(({ fullName }) => fullName.replace(/^\./, '')),
      ['shop.v1.Unused', 'shop.v1.All'],
    );
    for (const { bytes, json } of rows)
      assert.deepEqual(exactly(lineOf(messages[1], Buffer.from(bytes, 'base64'))), json);
  }
  assert.throws(() => parseProtoSchema('AAAA', []), ProtoSchemaProblem);
});

test('a type by its name in a file: a .proto text, or what protoc makes', () => {
  const compiled = readFileSync('test/fixtures/protobuf/types.desc');
  for (const { bytes, json } of rows) {
    const message = findProtoMessage(compiled, 'shop.v1.All');
    assert.deepEqual(exactly(lineOf(message, Buffer.from(bytes, 'base64'))), json);
  }
  const text = Buffer.from(`syntax = "proto3"; package p; import "google/protobuf/timestamp.proto";
    message A { message B { google.protobuf.Timestamp t = 1; } }`);
  assert.equal(
    lineOf(findProtoMessage(text, 'p.A.B'), hex('0a 00')),
    '{"t":"1970-01-01 00:00:00"}',
  );
  for (const [bytes, name, reason] of [
    [text, 'p.Gone', /no message type 'p\.Gone'/],
    [
      Buffer.from('syntax = "proto3"; import "other.proto"; message A { other.B b = 1; }'),
      'A',
      /other\.B/,
    ],
    [Buffer.from([0, 1, 2, 3]), 'A', /./],
    [compiled.subarray(0, 500), 'shop.v1.All', /./],
  ] as const)
    assert.throws(
      () => findProtoMessage(bytes, name),
      (error: unknown) => error instanceof ProtoSchemaProblem && reason.test(error.message),
    );
});

test('message types are in the order of the file, indexes lead to them', () => {
  assert.deepEqual(
    MESSAGES.map(({ fullName }) => fullName),
    ['shop.v1.Unused', 'shop.v1.All'],
  );
  const at = (bytes: string): string => {
    const from = new ByteReader();
    from.open(hex(bytes), 0, hex(bytes).length);
    return readMessageIndexes(from, MESSAGES).fullName;
  };
  assert.equal(at('00'), 'shop.v1.Unused');
  assert.equal(at('02 02'), 'shop.v1.All');
  assert.equal(at('04 02 00'), 'shop.v1.All.Inner');
  assert.throws(() => at('02 08'), /no message type at index 4/);
  assert.throws(() => at('01'), /-1 message indexes/);
  assert.throws(() => at('04 02'), MalformedMessage);
});

test('the last value counts, pieces of a message are put together, members of a oneof end each other', () => {
  const schema = one(`syntax = "proto3"; message M {
    int32 a = 1; M m = 2; repeated int32 r = 3; oneof o { int32 x = 4; string y = 5; } map<string, int32> p = 6; }`);
  const value = (bytes: string): unknown => JSON.parse(lineOf(schema, hex(bytes)));
  const empty = { a: 0, m: null, r: [], x: null, y: null, p: {} };
  assert.deepEqual(value('08 01 08 02'), { ...empty, a: 2 });
  const merged = { ...empty, a: 1, r: [5, 6] };
  assert.deepEqual(value('12 04 08 01 18 05 12 02 18 06'), { ...empty, m: merged });
  assert.deepEqual(value('18 01 1a 02 02 03 08 07 18 04'), { ...empty, a: 7, r: [1, 2, 3, 4] });
  assert.deepEqual(value('20 01 2a 01 61'), { ...empty, y: 'a' });
  assert.deepEqual(value('2a 01 61 20 01'), { ...empty, x: 1 });
  assert.deepEqual(value('32 05 0a 01 6b 10 01 32 05 10 02 0a 01 6b'), { ...empty, p: { k: 2 } });
  // Fields that the schema does not know, of every wire type, and a known one of another wire type.
  assert.deepEqual(
    value('78 01 79 0000000000000000 7a 01 00 7d 00000000 7b 78 01 7c 0a 01 61'),
    empty,
  );
});

test('a wanted member of a oneof is NULL when another one was given later', () => {
  const schema = one('syntax = "proto3"; message M { oneof o { int32 x = 1; string y = 2; } }');
  assert.equal(lineOf(schema, hex('08 01 12 01 61'), { x: 'json' }), '{"x":null}');
  assert.equal(lineOf(schema, hex('12 01 61 08 01'), { x: 'json' }), '{"x":1}');
});

test('forms: bytes in base64, numbers of timestamps and enums, moments in a zone', () => {
  const schema =
    one(`syntax = "proto3"; import "google/protobuf/timestamp.proto"; enum E { A = 0; B = 1; }
    message M { bytes b = 1; google.protobuf.Timestamp t = 2; E e = 3; int32 i = 4; }`);
  const bytes = hex('0a 02 00ff 12 02 08 3c 18 01 20 05');
  assert.equal(
    lineOf(schema, bytes, { b: 'base64', t: 'number', e: 'number', i: 'base64' }),
    '{"b":"AP8=","t":60000,"e":1,"i":"NQ=="}',
  );
  assert.equal(
    lineOf(schema, bytes, { t: 'json', e: 'json' }, 'Asia/Tokyo'),
    '{"t":"1970-01-01 09:01:00","e":"B"}',
  );
  assert.equal(
    lineOf(schema, Buffer.alloc(0), { b: 'base64', e: 'number', t: 'number' }),
    '{"b":"","t":null,"e":0}',
  );
});

test("Confluent's decimal, and the negative zero of doubles", () => {
  const schema = parseProtoSchema(
    'syntax = "proto3"; package p; import "confluent/type/decimal.proto"; message M { confluent.type.Decimal d = 1; double z = 2; }',
    [
      {
        name: 'confluent/type/decimal.proto',
        text: 'syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }',
      },
    ],
  )[0];
  assert.equal(lineOf(schema, hex('0a 06 0a 02 ff85 18 02')), '{"d":"-1.23","z":0}');
  assert.equal(lineOf(schema, hex('0a 00')), '{"d":"0","z":0}');
});

test('bytes that are no message: a reason, never another error', () => {
  const whole = Buffer.from(rows[1]?.bytes ?? '', 'base64');
  fc.assert(
    fc.property(fc.nat(whole.length), fc.uint8Array({ maxLength: 40 }), (at, noise) => {
      try {
        const bytes = Buffer.concat([
          whole.subarray(0, at),
          noise,
          whole.subarray(at + noise.length),
        ]);
        JSON.parse(lineOf(MESSAGES[1], bytes));
      } catch (error) {
        assert.ok(error instanceof MalformedMessage, String(error));
      }
    }),
    { numRuns: 3000 },
  );
  const says = (bytes: string, reason: RegExp): void => {
    assert.throws(() => lineOf(MESSAGES[1], hex(bytes)), reason);
  };
  says('01', /no valid number/);
  says('0e', /wire type 6/);
  says('72 05 61', /ends within/);
  says('7b', /ends within/);
  // A message in itself, 200 times.
  let deep = Buffer.alloc(0);
  for (let depth = 0; depth < 200; depth += 1) {
    const length =
      deep.length < 128 ? [deep.length] : [(deep.length & 127) | 128, deep.length >> 7];
    deep = Buffer.concat([Buffer.from([0x1a, ...length]), deep]);
  }
  assert.throws(() => lineOf(MESSAGES[1]?.nested[0], deep), /nested deeper than 100/);
});

test('schemas that are none', () => {
  for (const [text, reason] of [
    ['garbage {', /illegal token/],
    ['syntax = "proto3"; message M { Nowhere n = 1; }', /Nowhere/],
    ['syntax = "proto3"; import "gone.proto"; message M { gone.T n = 1; }', /gone\.T/],
  ] as const)
    assert.throws(
      () => parseProtoSchema(text, []),
      (error: unknown) => error instanceof ProtoSchemaProblem && reason.test(error.message),
    );
});
