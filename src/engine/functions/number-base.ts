// Numbers between bases 2 to 36, as MySQL's CONV does it: 64 bits, digits up to the first that is none.
import { type JsFunction, strictFunction } from './define.ts';

const MAX = (1n << 64n) - 1n;
const MAX_SIGNED = (1n << 63n) - 1n;

/** The digits of a base at the beginning of a text, as an unsigned 64-bit value; more than that is the maximum. */
function readNumber(text: string, base: number, isSigned: boolean): bigint {
  const match = /^\s*([+-]?)([0-9a-z]*)/i.exec(text);
  const limit = isSigned ? MAX_SIGNED + (match?.[1] === '-' ? 1n : 0n) : MAX;
  let value = 0n;
  for (const digit of match?.[2] ?? '') {
    const worth = Number.parseInt(digit, 36);
    if (worth >= base) break;
    value = value * BigInt(base) + BigInt(worth);
    if (value > limit) value = limit;
  }
  return match?.[1] === '-' ? BigInt.asUintN(64, -value) : value;
}

export const NUMBER_BASE_FUNCTIONS: readonly JsFunction[] = [
  // A negative source base reads a signed number, a negative target base writes one; '' is no number.
  strictFunction('mr_conv', ['VARCHAR', 'INTEGER', 'INTEGER'], 'VARCHAR', (text, from, to) => {
    const [source, target] = [Math.abs(from), Math.abs(to)];
    if (text === '' || source < 2 || source > 36 || target < 2 || target > 36) return null;
    const value = readNumber(text, source, from < 0);
    const shown = to < 0 ? BigInt.asIntN(64, value) : value;
    return shown.toString(target).toUpperCase();
  }),
];
