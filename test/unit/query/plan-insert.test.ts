// VALUES as data or as SQL, and how views put relations in the place of tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import type { InsertPart } from '../../../src/model/insert-plan.ts';
import type { SqlType } from '../../../src/model/sql-type.ts';
import { plainValues, planSelectSource, planValuesSource } from '../../../src/query/plan-insert.ts';
import { replaceTables } from '../../../src/query/replace-tables.ts';
import type { Expression } from '../../../src/sql/ast/expression.ts';
import { printQuery } from '../../../src/sql/print.ts';
import { catalogOf, errorOf, parseQuery, SESSION, storedTable } from './harness.ts';

const TARGET: Readonly<Record<string, SqlType>> = {
  i: { kind: 'INT' },
  s: { kind: 'VARCHAR', length: 10 },
  n: { kind: 'DECIMAL', precision: 10, scale: 2 },
};
const table = storedTable('t', TARGET);
const over = {
  catalog: catalogOf([table]),
  session: SESSION,
  limits: { timeoutMs: 1000, maxRows: null },
  newUuid: () => 'a-uuid',
};

function partsOf(values: string): readonly InsertPart[] {
  assert(table.kind === 'stored');
  const sql = `INSERT INTO t VALUES ${values}`;
  const rows = present(plainValues(parseQuery(sql)), 'VALUES');
  return planValuesSource(rows, table.info.schema.columns, sql, over).parts;
}

test('constants travel as data, in one part whatever their number', () => {
  assert.deepEqual(partsOf("(1, 'a', 1.5), (-2, NULL, 3), (NULL, 5, '7.25'), (4, true, DEFAULT)"), [
    {
      kind: 'rows',
      types: [{ kind: 'INT' }, { kind: 'VARCHAR', length: 10 }, { kind: 'VARCHAR', length: 65533 }],
      rows: [
        ['1', 'a', '1.5'],
        ['-2', null, '3'],
        [null, '5', '7.25'],
        ['4', '1', null],
      ],
    },
  ]);
});

test('a number that does not fit stays what was written, so that the error can show it', () => {
  const [part] = partsOf("(1, 'a', 1), (300000000000, 'b', 1)");
  assert(part?.kind === 'rows');
  assert.deepEqual(part.types[0], { kind: 'VARCHAR', length: 65533 });
  assert.equal(part.rows[1]?.[0], '300000000000');
});

test('rows with anything else become SQL, grouped by their types; arithmetic on constants is computed', () => {
  const parts = partsOf(
    "(1, 'a', 1), (2, upper('b'), 2), (3, lower('c'), 3), (1 + 3, 'd', 4), (5, 'e', 1e2)",
  );
  assert.deepEqual(
    parts.map((part) => part.kind),
    ['rows', 'query', 'query'],
  );
  assert.equal(parts[0]?.kind === 'rows' && parts[0].rows.length, 2);
});

test('a DOUBLE travels as data where its text is the same value to the column; drivers of JavaScript bind nothing else', () => {
  assert(table.kind === 'stored');
  const kindsOf = (text: string): readonly string[] => {
    assert(table.kind === 'stored');
    const pos = { start: 0, line: 1, column: 0 };
    const bound: Expression = { kind: 'float', pos, text };
    const none: Expression = { kind: 'null', pos };
    return [0, 2].flatMap((place) => {
      const row = [none, none, none].map((item, index) => (index === place ? bound : item));
      const values = { kind: 'values', pos, rows: [row] } as const;
      const { parts } = planValuesSource(values, table.info.schema.columns, '', over);
      return parts.map((part) => (part.kind === 'rows' ? `${part.rows[0]?.[place]}` : 'SQL'));
    });
  };
  assert.deepEqual(kindsOf('7'), ['7', '7'], 'INT and DECIMAL(.., 2)');
  assert.deepEqual(kindsOf('1.25'), ['SQL', '1.25']);
  assert.deepEqual(kindsOf('1.005'), ['SQL', 'SQL'], 'as a DOUBLE it is a little less');
  assert.deepEqual(kindsOf('1e2'), ['SQL', 'SQL']);
  assert.deepEqual(kindsOf('12345678901234567'), ['SQL', 'SQL'], 'more digits than a DOUBLE has');
});

test('a NUL cannot be a constant for the appender, and aggregates cannot be values', () => {
  assert.equal(partsOf("(1, 'a\\0b', 1)")[0]?.kind, 'query');
  assert.match(
    errorOf(() => partsOf('(count(*), NULL, 1)')),
    /cannot contain aggregations/,
  );
});

test('columns straight from a table are known to fit their types, others not', () => {
  const sql = 'SELECT i, s, upper(s) FROM t';
  const { parts } = planSelectSource(parseQuery(sql), sql, over);
  const [part] = parts;
  assert(part?.kind === 'query');
  assert.deepEqual(part.fromTable, [true, true, false]);
});

test('tables are replaced everywhere but where a WITH name hides them; other trees are shared', () => {
  const query = parseQuery(
    'WITH x AS (SELECT * FROM a) SELECT * FROM x JOIN (SELECT * FROM b) q ON EXISTS (SELECT 1 FROM c.x) ORDER BY (SELECT max(i) FROM a)',
  );
  const seen: string[] = [];
  const qualified = replaceTables(query, (node) => {
    seen.push(node.name.name);
    return node.name.database === null
      ? { ...node, name: { ...node.name, database: 'd' } }
      : undefined;
  });
  assert.deepEqual(seen.toSorted(), ['a', 'a', 'b', 'x']);
  assert.equal(
    printQuery(qualified),
    'WITH x AS (SELECT * FROM d.a) SELECT * FROM x INNER JOIN (SELECT * FROM d.b) AS q ON EXISTS (SELECT 1 FROM c.x) ORDER BY (SELECT max(i) FROM d.a)',
  );
  assert.equal(
    replaceTables(query, () => undefined),
    query,
    'the same tree where nothing changes',
  );
});
