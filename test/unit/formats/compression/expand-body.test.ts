// Bodies expanded as they come: what tools made, however it is cut into chunks; limits; every way to be damaged.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { AppError } from '../../../../src/base/errors.ts';
import {
  type BodyCompression,
  type ExpandLimits,
  expandBody,
} from '../../../../src/formats/compression/expand-body.ts';
import { XxHash32 } from '../../../../src/formats/compression/xxhash32.ts';
import { COMPRESSED_SAMPLES, SAMPLE_TEXTS } from '../../../support/compressed-samples.ts';

const MIB = 1024 * 1024;
const LIMITS: ExpandLimits = { maxBytes: 600 * MIB, maxRatio: 2000 };

async function* inChunks(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let index = 0;
  for (let at = 0; at < bytes.length; ) {
    const size = sizes[index % sizes.length] ?? bytes.length;
    // A source may use its memory again as soon as it is asked for more.
    const chunk = Uint8Array.from(bytes.subarray(at, at + size));
    yield chunk;
    chunk.fill(0xee);
    at += size;
    index += 1;
  }
}

async function expanded(
  compression: BodyCompression,
  bytes: Buffer,
  sizes: readonly number[] = [64 * 1024],
  limits = LIMITS,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of expandBody(compression, inChunks(bytes, sizes), limits)) {
    assert.ok(piece.length <= 4 * MIB);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

async function failure(...args: Parameters<typeof expanded>): Promise<AppError | null> {
  try {
    await expanded(...args);
    return null;
  } catch (thrown) {
    assert.ok(thrown instanceof AppError, `an AppError, not ${thrown}`);
    return thrown;
  }
}

interface Made {
  readonly name: string;
  readonly compression: BodyCompression;
  readonly bytes: Buffer;
  readonly text: Buffer;
}

const MADE: readonly Made[] = [
  ...COMPRESSED_SAMPLES.map(({ tool, text, ...made }) => ({
    ...made,
    name: `${tool} of ${text}`,
    text: SAMPLE_TEXTS[text],
  })),
  ...Object.entries({ deflateSync, deflateRawSync }).flatMap(([packName, pack]) =>
    Object.entries(SAMPLE_TEXTS).map(([name, text]) => ({
      name: `${packName} of ${name}`,
      compression: 'deflate' as const,
      bytes: pack(text),
      text,
    })),
  ),
];

describe('expanding bodies', () => {
  for (const { name, compression, bytes, text } of MADE) {
    it(`${name}: the same text, however it is cut`, async () => {
      assert.ok((await expanded(compression, bytes)).equals(text));
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 }),
          async (sizes) => {
            assert.ok((await expanded(compression, bytes, sizes)).equals(text));
          },
        ),
        { numRuns: 12 },
      );
    });

    it(`${name}: cut off anywhere it is an error`, async () => {
      const step = Math.max(1, Math.floor(bytes.length / 40));
      for (let length = 0; length < bytes.length; length += length < 40 ? 1 : step) {
        const error = await failure(compression, bytes.subarray(0, length), [13, 200]);
        assert.equal(error?.code, 'COMPRESSED_DATA_CORRUPT', `cut off at ${length}`);
      }
      const error = await failure(compression, bytes.subarray(0, -1));
      assert.equal(error?.code, 'COMPRESSED_DATA_CORRUPT');
    });
  }

  it('several members, streams and frames are one text', async () => {
    for (const { compression, bytes, text } of MADE.filter(
      (made) => made.compression !== 'deflate',
    )) {
      const twice = Buffer.concat([bytes, bytes, bytes]);
      const whole = Buffer.concat([text, text, text]);
      assert.ok((await expanded(compression, twice, [777])).equals(whole), compression);
    }
  });

  it('frames to be passed over are passed over', async () => {
    const passed = Buffer.alloc(8 + 300, 7);
    passed.writeUInt32LE(0x184d2a53, 0);
    passed.writeUInt32LE(300, 4);
    for (const { compression, bytes, text } of MADE) {
      if (compression !== 'zstd' && compression !== 'lz4_frame') continue;
      const body = Buffer.concat([passed, bytes, passed]);
      assert.ok((await expanded(compression, body, [100])).equals(text));
    }
  });

  it('something behind the end is an error; zeros behind gzip are not, as on tapes', async () => {
    for (const { compression, bytes, text } of MADE) {
      for (const tail of ['\n', 'garbage that is longer than any head']) {
        const error = await failure(compression, Buffer.concat([bytes, Buffer.from(tail)]), [50]);
        assert.equal(error?.code, 'COMPRESSED_DATA_CORRUPT', `${compression} and ${tail}`);
      }
      if (compression !== 'gzip') continue;
      assert.ok((await expanded('gzip', Buffer.concat([bytes, Buffer.alloc(900)]))).equals(text));
    }
  });

  it('a changed byte is an error or changes nothing, never another text', async () => {
    for (const { compression, bytes, text, name } of MADE) {
      // Bare deflated data has no checksum.
      if (name.startsWith('deflateRaw') || text.length === 0) continue;
      for (let at = 0; at < bytes.length; at += Math.max(1, Math.floor(bytes.length / 60))) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
        let result: Buffer | null = null;
        try {
          result = await expanded(compression, damaged);
        } catch (thrown) {
          assert.ok(thrown instanceof AppError, `${name}: ${thrown}`);
        }
        // Block checksums are all that this lz4 has where there is no checksum of the frame.
        if (name.includes('--no-frame-crc')) continue;
        if (result !== null) assert.ok(result.equals(text), `${name}, byte ${at}`);
      }
    }
  });

  it('random bytes never end well, nor badly for the process', async () => {
    const heads: Readonly<Record<Exclude<BodyCompression, 'none'>, string>> = {
      gzip: '1f8b0800000000000003',
      bzip2: '425a6839314159265359',
      lz4_frame: '04224d186440a7',
      zstd: '28b52ffd2400',
      deflate: '789c',
    };
    for (const compression of ['gzip', 'bzip2', 'lz4_frame', 'zstd', 'deflate'] as const) {
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ maxLength: 2000 }),
          fc.boolean(),
          async (bytes, hasHead) => {
            const head = Buffer.from(hasHead ? heads[compression] : '', 'hex');
            const body = Buffer.concat([head, bytes]);
            try {
              await expanded(compression, body, [97], { maxBytes: 8 * MIB, maxRatio: 2000 });
            } catch (thrown) {
              assert.ok(thrown instanceof AppError, `${thrown}`);
            }
          },
        ),
        { numRuns: 150 },
      );
    }
  });

  it('stops at the limit of bytes, exactly', async () => {
    for (const { compression, bytes, text } of MADE) {
      if (text.length === 0) continue;
      const exact = { ...LIMITS, maxBytes: text.length };
      assert.ok((await expanded(compression, bytes, [999], exact)).equals(text));
      const less = { ...LIMITS, maxBytes: text.length - 1 };
      assert.equal((await failure(compression, bytes, [999], less))?.code, 'BODY_TOO_LARGE');
    }
    const none = { ...LIMITS, maxBytes: 2 };
    assert.equal((await failure('none', Buffer.from('abc'), [1], none))?.code, 'BODY_TOO_LARGE');
  });

  it('a bomb is given up at the ratio, long before the limit of bytes', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(400 * MIB));
    const error = await failure('zstd', bomb);
    assert.match(
      String(error?.message),
      /^a byte of the zstd body expands to more than 2000 bytes$/,
    );
  });

  it('a gzip member with name, comment and further fields', async () => {
    const text = Buffer.from('1,a\n2,b\n');
    const head = Buffer.from('1f8b081c000000000003', 'hex');
    const extra = Buffer.from('0400abcdefab', 'hex');
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(crc32(text), 0);
    trailer.writeUInt32LE(text.length, 4);
    const body = [head, extra, Buffer.from('name\0comment\0'), deflateRawSync(text), trailer];
    assert.ok((await expanded('gzip', Buffer.concat(body), [3])).equals(text));
  });

  it('closes its source where it ends early', async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      const member = gzipSync(Buffer.alloc(1000, 'abc'));
      try {
        for (;;) yield member;
      } finally {
        isClosed = true;
      }
    }
    for await (const piece of expandBody('gzip', endless(), LIMITS)) {
      assert.equal(piece.length, 1000);
      break;
    }
    assert.ok(isClosed);
  });
});

describe('XXH32', () => {
  it('is that of the specification, in pieces too', () => {
    // SOURCE: xxhsum -H0 of these texts.
    const known: readonly (readonly [string, number])[] = [
      ['', 0x02cc5d05],
      ['a', 0x550d7456],
      ['abc', 0x32d153ff],
      ['Nobody inspects the spammish repetition', 0xe2293b2f],
    ];
    for (const [text, hash] of known) {
      const bytes = Buffer.from(text);
      assert.equal(new XxHash32().add(bytes).value(), hash);
      const pieces = new XxHash32();
      for (let at = 0; at < bytes.length; at += 1) pieces.add(bytes, at, at + 1);
      assert.equal(pieces.value(), hash);
    }
  });
});
