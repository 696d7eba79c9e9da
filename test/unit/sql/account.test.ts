// Statements about users, roles and rights: what they parse to, and that printing gives the same tree.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStatement } from '../../../src/sql/parse.ts';
import { printStatement } from '../../../src/sql/print-statement.ts';
import { withoutPositions } from './tree.ts';

const ROUND: readonly string[] = [
  'CREATE USER jack',
  "CREATE USER IF NOT EXISTS 'jack'@'172.10.1.%' IDENTIFIED BY 'pw'",
  "CREATE USER jack IDENTIFIED BY PASSWORD '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9'",
  "CREATE USER jack IDENTIFIED WITH mysql_native_password BY 'pw' DEFAULT ROLE a, 'b'",
  "CREATE USER jack IDENTIFIED WITH 'caching_sha2_password' AS 'aa' PROPERTIES ('k' = 'v')",
  'CREATE USER jack IDENTIFIED WITH mysql_native_password',
  "ALTER USER jack IDENTIFIED BY 'it\\'s'",
  'ALTER USER IF EXISTS jack DEFAULT ROLE ALL',
  'ALTER USER jack DEFAULT ROLE NONE',
  "ALTER USER jack DEFAULT ROLE r1, r2 SET PROPERTIES ('session.query_timeout' = '6')",
  'DROP USER IF EXISTS jack@localhost',
  "SET PASSWORD = PASSWORD('x')",
  "SET PASSWORD FOR 'jack'@'192.%' = '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9'",
  "SET PROPERTY FOR 'jack' 'max_user_connections' = '1000', 'a' = 'b'",
  "SET PROPERTY 'max_user_connections' = '5'",
  'EXECUTE AS jack WITH NO REVERT',
  "CREATE ROLE IF NOT EXISTS r1, r2 COMMENT 'c'",
  "ALTER ROLE IF EXISTS r1, r2 SET COMMENT = 'c'",
  'DROP ROLE IF EXISTS r1, r2',
  'SET ROLE r1, r2',
  'SET ROLE ALL',
  'SET ROLE ALL EXCEPT r1',
  'SET ROLE NONE',
  'SET ROLE DEFAULT',
  'SET DEFAULT ROLE ALL TO jack',
  'SET DEFAULT ROLE NONE TO jack',
  "SET DEFAULT ROLE r1 TO 'jack'@'%'",
  'GRANT r1, r2 TO USER jack',
  'GRANT r1 TO ROLE r2',
  'REVOKE r1 FROM ROLE r2',
  'GRANT SELECT, CREATE TABLE ON DATABASE a, b TO ROLE r',
  'GRANT INSERT ON TABLE t IN DATABASE d TO USER jack WITH GRANT OPTION',
  'GRANT ALL PRIVILEGES ON ALL TABLES IN ALL DATABASES TO ROLE r',
  'GRANT ALL ON ALL VIEWS IN DATABASE d TO ROLE r',
  'GRANT SELECT ON *.* TO jack',
  'GRANT SELECT ON db.* TO jack',
  'GRANT SELECT ON db.t, u TO jack',
  'GRANT USAGE ON RESOURCE * TO jack',
  "GRANT USAGE ON RESOURCE 'spark' TO jack",
  'GRANT ALTER ON RESOURCE GROUP rg TO jack',
  'GRANT OPERATE ON SYSTEM TO jack',
  'GRANT SELECT ON system.t TO jack',
  'GRANT USAGE ON GLOBAL FUNCTION f(string, array<int>) TO jack',
  'GRANT USAGE ON FUNCTION db.f() TO jack',
  'GRANT USAGE ON ALL GLOBAL FUNCTIONS TO jack',
  "GRANT IMPERSONATE ON 'rose'@'%' TO 'jack'@'%'",
  'GRANT IMPERSONATE ON USER rose TO jack',
  'REVOKE REFRESH ON ALL MATERIALIZED VIEWS IN DATABASE d FROM ROLE r',
  'REVOKE USAGE ON STORAGE VOLUME v FROM jack',
  'SHOW USERS',
  'SHOW ROLES',
  'SHOW ALL AUTHENTICATION',
  'SHOW AUTHENTICATION FOR jack',
  'SHOW CREATE USER CURRENT_USER()',
  "SHOW CREATE USER 'jack'@'%'",
  "SHOW PROPERTY FOR 'jack' LIKE 'max%'",
  'SHOW GRANTS',
  'SHOW GRANTS FOR jack',
  'SHOW GRANTS FOR ROLE r',
  "SHOW PRIVILEGES WHERE Context = 'TABLE'",
];

for (const sql of ROUND) {
  test(`parses and prints: ${sql}`, () => {
    const tree = parseStatement(sql);
    assert.deepEqual(
      withoutPositions(parseStatement(printStatement(tree))),
      withoutPositions(tree),
      printStatement(tree),
    );
  });
}

test('the short forms mean the long ones', () => {
  const same = (short: string, long: string): void =>
    assert.deepEqual(
      withoutPositions(parseStatement(short)),
      withoutPositions(parseStatement(long)),
    );
  same(
    'GRANT INSERT ON TABLE t IN DATABASE d TO USER jack',
    "GRANT INSERT ON TABLE d.t TO 'jack'@'%'",
  );
  same('GRANT SELECT ON *.* TO jack', 'GRANT SELECT ON ALL TABLES IN ALL DATABASES TO USER jack');
  same('GRANT SELECT ON db.* TO jack', 'GRANT SELECT ON ALL TABLES IN DATABASE db TO USER jack');
  same('grant all privileges on db.t to jack', 'GRANT ALL ON TABLE db.t TO USER jack');
});

test('names that are words of the grammar', () => {
  assert.equal(parseStatement('SET role = 1').kind, 'set_variables');
  assert.equal(parseStatement('GRANT role TO role').kind, 'grant_roles');
  assert.equal(parseStatement('GRANT SELECT ON user.t TO user').kind, 'grant_privileges');
});

test('what is not there is an error', () => {
  assert.throws(() => parseStatement("CREATE USER 'jack'@['domain']"), /domain/);
  assert.throws(() => parseStatement('ALTER USER jack'), /syntax error/);
  assert.throws(() => parseStatement('GRANT SELECT ON TABLE t FROM jack'), /syntax error/);
  assert.throws(() => parseStatement('GRANT SELECT(a) ON TABLE t TO jack'), /syntax error/);
  assert.throws(() => parseStatement('EXECUTE AS jack'), /WITH NO REVERT/);
});
