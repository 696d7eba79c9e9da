// Small Arrow streams and files of pyarrow: columns that are wanted and those that are passed over, damage, fuzz. All
// types and codecs are read in test/compat/body-files.test.ts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FieldForm } from '../../../../src/formats/avro/decode.ts';
import { arrowLines } from '../../../../src/formats/lines/arrow-lines.ts';
import { MalformedFile } from '../../../../src/formats/malformed-file.ts';
import { ARROW_FILE, ARROW_STREAM } from '../../../support/file-samples.ts';

type Wanted = Readonly<Record<string, FieldForm>>;

const KNOWN: Wanted = { Id: 'json', sv: 'json', color: 'json', l: 'json', raw: 'base64' };

async function lines(file: Buffer, wanted: Wanted | null, chunkBytes = 11): Promise<string[]> {
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < file.length; at += chunkBytes) yield file.subarray(at, at + chunkBytes);
  }
  const pieces: Buffer[] = [];
  const options = {
    wanted: wanted === null ? null : new Map(Object.entries(wanted)),
    timeZone: 'UTC',
    maxLineBytes: 100_000,
  };
  for await (const piece of arrowLines(body(), options)) pieces.push(piece);
  return Buffer.concat(pieces).toString().trimEnd().split('\n');
}

async function problem(file: Buffer, wanted: Wanted | null = KNOWN): Promise<string> {
  try {
    await lines(file, wanted, 4096);
  } catch (thrown) {
    assert.ok(thrown instanceof MalformedFile, `MalformedFile, not ${thrown}`);
    return thrown.message;
  }
  return 'none';
}

describe('rows of Arrow streams and files', () => {
  it('the wanted columns, whatever else there is', async () => {
    for (const file of [ARROW_STREAM, ARROW_FILE]) {
      assert.deepEqual(await lines(file, KNOWN), [
        '{"Id":1,"sv":"a text of more than twelve bytes","color":"red","l":[1,null],"raw":"AP8="}',
        '{"Id":-5,"sv":null,"color":null,"l":[],"raw":""}',
        '{"Id":1099511627776,"sv":"b","color":"grü\\"n","l":null,"raw":null}',
      ]);
      const bytes = { id: 'base64', color: 'base64', l: 'base64' } as const;
      const encoded = (text: string): string => Buffer.from(text).toString('base64');
      assert.deepEqual(
        (await lines(file, bytes))[0],
        JSON.stringify({
          id: encoded('1'),
          color: encoded('red'),
          l: encoded('[1,null]'),
        }),
      );
      assert.equal(JSON.parse((await lines(file, bytes))[2] ?? '').color, encoded('grü"n'));
    }
  });

  it('a wanted column of a type that tables do not have is an error', async () => {
    assert.match(await problem(ARROW_STREAM, { u: 'json' }), /its field u is of type Union/);
    assert.match(await problem(ARROW_STREAM, { dur: 'json' }), /its field dur is of type Duration/);
    assert.match(
      await problem(ARROW_STREAM, { other: 'json' }),
      /it has none of the fields other; its columns are Id, u, dur, sv, color, l, raw/,
    );
  });

  it('what is no Arrow, and what is cut off', async () => {
    const wrong = /it begins neither as an Arrow file nor as an Arrow stream/;
    assert.match(await problem(Buffer.from('1,a,b\n2,c,d\n')), wrong);
    assert.match(await problem(Buffer.from('{"a":1}\n{"a":2}\n')), wrong);
    assert.match(await problem(Buffer.alloc(0)), /it ends within its head/);
    assert.match(await problem(Buffer.alloc(8)), /it has no schema|something follows its end/);
    // A stream may end without its mark, between two messages only.
    const mark = 8;
    for (let length = 1; length < ARROW_STREAM.length - mark; length += 13)
      assert.notEqual(await problem(ARROW_STREAM.subarray(0, length)), 'none', `at ${length}`);
    for (let length = 1; length < ARROW_FILE.length; length += 13)
      assert.notEqual(await problem(ARROW_FILE.subarray(0, length)), 'none', `at ${length}`);
    assert.match(
      await problem(Buffer.concat([ARROW_STREAM, Buffer.from('more')])),
      /something follows its end/,
    );
  });

  it('a batch beyond the limit is refused before it is held', async () => {
    const large = Buffer.from(ARROW_STREAM);
    // The body length of the first message behind the schema is a field of its metadata: all 64-bit words tried.
    let refused = 0;
    for (let at = 0; at + 8 <= large.length; at += 8) {
      const changed = Buffer.from(ARROW_STREAM);
      changed.writeBigInt64LE(2n ** 40n, at);
      if (/the limit is 134217728: write smaller batches/.test(await problem(changed)))
        refused += 1;
    }
    assert.ok(refused > 0);
  });

  it('changed bytes are an error or rows, never worse', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(ARROW_STREAM, ARROW_FILE),
        fc.array(fc.tuple(fc.nat(100_000), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (file, changes) => {
          const changed = Buffer.from(file);
          for (const [at, byte] of changes) changed[at % changed.length] = byte;
          await problem(changed);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
