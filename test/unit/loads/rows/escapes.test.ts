import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEscapes } from '../../../../src/loads/rows/escapes.ts';

test('separators as StarRocks reads them', () => {
  const cases: readonly [string, string][] = [
    [',', ','],
    ['\\t', '\t'],
    ['\\n', '\n'],
    ['\\r\\n', '\r\n'],
    ['\t', '\t'],
    ['\\x01', '\x01'],
    ['\\\\x01', '\x01'],
    ['\\x0D0A', '\r\n'],
    ['\\x01\\x02', '\x01\x02'],
    ['\\xC3A9', 'é'],
    ['0x01', '\x01'],
    ['||', '||'],
    ['ä', 'ä'],
    ['\\\\', '\\'],
    ['\\q', '\\q'],
  ];
  for (const [text, separator] of cases) {
    assert.equal(parseEscapes(text), separator, JSON.stringify(text));
  }
});

test('separators that cannot be', () => {
  assert.throws(() => parseEscapes(''), /Delimiter cannot be empty or null/);
  assert.throws(() => parseEscapes('x'.repeat(51)), /51 bytes, more than the limit of 50/);
  assert.throws(() => parseEscapes('ä'.repeat(26)), /52 bytes/);
  assert.throws(() => parseEscapes('\\xFF'), /not UTF-8/);
});
