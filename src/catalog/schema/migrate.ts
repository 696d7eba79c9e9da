// Brings the metadata's schema up to date: numbered *.sql files, each run once in one transaction with
// its number and checksum noted. A file is never edited once released.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompiledQuery, sql } from 'kysely';
import { assert } from '../../base/assert.ts';
import { fail } from '../../base/errors.ts';
import { type MetadataDb, runBatch } from '../driver/batch.ts';

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

/** The migrations beside this file, by number. A number that is not there was never released. */
export function readMigrations(directory: string = import.meta.dirname): readonly Migration[] {
  const migrations = readdirSync(directory)
    .filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name))
    .sort()
    .map((name) => {
      const text = readFileSync(join(directory, name), 'utf8');
      const sha256 = createHash('sha256').update(text).digest('hex');
      return { number: Number(name.slice(0, 4)), name, sql: text, sha256 };
    });
  assert(migrations.length > 0, 'the migrations are installed beside the code');
  const numbers = new Set(migrations.map((migration) => migration.number));
  assert(numbers.size === migrations.length, 'each migration has its own number');
  return migrations;
}

/**
 * Applies what is missing. Throws METADATA_TOO_NEW when the file was written by a newer version,
 * METADATA_DAMAGED when an applied migration differs from ours.
 */
export async function migrate(
  db: MetadataDb,
  path: string,
  migrations: readonly Migration[],
  nowMs: number,
): Promise<void> {
  await sql`CREATE TABLE IF NOT EXISTS schema_migrations (
    number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms BIGINT NOT NULL)`.execute(
    db,
  );
  const applied = await sql<{ number: number; sha256: string }>`
    SELECT number, sha256 FROM schema_migrations ORDER BY number`.execute(db);
  const found = applied.rows.at(-1)?.number ?? 0;
  const known = migrations.at(-1)?.number ?? 0;
  if (found > known) throw fail('METADATA_TOO_NEW', { path, found, known });
  for (const row of applied.rows) {
    const migration = migrations.find((entry) => entry.number === row.number);
    if (migration?.sha256 !== row.sha256) {
      const detail = `schema migration ${row.number} differs from this version's`;
      throw fail('METADATA_DAMAGED', { path, detail });
    }
  }
  const done = new Set(applied.rows.map((row) => row.number));
  for (const migration of migrations.filter(({ number }) => !done.has(number))) {
    const statements = splitStatements(migration.sql).map((text) => CompiledQuery.raw(text));
    const note = sql`INSERT INTO schema_migrations (number, name, sha256, applied_ms)
      VALUES (${migration.number}, ${migration.name}, ${migration.sha256}, ${nowMs})`.compile(db);
    await runBatch(
      db,
      [...statements, note].map((query) => ({ compile: () => query })),
    );
  }
}

/** Statements of a migration: they end with `;` at a line's end, comments are whole lines. */
export function splitStatements(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n')
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
