// The key index of data files: for every type of key it finds the rows that a map finds, and no others; what is
// damaged, cut, missing or of another time is never believed; the bounds on disk and in memory hold; a full disk, a
// kill or a lost directory cost nothing but the index.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { armFailpoints } from '../../../../src/base/failpoints.ts';
import {
  asId,
  type FieldId,
  type FileId,
  type TransactionId,
  type VolumeId,
} from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { type Random, seededRandom, systemRandom } from '../../../../src/base/random.ts';
import type { Engine } from '../../../../src/engine/duckdb.ts';
import { readDigests } from '../../../../src/engine/key-index/digest.ts';
import { KeyIndex, type KeyIndexOptions } from '../../../../src/engine/key-index/key-index.ts';
import { quoteIdentifier } from '../../../../src/model/duckdb-text.ts';
import { parquetCopyOptions, storeSelectList } from '../../../../src/model/parquet-layout.ts';
import { duckdbType, type SqlType } from '../../../../src/model/sql-type.ts';
import type {
  ColumnSchema,
  DataFile,
  TableSchema,
  VolumeSpec,
} from '../../../../src/model/table.ts';
import { withEngine } from '../../../support/engine-fixture.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

/** What a batch is said to have. */
const BATCH_ROWS = 100;
const signal = new AbortController().signal;

function schemaOf(...types: readonly (readonly [SqlType, boolean])[]): TableSchema {
  const columns = types.map(
    ([type, nullable], index): ColumnSchema => ({
      fieldId: asId<FieldId>(index + 1),
      name: `k${index}`,
      type,
      nullable,
      isKey: true,
      defaultValue: null,
      comment: '',
    }),
  );
  return {
    keysType: columns.some(({ nullable }) => nullable) ? 'UNIQUE_KEYS' : 'PRIMARY_KEYS',
    columns,
  };
}

const BIGINT = schemaOf([{ kind: 'BIGINT' }, false]);

/** A directory with data files of one table, and an index over them. */
class Files {
  readonly engine: Engine;
  readonly #root: string;
  readonly #indexDirectory: string;
  readonly #schema: TableSchema;
  readonly volume: VolumeSpec;
  readonly files: DataFile[] = [];

  constructor(engine: Engine, directory: string, schema: TableSchema) {
    this.engine = engine;
    this.#root = join(directory, 'volume');
    this.#indexDirectory = join(directory, 'keys');
    mkdirSync(this.#root, { recursive: true });
    this.#schema = schema;
    const location = `file://${this.#root}`;
    this.volume = { id: asId<VolumeId>(1), name: 'v', type: 'LOCAL', location, params: {} };
  }

  get indexDirectory(): string {
    return this.#indexDirectory;
  }

  /** `rowsSql` gives the key columns, in the order of the rows. */
  async add(rowsSql: string): Promise<DataFile> {
    const id = this.files.length + 1;
    const key = `${systemRandom.uuid()}.parquet`;
    const path = join(this.#root, key);
    const [stats] = await this.engine.withConnection((connection) =>
      connection.objects(
        `COPY (SELECT ${storeSelectList(this.#schema)} FROM (${rowsSql})) TO '${path}' (${parquetCopyOptions(this.#schema)})`,
      ),
    );
    const file: DataFile = {
      id: asId<FileId>(id),
      transactionId: asId<TransactionId>(id),
      volumeId: this.volume.id,
      key,
      sizeBytes: statSync(path).size,
      rowCount: Number(stats?.['count']),
      columnStats: {},
      deletes: [],
      deletedRows: 0,
    };
    this.files.push(file);
    return file;
  }

  async open(options: Partial<KeyIndexOptions> = {}): Promise<KeyIndex> {
    return await KeyIndex.open({
      directory: this.#indexDirectory,
      maxBytes: 1024 ** 3,
      memoryBytes: 1024 ** 2,
      minRows: 1,
      incarnation: 'one-two',
      engine: this.engine,
      resolve: async (files) => ({
        paths: files.map(({ key }) => join(this.#root, key)),
        release: () => undefined,
      }),
      clock: systemClock,
      log: silentLog,
      ...options,
    });
  }

  /** Builds what is missing. */
  async built(index: KeyIndex): Promise<void> {
    index.choose(this.files, this.#schema, [this.volume], BATCH_ROWS);
    await index.settled();
  }

  /** Rows that have a key of the batch, per file: through the index; null = to be read. */
  async find(index: KeyIndex, batchSql: string): Promise<readonly (readonly number[] | null)[]> {
    const chosen = index.choose(this.files, this.#schema, [this.volume], BATCH_ROWS);
    if (chosen === null) return this.files.map(() => null);
    const { digest, indexed } = chosen;
    const chunks = await this.engine.withConnection((connection) =>
      connection.chunks(`SELECT ${digest.selectList} FROM (${batchSql}) ORDER BY hi, lo`),
    );
    const files = indexed.map((place) => this.files[place]).filter((file) => file !== undefined);
    const found = await index.find(files, digest, readDigests(chunks), signal);
    return this.files.map((file) => {
      const rows = found[files.indexOf(file)] ?? null;
      return rows === null ? null : [...rows].sort((a, b) => a - b);
    });
  }

  get sidecars(): readonly string[] {
    return readdirSync(this.#indexDirectory).map((name) => join(this.#indexDirectory, name));
  }
}

async function withFiles(
  schema: TableSchema,
  work: (files: Files, directory: string) => Promise<void>,
): Promise<void> {
  await withEngine({}, async (engine, directory) => {
    await work(new Files(engine, directory, schema), directory);
  });
}

/** Per type some values as literals, all different; with the ones that are easily mixed up. */
const VALUES: Readonly<Record<string, readonly [SqlType, readonly string[]]>> = {
  BOOLEAN: [{ kind: 'BOOLEAN' }, ['true', 'false']],
  TINYINT: [{ kind: 'TINYINT' }, ['-128', '-1', '0', '1', '127']],
  SMALLINT: [{ kind: 'SMALLINT' }, ['-32768', '-1', '0', '1', '32767']],
  INT: [{ kind: 'INT' }, ['-2147483648', '-1', '0', '1', '2147483647']],
  BIGINT: [
    { kind: 'BIGINT' },
    ['-9223372036854775808', '-4294967296', '-1', '0', '1', '4294967296', '9223372036854775807'],
  ],
  LARGEINT: [
    { kind: 'LARGEINT' },
    [
      '-170141183460469231731687303715884105728',
      '-1',
      '0',
      '10',
      '170141183460469231731687303715884105727',
    ],
  ],
  DECIMAL: [
    { kind: 'DECIMAL', precision: 20, scale: 4 },
    ['-1.0001', '0', '1', '1.0001', '10', '1234567890123456.7891'],
  ],
  DATE: [{ kind: 'DATE' }, ["'0001-01-01'", "'1969-12-31'", "'1970-01-01'", "'9999-12-31'"]],
  DATETIME: [
    { kind: 'DATETIME' },
    [
      "'0001-01-01 00:00:00'",
      "'1970-01-01 00:00:00'",
      "'2020-02-03 04:05:06'",
      "'2020-02-03 04:05:06.000001'",
    ],
  ],
  CHAR: [{ kind: 'CHAR', length: 10 }, ["''", "' '", "'a'", "'a '", "'A'", "'1:a'"]],
  VARCHAR: [
    { kind: 'VARCHAR', length: 60 },
    [
      "''",
      "'a'",
      "'a '",
      "'é'",
      "'e'",
      "'-'",
      "'1:a'",
      "'1:a1:b'",
      "'a long key that does not fit into 16 bytes'",
    ],
  ],
  VARBINARY: [
    { kind: 'VARBINARY', length: 10 },
    ["''", "'a'", "'\\x00'", "'\\x00a'", "'\\x5Cx00'"],
  ],
};

/** Key columns with what they may hold. */
const CASES: Readonly<Record<string, readonly (readonly [type: string, nullable: boolean])[]>> = {
  ...Object.fromEntries(Object.keys(VALUES).map((type) => [type, [[type, false]]])),
  ...Object.fromEntries(Object.keys(VALUES).map((type) => [`${type} or NULL`, [[type, true]]])),
  'two numbers': [
    ['INT', false],
    ['BIGINT', false],
  ],
  'text and date': [
    ['VARCHAR', false],
    ['DATE', false],
  ],
  'two texts, with NULL': [
    ['VARCHAR', true],
    ['CHAR', true],
  ],
  'decimal, datetime, largeint': [
    ['DECIMAL', true],
    ['DATETIME', false],
    ['LARGEINT', false],
  ],
};

type Key = readonly string[];

function keysOf(columns: readonly (readonly [string, boolean])[]): readonly Key[] {
  return columns.reduce<readonly Key[]>(
    (keys, [type, nullable]) => {
      const values = [...(VALUES[type]?.[1] ?? []), ...(nullable ? ['NULL'] : [])];
      return keys.flatMap((key) => values.map((value) => [...key, value]));
    },
    [[]],
  );
}

function rowsSql(schema: TableSchema, keys: readonly Key[]): string {
  const list = schema.columns.map(
    ({ name, type }, index) => `CAST(v${index} AS ${duckdbType(type)}) AS ${quoteIdentifier(name)}`,
  );
  const names = schema.columns.map((_, index) => `v${index}`);
  const rows = keys.map(
    (key) =>
      `(${key.map((value) => (value.startsWith("'") || value === 'NULL' ? value : `'${value}'`)).join(', ')})`,
  );
  return `SELECT ${list.join(', ')} FROM (VALUES ${rows.join(', ')}) v(${names.join(', ')})`;
}

function shuffled<T>(values: readonly T[], random: Random): readonly T[] {
  return values
    .map((value) => ({ value, at: random.below(1e9) }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

for (const [name, columns] of Object.entries(CASES))
  test(`finds the rows that a map finds: ${name}`, async (t) => {
    const seed = Number(process.env['MILLRACE_SEED'] ?? systemRandom.below(1e9));
    t.diagnostic(`MILLRACE_SEED=${seed}`);
    const random = seededRandom(seed);
    const schema = schemaOf(
      ...columns.map(([type, nullable]): readonly [SqlType, boolean] => [
        VALUES[type]?.[0] ?? { kind: 'NULL' },
        nullable,
      ]),
    );
    await withFiles(schema, async (files) => {
      const keys = shuffled(keysOf(columns), random);
      const half = Math.ceil(keys.length / 2);
      // Of two files with keys of their own, and one with keys of both.
      const parts = [
        keys.slice(0, half),
        keys.slice(half),
        keys.filter(() => random.below(2) === 0),
      ];
      const filled = parts.filter((part) => part.length > 0);
      for (const part of filled) await files.add(rowsSql(schema, part));
      const index = await files.open();
      await files.built(index);
      for (let batch = 0; batch < 4; batch += 1) {
        const wanted = keys.filter(() => random.below(3) === 0);
        if (wanted.length === 0) continue;
        const places = filled.map((part) =>
          part.flatMap((key, row) => (wanted.includes(key) ? [row] : [])),
        );
        assert.deepEqual(await files.find(index, rowsSql(schema, wanted)), places);
      }
      assert.equal(index.load().files, filled.length);
      await index.close();
    });
  });

test('a file of several parts, more than the memory holds: every key is found, nothing else', async () => {
  await withFiles(BIGINT, async (files) => {
    // In no order, and every second number is no key.
    await files.add(
      'SELECT CAST(2 * ((i * 7919) % 1200000) AS BIGINT) AS k0 FROM range(1200000) r(i)',
    );
    const index = await files.open({ memoryBytes: 1_500_000 });
    await files.built(index);
    const [rows] = await files.find(
      index,
      'SELECT CAST(i AS BIGINT) AS k0 FROM range(2400000) r(i) WHERE i % 24 < 2',
    );
    const wanted = Array.from({ length: 1_200_000 }, (_, i) => 2 * ((i * 7919) % 1_200_000));
    assert.deepEqual(
      rows,
      wanted.flatMap((key, row) => (key % 24 < 2 ? [row] : [])),
    );
    const { bytes, memoryBytes } = index.load();
    assert.ok(bytes / 1_200_000 < 40, `${bytes / 1_200_000} bytes a row on disk`);
    assert.ok(memoryBytes > 0 && memoryBytes <= 1_500_000, `${memoryBytes} bytes in memory`);
    await index.close();
  });
});

/** Something happens to what lies on disk: the next life must not believe it, and builds it anew. */
const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  'one byte is another in the header': (path) => flip(path, 40),
  'one byte is another in a filter': (path) => flip(path, 4096 + 128 + 10),
  'one byte is another in the records': (path) => flip(path, statSync(path).size - 5),
  'cut at the end': (path) => truncateSync(path, statSync(path).size - 1),
  'cut in the header': (path) => truncateSync(path, 20),
  empty: (path) => truncateSync(path, 0),
  'something else': (path) => writeFileSync(path, 'no index at all, but long enough for a header'),
  'of another file': (path) => writeFileSync(`${path.slice(0, -10)}00000.keys`, readFileSync(path)),
  missing: (path) => rmSync(path),
};

function flip(path: string, at: number): void {
  const [byte = 0] = readFileSync(path).subarray(at, at + 1);
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.of(byte ^ 0x10), 0, 1, at);
  closeSync(file);
}

const KEYS_SQL = 'SELECT CAST(i * 3 AS BIGINT) AS k0 FROM range(1000) r(i)';
const BATCH_SQL = 'SELECT CAST(i AS BIGINT) AS k0 FROM range(10) r(i)';
const FOUND = [[0, 1, 2, 3]];

for (const [name, damage] of Object.entries(DAMAGES))
  test(`${name}: not believed at the next start, built anew`, async () => {
    await withFiles(BIGINT, async (files) => {
      await files.add(KEYS_SQL);
      const first = await files.open();
      await files.built(first);
      await first.close();
      damage(files.sidecars[0] ?? '');
      const second = await files.open();
      assert.deepEqual(await files.find(second, BATCH_SQL), [null], 'the file is read');
      await second.settled();
      assert.deepEqual(await files.find(second, BATCH_SQL), FOUND);
      const isTakenOver = name === 'of another file';
      assert.equal(second.load().builds, isTakenOver ? 0 : 1);
      assert.equal(files.sidecars.length, 1, 'what is of no use is removed');
      await second.close();
    });
  });

test('gone or cut while it is in use: the file is read, and it is built anew', async () => {
  for (const damage of [
    (path: string) => rmSync(path),
    (path: string) => truncateSync(path, 5000),
    (path: string) => rmSync(join(path, '..'), { recursive: true }),
  ])
    await withFiles(BIGINT, async (files) => {
      await files.add(KEYS_SQL);
      const index = await files.open({ memoryBytes: 0 });
      await files.built(index);
      damage(files.sidecars[0] ?? '');
      assert.deepEqual(await files.find(index, BATCH_SQL), [null]);
      await files.built(index);
      assert.deepEqual(await files.find(index, BATCH_SQL), FOUND);
      await index.close();
    });
});

test('an earlier life is taken over without reading the data files', async () => {
  await withFiles(BIGINT, async (files) => {
    await files.add(KEYS_SQL);
    const first = await files.open();
    await files.built(first);
    await first.close();
    const second = await files.open({
      resolve: () => Promise.reject(new Error('no data file is to be read')),
    });
    await files.built(second);
    assert.deepEqual(await files.find(second, BATCH_SQL), FOUND);
    assert.deepEqual(second.load(), { ...second.load(), builds: 0, failedBuilds: 0 });
    await second.close();
  });
});

test('of other metadata, or of keys of another type: built anew', async () => {
  await withFiles(BIGINT, async (files) => {
    await files.add(KEYS_SQL);
    const first = await files.open();
    await files.built(first);
    await first.close();
    const other = await files.open({ incarnation: 'three' });
    assert.equal(other.load().files, 0);
    await files.built(other);
    assert.deepEqual(await files.find(other, BATCH_SQL), FOUND);
    // The same files with a key that may be NULL: its digests are others.
    const changed = schemaOf([{ kind: 'BIGINT' }, true]);
    assert.equal(other.choose(files.files, changed, [files.volume], BATCH_ROWS), null);
    await other.settled();
    assert.deepEqual(other.choose(files.files, changed, [files.volume], BATCH_ROWS)?.indexed, [0]);
    assert.equal(other.load().files, 1);
    await other.close();
  });
});

test('the bound on disk holds: what is in use stays, what was not used for long gives way', async () => {
  await withFiles(BIGINT, async (files) => {
    for (let file = 0; file < 3; file += 1) await files.add(KEYS_SQL);
    const clock = new ManualClock();
    const probe = await files.open();
    await files.built(probe);
    const each = probe.load().bytes / 3;
    await probe.close();
    rmSync(files.indexDirectory, { recursive: true });
    const maxBytes = each * 2 + each / 2;
    const index = await files.open({ clock, maxBytes });
    await files.built(index);
    assert.deepEqual(
      (await files.find(index, BATCH_SQL)).map((rows) => rows !== null),
      [true, true, false],
    );
    assert.ok(index.load().bytes <= maxBytes);
    assert.equal(index.load().failedBuilds, 1);
    // Only the third file is asked for from now on.
    await clock.advance(11 * 60_000);
    index.choose(files.files.slice(2), BIGINT, [files.volume], BATCH_ROWS);
    await index.settled();
    assert.deepEqual(
      index.choose(files.files.slice(2), BIGINT, [files.volume], BATCH_ROWS)?.indexed,
      [0],
    );
    assert.ok(index.load().bytes <= maxBytes);
    await index.close();
    const none = await files.open({ maxBytes: 0 });
    assert.equal(none.choose(files.files, BIGINT, [files.volume], BATCH_ROWS), null);
    assert.deepEqual(files.sidecars, []);
    await none.close();
  });
});

test('files of less than the least number of rows have none, nor does a table of less', async () => {
  await withFiles(BIGINT, async (files) => {
    await files.add(KEYS_SQL);
    await files.add(`${KEYS_SQL} WHERE i < 999`);
    const index = await files.open({ minRows: 1000 });
    await files.built(index);
    assert.deepEqual(await files.find(index, BATCH_SQL), [FOUND[0], null]);
    assert.equal(index.choose(files.files.slice(1), BIGINT, [files.volume], BATCH_ROWS), null);
    await index.close();
  });
});

test('a file that compaction merges soon has none, a wide one of as many rows has', async () => {
  await withFiles(BIGINT, async (files) => {
    const whole = await files.add('SELECT CAST(i AS BIGINT) AS k0 FROM range(1000000) r(i)');
    const small = await files.add('SELECT CAST(i AS BIGINT) AS k0 FROM range(300000) r(i)');
    const index = await files.open({ minRows: 1_000_000 });
    const indexed = async (second: DataFile): Promise<readonly number[] | undefined> => {
      const choose = () => index.choose([whole, second], BIGINT, [files.volume], BATCH_ROWS);
      choose();
      await index.settled();
      return choose()?.indexed;
    };
    assert.deepEqual(await indexed(small), [0]);
    assert.deepEqual(await indexed({ ...small, sizeBytes: 16 * 1024 * 1024 }), [0, 1]);
    await index.close();
  });
});

test('a batch of more rows than may be in memory is looked up by reading', async () => {
  await withFiles(BIGINT, async (files) => {
    await files.add(KEYS_SQL);
    const index = await files.open({ maxBatchRows: BATCH_ROWS });
    await files.built(index);
    const { files: all, volume } = files;
    assert.deepEqual(index.choose(all, BIGINT, [volume], BATCH_ROWS)?.indexed, [0]);
    assert.equal(index.choose(all, BIGINT, [volume], BATCH_ROWS + 1), null);
    await index.close();
  });
});

test('a full disk: nothing is left behind, the file is read, and it is tried again later', async (t) => {
  await withFiles(BIGINT, async (files, directory) => {
    await files.add('SELECT CAST(i AS BIGINT) AS k0 FROM range(100000) r(i)');
    const small = join(directory, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small], {
        stdio: 'ignore',
      });
    } catch {
      t.skip('mounting a small file system is not permitted here');
      return;
    }
    try {
      const clock = new ManualClock();
      const index = await files.open({ directory: small, clock });
      await files.built(index);
      assert.deepEqual(await files.find(index, BATCH_SQL), [null]);
      assert.deepEqual(readdirSync(small), []);
      assert.deepEqual(
        { ...index.load() },
        { ...index.load(), files: 0, bytes: 0, failedBuilds: 1 },
      );
      execFileSync('mount', ['-o', 'remount,size=16m', small]);
      await clock.advance(61_000);
      await files.built(index);
      assert.deepEqual(await files.find(index, BATCH_SQL), [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
      await index.close();
    } finally {
      execFileSync('umount', [small]);
    }
  });
});

for (const step of ['key-index.half-built', 'key-index.before-rename'])
  test(`a build that fails at ${step} leaves nothing and is tried again`, async () => {
    await withFiles(BIGINT, async (files) => {
      await files.add(KEYS_SQL);
      const clock = new ManualClock();
      const index = await files.open({ clock });
      armFailpoints(`${step}=error@1`);
      await files.built(index);
      assert.deepEqual(files.sidecars, []);
      assert.deepEqual(await files.find(index, BATCH_SQL), [null]);
      await index.settled();
      assert.equal(index.load().builds, 0, 'not at once');
      await clock.advance(61_000);
      await files.built(index);
      assert.deepEqual(await files.find(index, BATCH_SQL), FOUND);
      await index.close();
    });
  });

test('what a killed process was writing is removed; indexes of files that are gone are swept', async () => {
  await withFiles(BIGINT, async (files) => {
    await files.add(KEYS_SQL);
    const gone = await files.add(KEYS_SQL);
    const first = await files.open();
    await files.built(first);
    await first.close();
    writeFileSync(join(files.indexDirectory, 'half.keys.tmp'), 'half');
    const second = await files.open();
    assert.equal(files.sidecars.length, 2);
    const asked: unknown[] = [];
    const removed = await second.sweep(async (all) => {
      asked.push(...all);
      return all.map(({ key }) => key !== gone.key);
    });
    assert.equal(removed, 1);
    assert.deepEqual(
      new Set(asked.map((file) => JSON.stringify(file))),
      new Set(files.files.map(({ volumeId, key }) => JSON.stringify({ volumeId, key }))),
    );
    assert.equal(files.sidecars.length, 1);
    await second.close();
  });
});
