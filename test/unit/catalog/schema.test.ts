import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { openCatalog } from '../../../src/catalog/open.ts';
import { readMigrations, splitStatements } from '../../../src/catalog/schema/migrate.ts';

const TABLES_TS = join(import.meta.dirname, '../../../src/catalog/schema/tables.ts');

/** Released migrations never change: a changed one would refuse every existing data directory. */
const RELEASED: readonly (readonly [name: string, sha256: string])[] = [
  ['0001-initial.sql', '652b1c26e2eae3a584d091dc2da582d670724f5ff6d8149b99b33458f84a932b'],
  [
    '0002-views-temporary-insert.sql',
    'ea04e47ef30390a292827227ba4baaf72a5a385b41e206c4c2d8d53f9b3657e4',
  ],
  ['0003-accounts.sql', '63726160fedb37141837217109eea841c11f55add5441875d96c268058479748'],
  [
    '0004-tasks-configuration.sql',
    'ef8e33b2d2dcff0e3fcce2f023eebf9bc7f78653cc93184db25aca4cc84e401e',
  ],
  [
    '0005-insert-transactions.sql',
    'fc56ee2a1626fd2e6985f1933ddbb311611a6fc0b224d56f477efd211f8d2731',
  ],
  ['0006-deletes.sql', '3f233c12309b6f84e5d9750a780e802ee2ebb8814f0aa6512e41b0b071e5039e'],
  ['0007-models.sql', '7265185d8b42d2cfb91840513e8cb084d410f0121150995c96d3bbc8e62dc436'],
  ['0008-schema-changes.sql', '2d7e210e4133dbdd7755acde207cb42e524c268ae3939a435749fc1682e4d8cf'],
  [
    '0009-versions-recycle-bin.sql',
    '665be638bf0912d82c8b089b4b6177b058b1d81f1de32a4e1b6a02eda3dfaa9c',
  ],
  ['0012-partitions.sql', '4cd5dfad4da3bcc71e98c2b50916ac3790b4062e0c02063911cf7a37b982caf9'],
  [
    '0013-partition-recycle-bin.sql',
    'a1b2ea500f1de86568ba9214b81f381eb6445cae4a32a338e58148969cb98470',
  ],
  ['0014-small-files.sql', '87d9199d77c935d317391b9a09ce003b681247c853be9bd04dde1f95c71203ca'],
  ['0015-load-job-health.sql', 'c621438d9574dda21fb65742b639a29bf0f075184dbe51dd4e5bae23dca278fd'],
  ['0016-overlays.sql', '5bd3fce3378c624f8a72653e2a701c32b3c5665a023ed1cbc779d5d34e62bd15'],
  ['0017-alter-jobs.sql', 'e4864cacb3578d7b2e729fd3131452de3b859237502a36f350f3a025505f3084'],
  ['0018-load-job-tables.sql', 'ca33b894bf6035cc6cb5ae2d960003cde69c91c2a4eae6e95f312879425c41f8'],
  [
    '0019-transaction-loads.sql',
    'c23c2515d13cbf3d3825fc4956204b562456418fc91e366ec241dfb75dbd837f',
  ],
  ['0021-load-history.sql', '2696d3dd6a0f4ac7ff6b50a37b3f876411d7b6abf06482f389ec0f7e2cc93254'],
  [
    '0022-transaction-channels.sql',
    'dcce1951031567779628c9cd6e895d31f14ad8bf846b6a59666bdd918080fcd5',
  ],
];

async function withDataDir(work: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-schema-'));
  try {
    await work(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const openAndClose = async (dataDir: string): Promise<void> => {
  const catalog = await openCatalog({ dataDir, clock: systemClock, random: systemRandom });
  await catalog.close();
};

function change(dataDir: string, statement: string): void {
  const database = new DatabaseSync(join(dataDir, 'metadata.db'));
  database.exec(statement);
  database.close();
}

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

test('released migrations are as they were released', () => {
  assert.deepEqual(
    readMigrations().map(({ name, sha256 }) => [name, sha256]),
    RELEASED,
  );
});

test('a fresh schema has the very columns that the types in schema/tables.ts say', async () => {
  await withDataDir(async (dataDir) => {
    await openAndClose(dataDir);
    const database = new DatabaseSync(join(dataDir, 'metadata.db'));
    const names = database
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema_migrations'",
      )
      .all()
      .map((row) => String(row['name']));
    const stored = new Map(
      names.map((name) => [
        name,
        database
          .prepare(`PRAGMA table_info(${name})`)
          .all()
          .map((column) => {
            const type = column['type'] === 'TEXT' ? 'string' : 'number';
            const wide = String(column['name']).endsWith('_offset') ? 'bigint' : type;
            const nullable = column['notnull'] === 0;
            return `${column['name']}: ${wide}${nullable ? ' | null' : ''}`;
          }),
      ]),
    );
    database.close();
    assert.deepEqual(readTypes(), Object.fromEntries(stored));
  });
});

/** The interfaces of schema/tables.ts as text, closed unions of texts being `string`. */
function readTypes(): Record<string, readonly string[]> {
  const source = readFileSync(TABLES_TS, 'utf8');
  const bodies = new Map(
    [...source.matchAll(/export interface (\w+) \{\n([^}]*)\}/g)].map((match) => [
      String(match[1]),
      String(match[2])
        .trim()
        .split('\n')
        .map((line) => line.trim().replace(/;$/, '')),
    ]),
  );
  const all = bodies.get('MetadataTables') ?? [];
  return Object.fromEntries(
    all.map((line) => {
      const [name, type] = line.split(': ');
      const columns = (bodies.get(String(type)) ?? []).map((column) =>
        column.replace(/: ('.*|CounterName)$/, ': string'),
      );
      return [name, columns];
    }),
  );
}

test('opening again applies nothing twice and keeps the incarnation', async () => {
  await withDataDir(async (dataDir) => {
    await openAndClose(dataDir);
    await openAndClose(dataDir);
    const database = new DatabaseSync(join(dataDir, 'metadata.db'));
    assert.equal(
      database.prepare('SELECT count(*) AS n FROM schema_migrations').get()?.['n'],
      readMigrations().length,
    );
    assert.equal(database.prepare('SELECT leader_epoch AS n FROM incarnation').get()?.['n'], 2);
    database.close();
  });
});

test('a schema newer than the code is refused and left alone', async () => {
  await withDataDir(async (dataDir) => {
    await openAndClose(dataDir);
    change(dataDir, "INSERT INTO schema_migrations VALUES (99, '0099-later.sql', 'x', 0)");
    await assert.rejects(openAndClose(dataDir), hasCode('METADATA_TOO_NEW'));
    change(dataDir, 'DELETE FROM schema_migrations WHERE number = 99');
    await openAndClose(dataDir);
  });
});

test('a migration that was applied in another form is refused', async () => {
  await withDataDir(async (dataDir) => {
    await openAndClose(dataDir);
    change(dataDir, "UPDATE schema_migrations SET sha256 = 'other'");
    await assert.rejects(openAndClose(dataDir), hasCode('METADATA_DAMAGED'));
  });
});

test('statements of a migration are split at line ends only', () => {
  assert.deepEqual(
    splitStatements(
      "-- a; comment\nCREATE TABLE a (\n  -- inner;\n  b TEXT DEFAULT 'x;y'\n);\nDROP TABLE c;",
    ),
    ["CREATE TABLE a (\n  b TEXT DEFAULT 'x;y'\n)", 'DROP TABLE c'],
  );
});
