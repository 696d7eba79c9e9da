// Values of the error function from its tables, and what must hold for all of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { erfc } from '../../../../src/engine/functions/erfc.ts';

// SOURCE: Abramowitz & Stegun table 7.1 and its continuation; the last from the asymptotic series.
const KNOWN: readonly (readonly [x: number, value: number])[] = [
  [0, 1],
  [0.5, 0.4795001221869535],
  [1, 0.15729920705028513],
  [2, 0.004677734981047266],
  [2.5, 0.0004069520174449589],
  [3, 2.209049699858544e-5],
  [5, 1.5374597944280347e-12],
  [10, 2.088487583762545e-45],
];

for (const [x, value] of KNOWN) {
  test(`erfc(${x})`, () => {
    assert.ok(Math.abs(erfc(x) - value) <= Math.max(4e-16, value * 1e-12), `${erfc(x)}`);
    assert.ok(Math.abs(erfc(-x) - (2 - value)) <= 1e-15);
  });
}

test('it falls from 2 to 0 without a step where the method changes', () => {
  let before = 2;
  for (let x = -6; x <= 6; x += 0.01) {
    const value = erfc(x);
    assert.ok(value <= before + 1e-15 && before - value < 0.0114, `at ${x}`);
    before = value;
  }
  assert.ok(Number.isNaN(erfc(Number.NaN)));
});
