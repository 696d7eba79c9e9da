// The JSON walker against JSON.parse on random documents.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  findKey,
  flattenLines,
  quoteNumbers,
  skipValue,
  splitArray,
  splitDocuments,
} from '../../../../src/pipeline/decode/json-scan.ts';

const text = (bytes: Buffer, range: { start: number; end: number }): string =>
  bytes.toString('utf8', range.start, range.end);
const whole = (bytes: Buffer) => ({ start: 0, end: bytes.length });

test('arrays split into the elements that JSON.parse sees', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 2), (values, indent) => {
      const bytes = Buffer.from(JSON.stringify(values, null, indent));
      const elements = splitArray(bytes, whole(bytes));
      assert.deepEqual(
        elements?.map((range) => JSON.parse(text(bytes, range))),
        JSON.parse(bytes.toString()),
      );
    }),
  );
});

test('a key is found where JSON.parse finds it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (object, other) => {
      const bytes = Buffer.from(JSON.stringify(object));
      for (const key of [...Object.keys(object), other]) {
        const found = findKey(bytes, whole(bytes), key);
        if (!Object.hasOwn(object, key)) assert.equal(found, null);
        else assert.equal(found && text(bytes, found), JSON.stringify(object[key]));
      }
    }),
  );
});

test('line breaks between tokens become spaces, documents are told apart', () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1 }),
      (objects) => {
        const bytes = Buffer.from(objects.map((o) => JSON.stringify(o, null, 1)).join('\n'));
        const documents = splitDocuments(bytes, whole(bytes));
        assert.equal(documents?.length, objects.length);
        for (const [index, range] of (documents ?? []).entries()) {
          const flat = flattenLines(bytes, range);
          assert.ok(flat !== null && !flat.includes(10));
          assert.deepEqual(JSON.parse(flat.toString()), JSON.parse(JSON.stringify(objects[index])));
        }
      },
    ),
  );
  assert.equal(flattenLines(Buffer.from('{"a":"x\ny"}'), { start: 0, end: 11 }), null);
});

test('long numbers under wanted keys become text, all else stays', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{"a":1234567890123456789}', '{"a":"1234567890123456789"}'],
    ['{"a":12}', '{"a":12}'],
    ['{"b":1234567890123456789}', '{"b":1234567890123456789}'],
    [
      '{"a":[1234567890123456789,{"b":1234567890123456789}]}',
      '{"a":["1234567890123456789",{"b":"1234567890123456789"}]}',
    ],
    [
      '{"a":{"b":{"c":1234567890123456789}},"b":1234567890123456789}',
      '{"a":{"b":{"c":"1234567890123456789"}},"b":1234567890123456789}',
    ],
    ['{"x":{"a":-12345678901234.5678},"c":1}', '{"x":{"a":"-12345678901234.5678"},"c":1}'],
    ['{"a":"\\"a\\":1234567890123456789"}', '{"a":"\\"a\\":1234567890123456789"}'],
    ['{"a":01234567890123456789}', '{"a":01234567890123456789}'],
  ];
  for (const [given, wanted] of cases)
    assert.equal(quoteNumbers(Buffer.from(given), [Buffer.from('a')]).toString(), wanted);
});

test('values that do not close are not skipped', () => {
  for (const broken of ['{', '[', '"', '{"a":"}', '[[]', '"\\"'])
    assert.equal(skipValue(Buffer.from(broken), 0, broken.length), -1);
});
