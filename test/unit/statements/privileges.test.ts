// What each kind of statement needs, by examples written as SQL.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectRef } from '../../../src/model/privilege.ts';
import { parseStatement } from '../../../src/sql/parse.ts';
import { statementRequirements } from '../../../src/statements/privileges.ts';
import type { Session } from '../../../src/statements/types.ts';
import { ROOT } from '../../support/principals.ts';

const session: Session = {
  connectionId: 1,
  user: 'root',
  host: '127.0.0.1',
  principal: ROOT,
  connectedMs: 0,
  database: 'd',
  variables: new Map(),
  userVariables: new Map(),
  prepared: new Map(),
  temporary: { used: false },
  counted: { questions: 0 },
  warnings: { left: [] },
  explicit: { transaction: null },
  running: null,
};

function objectText(on: ObjectRef): string {
  return Object.values(on).join(' ');
}

const needs = (sql: string): string[] =>
  statementRequirements(parseStatement(sql), session).map(
    ({ anyOf, on }) => `${anyOf === 'ANY' ? 'ANY' : anyOf.join('|')} ON ${objectText(on)}`,
  );

const CASES: readonly (readonly [sql: string, ...needs: string[]])[] = [
  ['SELECT 1'],
  ['SELECT * FROM t', 'SELECT ON TABLE d t'],
  ['SELECT * FROM a.t, (SELECT * FROM u) x', 'SELECT ON TABLE a t', 'SELECT ON TABLE d u'],
  ['WITH t AS (SELECT * FROM u) SELECT * FROM t', 'SELECT ON TABLE d u'],
  [
    'SELECT (SELECT max(a) FROM b.t) FROM t ORDER BY (SELECT 1 FROM c.t)',
    'SELECT ON TABLE b t',
    'SELECT ON TABLE d t',
    'SELECT ON TABLE c t',
  ],
  ['EXPLAIN SELECT * FROM t', 'SELECT ON TABLE d t'],
  ['INSERT INTO t SELECT * FROM u', 'INSERT ON TABLE d t', 'SELECT ON TABLE d u'],
  ['CREATE DATABASE x', 'CREATE DATABASE ON CATALOG default_catalog'],
  [
    'CREATE TABLE x.t (a INT) PROPERTIES ("storage_volume" = "v")',
    'CREATE TABLE ON DATABASE x',
    'USAGE ON STORAGE VOLUME v',
  ],
  ['CREATE TABLE t AS SELECT * FROM u', 'CREATE TABLE ON DATABASE d', 'SELECT ON TABLE d u'],
  ['CREATE TABLE t LIKE u', 'CREATE TABLE ON DATABASE d', 'SELECT ON TABLE d u'],
  ['TRUNCATE TABLE t', 'DELETE ON TABLE d t'],
  ['PAUSE ROUTINE LOAD FOR j', 'INSERT ON ROUTINE LOAD d j'],
  ['REPLAY ROUTINE LOAD FOR j', 'INSERT ON ROUTINE LOAD d j'],
  [
    'REPLAY ROUTINE LOAD FOR j WHERE raw_record IN (SELECT a FROM u)',
    'INSERT ON ROUTINE LOAD d j',
    'SELECT ON TABLE d u',
  ],
  ['CREATE ROUTINE LOAD b.j ON t FROM KAFKA ("kafka_broker_list" = "x")', 'INSERT ON TABLE b t'],
  ['SET GLOBAL query_timeout = 1', 'OPERATE ON SYSTEM'],
  ['SET query_timeout = 1'],
  ['SHOW FRONTENDS', 'OPERATE|NODE ON SYSTEM'],
  ['DESC t', 'ANY ON TABLE d t'],
  ['USE x', 'ANY ON DATABASE x'],
];

for (const [sql, ...expected] of CASES) {
  test(`rights of: ${sql}`, () => assert.deepEqual(needs(sql).sort(), [...expected].sort()));
}
