// Rows whose numbers and times the engine's reader gives are those that the slow way gives: the same body with and
// without a row that is spelled otherwise, against the same rows as messages, which are always read as text.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { LoadOutput } from '../../../../src/model/load-plan.ts';
import { FIELD_KIND } from '../../../../src/pipeline/source/body/line-scan.ts';
import { fieldKinds } from '../../../../src/pipeline/transform/typed-fields.ts';
import { BodyRig, makeBodyPlan, pieces } from '../../../support/body-load.ts';
import {
  CSV_FORMAT,
  column,
  JSON_FORMAT,
  makePlan,
  PipelineFixture,
} from '../../../support/pipeline-fixture.ts';

const SEED = Number(process.hrtime.bigint() % 1_000_000n);
const { text, integer, date, datetime } = FIELD_KIND;
let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const COLUMNS = [
  column('tiny', { kind: 'TINYINT' }),
  column('n', { kind: 'INT' }, { nullable: false }),
  column('big', { kind: 'BIGINT' }),
  column('large', { kind: 'LARGEINT' }),
  column('day', { kind: 'DATE' }),
  column('at', { kind: 'DATETIME' }),
  column('name', { kind: 'VARCHAR', length: 20 }),
];

const two = (most: number, from = 0) =>
  fc.integer({ min: from, max: most }).map((value) => String(value).padStart(2, '0'));
const day = fc
  .tuple(fc.integer({ min: 1, max: 9999 }), two(12, 1), two(31, 1))
  .map(([year, month, of]) => `${String(year).padStart(4, '0')}-${month}-${of}`);
const time = fc.tuple(two(24), two(60), two(60)).map((parts) => parts.join(':'));
const instant = fc.tuple(day, time).map((parts) => parts.join(' '));
const whole = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.integer({ min: -300, max: 300 }).map(String),
  fc.integer().map(String),
  fc.constantFrom('\\N', '007', '-0', '9223372036854775807', '-9223372036854775808'),
);
const odd = fc.constantFrom(
  ...['', ' 5', '+5', '5.9', '1_0', '0x10', '1e2', 'x', '99999999999999999999', '2026-02-29'],
  ...['20260101', '2026-1-1', '2026-01-01 24:00:00', '2026-01-01T01:02:03', '26-01-01'],
);

function row(isOdd: boolean): fc.Arbitrary<string> {
  const some = (value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    isOdd ? fc.oneof({ arbitrary: value, weight: 5 }, { arbitrary: odd, weight: 1 }) : value;
  const small = fc.integer({ min: -200, max: 200 }).map(String);
  return fc
    .tuple(
      some(small),
      some(fc.oneof(small, fc.integer().map(String))),
      some(whole),
      some(whole),
      some(fc.oneof(day, fc.constant('\\N'))),
      some(fc.oneof(instant, fc.constant('\\N'))),
      fc.constantFrom('a', 'é', '\\N', '', '12'),
    )
    .map((fields) => fields.join(','));
}

for (const strict of [false, true])
  for (const [name, isOdd] of [
    ['plain', false],
    ['some of them odd', true],
  ] as const)
    test(`rows as a body are those of messages: ${name}, strict ${strict} (seed ${SEED})`, async () => {
      const rig = new BodyRig(fixture, 1024 * 1024);
      const options = { columns: COLUMNS, format: CSV_FORMAT, strict, maxFilterRatio: 1 };
      await fc.assert(
        fc.asyncProperty(
          fc.array(row(isOdd), { minLength: 1, maxLength: 30 }),
          fc.boolean(),
          async (rows, endsWithBreak) => {
            const plan = makeBodyPlan(options);
            const body = `${rows.join('\n')}${endsWithBreak ? '\n' : ''}`;
            const loaded = await rig.load(
              plan,
              pieces(body, () => 100),
            );
            const typed = await rig.rows(loaded.tables, plan.target.tableId);
            const wanted = await fixture.load(makePlan(options), rows);
            assert.deepEqual(
              typed.map((found) => Object.values(found)),
              wanted.rows,
            );
            assert.equal(loaded.rowsFiltered, wanted.rejected.length);
          },
        ),
        { seed: SEED, numRuns: 60 },
      );
      await rig.close();
    });

test('plain rows take the cheap way, others the slow one', () => {
  const plan = makePlan({ columns: COLUMNS, format: CSV_FORMAT });
  assert.deepEqual(fieldKinds(plan), [integer, integer, integer, integer, date, datetime, text]);
});

test('fields whose text is wanted are read as text', () => {
  const [, n, big] = COLUMNS;
  assert.ok(n !== undefined && big !== undefined);
  const columns = [n, big];
  const kinds = (more: Partial<Parameters<typeof makePlan>[0]>) =>
    fieldKinds(makePlan({ columns, format: CSV_FORMAT, ...more }));
  const of = (field: string, target: typeof n): LoadOutput => ({
    column: target,
    from: { kind: 'field', field },
  });
  assert.deepEqual(kinds({ format: JSON_FORMAT }), [text, text]);
  // WHERE sees the column, not the text of the field.
  assert.deepEqual(kinds({ where: '"n" > 3' }), [integer, integer]);
  const renamed = { fields: ['x', 'big'], outputs: [of('x', n), of('big', big)] };
  assert.deepEqual(kinds(renamed), [integer, integer]);
  assert.deepEqual(kinds({ ...renamed, where: `"x" = '5'` }), [text, integer]);
  const name = column('name', { kind: 'VARCHAR', length: 20 });
  assert.deepEqual(kinds({ outputs: [of('n', n), of('n', name), of('big', big)] }), [
    text,
    integer,
  ]);
  const sql: LoadOutput['from'] = {
    kind: 'expression',
    duckdbSql: '"big" || 1',
    type: { kind: 'VARCHAR', length: 10 },
  };
  assert.deepEqual(kinds({ outputs: [of('n', n), { column: name, from: sql }] }), [text, text]);
  const operation = of('big', column('__op', { kind: 'INT' }));
  assert.deepEqual(kinds({ operation, keys: ['n'] }), [integer, text]);
});
