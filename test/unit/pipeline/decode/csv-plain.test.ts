// The one-pass way for plain CSV rows gives what the exact scanner gives, or gives up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineWriter } from '../../../../src/formats/json/line-writer.ts';
import type { CsvFormatSpec } from '../../../../src/model/load-plan.ts';
import { PlainCsvRow } from '../../../../src/pipeline/decode/csv-plain.ts';
import { CsvScanner, FIELD } from '../../../../src/pipeline/decode/csv-scan.ts';

const FORMAT: CsvFormatSpec = {
  kind: 'csv',
  columnSeparator: ',',
  rowDelimiter: '\n',
  trimSpace: false,
  enclose: '',
  escape: '',
};
const FIELDS = 3;
const leads = Array.from({ length: FIELDS }, (_, index) =>
  Buffer.from(`${index === 0 ? '{' : ','}"${index}":`),
);

/** Null: it gave up, or the format has no plain rows. */
function plain(format: CsvFormatSpec, text: string): unknown {
  const writer = new LineWriter(1 << 20);
  const bytes = Buffer.from(text);
  if (PlainCsvRow.for(format, leads)?.write(bytes, 0, bytes.length, writer) !== true) return null;
  return JSON.parse(writer.bytes.toString('utf8', 0, writer.length));
}

/** Null: not one row of that many fields. */
function exact(format: CsvFormatSpec, text: string): unknown {
  const scanner = new CsvScanner(format, FIELDS);
  const bytes = Buffer.from(text);
  const found = scanner.readRow(bytes, 0, bytes.length);
  if (found !== 'row' || scanner.fieldCount !== FIELDS || scanner.rowEnd !== bytes.length)
    return null;
  return Object.fromEntries(
    leads.map((_, index) => [
      index,
      scanner.kinds[index] === FIELD.null ? null : scanner.fieldBytes(bytes, index).toString(),
    ]),
  );
}

test('plain rows are what the scanner makes of them, whatever the format', () => {
  const separator = fc.constantFrom(',', '|', '\t', ';', '\u0001', '||', 'a');
  const delimiter = fc.constantFrom('\n', '|', '\r\n', 'ab', ';;', '"');
  const escaping = fc.constantFrom('', '\\', '|', '^', ',');
  const odd = fc.constantFrom(...',|;\t\u0001\n\r"\\N^'.split(''), '\\N');
  const usual = fc.constantFrom('a', ' ', 'ü', '日', '', 'b7');
  const field = fc.array(fc.oneof({ arbitrary: usual, weight: 12 }, odd), { maxLength: 3 });
  const fields = fc.array(
    field.map((pieces) => pieces.join('')),
    { minLength: 2, maxLength: 4 },
  );
  let taken = 0;
  fc.assert(
    fc.property(
      separator,
      delimiter,
      escaping,
      fields,
      (columnSeparator, rowDelimiter, esc, parts) => {
        const format = { ...FORMAT, columnSeparator, rowDelimiter, escape: esc };
        const row = parts.join(columnSeparator);
        const quick = plain(format, row);
        if (quick === null) return;
        taken += 1;
        assert.deepEqual(quick, exact(format, row));
      },
    ),
    { numRuns: 5000 },
  );
  assert.ok(taken > 500, `${taken} rows were plain`);
});

test('what is not plain is left to the scanner', () => {
  assert.deepEqual(plain(FORMAT, 'a,b,c'), { 0: 'a', 1: 'b', 2: 'c' });
  assert.deepEqual(plain(FORMAT, ',,'), { 0: '', 1: '', 2: '' });
  for (const row of [
    'a,b',
    'a,b,c,d',
    'a,b,\\N',
    'a,"b",c',
    'a,b,c\n',
    'a,b\r,c',
    'a,b,\u0002',
    '\ufeffa,b,c',
  ])
    assert.equal(plain(FORMAT, row), null, row);
  for (const more of [
    { trimSpace: true },
    { enclose: '"' },
    { columnSeparator: '||' },
    { rowDelimiter: ',\n' },
  ])
    assert.equal(plain({ ...FORMAT, ...more }, 'a,b,c'), null);
});
