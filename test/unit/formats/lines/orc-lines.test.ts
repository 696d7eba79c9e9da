// A small ORC file of pyarrow: columns that are wanted, damage, fuzz. All types, codecs and both versions of the format
// are read in test/compat/body-files.test.ts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FieldForm } from '../../../../src/formats/avro/decode.ts';
import { orcLines } from '../../../../src/formats/lines/orc-lines.ts';
import { MalformedFile } from '../../../../src/formats/malformed-file.ts';
import { ORC_FILE, ORC_OF_JAVA } from '../../../support/file-samples.ts';

type Wanted = Readonly<Record<string, FieldForm>>;

function lines(file: Buffer, wanted: Wanted | null): string[] {
  const pieces: Buffer[] = [];
  const options = {
    wanted: wanted === null ? null : new Map(Object.entries(wanted)),
    timeZone: 'UTC',
    maxLineBytes: 100_000,
  };
  const read = (offset: number, length: number): Buffer => file.subarray(offset, offset + length);
  let bytes = 0;
  for (const piece of orcLines({ size: file.length, read }, options)) {
    pieces.push(piece);
    bytes += piece.length;
    // As the limit of a body's bytes does: a damaged count of rows may be anything.
    if (bytes > 1024 * 1024) break;
  }
  return Buffer.concat(pieces).toString().trimEnd().split('\n');
}

function problem(file: Buffer, wanted: Wanted | null = null): string {
  try {
    lines(file, wanted);
  } catch (thrown) {
    assert.ok(thrown instanceof MalformedFile, `MalformedFile, not ${thrown}`);
    return thrown.message;
  }
  return 'none';
}

describe('rows of ORC files', () => {
  it('the wanted columns in the form that columns want', () => {
    const wanted = { id: 'json', color: 'json', l: 'json', raw: 'base64', b: 'number' } as const;
    assert.deepEqual(lines(ORC_FILE, wanted), [
      '{"id":1,"color":"red","l":[1,null],"raw":"AP8=","b":1}',
      '{"id":-5,"color":null,"l":[],"raw":"","b":null}',
      '{"id":1099511627776,"color":"grü\\"n","l":null,"raw":null,"b":0}',
    ]);
    assert.deepEqual(lines(ORC_FILE, { id: 'base64' })[0], '{"id":"MQ=="}');
    assert.match(
      problem(ORC_FILE, { other: 'json' }),
      /it has none of the fields other; its columns are Id, sv, color, l, raw, b/,
    );
  });

  it("what ORC's own writer makes: every type, wall clocks of its time zone, patched runs", () => {
    const found = lines(ORC_OF_JAVA, null);
    const none = (row: number): string =>
      `{"b":null,"t":null,"s":null,"i":${row % 97 === 0 ? 1_000_000 * row : 2000 + (row % 13)},` +
      `"l":${(row * 7919) % 1000},"f":null,"d":null,"str":"user ${row % 50}","dec":null,"day":null,` +
      `"ts":"2024-0${(row % 9) + 1}-06 0${row % 10}:00:00","li":null,"st":null}`;
    assert.deepEqual(found, [
      '{"b":true,"t":-128,"s":-32768,"i":2147483647,"l":-9223372036854775808,"f":0.5,"d":1e+300,"str":"é \\"x\\"","dec":"1234.50","day":"2024-02-29","ts":"2024-07-06 07:08:09.123456","li":[1,null,3],"st":{"a":1,"b":"x"}}',
      '{"b":null,"t":null,"s":null,"i":null,"l":null,"f":null,"d":null,"str":null,"dec":null,"day":null,"ts":null,"li":null,"st":null}',
      '{"b":false,"t":127,"s":32767,"i":-2147483648,"l":9223372036854775807,"f":-1.5,"d":0.1,"str":"","dec":"-0.05","day":"1969-12-31","ts":"1969-12-31 23:59:59.5","li":[],"st":{"a":null,"b":null}}',
      '{"b":false,"t":0,"s":0,"i":0,"l":0,"f":0,"d":0,"str":"a","dec":"0.00","day":"1970-01-01","ts":"2015-01-01 00:00:00","li":[7],"st":{"a":2,"b":"y"}}',
      ...Array.from({ length: 300 }, (_, index) => none(index + 1)),
    ]);
  });

  it('what is no ORC file, and what is cut off', () => {
    assert.match(problem(Buffer.from('1,a,b\n2,c,d\n')), /it does not begin as an ORC file does/);
    assert.match(problem(Buffer.alloc(0)), /it does not begin as an ORC file does/);
    for (let length = 0; length < ORC_FILE.length; length += 7)
      assert.notEqual(problem(ORC_FILE.subarray(0, length)), 'none', `at ${length}`);
  });

  it('changed bytes are an error or rows, never worse', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(100_000), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const changed = Buffer.from(ORC_FILE);
          for (const [at, byte] of changes) changed[at % changed.length] = byte;
          problem(changed);
        },
      ),
      { numRuns: 4000 },
    );
  });
});
