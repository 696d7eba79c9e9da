// Round trips, limits and damage for the compression formats.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { AppError } from '../../../../src/base/errors.ts';
import {
  type CompressionFormat,
  compress,
  Expander,
} from '../../../../src/formats/compression/compression.ts';

const FORMATS: readonly CompressionFormat[] = ['gzip', 'snappy', 'lz4', 'zstd'];
const MIB = 1024 * 1024;
const expander = new Expander();
const expand = (format: CompressionFormat, data: Buffer, limitBytes: number): Buffer =>
  expander.expand(format, data, limitBytes);

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    assert.ok(thrown instanceof AppError, `an AppError, not ${thrown}`);
    return thrown.code;
  }
  return 'none';
}

function xerial(parts: readonly Buffer[]): Buffer {
  const pieces: Buffer[] = [Buffer.from('82534e41505059000000000100000001', 'hex')];
  for (const part of parts) {
    const block = compressSync(part);
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    pieces.push(length, block);
  }
  return Buffer.concat(pieces);
}

describe('compression formats', () => {
  for (const format of FORMATS) {
    it(`${format}: gives back what was compressed`, () => {
      const arbitrary = fc.oneof(
        fc.uint8Array({ maxLength: 5000 }),
        fc.tuple(fc.nat(255), fc.nat(300_000)).map(([byte, size]) => Buffer.alloc(size, byte)),
      );
      fc.assert(
        fc.property(arbitrary, (bytes) => {
          const data = Buffer.from(bytes);
          const packed = compress(format, data);
          assert.ok(expand(format, packed, Math.max(data.length, 4 * MIB)).equals(data));
        }),
        { numRuns: 60 },
      );
    });

    it(`${format}: stops at the limit, exactly`, () => {
      const data = Buffer.alloc(3 * MIB, 'abc');
      const packed = compress(format, data);
      assert.equal(expand(format, packed, data.length).length, data.length);
      for (const limit of [data.length - 1, MIB, 100, 0])
        assert.equal(
          codeOf(() => expand(format, packed, limit)),
          'LIMIT_EXCEEDED',
        );
    });

    it(`${format}: damage gives an error, never a crash`, () => {
      const data = Buffer.from(JSON.stringify(Array.from({ length: 300 }, (_, i) => ({ i }))));
      const packed = compress(format, data);
      fc.assert(
        fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
          const bad = Buffer.from(packed);
          bad[at] = (bad[at] ?? 0) ^ flip;
          assert.match(
            codeOf(() => expand(format, bad, MIB)),
            /^(none|COMPRESSED_DATA_CORRUPT|LIMIT_EXCEEDED)$/,
          );
        }),
        { numRuns: 300 },
      );
      for (let cut = 0; cut < packed.length; cut += 7)
        assert.equal(
          codeOf(() => expand(format, packed.subarray(0, cut), MIB)),
          'COMPRESSED_DATA_CORRUPT',
          `cut at ${cut}`,
        );
    });

    it(`${format}: random bytes give an error, never a crash`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          codeOf(() => expand(format, Buffer.from(bytes), MIB));
        }),
        { numRuns: 300 },
      );
    });
  }
});

describe('snappy', () => {
  it('reads the xerial framing of the Java client', () => {
    const parts = [Buffer.alloc(32_768, 'a'), Buffer.from('tail')];
    assert.ok(expand('snappy', xerial(parts), MIB).equals(Buffer.concat(parts)));
    assert.equal(expand('snappy', xerial([]), MIB).length, 0);
  });

  it('limits the sum of the blocks', () => {
    const framed = xerial([Buffer.alloc(30_000, 'a'), Buffer.alloc(30_000, 'b')]);
    assert.equal(
      codeOf(() => expand('snappy', framed, 59_999)),
      'LIMIT_EXCEEDED',
    );
    assert.equal(expand('snappy', framed, 60_000).length, 60_000);
  });

  it('does not take memory for a size that is only declared', () => {
    const claim = Buffer.from([0xff, 0xff, 0xff, 0x7f, 0x00]);
    assert.equal(
      codeOf(() => expand('snappy', claim, 2 ** 31)),
      'COMPRESSED_DATA_CORRUPT',
    );
  });
});

describe('lz4', () => {
  it('reads frames with every checksum on', () => {
    const data = Buffer.alloc(200_000, 'xyz');
    const frame = compressFrameSync(data, { contentChecksum: true, blockChecksums: true });
    assert.ok(expand('lz4', frame, MIB).equals(data));
  });

  it('measures blocks exactly where the block size alone would pass the limit', () => {
    const data = Buffer.from('a small text in a frame of large blocks');
    assert.equal(expand('lz4', compress('lz4', data), data.length).length, data.length);
    const mixed = Buffer.concat([Buffer.alloc(5000, 'r'), Buffer.from(data), Buffer.alloc(900)]);
    const packed = compress('lz4', mixed);
    assert.equal(expand('lz4', packed, mixed.length).length, mixed.length);
    assert.equal(
      codeOf(() => expand('lz4', packed, mixed.length - 1)),
      'LIMIT_EXCEEDED',
    );
  });

  it('refuses bytes behind the frame', () => {
    const packed = Buffer.concat([compress('lz4', Buffer.from('abc')), Buffer.from([1])]);
    assert.equal(
      codeOf(() => expand('lz4', packed, MIB)),
      'COMPRESSED_DATA_CORRUPT',
    );
  });
});
