// Scans of CSV bytes: the same rows as a loop over single bytes finds, wherever blocks of 64 bytes and scans end, and
// a field is called plain for the spellings alone that the engine's reader and the slow way give one value for.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { WASM_MODULES, wasmCode } from '../../../../../scripts/build-wasm.ts';
import {
  FIELD_KIND,
  type FieldKind,
  LineScan,
  SCAN_BYTES,
} from '../../../../../src/pipeline/source/body/line-scan.ts';

const SEED = Number(process.hrtime.bigint() % 1_000_000n);
const { text, integer, date, datetime } = FIELD_KIND;
const COMMA = 0x2c;

test('the code is made of what is in the tree', async () => {
  for (const [source, target] of WASM_MODULES)
    assert.equal(readFileSync(target, 'utf8'), await wasmCode(source), 'run npm run wasm');
});

/** Each row as start and length, by a loop over single bytes. */
function rowsOf(bytes: Buffer, start: number): [number, number][] {
  const rows: [number, number][] = [];
  let from = start;
  for (let at = start; at < bytes.length; at += 1) {
    if (bytes[at] !== 0x0a) continue;
    rows.push([from, at - from]);
    from = at + 1;
  }
  return rows;
}

function scanned(scan: LineScan): [number, number][] {
  return Array.from({ length: scan.count }, (_, row) => [
    scan.starts[row] ?? -1,
    scan.lengths[row] ?? -1,
  ]);
}

test(`rows, their fields and what is odd of them, against a loop over bytes (seed ${SEED})`, () => {
  const unit = fc.constantFrom('a', '7', ',', ',', '\n', '\r', '\0', 'é', '\x7f', '"');
  const cell = fc.oneof(fc.string({ unit, maxLength: 5 }), fc.constant('x'.repeat(70)));
  fc.assert(
    fc.property(
      fc.array(cell, { maxLength: 60 }),
      fc.nat(3),
      fc.integer({ min: 1, max: 3 }),
      (cells, start, fields) => {
        const bytes = Buffer.from(`${'#'.repeat(start)}${cells.join('')}`);
        const scan = new LineScan({ separator: COMMA, kinds: Array(fields).fill(text) });
        scan.scan(bytes, start, bytes.length, false);
        const rows = rowsOf(bytes, start);
        assert.deepEqual(scanned(scan), rows);
        const last = rows.at(-1);
        assert.equal(scan.consumed, last === undefined ? 0 : last[0] + last[1] + 1 - start);
        assert.equal(scan.longestBytes, Math.max(0, ...rows.map(([, length]) => length)));
        const whole = bytes.toString('latin1', start);
        const lines = rows.map(([from, length]) => bytes.toString('latin1', from, from + length));
        const isOdd =
          /[\r\0]/.test(whole) ||
          lines.some((line) => line === '' || line.split(',').length !== fields);
        assert.equal(scan.areLines, !isOdd);
        assert.equal(
          scan.areAscii,
          bytes.subarray(start).every((byte) => byte < 0x80),
        );
      },
    ),
    { seed: SEED, numRuns: 2000 },
  );
});

test('a scan ends behind the last row that it holds, and the next one goes on there', () => {
  const rows = Array.from({ length: 30_000 }, (_, id) => `${id},${'x'.repeat(id % 50)}`);
  const bytes = Buffer.from(rows.join('\n'));
  const scan = new LineScan({ separator: COMMA, kinds: [integer, text] });
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += scan.consumed) {
    scan.scan(bytes, at, bytes.length, true);
    assert.ok(scan.consumed <= SCAN_BYTES && scan.areLines && scan.arePlain);
    for (const [start, length] of scanned(scan))
      found.push(bytes.toString('latin1', start, start + length));
  }
  assert.deepEqual(found, rows);
  // Longer than a scan: no row ends in it.
  scan.scan(Buffer.alloc(SCAN_BYTES * 2, 0x61), 0, SCAN_BYTES * 2, true);
  assert.equal(scan.count, 0);
});

function isPlain(kind: FieldKind, field: string, before = ''): boolean {
  const scan = new LineScan({ separator: COMMA, kinds: [text, kind, text] });
  const bytes = Buffer.from(`${before},${field},`);
  scan.scan(bytes, 0, bytes.length, true);
  assert.equal(scan.count, 1);
  return scan.arePlain;
}

test('which spellings are plain', () => {
  const cases: readonly (readonly [FieldKind, readonly string[], readonly string[]])[] = [
    [
      integer,
      '0 7 -7 007 -0 1234567890123456 -1234567890123456 12345678901234567 999999999999999999 -999999999999999999 1000000000000000000 9223372036854775807 -9223372036854775807 9199999999999999999 \\N'.split(
        ' ',
      ),
      [
        '',
        '-',
        '--1',
        '+1',
        ' 1',
        '1 ',
        '1.0',
        '1_0',
        '0x1',
        '1e3',
        'a',
        '9223372036854775808',
        '9300000000000000000',
        '10000000000000000000',
        '1234567890123456a',
        'a234567890123456789',
        '\\n',
        '\\NN',
        'é',
      ],
    ],
    [
      date,
      ['2026-01-31', '2024-02-28', '0001-01-01', '9999-12-31', '2026-11-30', '\\N'],
      [
        '',
        '2026-02-29',
        '2024-02-29',
        '2026-02-30',
        '2026-04-31',
        '2026-11-31',
        '2026-00-01',
        '2026-13-01',
        '2026-01-00',
        '2026-01-32',
        '0000-01-01',
        '2026/01/01',
        '2026-1-1',
        '20260101',
        '2026-01-01 ',
        '2026-01-01 00:00:00',
        'aaaa-01-01',
      ],
    ],
    [
      datetime,
      ['2026-01-31 00:00:00', '2026-12-01 23:59:59', '\\N'],
      [
        '2026-01-31',
        '2026-01-31T00:00:00',
        '2026-01-31 24:00:00',
        '2026-01-31 23:60:00',
        '2026-01-31 23:59:60',
        '2026-02-29 00:00:00',
        '2026-01-31 0a:00:00',
        '2026-01-31 00:00:0a',
        '2026-01-31 00-00:00',
        '2026-01-31 00:00-00',
        '2026-01-31 00:00:00.5',
        '0000-01-31 00:00:00',
      ],
    ],
    [text, ['', 'anything', '\\N'], []],
  ];
  // Wherever the field lies in blocks of 64 bytes.
  for (const before of ['', 'x'.repeat(50), 'x'.repeat(61), 'x'.repeat(63)])
    for (const [kind, plain, other] of cases) {
      for (const field of plain) assert.ok(isPlain(kind, field, before), `'${field}' is plain`);
      for (const field of other) assert.ok(!isPlain(kind, field, before), `'${field}' is not`);
    }
});

test('loads with other fields do not disturb each other', () => {
  const one = new LineScan({ separator: COMMA, kinds: [integer] });
  const other = new LineScan({ separator: 0x7c, kinds: [text, date] });
  for (let round = 0; round < 3; round += 1) {
    one.scan(Buffer.from('a\n'), 0, 2, false);
    assert.deepEqual([one.count, one.areLines, one.arePlain], [1, true, false]);
    other.scan(Buffer.from('a|2026-01-01\n'), 0, 13, false);
    assert.deepEqual([other.count, other.areLines, other.arePlain], [1, true, true]);
  }
});
