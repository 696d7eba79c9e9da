// A slice of `npm run fuzz:sql`: a few thousand seeded cases. Whatever the text, it is read or refused with an
// error for the user; what is read prints to the same tree, and plans or is refused the same way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzSql } from '../../support/sql-fuzz.ts';

test('mutated and generated statements end well', () => {
  const { parsed, planned } = fuzzSql(5, 2000);
  assert.ok(parsed > 200, `${parsed} parsed`);
  assert.ok(planned > 30, `${planned} planned`);
});
