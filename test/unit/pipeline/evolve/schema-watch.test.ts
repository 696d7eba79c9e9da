// What rows ask of a table: the property that one change is enough for any batch and that all of its rows load then; and
// the cases one by one.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { SchemaProposal } from '../../../../src/model/schema-proposal.ts';
import type { SqlType } from '../../../../src/model/sql-type.ts';
import { SchemaWatch } from '../../../../src/pipeline/evolve/schema-watch.ts';
import { jsonSamples } from '../../../support/json-samples.ts';
import { column, makePlan, PipelineFixture } from '../../../support/pipeline-fixture.ts';

type Columns = Readonly<Record<string, SqlType>>;

const INT: SqlType = { kind: 'INT' };
const varchar = (length: number): SqlType => ({ kind: 'VARCHAR', length });

function watch(columns: Columns, required: readonly string[] = [], known: readonly string[] = []) {
  const passed: string[] = [];
  const spec = {
    columns: Object.entries(columns).map(([name, type]) => ({
      name,
      type,
      field: name,
      isRequired: required.includes(name),
    })),
    known,
  };
  return { passed, made: new SchemaWatch(spec, (text) => passed.push(text)) };
}

function asked(columns: Columns, rows: readonly string[]): SchemaProposal | null {
  const { made } = watch(columns);
  for (const row of rows) made.row(Buffer.from(`xx${row}yy`), 2, 2 + Buffer.byteLength(row));
  return made.proposal();
}

describe('any batch', () => {
  let fixture: PipelineFixture;
  before(async () => {
    fixture = await PipelineFixture.open();
  });
  after(() => fixture.close());

  test('one change makes room for all of it, and all of it loads', async () => {
    const property = fc.asyncProperty(jsonSamples, async (rows) => {
      const proposal = asked({}, rows);
      const columns = Object.fromEntries(
        (proposal?.add ?? []).map(({ name, type }) => [name, type]),
      );
      assert.deepEqual(proposal?.widen ?? [], []);
      assert.equal(asked(columns, rows), null);
      if (proposal === null) return;
      const plan = makePlan({
        columns: proposal.add.map(({ name, type }) => column(name, type)),
        strict: true,
      });
      const { rows: loaded, rejected } = await fixture.load(plan, rows);
      assert.deepEqual(rejected, []);
      assert.equal(loaded.length, rows.length);
    });
    await fc.assert(property, { numRuns: 150, seed: 21 });
  });
});

test('new fields in the order of their coming, those that are only NULL later', () => {
  const rows = ['{"id":1}', '{"b":null,"id":2,"a":true}', '{"id":3,"c":"x"}'];
  assert.deepEqual(asked({ id: INT }, rows), {
    add: [
      { name: 'a', type: { kind: 'BOOLEAN' } },
      { name: 'c', type: varchar(65_533) },
    ],
    widen: [],
    conflicts: [],
  });
  assert.equal(asked({ id: INT }, ['{"id":1,"b":null}']), null);
  // A NULL takes no name away from a field that has values.
  assert.deepEqual(asked({ id: INT }, ['{"id":1,"b":null,"B":2}'])?.add, [
    { name: 'B', type: { kind: 'BIGINT' } },
  ]);
});

test('rows that are not whole ask for nothing', () => {
  const rows = [
    '{"new":1',
    '{"new":1}x',
    '[{"new":1}]',
    '{"new":01}',
    '{"new":"\\x"}',
    '"new"',
    '',
  ];
  assert.equal(asked({ id: INT }, rows), null);
});

test('keys with escapes, in another order, doubled', () => {
  const rows = [
    '{"id":1,"größe":2}',
    '{"gr\\u00f6\\u00dfe":3,"\\u0069d":4}',
    '{ "id" : 1 , "id" : 2 }',
  ];
  assert.equal(asked({ id: INT, größe: INT }, rows), null);
});

test('names that no column can have are told once, and asked for never', () => {
  const { made, passed } = watch({ id: INT }, [], ['__op', 'Known']);
  for (const row of ['{"ID":1,"x y":2,"__op":0}', '{"ID":1,"x y":2,"known":1,"Known":1}'])
    made.row(Buffer.from(row), 0, Buffer.byteLength(row));
  assert.equal(made.proposal(), null);
  assert.deepEqual(passed, [
    'field "ID" is not loaded: a column differs from it only in upper and lower case',
    'field "x y" is not loaded: it is no name of a column',
    'field "known" is not loaded: a column differs from it only in upper and lower case',
  ]);
});

test('whole numbers and texts that are too large for their columns', () => {
  const columns: Columns = {
    t: { kind: 'TINYINT' },
    s: { kind: 'SMALLINT' },
    i: INT,
    b: { kind: 'BIGINT' },
    v: varchar(3),
  };
  const fits = `{"t":-128,"s":32767,"i":-2147483648,"b":9223372036854775807,"v":"äa"}`;
  assert.equal(asked(columns, [fits]), null);
  const over = `{"t":128,"s":-32769,"i":2147483648,"b":-9223372036854775809,"v":"ääa"}`;
  assert.deepEqual(asked(columns, [fits, over])?.widen, [
    { name: 't', type: { kind: 'SMALLINT' } },
    { name: 's', type: { kind: 'INT' } },
    { name: 'i', type: { kind: 'BIGINT' } },
    { name: 'b', type: { kind: 'LARGEINT' } },
    { name: 'v', type: varchar(16) },
  ]);
  // No type holds these, or they are no whole numbers: they are rejected or cut as ever.
  assert.equal(
    asked(columns, [`{"b":1${'0'.repeat(39)},"i":12345678901.5,"t":1e9,"s":"99999"}`]),
    null,
  );
  const long = (length: number) => asked({ v: varchar(3) }, [`{"v":"${'x'.repeat(length)}"}`]);
  assert.deepEqual(long(40_000)?.widen, [{ name: 'v', type: varchar(65_533) }]);
  assert.deepEqual(long(70_000)?.widen, [{ name: 'v', type: varchar(1_048_576) }]);
  assert.equal(long(1_048_577), null);
});

test('decimals with more digits in front of the point; a rounded one stays one digit', () => {
  const d: SqlType = { kind: 'DECIMAL', precision: 5, scale: 2 };
  const fits = [
    '{"d":999.99}',
    '{"d":-999}',
    '{"d":"999.1"}',
    '{"d":0.123456789}',
    '{"d":"x1234567"}',
  ];
  assert.equal(asked({ d }, [...fits, '{"d":1e9}', `{"d":${'9'.repeat(37)}}`]), null);
  const over = ['{"d":1000}', '{"d":"-0123456.5"}'];
  assert.deepEqual(asked({ d }, over)?.widen, [
    { name: 'd', type: { kind: 'DECIMAL', precision: 8, scale: 2 } },
  ]);
});

test('schemas: new, wider, other and missing fields', () => {
  const { made } = watch({ id: INT, n: { kind: 'BIGINT' }, d: { kind: 'DATE' }, r: INT }, ['r']);
  made.schema(
    new Map<string, SqlType>([
      ['id', { kind: 'BIGINT' }],
      ['n', INT],
      ['r', INT],
    ]),
  );
  made.schema(
    new Map<string, SqlType>([
      ['id', INT],
      ['n', { kind: 'DOUBLE' }],
      ['d', { kind: 'DATETIME' }],
      ['x', { kind: 'FLOAT' }],
    ]),
  );
  assert.deepEqual(made.proposal(), {
    add: [{ name: 'x', type: { kind: 'FLOAT' } }],
    widen: [
      { name: 'id', type: { kind: 'BIGINT' } },
      { name: 'd', type: { kind: 'DATETIME' } },
    ],
    conflicts: [
      { column: 'n', type: { kind: 'DOUBLE' } },
      { column: 'r', type: null },
    ],
  });
});
