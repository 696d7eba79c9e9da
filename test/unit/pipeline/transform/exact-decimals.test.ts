// Property: every digit of a DECIMAL and a LARGEINT survives a load, from JSON numbers and texts and from
// CSV, alone and inside arrays.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import {
  CSV_FORMAT,
  column,
  makePlan,
  PipelineFixture,
} from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const SCALE = 12;
const decimals = fc.bigInt(-(10n ** 38n) + 1n, 10n ** 38n - 1n).map((unscaled) => {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(SCALE + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -SCALE)}.${digits.slice(-SCALE)}`;
});
const integers = fc.bigInt(-(1n << 127n), (1n << 127n) - 1n).map(String);
const rows = fc.sample(fc.tuple(decimals, integers), { numRuns: 400, seed: 11 });

const DECIMAL = { kind: 'DECIMAL', precision: 38, scale: SCALE } as const;
const columns = [
  column('d', DECIMAL),
  column('i', { kind: 'LARGEINT' }),
  column('ds', { kind: 'ARRAY', element: DECIMAL }),
];
const expected = rows.map(([d, i]) => [d, i, `[${d}, NULL]`]);

test('JSON numbers and JSON texts', async () => {
  const numbers = rows.map(([d, i]) => `{"d":${d},"i":${i},"ds":[${d},null]}`);
  const texts = rows.map(([d, i]) => `{"d":"${d}","i":"${i}","ds":["${d}",null]}`);
  for (const messages of [numbers, texts]) {
    assert.deepEqual(
      (await fixture.load(makePlan({ columns, strict: true }), messages)).rows,
      expected,
    );
  }
});

test('CSV', async () => {
  const format = { ...CSV_FORMAT, columnSeparator: '|' };
  const messages = rows.map(([d, i]) => `${d}|${i}|[${d},null]`);
  const plan = makePlan({ columns, format, strict: true });
  assert.deepEqual((await fixture.load(plan, messages)).rows, expected);
});
