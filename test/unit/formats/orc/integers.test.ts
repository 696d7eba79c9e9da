// The examples of the specification for each kind of run, and numbers beyond what doubles hold.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MalformedFile } from '../../../../src/formats/malformed-file.ts';
import { type Integers, integerReader } from '../../../../src/formats/orc/integers.ts';
import { OrcStream } from '../../../../src/formats/orc/stream.ts';

function read(hex: string, count: number, version: 1 | 2, isSigned: boolean): Integers {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const input = {
    size: bytes.length,
    read: (offset: number, length: number) => bytes.subarray(offset, offset + length),
  };
  const stream = new OrcStream(input, 0, bytes.length, { codec: 'none', blockBytes: 1 });
  return integerReader(stream, version, isSigned).read(count);
}

const PATCHED = [
  2030,
  2000,
  2020,
  1_000_000,
  ...Array.from({ length: 16 }, (_, n) => 2040 + 10 * n),
];

describe('runs of whole numbers', () => {
  // SOURCE: ORC Specification v1, examples of "Integer Run Length Encoding".
  const examples: readonly (readonly [string, string, 1 | 2, boolean, readonly number[]])[] = [
    ['v1, run', '61 00 07', 1, false, new Array<number>(100).fill(7)],
    ['v1, going down', '61 ff 64', 1, false, Array.from({ length: 100 }, (_, n) => 100 - n)],
    ['v1, literals', 'fb 02 03 06 07 0b', 1, false, [2, 3, 6, 7, 11]],
    ['v2, short repeat', '0a 27 10', 2, false, new Array<number>(5).fill(10_000)],
    ['v2, direct', '5e 03 5c a1 ab 1e de ad be ef', 2, false, [23_713, 43_806, 57_005, 48_879]],
    [
      'v2, patched base',
      '8e 13 2b 21 07 d0 1e 00 14 70 28 32 3c 46 50 5a 64 6e 78 82 8c 96 a0 aa b4 be fc e8',
      2,
      false,
      PATCHED,
    ],
    ['v2, delta', 'c6 09 02 02 22 42 42 46', 2, false, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]],
    ['v2, fixed delta, signed', 'c0 04 00 01', 2, true, [0, -1, -2, -3, -4]],
  ];
  for (const [name, hex, version, isSigned, expected] of examples)
    it(name, () => {
      const { values, bigs } = read(hex, expected.length, version, isSigned);
      assert.deepEqual([...values], expected);
      assert.equal(bigs, null);
    });

  it('64 bits, signed and not', () => {
    // Short repeats of eight bytes: zigzag of the least and the largest number.
    const least = read('38 ff ff ff ff ff ff ff ff', 3, 2, true);
    assert.ok(Number.isNaN(least.values[0] ?? 0));
    assert.deepEqual([...(least.bigs ?? [])], new Array(3).fill(-(2n ** 63n)));
    const largest = read('38 ff ff ff ff ff ff ff fe', 3, 2, true);
    assert.deepEqual([...(largest.bigs ?? [])], new Array(3).fill(2n ** 63n - 1n));
    const varint = read('ff ff ff ff ff ff ff ff ff ff 01', 1, 1, true);
    assert.deepEqual([...(varint.bigs ?? [])], [-(2n ** 63n)]);
    // Direct, 56 bits: 2^53 is the first that a double may not hold.
    const direct = read('7c 01 20000000000000 00000000000005', 2, 2, false);
    assert.deepEqual([direct.bigs?.[0], direct.values[1]], [2n ** 53n, 5]);
  });

  it('numbers that are not there are an error', () => {
    assert.throws(() => read('61 00 07', 101, 1, false), MalformedFile);
    assert.throws(() => read('5e 03 5c a1 ab', 4, 2, false), MalformedFile);
    assert.throws(() => read('ff ff ff ff ff ff ff ff ff ff ff ff', 1, 1, false), MalformedFile);
  });
});
