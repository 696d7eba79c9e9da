// A model of the protocol on a table with keys: loads that upsert and delete, some of them prepared first, DELETE under
// the turn, compaction, TRUNCATE and changes of columns that race them, lost answers, restarts, failing steps. Data
// files are lists in memory. After every step the rows that a reader sees must be those of the visible transactions in
// the order of their versions, and each transaction counts once. Thousands of short histories; a failing one is made
// shorter. Repeat a run with MILLRACE_SEED=<seed> (and MILLRACE_PATH=<path>).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { armFailpoints } from '../../../src/base/failpoints.ts';
import { asId, type FieldId, type FileId, type TransactionId } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { type Random, seededRandom, systemRandom } from '../../../src/base/random.ts';
import type { NewTable } from '../../../src/catalog/catalog.ts';
import { CommitFeed } from '../../../src/commit/commit-feed.ts';
import { type CompactionNode, runCompactionJob } from '../../../src/commit/compaction-job.ts';
import { ResolvingCommitter } from '../../../src/commit/resolving.ts';
import { CatalogTurns } from '../../../src/commit/turn.ts';
import type { OtherCommit } from '../../../src/commit/types.ts';
import { deleteFileKey, keyFileKey } from '../../../src/model/file-key.ts';
import type { StagedTable, TouchedFile } from '../../../src/model/load-plan.ts';
import type { ResolvePlan } from '../../../src/model/resolve-plan.ts';
import type { DataFile, StagedFile, TableInfo } from '../../../src/model/table.ts';
import { CLICKS, type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';
import { openGate } from '../../support/open-gate.ts';

const KEYED: NewTable = { ...CLICKS, name: 'keyed', keysType: 'PRIMARY_KEYS' };
const KEYS = 12;
const HISTORIES = 3000;
/** Fewer where the machine is slow. */
const SECONDS = 90;
const STEPS = 24;
/** A failpoint that is armed like this is not met. */
const NEVER = 1_000_000_000;
const POINTS = [
  'begin.after-sql',
  'insert.before-sql',
  'insert.in-sql',
  'insert.after-sql',
  'resolve.before-commit',
  'compaction.before-commit',
  'compaction.in-sql',
  'compaction.after-sql',
];

interface Row {
  readonly key: number;
  readonly value: string;
}

/** What a batch does, in order; null = the row of the key goes. */
type Operation = readonly [key: number, value: string | null];

interface Pending {
  readonly request: OtherCommit;
  readonly operations: readonly Operation[];
  /** It was promised that it can be committed: no restart takes it away. */
  readonly isPrepared: boolean;
}

class Model {
  readonly #fixture: Fixture;
  readonly #table: TableInfo;
  #random: Random = seededRandom(0);
  /** Rows of data and key files, positions of delete objects, by key of the object. */
  readonly #rows = new Map<string, readonly Row[]>();
  readonly #positions = new Map<string, ReadonlyMap<FileId, ReadonlySet<number>>>();
  /** Deletes that compactions carried over, by key of the object. */
  readonly #carried = new Map<
    string,
    { readonly fileKey: string; readonly positions: ReadonlySet<number> }
  >();
  /** Every batch that was ever sent. */
  readonly #batches = new Map<TransactionId, Pending>();
  /** TRUNCATEs: the version that each made. */
  readonly #truncated: number[] = [];
  #open: Pending[] = [];
  #values = 0;
  #columns = 1;
  /** The version of a TRUNCATE that is cut off would not be known. */
  #isRestarting = false;
  readonly #counts: Map<string, number>;

  constructor(fixture: Fixture, table: TableInfo, counts: Map<string, number>) {
    this.#fixture = fixture;
    this.#table = table;
    this.#counts = counts;
  }

  get #committer(): ResolvingCommitter {
    const { catalog, committer, clock } = this.#fixture;
    return new ResolvingCommitter({
      catalog,
      committer,
      turns: new CatalogTurns(catalog, clock),
      feed: new CommitFeed(),
      gate: openGate(catalog, clock),
      log: silentLog,
      resolveMs: 60_000,
      clock,
      resolve: (plan) => this.#resolve(plan),
    });
  }

  /** What one step does comes from its number alone, so that steps can be left out. */
  async step(number: number): Promise<void> {
    this.#random = seededRandom(number);
    const choice = this.#random.below(100);
    if (choice < 33) await this.#stage();
    else if (choice < 62) await this.#send(this.#pick());
    else if (choice < 70) await this.#race();
    else if (choice < 79) await this.#compact();
    else if (choice < 81) await this.#truncate();
    else if (choice < 86) await this.#changeColumns();
    else if (choice < 92) await this.#delete();
    else if (choice < 99) this.#breakSomething();
    else await this.#restart();
    await this.#check();
  }

  #pick(): Pending | undefined {
    return this.#open[this.#random.below(Math.max(1, this.#open.length))];
  }

  async #stage(): Promise<void> {
    const { fixture, table } = { fixture: this.#fixture, table: this.#table };
    if (this.#open.length >= 4) return;
    const begun = await this.#quietly(() =>
      fixture.committer.beginOther({
        label: systemRandom.uuid(),
        databaseId: table.databaseId,
        tableId: table.id,
        source: 'INSERT_STREAMING',
        coordinator: 'FE: me',
      }),
    );
    if (begun === null) return;
    const { transactionId } = begun;
    const operations = Array.from({ length: 1 + this.#random.below(6) }, (): Operation => {
      this.#values += 1;
      const key = this.#random.below(KEYS);
      return [key, this.#random.below(4) === 0 ? null : `v${this.#values}`];
    });
    // As the sink does: of each key the last operation.
    const last = [...new Map(operations).entries()];
    const rows = last.flatMap(([key, value]) => (value === null ? [] : [{ key, value }]));
    const gone = last.flatMap(([key, value]) => (value === null ? [{ key, value: '' }] : []));
    const files = rows.length === 0 ? [] : [this.#file(transactionId, rows)];
    const deletes = gone.length === 0 ? null : this.#keyFile(transactionId, gone);
    const keyed = { deletes, replacedRows: operations.length - last.length };
    const request: OtherCommit = {
      transactionId,
      tableId: table.id,
      tables: [{ tableId: table.id, files, keyed }],
      rowsLoaded: operations.length,
      rowsFiltered: 0,
      errorSamples: [],
    };
    const isPrepared =
      this.#random.below(3) === 0 &&
      (await this.#quietly(async () => {
        await fixture.committer.prepare(transactionId);
        return true;
      })) === true;
    const pending = { request, operations, isPrepared };
    this.#batches.set(transactionId, pending);
    this.#open.push(pending);
  }

  #file(transactionId: TransactionId, rows: readonly Row[]): StagedFile {
    const file = stagedFile(this.#fixture, this.#table, transactionId, rows.length);
    this.#rows.set(file.key, rows);
    const keys = rows.map((row) => row.key);
    const [min, max] = [String(Math.min(...keys)), String(Math.max(...keys))];
    return { ...file, columnStats: { uid: { min, max, nullCount: 0 } } };
  }

  #keyFile(transactionId: TransactionId, rows: readonly Row[]): StagedFile {
    const file = this.#file(transactionId, rows);
    const key = keyFileKey(this.#table.prefix, transactionId, systemRandom.uuid());
    this.#rows.set(key, rows);
    return { ...file, key };
  }

  /** The CN: positions of older rows of the batch's keys. */
  async #resolve(plan: ResolvePlan): Promise<StagedTable> {
    if (!this.#isRestarting && this.#random.below(12) === 0) await this.#truncate();
    if (!this.#isRestarting && this.#random.below(12) === 0) await this.#changeColumns();
    const batch = [...plan.staged.files, plan.staged.keyed?.deletes ?? null];
    const keys = new Set(
      batch.flatMap((file) => (file === null ? [] : this.#rowsOf(file))).map((row) => row.key),
    );
    const deletes = this.#deletesOf(plan.transactionId, plan.files, keys);
    return { ...plan.staged, resolvedAt: plan.version, ...deletes };
  }

  /** A delete object with the rows of the keys, if there are any. */
  #deletesOf(
    transactionId: TransactionId,
    files: readonly DataFile[],
    keys: ReadonlySet<number>,
  ): Pick<StagedTable, 'deletes'> {
    const positions = new Map<FileId, ReadonlySet<number>>();
    const touched: TouchedFile[] = [];
    for (const file of files) {
      const old = this.#deletedOf(file);
      const found = this.#rowsOf(file).flatMap((row, position) =>
        keys.has(row.key) && !old.has(position) ? [position] : [],
      );
      if (found.length === 0) continue;
      // Now and then the older deltas are merged into the new object.
      const merges = file.deletes.length > 0 && this.#random.below(3) === 0;
      const all = new Set(merges ? [...old, ...found] : found);
      positions.set(file.id, all);
      touched.push({
        fileId: file.id,
        positions: all.size,
        newPositions: found.length,
        newestPatch: file.deletes.at(-1)?.id ?? null,
        replaces: merges ? file.deletes.map(({ id }) => id) : [],
      });
    }
    if (touched.length === 0) return {};
    const { prefix } = this.#table;
    const key = deleteFileKey(prefix, transactionId, systemRandom.uuid());
    this.#positions.set(key, positions);
    const rowCount = touched.reduce((sum, file) => sum + file.positions, 0);
    const object = { volumeId: this.#table.volumeId, key, sizeBytes: 1, rowCount };
    return { deletes: { object, touched } };
  }

  #rowsOf(file: { readonly key: string }): readonly Row[] {
    return present(this.#rows.get(file.key), file.key);
  }

  #deletedOf(file: DataFile): ReadonlySet<number> {
    const deleted = new Set<number>();
    for (const { key } of file.deletes) {
      for (const position of this.#positions.get(key)?.get(file.id) ?? []) deleted.add(position);
      const carried = this.#carried.get(key);
      if (carried?.fileKey !== file.key) continue;
      for (const position of carried.positions) deleted.add(position);
    }
    assert.equal(deleted.size, file.deletedRows, 'each deleted row counts once');
    return deleted;
  }

  async #send(pending: Pending | undefined): Promise<void> {
    if (pending === undefined) return;
    const result = await this.#quietly(() => this.#committer.commitOther(pending.request));
    if (result === null) return;
    this.#count(pending.isPrepared ? `prepared ${result.state}` : result.state);
    assert.ok(!pending.isPrepared || result.state === 'VISIBLE', 'what was prepared is kept');
    // Some answers are lost: the batch is sent again.
    if (this.#random.below(4) > 0) this.#open = this.#open.filter((one) => one !== pending);
    else this.#count('lost answer');
  }

  /** All open batches at once, some of them twice. */
  async #race(): Promise<void> {
    const sent = this.#open.flatMap((one) => (this.#random.below(3) === 0 ? [one, one] : [one]));
    await Promise.all(sent.map((pending) => this.#send(pending)));
  }

  async #compact(): Promise<void> {
    const { committer, catalog, clock } = this.#fixture;
    const inputs = (await this.#liveFiles()).filter(() => this.#random.below(2) === 0);
    if (inputs.length === 0) return;
    const beside: Promise<void>[] = [];
    const options = {
      catalog,
      committer,
      turns: new CatalogTurns(catalog, clock),
      node: this.#compactor(beside),
      clock,
      random: systemRandom,
      log: silentLog,
      timeoutMs: () => 10_000,
    };
    const report = {
      begun: () => undefined,
      staged: () => undefined,
      carried: (rows: number) => this.#count(rows > 0 ? 'carried' : 'nothing carried'),
      yielded: () => this.#count('yielded'),
    };
    const { signal } = new AbortController();
    const done = await this.#quietly(() =>
      runCompactionJob(options, { table: this.#table }, inputs, report, signal),
    );
    await Promise.all(beside);
    if (done !== null) this.#count(done ? 'compacted' : 'compaction lost');
  }

  /** The CN of a compaction. Loads come in while it works, some of them in line for the turn that it holds. */
  #compactor(beside: Promise<void>[]): CompactionNode {
    const load = (): Promise<void> =>
      this.#random.below(2) === 0 ? this.#send(this.#pick()) : Promise.resolve();
    let order: readonly { readonly file: DataFile; readonly position: number; row: Row }[] = [];
    return {
      compact: async ({ inputs, transactionId }) => {
        const left = inputs.flatMap((file) => {
          const deleted = this.#deletedOf(file);
          return this.#rowsOf(file)
            .map((row, position) => ({ file, position, row }))
            .filter(({ position }) => !deleted.has(position));
        });
        order = left.toSorted((one, other) => one.row.key - other.row.key);
        await load();
        const rows = order.map(({ row }) => row);
        return rows.length === 0 ? [] : [this.#file(transactionId, rows)];
      },
      carryDeletes: async ({ now, output, transactionId, table, volume }) => {
        const deleted = new Map(now.map((file) => [file.id, this.#deletedOf(file)]));
        const positions = order.flatMap(({ file, position }, place) =>
          deleted.get(file.id)?.has(position) === true ? [place] : [],
        );
        beside.push(load());
        if (positions.length === 0) return null;
        const key = deleteFileKey(table.prefix, transactionId, systemRandom.uuid());
        this.#carried.set(key, { fileKey: output.key, positions: new Set(positions) });
        return { volumeId: volume.id, key, sizeBytes: 1, rowCount: positions.length };
      },
      endCompaction: async () => undefined,
    };
  }

  async #truncate(): Promise<void> {
    await this.#quietly(async () => {
      await this.#fixture.committer.truncate(this.#table.id);
      this.#count('truncate');
      const found = await this.#fixture.catalog.snapshotOf(this.#table.id);
      this.#truncated.push(present(found, 'the table').entry.version);
    });
  }

  /** A new version without files; batches that were looked up before it are looked up anew. */
  async #changeColumns(): Promise<void> {
    const changed = await this.#quietly(() =>
      this.#committer.changeSchema(
        this.#table.id,
        ({ schema, distributedBy }, nextFieldId) => {
          const [column] = schema.columns;
          this.#columns += 1;
          const added = {
            ...present(column, 'a column'),
            fieldId: asId<FieldId>(nextFieldId),
            name: `c${this.#columns}`,
            isKey: false,
            nullable: true,
          };
          const columns = [...schema.columns, added];
          return { schema: { ...schema, columns }, distributedBy, nextFieldId: nextFieldId + 1 };
        },
        { onSchemaChange: async () => undefined },
      ),
    );
    if (changed !== null) this.#count('columns changed');
  }

  /** DELETE of some keys, as Changes does it: found at the head under the turn, and committed with it. */
  async #delete(): Promise<void> {
    const { fixture, table } = { fixture: this.#fixture, table: this.#table };
    const keys = new Set([this.#random.below(KEYS), this.#random.below(KEYS)]);
    await this.#quietly(async () => {
      const { transactionId } = await fixture.committer.beginOther({
        label: systemRandom.uuid(),
        databaseId: table.databaseId,
        tableId: table.id,
        source: 'INSERT_STREAMING',
        coordinator: 'FE: me',
      });
      const turns = new CatalogTurns(fixture.catalog, fixture.clock);
      const turn = await turns.acquire(table.id, {
        rank: 'LOAD',
        holder: `transaction ${transactionId}`,
        leaseMs: 60_000,
        waitMs: 60_000,
      });
      try {
        const head = present(await fixture.catalog.snapshotOf(table.id), 'the table').entry;
        const staged = this.#deletesOf(transactionId, head.files, keys);
        if (this.#random.below(3) === 0) await this.#changeColumns();
        const request: OtherCommit = {
          transactionId,
          tableId: table.id,
          tables: [{ tableId: table.id, files: [], ...staged, resolvedAt: head.version }],
          rowsLoaded: 0,
          rowsFiltered: 0,
          errorSamples: [],
          turn,
        };
        const operations = [...keys].map((key): Operation => [key, null]);
        this.#batches.set(transactionId, { request, operations, isPrepared: false });
        const { state } = await fixture.committer.commitOther(request);
        this.#count(`DELETE ${state}`);
      } finally {
        await turns.release(turn);
      }
    });
  }

  #breakSomething(): void {
    armFailpoints(`${present(POINTS[this.#random.below(POINTS.length)], 'a point')}=error`);
  }

  async #restart(): Promise<void> {
    this.#count('restart');
    // With a commit under way that gets no answer.
    this.#isRestarting = true;
    const cut = this.#send(this.#pick());
    await this.#fixture.reopen();
    await cut;
    this.#isRestarting = false;
  }

  async #quietly<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      this.#count(error instanceof AppError ? error.code : 'cut off');
      assert(
        error instanceof AppError ? error.code !== 'COMMIT_REQUEST_INVALID' : isExpected(error),
        error instanceof Error ? error : String(error),
      );
      return null;
    }
  }

  async #liveFiles(): Promise<readonly DataFile[]> {
    const found = await this.#fixture.catalog.snapshotOf(this.#table.id);
    return present(found, 'the table').entry.files;
  }

  async #check(): Promise<void> {
    const { catalog, committer } = this.#fixture;
    const changes: { version: number; operations: readonly Operation[] | null }[] = [];
    for (const version of this.#truncated) changes.push({ version, operations: null });
    for (const [transactionId, { operations }] of this.#batches) {
      const result = await committer.state(transactionId);
      if (result?.state !== 'VISIBLE') continue;
      // One that only deleted what was not there made no version, and changed nothing.
      const version = result.versions[0]?.version;
      if (version !== undefined) changes.push({ version, operations });
    }
    const expected = new Map<number, string>();
    for (const { operations } of changes.toSorted((a, b) => a.version - b.version)) {
      if (operations === null) expected.clear();
      else {
        for (const [key, value] of operations) {
          if (value === null) expected.delete(key);
          else expected.set(key, value);
        }
      }
    }
    const files = await this.#liveFiles();
    const seen = files.flatMap((file) => {
      const deleted = this.#deletedOf(file);
      return this.#rowsOf(file).filter((_, position) => !deleted.has(position));
    });
    const sorted = seen.map((row) => [row.key, row.value] as const).toSorted(([a], [b]) => a - b);
    assert.deepEqual(
      sorted,
      [...expected].toSorted(([a], [b]) => a - b),
    );
    const [status] = await catalog.tables.status([this.#table.id]);
    assert.deepEqual([status?.rowCount, status?.fileCount], [seen.length, files.length]);
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

/** A failpoint, or a call that the restart cut off. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof Error && /failpoint|driver has already been destroyed/.test(error.message)
  );
}

const setting = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** None of one history is left for the next. */
function disarm(): void {
  for (const point of POINTS) armFailpoints(`${point}=error@${NEVER}`);
}

const seed = setting('MILLRACE_SEED', systemRandom.below(2 ** 31 - 1));
test(`up to ${HISTORIES} histories of a table with keys, seed ${seed}`, async (t) => {
  const fixture = await openFixture(t, { inMemory: true });
  const counts = new Map<string, number>();
  const path = process.env['MILLRACE_PATH'];
  let played = 0;
  const steps = fc.array(fc.nat(), { minLength: 1, maxLength: STEPS, size: 'max' });
  const play = async (numbers: readonly number[]): Promise<void> => {
    played += 1;
    const name = `keyed_${played}`;
    const table = await fixture.catalog.tables.create({ ...KEYED, name });
    const model = new Model(fixture, table, counts);
    try {
      for (const number of numbers) await model.step(number);
    } finally {
      disarm();
    }
    await fixture.catalog.tables.drop(table.databaseName, name);
  };
  let playing: Promise<void> = Promise.resolve();
  await fc.assert(
    fc.asyncProperty(steps, (numbers) => {
      playing = play(numbers);
      return playing;
    }),
    {
      seed,
      numRuns: setting('MILLRACE_HISTORIES', HISTORIES),
      interruptAfterTimeLimit: setting('MILLRACE_SECONDS', SECONDS) * 1000,
      ...(path === undefined ? {} : { path }),
    },
  );
  // When the time is over the last one is not waited for: a restart of its would open again what is closed below.
  await playing;
  t.diagnostic(`${played} histories: ${JSON.stringify(Object.fromEntries(counts))}`);
  assert.ok((counts.get('VISIBLE') ?? 0) > played / 2, 'most batches get through');
});
