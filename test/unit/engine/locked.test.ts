// The list of known escapes, straight at a locked engine: what the lock itself holds, for the day on which
// a text of a user should reach it after all. Files outside are neither read nor written, settings stay.
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { withEngine } from '../../support/engine-fixture.ts';
import { withTempDirectory } from '../../support/object-store-contract.ts';
import { RELATIONS, SCALARS, STATEMENTS } from '../../support/sql-escapes.ts';

const SECRET = 'canary-17c3aa';
const SETTINGS = `SELECT name, value FROM duckdb_settings() WHERE name IN ('enable_external_access',
  'lock_configuration', 'allowed_directories', 'temp_directory', 'memory_limit', 'threads',
  'autoload_known_extensions', 'autoinstall_known_extensions') ORDER BY name`;

test('a locked engine shows and writes nothing outside its directories', async () => {
  await withTempDirectory(async (outside) => {
    await writeFile(join(outside, 'canary'), `${SECRET}\n`);
    await writeFile(join(outside, 'canary.json'), `{"a": "${SECRET}"}\n`);
    await writeFile(join(outside, 'canary.parquet'), `PAR1${SECRET}PAR1`);
    await withEngine({ role: 'query' }, async (engine) => {
      const connection = await engine.connect();
      const before = await connection.rows(SETTINGS);
      assert.equal(before.length, 8);
      await connection.run('CREATE TEMP TABLE t (a INT, b VARCHAR)');
      const texts = [
        ...RELATIONS.map((relation) => `SELECT * FROM ${relation}`),
        ...SCALARS.map((scalar) => `SELECT ${scalar}`),
        // The one thing that gets through: with it every later statement fails on writing its log.
        ...STATEMENTS.filter((statement) => !statement.includes('enable_logging')),
      ];
      let refused = 0;
      for (const text of texts) {
        const sql = text.replaceAll('CANARY', join(outside, 'canary'));
        const shown = await connection.rows(sql).then(
          (rows) => rows.flat().map(String).join('\n'),
          (error: unknown) => {
            refused += 1;
            return String(error);
          },
        );
        assert.ok(!shown.includes(SECRET), sql);
        assert.deepEqual(
          (await readdir(outside)).sort(),
          ['canary', 'canary.json', 'canary.parquet'],
          sql,
        );
      }
      assert.ok(refused > texts.length / 2, `${refused} of ${texts.length} were refused`);
      assert.deepEqual(await connection.rows(SETTINGS), before);
    });
  });
});
