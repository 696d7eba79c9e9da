// Avro's bytes as lines of JSON: what fastavro wrote means the same here, every logical type, and bytes
// that are no message end in a reason, whatever they are.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileAvro, type FieldForm } from '../../../../src/formats/avro/decode.ts';
import { AvroSchemaProblem, parseAvroSchema } from '../../../../src/formats/avro/schema.ts';
import { ByteReader } from '../../../../src/formats/byte-reader.ts';
import { LineWriter } from '../../../../src/formats/json/line-writer.ts';
import { MalformedMessage } from '../../../../src/formats/malformed.ts';
import { zoneOffset } from '../../../../src/formats/time-text.ts';
import { long, sized } from '../../../support/avro-bytes.ts';

interface DecodeCase {
  readonly references?: readonly string[];
  readonly wanted?: Readonly<Record<string, FieldForm>>;
  readonly zone?: string;
}

function decode(schema: string, bytes: Buffer, more: DecodeCase = {}): string {
  const write = compileAvro(parseAvroSchema(schema, more.references ?? []), {
    wanted: more.wanted === undefined ? null : new Map(Object.entries(more.wanted)),
    zone: zoneOffset(more.zone ?? 'UTC'),
  });
  assert(write !== null);
  const from = new ByteReader();
  const out = new LineWriter(1024 * 1024);
  from.open(bytes, 0, bytes.length);
  write(from, out);
  return out.bytes.toString('utf8', 0, out.length);
}

/** One field `v` of the type. */
const record = (type: unknown): string =>
  JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'v', type }] });
const one = (type: unknown, bytes: Buffer, more: DecodeCase = {}): unknown => {
  const line = decode(record(type), bytes, more);
  assert.ok(line.startsWith('{"v":') && line.endsWith('}'), line);
  return line.slice(5, -1);
};

interface Fixture {
  readonly schema: string;
  readonly rows: readonly { readonly bytes: string; readonly json: Record<string, unknown> }[];
}
const fixture = JSON.parse(
  readFileSync('test/fixtures/avro/fastavro-rows.json', 'utf8'),
) as Fixture;

test('rows that fastavro wrote mean the same, all of them and field by field', () => {
  for (const { bytes, json } of fixture.rows) {
    const given = Buffer.from(bytes, 'base64');
    const line = decode(fixture.schema, given);
    // Numbers beyond doubles are given as texts, so that they can be compared digit by digit.
    const exact = line.replace(/:(-?\d{16,})([,}])/g, ':"long:$1"$2');
    assert.deepEqual(JSON.parse(exact), json);
    for (const name of Object.keys(json)) {
      const alone = JSON.parse(
        decode(fixture.schema, given, { wanted: { [name]: 'json' } }).replace(
          /:(-?\d{16,})([,}])/g,
          ':"long:$1"$2',
        ),
      );
      assert.deepEqual(alone, { [name]: json[name] });
    }
  }
});

test('every number is read back with all its digits', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      assert.equal(one('long', long(value)), String(value));
    }),
  );
  for (const edge of [0, 63, 64, -64, -65, 8191, 8192, 2 ** 27, 2 ** 28, 2 ** 31, 2 ** 48, 2 ** 49])
    for (const value of [edge, -edge, edge - 1])
      assert.equal(one('long', long(value)), String(value + 0));
  fc.assert(
    fc.property(fc.double(), (value) => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value);
      const text = String(one('double', bytes));
      const read: unknown = JSON.parse(text);
      if (!Number.isFinite(value)) assert.equal(read, String(value));
      else assert.equal(Number(read), value === 0 ? 0 : value);
    }),
  );
});

test('any text comes through, escaped where JSON wants it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 2000 }), (text) => {
      const line = String(one('string', sized(text)));
      assert.equal(JSON.parse(line), Buffer.from(text).toString());
      assert.ok(!line.includes('\n'));
    }),
  );
});

test('moments, in UTC and in zones with summer time; times without zone stay', () => {
  const at = (type: string, value: number | bigint, zone: string): unknown =>
    JSON.parse(String(one({ type: 'long', logicalType: type }, long(value), { zone })));
  const winter = Date.UTC(2024, 0, 1, 12);
  const summer = Date.UTC(2024, 6, 1, 12);
  assert.equal(at('timestamp-millis', winter, 'Europe/Berlin'), '2024-01-01 13:00:00');
  assert.equal(at('timestamp-millis', summer, 'Europe/Berlin'), '2024-07-01 14:00:00');
  assert.equal(at('timestamp-millis', summer, '+05:30'), '2024-07-01 17:30:00');
  assert.equal(at('timestamp-millis', -1, 'America/New_York'), '1969-12-31 18:59:59.999');
  assert.equal(
    at('timestamp-nanos', 1_700_000_000_123_456_789n, 'UTC'),
    '2023-11-14 22:13:20.123456',
  );
  assert.equal(at('timestamp-micros', -1n, 'UTC'), '1969-12-31 23:59:59.999999');
  assert.equal(at('local-timestamp-millis', summer, 'Europe/Berlin'), '2024-07-01 12:00:00');
  assert.equal(at('local-timestamp-nanos', -1n, 'UTC'), '1969-12-31 23:59:59.999999');
});

test('uuid and duration as fixed; a logical type that does not fit is none', () => {
  const uuid = { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' };
  const bytes = Buffer.from('123e4567e89b12d3a456426614174000', 'hex');
  assert.equal(one(uuid, bytes), '"123e4567-e89b-12d3-a456-426614174000"');
  const duration = { type: 'fixed', name: 'D', size: 12, logicalType: 'duration' };
  const parts = Buffer.alloc(12);
  assert.equal(one(duration, parts), '"PT0S"');
  parts.writeUInt32LE(1, 0);
  parts.writeUInt32LE(2, 4);
  parts.writeUInt32LE(3500, 8);
  assert.equal(one(duration, parts), '"P1M2DT3.5S"');
  assert.equal(one({ type: 'int', logicalType: 'timestamp-millis' }, long(5)), '5');
  assert.equal(one({ type: 'string', logicalType: 'made-up' }, sized('x')), '"x"');
  const wrong = { type: 'bytes', logicalType: 'decimal', precision: 2, scale: 3 };
  assert.equal(one(wrong, sized('x')), '"x"');
});

test('the forms of a field: its number without its meaning, its bytes in base64', () => {
  const time = ['null', { type: 'long', logicalType: 'timestamp-millis' }];
  const moment = Buffer.concat([long(1), long(1000)]);
  assert.equal(one(time, moment, { wanted: { v: 'number' } }), '1000');
  assert.equal(one(time, long(0), { wanted: { v: 'number' } }), 'null');
  const bytes = Buffer.from([0, 255, 10]);
  assert.equal(one('bytes', sized(bytes), { wanted: { v: 'base64' } }), '"AP8K"');
  assert.equal(one('int', long(12), { wanted: { v: 'base64' } }), '"MTI="');
  const maybe = Buffer.concat([long(1), sized(bytes)]);
  assert.equal(one(['null', 'bytes'], maybe, { wanted: { v: 'base64' } }), '"AP8K"');
});

test('blocks with their length, a record in itself, names in name spaces, references', () => {
  const blocks = Buffer.concat([long(-2), long(2), long(1), long(2), long(1), long(3), long(0)]);
  assert.equal(one({ type: 'array', items: 'int' }, blocks), '[1,2,3]');
  const two = JSON.stringify({
    type: 'record',
    name: 'R',
    fields: [
      { name: 'skipped', type: { type: 'array', items: { type: 'map', values: 'long' } } },
      { name: 'v', type: 'int' },
    ],
  });
  const skipped = Buffer.concat([long(1), long(1), sized('k'), long(2), long(0), long(0), long(7)]);
  assert.equal(decode(two, skipped, { wanted: { v: 'json' } }), '{"v":7}');
  const referring = JSON.stringify({
    type: 'record',
    name: 'R',
    namespace: 'a.b',
    fields: [
      { name: 'x', type: 'Inner' },
      { name: 'y', type: ['null', 'a.b.R'] },
    ],
  });
  const inner = JSON.stringify({ type: 'enum', name: 'a.b.Inner', symbols: ['ONE'] });
  const nested = Buffer.concat([long(0), long(1), long(0), long(0)]);
  assert.equal(
    decode(referring, nested, { references: [inner] }),
    '{"x":"ONE","y":{"x":"ONE","y":null}}',
  );
  assert.throws(() => parseAvroSchema(referring, []), /type a\.b\.Inner is not defined/);
});

test('bytes that are no message: a reason, never another error', () => {
  const says = (type: unknown, bytes: Buffer, reason: RegExp): void => {
    assert.throws(
      () => one(type, bytes),
      (error: unknown) => error instanceof MalformedMessage && reason.test(error.message),
    );
  };
  says('string', long(5), /ends within/);
  says('string', long(-1), /negative/);
  says('double', Buffer.alloc(7), /ends within/);
  says('long', Buffer.alloc(20, 0xff), /64 bits/);
  says(['null', 'int'], long(2), /union of 2 types has type 2/);
  says({ type: 'enum', name: 'E', symbols: ['A'] }, long(-1), /symbol -1/);
  says({ type: 'array', items: 'null' }, long(2n ** 40n), /longer than/);
  says({ type: 'array', items: 'null' }, long(2n ** 62n), /ends within/);
  const deep = { type: 'record', name: 'N', fields: [{ name: 'n', type: ['null', 'N'] }] };
  says(deep, Buffer.alloc(5000, 2), /nested deeper than 256/);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        JSON.parse(decode(fixture.schema, Buffer.from(bytes)));
      } catch (error) {
        assert.ok(error instanceof MalformedMessage, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a message cut anywhere is refused', () => {
  const whole = Buffer.from(fixture.rows[1]?.bytes ?? '', 'base64');
  for (let length = 0; length < whole.length; length += 1)
    assert.throws(() => decode(fixture.schema, whole.subarray(0, length)), MalformedMessage);
});

test('schemas that are none', () => {
  for (const [text, reason] of [
    ['{', /no JSON/],
    ['{"type":"record","name":"R"}', /no fields/],
    ['{"type":"record","name":"R","fields":[{"type":"int"}]}', /no name/],
    ['{"type":"enum","name":"E"}', /no list of symbols/],
    ['{"type":"fixed","name":"F"}', /no size/],
    ['"Nowhere"', /not defined/],
    [`${'{"type":"array","items":'.repeat(300)}"int"${'}'.repeat(300)}`, /nested deeper/],
  ] as const)
    assert.throws(
      () => parseAvroSchema(text, []),
      (error: unknown) => error instanceof AvroSchemaProblem && reason.test(error.message),
    );
});
