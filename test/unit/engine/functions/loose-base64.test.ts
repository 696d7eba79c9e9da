// Base64 of CSV fields: the cases of StarRocks' own unit test (be/test/formats/csv/varbinary_converter_test.cpp), and odd ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looseBase64 } from '../../../../src/engine/functions/loose-base64.ts';

const CASES: readonly (readonly [text: string, bytes: string | null])[] = [
  ['YWJjZA==', 'abcd'],
  ['YQ== ', 'a'],
  [' ZWZnaGlq', 'efghij'],
  [' ZWZnaGlqX2s= ', 'efghij_k'],
  ['YWJjZA==.', null],
  ['YQ== !', null],
  // Without padding, with padding in the middle, with spaces in the middle.
  ['YQ', 'a'],
  ['YWI', 'ab'],
  ['YWI=YWI=', 'ab\u0018X'],
  ['YW\tJj', 'abc'],
  // A digit that is not enough for a byte.
  ['Y', ''],
  ['YWJjZ', 'abc'],
  ['Y=', null],
  ['YWJjZ==', null],
  ['=', ''],
  ['', ''],
  ['YW-_', null],
  ['é', null],
];

test('texts that are base64, and texts that are none', () => {
  for (const [text, bytes] of CASES)
    assert.equal(looseBase64(text)?.toString('latin1') ?? null, bytes, JSON.stringify(text));
});
