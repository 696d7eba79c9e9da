// Rows that go to the engine's CSV reader as they are: its fields are the texts between the separators, whatever those
// are, and a row that it would read otherwise goes the exact way.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { PackedBatch } from '../../../../src/pipeline/decode/packed-batch.ts';
import { BodyRig, makeBodyPlan, pieces } from '../../../support/body-load.ts';
import {
  CSV_FORMAT,
  column,
  makePlan,
  PipelineFixture,
} from '../../../support/pipeline-fixture.ts';

const SEED = Number(process.hrtime.bigint() % 1_000_000n);
let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const columns = ['a', 'b', 'c'].map((name) => column(name, { kind: 'VARCHAR', length: 65_533 }));
const plan = makePlan({ columns, format: CSV_FORMAT });

function formOf(messages: readonly string[]): string {
  const packed: PackedBatch = fixture.stager(plan).pack(fixture.batch(messages));
  packed.file.close();
  return packed.form;
}

/** Texts that readers of CSV have ideas about. */
const UNITS = [
  'a',
  '"',
  "'",
  '\\',
  '#',
  ' ',
  '\t',
  '\x01',
  '\x1f',
  '\x7f',
  'é',
  '😀',
  '\u2028',
  ';',
];
const field = fc.oneof(
  fc.string({ unit: fc.constantFrom(...UNITS), maxLength: 6 }),
  fc.constantFrom('\\N', 'NULL', 'null', '', '""', '\\n', '--', '//', '0', 'x'.repeat(3000)),
);

test(`fields are the texts between the separators (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(field, field, field), { minLength: 1, maxLength: 300 }),
      async (rows) => {
        const messages = rows.map((row) => row.join(','));
        assert.equal(formOf(messages), 'csv');
        const wanted = rows.map((row) => row.map((text) => (text === '\\N' ? null : text)));
        assert.deepEqual((await fixture.load(plan, messages)).rows, wanted);
        const rig = new BodyRig(fixture, 1024 * 1024);
        const body = makeBodyPlan({ columns, format: CSV_FORMAT });
        const staged = await rig.load(
          body,
          pieces(messages.join('\n'), () => 1_000),
        );
        const loaded = await rig.rows(staged.tables, body.target.tableId);
        assert.deepEqual(
          loaded.map((row) => Object.values(row)),
          wanted,
        );
        await rig.close();
      },
    ),
    { seed: SEED, numRuns: 30 },
  );
});

test('rows that the reader would take for something else go the exact way, all of their batch', async () => {
  const marked = '\ufeffa,b,c';
  for (const [row, wanted] of [
    ['a\r,b,c', ['a\r', 'b', 'c']],
    ['a\0,b,c', ['a\0', 'b', 'c']],
    [marked, ['a', 'b', 'c']],
    [`${'x'.repeat(2 * 1024 * 1024)},b,c`, null],
  ] as const) {
    const messages = ['1,2,3', row, '4,5,6'];
    assert.equal(formOf(messages), 'json', JSON.stringify(row.slice(0, 10)));
    const { rows } = await fixture.load(plan, messages);
    assert.deepEqual(
      [rows[0], rows.at(-1)],
      [
        ['1', '2', '3'],
        ['4', '5', '6'],
      ],
    );
    if (wanted !== null) assert.deepEqual(rows[1], wanted);
  }
  assert.equal(formOf(['1,2', '1,2,3', '', '4,5,6']), 'csv');
});

test('rejected and blank rows between lines keep their places', async () => {
  const messages = [
    '1,2,3',
    'short',
    '',
    'a,b,c',
    '1,2,3,4',
    Buffer.from('x\xff,y,z', 'latin1'),
    'd,e,f',
  ];
  const { rows, rejected, staged } = await fixture.load(plan, messages);
  assert.deepEqual(rows, [
    ['1', '2', '3'],
    ['a', 'b', 'c'],
    ['d', 'e', 'f'],
  ]);
  assert.deepEqual(
    rejected.map((row) => row['message_offset']),
    ['1', '4', '5'],
  );
  assert.equal(staged.progress[0]?.skipped.empty, 1);
});

test('a body of lines, some of which are not for the reader, is loaded whole and in place', async () => {
  const rig = new BodyRig(fixture, 1024 * 1024);
  const body = makeBodyPlan({
    columns: [
      column('n', { kind: 'INT' }, { nullable: false }),
      column('t', { kind: 'VARCHAR', length: 20 }),
    ],
    format: CSV_FORMAT,
    maxFilterRatio: 1,
  });
  const lines = Array.from({ length: 40_000 }, (_, n) => {
    if (n % 9_000 === 5) return 'bad';
    if (n % 9_000 === 8_000) return `${n},\xe9`;
    if (n % 11_000 === 7) return `x${n},no number`;
    return n > 20_000 && n % 1_000 === 3 ? `${n},text\r` : `${n},text`;
  });
  const bytes = Buffer.from(lines.join('\n'), 'latin1');
  const staged = await rig.load(
    body,
    pieces(bytes, () => 33_333),
  );
  assert.equal(staged.rowsLoaded + staged.rowsFiltered, 40_000);
  const rejected = await rig.rows(staged.tables, body.rejected.tableId);
  const places = rejected.map((row) => JSON.parse(row['source_info'] ?? '').row as number);
  const wanted = lines.flatMap((line, n) =>
    /^(bad|x)/.test(line) || line.includes('\xe9') ? [n + 1] : [],
  );
  assert.deepEqual(
    places.sort((a, b) => a - b),
    wanted,
  );
  const loaded = await rig.rows(staged.tables, body.target.tableId);
  assert.equal(new Set(loaded.map((row) => row['n'])).size, 40_000 - wanted.length);
  assert.ok(loaded.every((row) => row['t'] === 'text'));
  await rig.close();
});
