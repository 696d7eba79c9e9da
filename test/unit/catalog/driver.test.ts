import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Kysely, sql } from 'kysely';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { runBatch, runNamedBatch } from '../../../src/catalog/driver/batch.ts';
import { SqliteClient } from '../../../src/catalog/driver/sqlite-client.ts';
import { sqliteDialect } from '../../../src/catalog/driver/sqlite-dialect.ts';
import { UniqueViolation } from '../../../src/catalog/driver/unique-violation.ts';
import { openCatalog } from '../../../src/catalog/open.ts';
import type { MetadataTables } from '../../../src/catalog/schema/tables.ts';

const CHILD = join(import.meta.dirname, '../../support/catalog-child.ts');

async function withDatabase(
  work: (db: Kysely<MetadataTables>, path: string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-driver-'));
  const path = join(directory, 'x.db');
  const dialect = sqliteDialect(await SqliteClient.open(path));
  const db = new Kysely<MetadataTables>({ dialect });
  try {
    await sql`CREATE TABLE counters (name TEXT PRIMARY KEY, next_value BIGINT NOT NULL)`.execute(
      db,
    );
    await sql`CREATE TABLE load_positions (job_id BIGINT, next_offset BIGINT, note TEXT)`.execute(
      db,
    );
    await work(db, path);
  } finally {
    await db.destroy();
    rmSync(directory, { recursive: true, force: true });
  }
}

const counterValue = async (db: Kysely<MetadataTables>): Promise<number | undefined> =>
  (await db.selectFrom('counters').select('next_value').executeTakeFirst())?.next_value;

test('offsets are exact bigints, other integers are numbers, and one too large for a number fails', async () => {
  await withDatabase(async (db) => {
    const offset = 2n ** 63n - 1n;
    await sql`INSERT INTO load_positions VALUES (7, ${offset}, 'x')`.execute(db);
    const read = await sql`SELECT * FROM load_positions`.execute(db);
    assert.deepEqual(read.rows, [{ job_id: 7, next_offset: offset, note: 'x' }]);
    await assert.rejects(sql`SELECT next_offset AS wide FROM load_positions`.execute(db), /wide/);
  });
});

test('whole numbers are bound as integers', async () => {
  await withDatabase(async (db) => {
    const read = await sql<{ kind: string }>`SELECT typeof(${5}) AS kind`.execute(db);
    assert.deepEqual(read.rows, [{ kind: 'integer' }]);
  });
});

test('a batch outside a transaction is all or nothing', async () => {
  await withDatabase(async (db) => {
    const insert = (name: 'file' | 'epoch') =>
      db.insertInto('counters').values({ name, next_value: 1 });
    await assert.rejects(
      runBatch(db, [insert('file'), insert('epoch'), insert('file')]),
      UniqueViolation,
    );
    assert.equal(await counterValue(db), undefined);
    const named = await runNamedBatch(db, {
      inserts: [insert('file'), insert('epoch')],
      count: db.selectFrom('counters').select(({ fn }) => fn.countAll<number>().as('n')),
    });
    assert.deepEqual(named, { inserts: [[], []], count: [{ n: 2 }] });
  });
});

test('a transaction that throws leaves nothing, and the connection goes on', async () => {
  await withDatabase(async (db) => {
    await assert.rejects(
      db.transaction().execute(async (transaction) => {
        await transaction.insertInto('counters').values({ name: 'file', next_value: 1 }).execute();
        throw new Error('stop');
      }),
      /stop/,
    );
    // A statement that fails inside one does not end it by itself: its owner does.
    await assert.rejects(
      db.transaction().execute(async (transaction) => {
        await transaction.insertInto('counters').values({ name: 'file', next_value: 1 }).execute();
        await sql`SELECT no_such_column FROM counters`.execute(transaction);
      }),
      /no_such_column/,
    );
    assert.equal(await counterValue(db), undefined);
  });
});

test('transactions run one after another, never into each other', async () => {
  await withDatabase(async (db) => {
    await db.insertInto('counters').values({ name: 'file', next_value: 0 }).execute();
    const step = (): Promise<void> =>
      db.transaction().execute(async (transaction) => {
        const value = (await counterValue(transaction)) ?? -1;
        await systemClock.sleep(1);
        await transaction
          .updateTable('counters')
          .set({ next_value: value + 1 })
          .execute();
      });
    await Promise.all(Array.from({ length: 20 }, step));
    assert.equal(await counterValue(db), 20);
  });
});

test('the file is durable and exclusive: WAL, FULL, EXCLUSIVE', async () => {
  await withDatabase(async (db) => {
    const read = async (name: string): Promise<unknown> =>
      Object.values(
        (await sql.raw<Record<string, unknown>>(`PRAGMA ${name}`).execute(db)).rows[0] ?? {},
      )[0];
    assert.equal(await read('journal_mode'), 'wal');
    assert.equal(await read('synchronous'), 2);
    assert.equal(await read('locking_mode'), 'exclusive');
  });
});

test('a file that is no database gives METADATA_DAMAGED with its path', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-driver-'));
  const path = join(directory, 'x.db');
  writeFileSync(path, 'this is certainly not a database file, '.repeat(200));
  await assert.rejects(SqliteClient.open(path), hasCode('METADATA_DAMAGED', path));
  rmSync(directory, { recursive: true, force: true });
});

test('a full disk gives DISK_FULL, keeps what was committed, and goes on when there is space', async () => {
  await withDatabase(async (db, path) => {
    await db.insertInto('counters').values({ name: 'file', next_value: 1 }).execute();
    // A page limit is SQLite's own way to the same result code as ENOSPC.
    await sql`PRAGMA max_page_count = 4`.execute(db);
    const big = 'x'.repeat(100_000);
    await assert.rejects(
      sql`INSERT INTO load_positions VALUES (1, 1, ${big})`.execute(db),
      hasCode('DISK_FULL', path),
    );
    await assert.rejects(
      db.transaction().execute(async (transaction) => {
        await transaction.updateTable('counters').set({ next_value: 2 }).execute();
        await sql`INSERT INTO load_positions VALUES (1, 1, ${big})`.execute(transaction);
      }),
      hasCode('DISK_FULL', path),
    );
    await sql`PRAGMA max_page_count = 100000`.execute(db);
    assert.equal(await counterValue(db), 1);
    await sql`INSERT INTO load_positions VALUES (1, 1, ${big})`.execute(db);
  });
});

test('a second opener gets DATA_DIR_LOCKED with the pid; kill -9 frees the directory', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-driver-'));
  const child = spawn(process.execPath, [CHILD, dataDir, '0', 'hold'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const options = { dataDir, clock: systemClock, random: systemRandom };
  await assert.rejects(openCatalog(options), (error: unknown) => {
    assert(error instanceof AppError);
    assert.equal(error.code, 'DATA_DIR_LOCKED');
    assert.equal(error.fields['pid'], String(child.pid));
    return true;
  });
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  const catalog = await openCatalog(options);
  assert.equal(catalog.leaderEpoch, 2);
  await catalog.close();
  await catalog.close();
  rmSync(dataDir, { recursive: true, force: true });
});

test('a data directory that cannot be made gives one clear error', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-driver-'));
  writeFileSync(join(directory, 'file'), '');
  const dataDir = join(directory, 'file', 'data');
  await assert.rejects(
    openCatalog({ dataDir, clock: systemClock, random: systemRandom }),
    hasCode('DATA_DIR_UNUSABLE', dataDir),
  );
  rmSync(directory, { recursive: true, force: true });
});

test('after close every request fails instead of waiting', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-driver-'));
  const client = await SqliteClient.open(join(directory, 'x.db'));
  await client.close();
  await assert.rejects(
    client.send({ begin: false, statements: [], end: null }),
    hasCode('METADATA_UNAVAILABLE', ''),
  );
  rmSync(directory, { recursive: true, force: true });
});

test('the end of the thread is told once, with every request that waits; a close is no loss', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-driver-'));
  const program = join(directory, 'worker.mjs');
  writeFileSync(
    program,
    `import { parentPort } from 'node:worker_threads';
    parentPort.postMessage({ id: -1, results: [] });
    parentPort.on('message', () => { throw new Error('the thread broke'); });`,
  );
  const lost: AppError[] = [];
  const onLost = (error: AppError): void => {
    lost.push(error);
  };
  const broken = await SqliteClient.open(join(directory, 'x.db'), {
    onLost,
    workerFile: pathToFileURL(program),
  });
  const request = { begin: false, statements: [], end: null } as const;
  await assert.rejects(broken.send(request), hasCode('METADATA_UNAVAILABLE', 'the thread broke'));
  await assert.rejects(broken.send(request), hasCode('METADATA_UNAVAILABLE', 'the thread broke'));
  assert.equal(lost.length, 1);

  const sound = await SqliteClient.open(join(directory, 'x.db'), { onLost });
  await sound.close();
  assert.equal(lost.length, 1);
  rmSync(directory, { recursive: true, force: true });
});

function hasCode(code: string, text: string): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof AppError, String(error));
    assert.equal(error.code, code);
    assert(error.message.includes(text), error.message);
    return true;
  };
}

test('only what may write counts as a write', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-driver-'));
  const client = await SqliteClient.open(join(directory, 'x.db'));
  const db = new Kysely<MetadataTables>({ dialect: sqliteDialect(client) });
  try {
    const writes = async (work: () => Promise<unknown>): Promise<number> => {
      const before = client.writesSent;
      await work();
      return client.writesSent - before;
    };
    const create = sql`CREATE TABLE counters (name TEXT PRIMARY KEY, next_value BIGINT NOT NULL)`;
    assert.equal(await writes(() => create.execute(db)), 1);
    const select = db.selectFrom('counters').selectAll();
    assert.equal(await writes(() => select.execute()), 0);
    assert.equal(await writes(() => runBatch(db, [select, select])), 0);
    // It goes up at once, before anybody can see the effect.
    const before = client.writesSent;
    const text = "INSERT INTO counters VALUES ('file', 1)";
    const inserting = client.send({
      begin: true,
      statements: [{ sql: text, parameters: [] }],
      end: 'commit',
    });
    assert.equal(client.writesSent, before + 1);
    await inserting;
    assert.equal(await writes(() => runBatch(db, [select, db.deleteFrom('counters')])), 1);
    // Its statement, and its end.
    const change = (): Promise<unknown> =>
      db
        .transaction()
        .execute((inside) => inside.updateTable('counters').set({ next_value: 2 }).execute());
    assert.equal(await writes(change), 2);
    assert.equal(await writes(() => sql`WITH x AS (SELECT 1) DELETE FROM counters`.execute(db)), 1);
  } finally {
    await db.destroy();
    rmSync(directory, { recursive: true, force: true });
  }
});
