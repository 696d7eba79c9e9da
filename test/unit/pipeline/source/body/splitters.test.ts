// Where rows of bodies begin and end: known rows come back as they were, wherever the body is cut into pieces.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../../../../src/base/errors.ts';
import type { CsvFormatSpec, JsonFormatSpec } from '../../../../../src/model/load-plan.ts';
import { csvSplitter } from '../../../../../src/pipeline/source/body/csv-rows.ts';
import { jsonSplitter } from '../../../../../src/pipeline/source/body/json-documents.ts';
import { FIELD_KIND } from '../../../../../src/pipeline/source/body/line-scan.ts';
import type { BodySplitter } from '../../../../../src/pipeline/source/body/splitter.ts';

const SEED = Number(process.hrtime.bigint() % 1_000_000n);
const RUNS = { seed: SEED, numRuns: 400 };
/** What lies in a page behind the data, from other bodies. */
const GARBAGE = Buffer.from('}\n{"garbage":1}\n,"');

/** The rows of the body when it comes in such pieces; a skipped one is null. */
function rowsOf(
  splitter: BodySplitter,
  body: Buffer,
  cuts: readonly number[] = [],
): (string | null)[] {
  const rows: (string | null)[] = [];
  const ends = [...new Set(cuts.map((cut) => cut % (body.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  let rest: Buffer = Buffer.alloc(0);
  for (const [index, end] of [...ends, body.length].entries()) {
    const page = Buffer.concat([rest, body.subarray(from, end), GARBAGE]);
    const used = rest.length + end - from;
    const isLast = index === ends.length;
    const at = splitter.split(page, 0, used, isLast, {
      add: (start, to) => rows.push(page.toString('utf8', start, to)),
      addLine: (start, to, lineStart, lineEnd) => {
        const line = page.toString('utf8', lineStart, lineEnd);
        const row = page.toString('utf8', start, to);
        assert.equal(line.trimEnd(), row.trimEnd());
        assert.ok(line.endsWith('\n') || (isLast && lineEnd === used), line);
        rows.push(row);
      },
      addLines: ({ starts, lengths, count }, lineEnd) => {
        for (let row = 0; row < count; row += 1) {
          const start = starts[row] ?? 0;
          const to = start + (lengths[row] ?? 0);
          const next = row + 1 < count ? (starts[row + 1] ?? 0) : lineEnd;
          assert.ok(page[to] === 0x0a ? next === to + 1 : isLast && next === used && to === used);
          rows.push(page.toString('utf8', start, to));
        }
      },
      skip: () => rows.push(null),
    });
    assert.ok(at <= used && (!isLast || at === used), `split ended at ${at} of ${used}`);
    rest = page.subarray(at, used);
    from = end;
  }
  return rows;
}

const cutsOf = fc.array(fc.nat(4000), { maxLength: 12 });
const text = (units: readonly string[], maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...units), maxLength });
const csv = (more: Partial<CsvFormatSpec>): CsvFormatSpec => ({
  kind: 'csv',
  columnSeparator: ',',
  rowDelimiter: '\n',
  trimSpace: false,
  enclose: '',
  escape: '',
  ...more,
});

const DELIMITERS = ['\n', '\r\n', '|', '||', '\x01', 'ab', 'aab', 'é', '#'.repeat(50)];

test(`CSV rows come back wherever the body is cut (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...DELIMITERS),
      fc.array(text(['x', ',', '"', ' ', 'ü', '\t'], 12), { minLength: 1, maxLength: 40 }),
      fc.boolean(),
      fc.nat(3),
      cutsOf,
      (rowDelimiter, rows, endsWithDelimiter, skipHeader, cuts) => {
        const body = rows.join(rowDelimiter) + (endsWithDelimiter ? rowDelimiter : '');
        const splitter = csvSplitter(csv({ rowDelimiter }), skipHeader, [FIELD_KIND.integer]);
        const wanted: (string | null)[] = [...rows];
        // An empty rest behind the last delimiter is no row.
        if (!endsWithDelimiter && wanted.at(-1) === '') wanted.pop();
        wanted.fill(null, 0, Math.min(skipHeader, wanted.length));
        assert.deepEqual(rowsOf(splitter, Buffer.from(body), cuts), wanted);
      },
    ),
    RUNS,
  );
});

test('a carriage return before the line break is no part of the row', () => {
  const body = Buffer.from('a\r\nb\n\r\nc\r');
  assert.deepEqual(rowsOf(csvSplitter(csv({}), 0, [FIELD_KIND.text]), body, [2, 3, 7]), [
    'a',
    'b',
    '',
    'c',
  ]);
});

/** Fields as written, with what they may hold. */
const fieldOf = (enclose: string, escaping: string, delimiter: string, separator: string) => {
  const parts = ['x', ' ', delimiter, separator, `${enclose}${enclose}`];
  if (escaping !== '')
    parts.push(`${escaping}${enclose}`, `${escaping}${escaping}`, `${escaping}n`);
  const inner = text(parts, 6).map((inside) => `${enclose}${inside}${enclose}`);
  return fc.oneof(text(['x', 'y', 'ü', ' '], 6), inner);
};

for (const [enclose, escaping] of [
  ['"', ''],
  ["'", '\\'],
] as const)
  for (const [delimiter, separator] of [
    ['\n', ','],
    ['\r\n', '||'],
    ['@@', '\t'],
  ] as const)
    test(`delimiters ${JSON.stringify(delimiter)} enclosed by ${enclose}, escape '${escaping}', are text (seed ${SEED})`, () => {
      const field = fieldOf(enclose, escaping, delimiter, separator);
      const row = fc.array(field, { minLength: 1, maxLength: 4 }).map((f) => f.join(separator));
      const format = csv({
        enclose,
        escape: escaping,
        rowDelimiter: delimiter,
        columnSeparator: separator,
      });
      fc.assert(
        fc.property(
          fc.array(row, { minLength: 1, maxLength: 20 }),
          fc.boolean(),
          cutsOf,
          (rows, ends, cuts) => {
            const body = rows.join(delimiter) + (ends ? delimiter : '');
            const wanted = [...rows];
            if (!ends && wanted.at(-1) === '') wanted.pop();
            assert.deepEqual(
              rowsOf(
                csvSplitter(format, 0, [FIELD_KIND.text, FIELD_KIND.date]),
                Buffer.from(body),
                cuts,
              ),
              wanted,
            );
          },
        ),
        RUNS,
      );
    });

test('an escaped delimiter is text where nothing is enclosed', () => {
  for (const cuts of [[], [1], [2], [3], [4], [5, 6]]) {
    const splitter = csvSplitter(csv({ escape: '\\' }), 0, [FIELD_KIND.text]);
    assert.deepEqual(rowsOf(splitter, Buffer.from('a\\\nb\nc'), cuts), ['a\\\nb', 'c']);
  }
});

const json = (more: Partial<JsonFormatSpec> = {}): JsonFormatSpec => ({
  kind: 'json',
  jsonpaths: null,
  jsonRoot: '',
  stripOuterArray: false,
  ...more,
});

/** Text of an object as different writers write it. */
const jsonObject = fc
  .tuple(
    fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
    fc.constantFrom(undefined, 1, '\t'),
  )
  .map(([value, indent]) => JSON.stringify(value, null, indent));
/** Strings that look like borders between documents. */
const trap = fc.constantFrom(
  '{"a":"}{"}',
  '{"a":"} {","b":[{},{}]}',
  '{"a":[{"b":1},\n{"b":2}]}',
  '{"a":"\\"}\\n{"}',
  '{"a":{"b":1}\n,"c":{\n}}',
  '{}',
);
const anyObject = fc.oneof(jsonObject, trap);
const SPACES = ['', ' ', '\n', '\r\n', ' \n ', '\t', '\n\n', '  ', '\r'];

test(`documents come back whatever parts them, and wherever the body is cut (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyObject, fc.constantFrom(...SPACES)), { maxLength: 20 }),
      cutsOf,
      (documents, cuts) => {
        const body = documents.map(([document, space]) => `${document}${space}`).join('');
        const found = rowsOf(jsonSplitter(json()), Buffer.from(body), cuts);
        assert.deepEqual(
          found,
          documents.map(([document]) => document),
        );
      },
    ),
    { ...RUNS, numRuns: 1500 },
  );
});

test('what is no object is a document of its own', () => {
  const body = '{"a":1}\n123\n{"b":2}\n"text}\\n{"\nnull [1,{}]\n{"c":3}';
  for (const cuts of [[], [9], [10, 11], [20, 30]])
    assert.deepEqual(rowsOf(jsonSplitter(json()), Buffer.from(body), cuts), [
      '{"a":1}',
      '123',
      '{"b":2}',
      '"text}\\n{"',
      'null',
      '[1,{}]',
      '{"c":3}',
    ]);
});

test('a broken document does not spoil the lines around it', () => {
  const body = '{"a":1}\n{"b":}}\n{"c":"\n{"d":4}\n{"e":5}\n]\n{"f":6}';
  assert.deepEqual(rowsOf(jsonSplitter(json()), Buffer.from(body)), [
    '{"a":1}',
    '{"b":}}',
    '{"c":"\n{"d":4}',
    '{"e":5}',
    ']',
    '{"f":6}',
  ]);
});

const incomplete = (thrown: unknown): boolean =>
  thrown instanceof AppError && thrown.code === 'BODY_JSON_INCOMPLETE';

test('a document that the body cuts off fails the load', () => {
  for (const body of ['{"a":1}\n{"b":', '{"a":"x', '[{"a":1}', '{"a":1}\n"x'])
    for (const cuts of [[], [1], [8]])
      assert.throws(() => rowsOf(jsonSplitter(json()), Buffer.from(body), cuts), incomplete, body);
  for (const body of ['[{"a":1}', '[{"a":1},', '[', '[{"a":', '[] ['])
    assert.throws(
      () => rowsOf(jsonSplitter(json({ stripOuterArray: true })), Buffer.from(body)),
      incomplete,
      body,
    );
});

test(`elements of outer arrays come back wherever the body is cut (seed ${SEED})`, () => {
  const value = fc.oneof(anyObject, fc.constantFrom('12', 'null', '"}, {"', '[1, [2]]', 'true'));
  const space = fc.constantFrom('', ' ', '\n', '\r\n\t');
  const array = fc.array(fc.tuple(value, space), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(fc.tuple(array, space), { maxLength: 4 }), cutsOf, (arrays, cuts) => {
      const body = arrays
        .map(([list, behind]) => `[${list.map(([v, s]) => `${s}${v}${s}`).join(',')}]${behind}`)
        .join('');
      const splitter = jsonSplitter(json({ stripOuterArray: true }));
      assert.deepEqual(
        rowsOf(splitter, Buffer.from(body), cuts),
        arrays.flatMap(([list]) => list.map(([v]) => v)),
      );
    }),
    { ...RUNS, numRuns: 1500 },
  );
});

test('an array that is no JSON says where', () => {
  const strip = (body: string) => () =>
    rowsOf(jsonSplitter(json({ stripOuterArray: true })), Buffer.from(body));
  const malformed = (message: RegExp) => (thrown: unknown) =>
    thrown instanceof AppError &&
    thrown.code === 'BODY_JSON_MALFORMED' &&
    message.test(thrown.message);
  assert.throws(strip('[{"a":1} {"a":2}]'), malformed(/expected a comma .* found: \{"a":2\}\]/));
  assert.throws(strip('[{"a":1},]'), malformed(/expected a value .* found: \]/));
  assert.throws(strip('[,1]'), malformed(/expected a value/));
});
