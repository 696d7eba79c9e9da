// The words for rights in docs/reference/statements.md: an example for every kind that needs one, and what they say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatementKind } from '../../../src/sql/ast/statement.ts';
import { parseStatement } from '../../../src/sql/parse.ts';
import { STATEMENT_PRIVILEGES } from '../../../src/statements/privileges.ts';
import { RIGHTS_EXAMPLES, rightsText } from '../../../src/statements/statement-rights.ts';

test('each kind whose rights depend on the statement has an example of that kind, and no other has', () => {
  const depends = Object.entries(STATEMENT_PRIVILEGES).filter(
    ([, row]) => typeof (typeof row === 'object' ? row.of : row) === 'function',
  );
  assert.deepEqual(Object.keys(RIGHTS_EXAMPLES).sort(), depends.map(([kind]) => kind).sort());
  for (const [kind, text] of Object.entries(RIGHTS_EXAMPLES)) {
    assert.equal(parseStatement(text).kind, kind);
    // One that says 'none' would be a wrong example: then the table could say so itself.
    assert.doesNotMatch(rightsText(kind as StatementKind), /^none/, kind);
  }
});

test('what the texts say', () => {
  assert.equal(rightsText('insert'), 'INSERT on TABLE, SELECT on TABLE');
  assert.equal(rightsText('sync'), 'none');
  assert.equal(rightsText('show_databases'), 'none; lists those with any right on or in them');
  assert.equal(rightsText('set_role'), 'own roles only');
  assert.equal(rightsText('set_password'), 'GRANT on SYSTEM; the own account: none');
  assert.equal(rightsText('show_columns'), 'any right on TABLE');
  assert.equal(
    rightsText('create_table'),
    'CREATE TABLE on DATABASE, USAGE on STORAGE VOLUME, SELECT on TABLE',
  );
});
