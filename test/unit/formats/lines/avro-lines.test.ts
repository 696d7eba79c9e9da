// Avro object container files made by hand, so that each part of them can be wrong. Files of real writers with all
// types and codecs are read in test/compat/body-files.test.ts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32, deflateRawSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { compressSync } from 'snappy';
import type { FieldForm } from '../../../../src/formats/avro/decode.ts';
import { avroLines } from '../../../../src/formats/lines/avro-lines.ts';
import { MalformedFile } from '../../../../src/formats/malformed-file.ts';
import { long, sized } from '../../../support/avro-bytes.ts';

const SYNC = Buffer.from('0123456789abcdef');
const SCHEMA = {
  type: 'record',
  name: 'r',
  fields: [
    { name: 'Id', type: 'long' },
    { name: 'name', type: ['null', 'string'] },
    { name: 'raw', type: 'bytes' },
  ],
};

function head(codec: string | null, schema: unknown = SCHEMA): Buffer {
  const entries: Buffer[] = [sized('avro.schema'), sized(JSON.stringify(schema))];
  if (codec !== null) entries.push(sized('avro.codec'), sized(codec));
  return Buffer.concat([
    Buffer.from('Obj\x01'),
    long(entries.length / 2),
    ...entries,
    long(0),
    SYNC,
  ]);
}

function row(id: number, name: string | null): Buffer {
  const text = name === null ? long(0) : Buffer.concat([long(1), sized(name)]);
  return Buffer.concat([long(id), text, sized(Buffer.from([0x61, 0x62]))]);
}

function block(count: number, bytes: Buffer): Buffer {
  return Buffer.concat([long(count), long(bytes.length), bytes, SYNC]);
}

const ROWS = Buffer.concat([row(1, 'a'), row(-5, null)]);

async function lines(
  file: Buffer,
  wanted: Readonly<Record<string, FieldForm>> | null = null,
  chunkBytes = 7,
): Promise<string[]> {
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < file.length; at += chunkBytes) yield file.subarray(at, at + chunkBytes);
  }
  const pieces: Buffer[] = [];
  const options = {
    wanted: wanted === null ? null : new Map(Object.entries(wanted)),
    timeZone: 'UTC',
    maxLineBytes: 100_000,
  };
  for await (const piece of avroLines(body(), options)) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  return text === '' ? [] : text.trimEnd().split('\n');
}

async function problem(...args: Parameters<typeof lines>): Promise<string> {
  try {
    await lines(...args);
  } catch (thrown) {
    assert.ok(thrown instanceof MalformedFile, `MalformedFile, not ${thrown}`);
    return thrown.message;
  }
  return 'none';
}

describe('Avro object container files', () => {
  it('rows of all blocks, by every codec', async () => {
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(ROWS));
    const packed: readonly (readonly [string | null, Buffer])[] = [
      [null, ROWS],
      ['null', ROWS],
      ['deflate', deflateRawSync(ROWS)],
      ['zstandard', zstdCompressSync(ROWS)],
      ['snappy', Buffer.concat([compressSync(ROWS), sum])],
    ];
    for (const [codec, bytes] of packed) {
      const file = Buffer.concat([head(codec), block(2, bytes), block(2, bytes)]);
      assert.deepEqual(await lines(file), [
        '{"Id":1,"name":"a","raw":"ab"}',
        '{"Id":-5,"name":null,"raw":"ab"}',
        '{"Id":1,"name":"a","raw":"ab"}',
        '{"Id":-5,"name":null,"raw":"ab"}',
      ]);
    }
    assert.deepEqual(await lines(head(null)), [], 'a file without rows');
  });

  it('fields by name, exactly or without regard to case, in the form that columns want', async () => {
    const file = Buffer.concat([head(null), block(2, ROWS)]);
    assert.deepEqual(await lines(file, { id: 'json', missing: 'json' }), ['{"id":1}', '{"id":-5}']);
    assert.deepEqual(await lines(file, { raw: 'base64' }), ['{"raw":"YWI="}', '{"raw":"YWI="}']);
  });

  it('for a column of whole numbers a boolean is 1 or 0, and a date stays a text', async () => {
    const fields = [
      { name: 'b', type: ['null', 'boolean'] },
      { name: 'd', type: { type: 'int', logicalType: 'date' } },
    ];
    const file = Buffer.concat([
      head(null, { type: 'record', name: 'r', fields }),
      block(2, Buffer.concat([long(1), Buffer.from([1]), long(0), long(0), long(1)])),
    ]);
    assert.deepEqual(await lines(file, { b: 'number', d: 'number' }), [
      '{"b":1,"d":"1970-01-01"}',
      '{"b":null,"d":"1970-01-02"}',
    ]);
  });

  it('a field of an optional record', async () => {
    const file = Buffer.concat([
      head(null, ['null', SCHEMA]),
      block(2, Buffer.concat([long(1), row(1, 'a'), long(1), row(2, 'b')])),
    ]);
    assert.deepEqual(await lines(file, { name: 'json' }), ['{"name":"a"}', '{"name":"b"}']);
  });

  it('says what is wrong with a file', async () => {
    const whole = Buffer.concat([head(null), block(2, ROWS)]);
    const cases: readonly (readonly [Buffer, RegExp])[] = [
      [Buffer.from('{"a":1}\n{"a":2}\n'), /does not begin as an Avro object container file/],
      [Buffer.alloc(0), /it ends within its head/],
      [whole.subarray(0, 60), /it ends within its head/],
      [whole.subarray(0, -1), /it ends within block 0/],
      [head('lz4'), /its codec is lz4, known are null, deflate, snappy, zstandard, bzip2/],
      [head(null, 'string'), /its schema is no record/],
      [
        head(null, { type: 'record', name: 'r' }),
        /its schema cannot be used: record r has no fields/,
      ],
      [Buffer.concat([head(null), block(3, ROWS)]), /row 3: the message ends within a value/],
      [Buffer.concat([head(null), block(1, ROWS)]), /\d+ bytes follow row 1 in its block/],
      [Buffer.concat([head('deflate'), block(2, ROWS)]), /block 0: deflate data does not expand/],
      [
        Buffer.concat([head('snappy'), block(2, Buffer.alloc(9))]),
        /block 0: snappy data does not expand|checksum/,
      ],
      [Buffer.concat([whole.subarray(0, -16), Buffer.alloc(16)]), /does not end with the mark/],
      [
        Buffer.concat([head(null), long(5), long(2 ** 40)]),
        /says that it has 5 rows in 1099511627776 bytes/,
      ],
      [Buffer.concat([head(null), long(-5), long(4)]), /says that it has -5 rows/],
    ];
    for (const [file, message] of cases) assert.match(await problem(file), message);
    assert.match(
      await problem(whole, { other: 'json' }),
      /it has none of the fields other; its columns are Id, name, raw/,
    );
  });

  it('a block that expands without end is an error, and so are rows of no bytes', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(65 * 1024 * 1024));
    const file = Buffer.concat([head('zstandard'), block(1, bomb)]);
    assert.match(await problem(file, null, 1024), /block 0: the expanded size of zstd data/);
    const nothing = { type: 'record', name: 'n', fields: [{ name: 'n', type: 'null' }] };
    const endless = Buffer.concat([head(null, nothing), block(2 ** 40, Buffer.alloc(0))]);
    assert.match(await problem(endless), /rows of no bytes/);
  });

  it('changed and random bytes are an error or rows, never worse', async () => {
    const file = Buffer.concat([head('deflate'), block(2, deflateRawSync(ROWS))]);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(file.length - 1),
        fc.nat(255),
        fc.uint8Array({ maxLength: 40 }),
        async (at, byte, more) => {
          const changed = Buffer.concat([file, more]);
          changed[at] = byte;
          await problem(changed);
        },
      ),
      { numRuns: 400 },
    );
  });
});
