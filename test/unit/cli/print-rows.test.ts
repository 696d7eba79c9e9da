import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printRows } from '../../../src/cli/print-rows.ts';

const RESULT = {
  columns: ['id', 'name'],
  rows: [
    ['1', 'plain'],
    ['20', null],
    ['3', 'a "b",\nc'],
  ],
};

test('table', () => {
  assert.equal(
    printRows({ columns: ['id', 'name'], rows: RESULT.rows.slice(0, 2) }, 'table'),
    [
      '+----+-------+',
      '| id | name  |',
      '+----+-------+',
      '| 1  | plain |',
      '| 20 | NULL  |',
      '+----+-------+',
    ].join('\n'),
  );
  assert.equal(printRows({ columns: ['a'], rows: [] }, 'table'), '+---+\n| a |\n+---+\n+---+');
});

test('table: wide letters take two columns, line breaks and control codes do not break the frame', () => {
  assert.equal(
    printRows(
      {
        columns: ['a', 'b'],
        rows: [
          ['日本', 'x\ny'],
          ['é', '\u001b[31m'],
        ],
      },
      'table',
    ),
    [
      '+------+----------+',
      '| a    | b        |',
      '+------+----------+',
      '| 日本 | x\\ny     |',
      '| é    | \\x1b[31m |',
      '+------+----------+',
    ].join('\n'),
  );
});

test('vertical', () => {
  const stars = '*'.repeat(27);
  assert.equal(
    printRows({ columns: ['id', 'name'], rows: [['1', null]] }, 'vertical'),
    `${stars} 1. row ${stars}\n  id: 1\nname: NULL`,
  );
  assert.equal(printRows({ columns: ['id'], rows: [] }, 'vertical'), '');
});

test('csv', () => {
  assert.equal(printRows(RESULT, 'csv'), 'id,name\n1,plain\n20,\\N\n3,"a ""b"",\nc"');
});

test('json keeps every column, also those of the same name', () => {
  assert.deepEqual(JSON.parse(printRows(RESULT, 'json')), [
    { id: '1', name: 'plain' },
    { id: '20', name: null },
    { id: '3', name: 'a "b",\nc' },
  ]);
  assert.deepEqual(
    JSON.parse(printRows({ columns: ['a', 'a', '__proto__'], rows: [['1', '2', '3']] }, 'json')),
    [JSON.parse('{"a":"1","a_2":"2","__proto__":"3"}')],
  );
});
