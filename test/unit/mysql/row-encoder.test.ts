// Row encoder: golden bytes, random round trips against an independent decoder, long rows, chunking.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ROW_CHUNK_BYTES, RowEncoder } from '../../../src/mysql/row-encoder.ts';

/** Splits packets, checks their sequence ids, joins continued payloads. */
function payloads(bytes: Buffer, firstSequence: number): { rows: Buffer[]; nextSequence: number } {
  const rows: Buffer[] = [];
  let sequence = firstSequence;
  let pos = 0;
  let parts: Buffer[] = [];
  while (pos < bytes.length) {
    const length = bytes.readUIntLE(pos, 3);
    assert.equal(bytes[pos + 3], sequence);
    sequence = (sequence + 1) & 0xff;
    parts.push(bytes.subarray(pos + 4, pos + 4 + length));
    pos += 4 + length;
    if (length === 0xffffff) continue;
    rows.push(parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts));
    parts = [];
  }
  assert.equal(pos, bytes.length);
  assert.equal(parts.length, 0);
  return { rows, nextSequence: sequence };
}

function values(payload: Buffer): (string | null)[] {
  const out: (string | null)[] = [];
  let pos = 0;
  while (pos < payload.length) {
    const first = payload.readUInt8(pos);
    pos += 1;
    let length = first;
    if (first === 0xfb) {
      out.push(null);
      continue;
    }
    if (first === 0xfc) {
      length = payload.readUInt16LE(pos);
      pos += 2;
    } else if (first === 0xfd) {
      length = payload.readUIntLE(pos, 3);
      pos += 3;
    } else if (first === 0xfe) {
      length = Number(payload.readBigUInt64LE(pos));
      pos += 8;
    }
    assert.ok(pos + length <= payload.length);
    out.push(payload.toString('utf8', pos, pos + length));
    pos += length;
  }
  return out;
}

function encoded(firstSequence: number, write: (encoder: RowEncoder) => void): Buffer {
  const chunks: Buffer[] = [];
  const encoder = new RowEncoder(firstSequence, (chunk) => chunks.push(chunk));
  write(encoder);
  encoder.flush();
  return Buffer.concat(chunks);
}

test('golden bytes of one row', () => {
  const bytes = encoded(5, (encoder) => {
    encoder.startRow();
    encoder.integer(-42);
    encoder.nullValue();
    encoder.string('é');
    encoder.ascii('');
    encoder.endRow();
  });
  assert.equal(bytes.toString('hex'), '09000005' + '032d3432' + 'fb' + '02c3a9' + '00');
});

test('integers of every size, as number and as two words', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.maxSafeInteger(),
      (big, n) => {
        const words = new Int32Array(new BigInt64Array([big]).buffer);
        const bytes = encoded(0, (encoder) => {
          encoder.startRow();
          encoder.int64(words[0] ?? 0, words[1] ?? 0);
          encoder.integer(n);
          encoder.endRow();
        });
        assert.deepEqual(values(payloads(bytes, 0).rows[0] ?? Buffer.alloc(0)), [`${big}`, `${n}`]);
      },
    ),
    { numRuns: 500 },
  );
  for (const edge of [0, 9, 10, 999_999_999, 1e9, 1e9 + 1, 2 ** 31, 2 ** 53 - 1]) {
    for (const n of [edge, -edge]) {
      const bytes = encoded(0, (encoder) => {
        encoder.startRow();
        encoder.integer(n);
        encoder.endRow();
      });
      assert.equal(bytes.toString('latin1', 5), String(n === 0 ? 0 : n));
    }
  }
});

test('random rows come back, in chunks that end at row ends', () => {
  const value = fc.option(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'grapheme', maxLength: 600 }),
      fc.nat(140_000).map((n) => 'x'.repeat(n)),
    ),
    { nil: null },
  );
  const rows = fc.array(fc.array(value, { minLength: 1, maxLength: 5 }), { maxLength: 30 });
  fc.assert(
    fc.property(rows, fc.nat(255), fc.boolean(), (input, first, asBytes) => {
      const chunks: Buffer[] = [];
      const encoder = new RowEncoder(first, (chunk) => chunks.push(chunk));
      for (const row of input) {
        encoder.startRow();
        for (const cell of row) {
          if (cell === null) encoder.nullValue();
          else if (asBytes) {
            const padded = Buffer.from(`##${cell}#`);
            encoder.utf8(padded, 2, padded.length - 1);
          } else encoder.string(cell);
        }
        encoder.endRow();
      }
      encoder.flush();
      let sequence = first;
      const back: (string | null)[][] = [];
      for (const chunk of chunks) {
        const part = payloads(chunk, sequence);
        sequence = part.nextSequence;
        back.push(...part.rows.map(values));
      }
      assert.deepEqual(back, input);
      assert.equal(encoder.sequence, sequence);
      assert.equal(encoder.rowCount, input.length);
    }),
    { numRuns: 100 },
  );
});

test('chunks stay near their size', () => {
  const sizes: number[] = [];
  const encoder = new RowEncoder(1, (chunk) => sizes.push(chunk.length));
  for (let i = 0; i < 100_000; i++) {
    encoder.startRow();
    encoder.integer(i);
    encoder.ascii('some text of middling length here');
    encoder.endRow();
  }
  encoder.flush();
  assert.ok(sizes.length > 20);
  assert.ok(sizes.every((size) => size <= ROW_CHUNK_BYTES));
  assert.ok(sizes.slice(0, -1).every((size) => size > ROW_CHUNK_BYTES - 100));
});

test('rows around 16 MB are cut into continued packets', () => {
  for (const payload of [0xfffffe, 0xffffff, 0x1000000, 2 * 0xffffff, 2 * 0xffffff + 9]) {
    const length = payload - (payload - 4 < 0x1000000 ? 4 : 9);
    const text = 'a'.repeat(length);
    const bytes = encoded(250, (encoder) => {
      for (const cell of ['before', text, 'after']) {
        encoder.startRow();
        encoder.ascii(cell);
        encoder.endRow();
      }
    });
    const { rows } = payloads(bytes, 250);
    assert.deepEqual(
      rows.map((row) => row.length),
      [7, payload, 6],
    );
    assert.ok(values(rows[1] ?? Buffer.alloc(0))[0] === text);
  }
});

test('a flush in the middle of a row is refused', () => {
  const encoder = new RowEncoder(0, () => undefined);
  encoder.startRow();
  assert.throws(() => encoder.flush(), /invariant/);
});
