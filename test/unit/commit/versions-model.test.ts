// Versions against a model: random appends, deletes, compactions, truncations, rollbacks, restarts and sweeps. After
// every step each version that can be read is what it was when it was made, its objects are all there, and the
// table's counters are those of its files. The seed is printed where it fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { TransactionSource } from '../../../src/catalog/transactions.ts';
import { claimLocation, INCARNATION_KEY } from '../../../src/commit/incarnation.ts';
import { DEFAULT_SWEEP_LIMITS, planSweep, runSweep } from '../../../src/commit/sweep.ts';
import { CatalogTurns } from '../../../src/commit/turn.ts';
import { deleteFileKey } from '../../../src/model/file-key.ts';
import type { DataFile } from '../../../src/model/table.ts';
import { type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';
import { MemoryStore } from '../../support/memory-store.ts';

const MINUTE = 60_000;
const RETENTION_MS = 30 * MINUTE;
const LIMITS = { ...DEFAULT_SWEEP_LIMITS, retentionMs: () => RETENTION_MS, queryTimeoutMs: MINUTE };
const REF = { databaseName: 'quickstart', tableName: 'site_clicks' };

type Step =
  | { readonly kind: 'append'; readonly rows: number }
  | { readonly kind: 'delete'; readonly file: number; readonly merge: boolean }
  | { readonly kind: 'compact' }
  | { readonly kind: 'truncate' }
  | { readonly kind: 'rollback'; readonly back: number }
  | { readonly kind: 'wait'; readonly minutes: number }
  | { readonly kind: 'sweep' }
  | { readonly kind: 'restart'; readonly clockMinutes: number };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('append'), rows: fc.integer({ min: 2, max: 9 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('delete'), file: fc.nat(20), merge: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('compact') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('rollback'), back: fc.nat(12) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), minutes: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('sweep') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restart'),
      clockMinutes: fc.integer({ min: -40, max: 5 }),
    }),
  },
) as fc.Arbitrary<Step>;

/** One line for each file of a version. */
const shownFiles = (files: readonly DataFile[]): readonly string[] =>
  files.map(({ key, deletedRows, deletes }) =>
    [key, deletedRows, ...deletes.map((object) => object.key)].join(' '),
  );

class History {
  readonly #fixture: Fixture;
  readonly #store = new MemoryStore();
  /** What each version held when it was made. */
  readonly #made = new Map<number, readonly string[]>([[1, []]]);
  #labels = 0;

  constructor(fixture: Fixture) {
    this.#fixture = fixture;
  }

  async open(): Promise<void> {
    await claimLocation(this.#store, 'local', this.#fixture.catalog.incarnation);
  }

  async step(step: Step): Promise<void> {
    const { committer, clock, table } = this.#fixture;
    // Each version has a time of its own.
    clock.shiftMs += 1000;
    switch (step.kind) {
      case 'append':
        return await this.#change(step.rows, null, false);
      case 'delete': {
        const live = (await this.#head()).files.filter(
          (file) => file.rowCount - file.deletedRows > 0,
        );
        const file = live[step.file % Math.max(1, live.length)];
        return file === undefined ? undefined : await this.#change(0, file, step.merge);
      }
      case 'compact':
        return await this.#compact();
      case 'truncate':
        await committer.truncate(table.id);
        return;
      case 'rollback':
        return await this.#rollback(step.back);
      case 'wait':
        clock.shiftMs += step.minutes * MINUTE;
        return;
      case 'sweep':
        return await this.#sweep();
      case 'restart':
        clock.shiftMs += step.clockMinutes * MINUTE;
        return await this.#fixture.reopen();
    }
  }

  /** Throws where a version that can be read is not what it was. */
  async check(): Promise<void> {
    const { catalog, table } = this.#fixture;
    const head = await this.#head();
    if (!this.#made.has(head.version)) this.#made.set(head.version, shownFiles(head.files));
    const [status] = await catalog.tables.status([table.id]);
    assert.deepEqual(
      [status?.fileCount, status?.rowCount, status?.sizeBytes],
      [
        head.files.length,
        head.files.reduce((sum, file) => sum + file.rowCount - file.deletedRows, 0),
        head.files.reduce((sum, file) => sum + file.sizeBytes, 0),
      ],
    );
    for (const [version, expected] of this.#made) {
      const at = { unit: 'VERSION', point: version } as const;
      const then = await catalog.snapshot([{ ...REF, at }]).catch((error: unknown) => {
        if (error instanceof AppError && error.code === 'UNKNOWN_VERSION') return null;
        throw error;
      });
      if (then === null) {
        assert.notEqual(version, head.version, 'the head can always be read');
        continue;
      }
      const files = present(then.tables[0], 'the table').files;
      assert.deepEqual(shownFiles(files), expected, `version ${version}`);
      for (const object of files.flatMap((file) => [file, ...file.deletes])) {
        assert.ok(this.#store.objects.has(object.key), `${object.key} of version ${version}`);
      }
    }
  }

  /** When everything but the head has expired, by whatever the clock was, nothing but its objects is left. */
  async end(): Promise<void> {
    for (const minutes of [1500, 2, 2]) {
      this.#fixture.clock.shiftMs += minutes * MINUTE;
      await this.#sweep();
    }
    const { files } = await this.#head();
    assert.deepEqual(
      [...this.#store.objects.keys()].filter((key) => key !== INCARNATION_KEY).toSorted(),
      [
        ...new Set(files.flatMap((file) => [file, ...file.deletes]).map(({ key }) => key)),
      ].toSorted(),
    );
    await this.check();
  }

  async #head() {
    return present((await this.#fixture.catalog.snapshot([REF])).tables[0], 'the table');
  }

  async #begin(source: TransactionSource) {
    const { committer, table } = this.#fixture;
    this.#labels += 1;
    return await committer.beginOther({
      label: `label-${this.#labels}`,
      databaseId: table.databaseId,
      tableId: table.id,
      source,
      coordinator: 'FE: me',
    });
  }

  async #put(keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.#store.put(key, Buffer.from('x'));
  }

  /** Adds rows, or deletes one row of a file. */
  async #change(rows: number, file: DataFile | null, merge: boolean): Promise<void> {
    const { committer, table, volume } = this.#fixture;
    const { transactionId } = await this.#begin('INSERT_STREAMING');
    const files = rows === 0 ? [] : [stagedFile(this.#fixture, table, transactionId, rows)];
    const positions = file === null ? 0 : 1 + (merge ? file.deletedRows : 0);
    const object = {
      volumeId: volume.id,
      key: deleteFileKey(table.prefix, transactionId, systemRandom.uuid()),
      sizeBytes: 10,
      rowCount: positions,
    };
    const touched =
      file === null
        ? []
        : [
            {
              fileId: file.id,
              positions,
              newPositions: 1,
              newestPatch: file.deletes.at(-1)?.id ?? null,
              replaces: merge ? file.deletes.map(({ id }) => id) : [],
            },
          ];
    await this.#put([...files.map(({ key }) => key), ...(file === null ? [] : [object.key])]);
    const result = await committer.commitOther({
      transactionId,
      tableId: table.id,
      tables: [
        { tableId: table.id, files, ...(file === null ? {} : { deletes: { object, touched } }) },
      ],
      rowsLoaded: rows,
      rowsFiltered: 0,
      errorSamples: [],
    });
    assert.equal(result.state, 'VISIBLE');
  }

  async #compact(): Promise<void> {
    const { committer, catalog, clock, table } = this.#fixture;
    const { files } = await this.#head();
    if (files.length < 2) return;
    const { transactionId } = await this.#begin('LAKE_COMPACTION');
    const turn = await new CatalogTurns(catalog, clock).acquire(table.id, {
      rank: 'COMPACTION',
      holder: 'me',
      leaseMs: MINUTE,
      waitMs: 0,
    });
    const deletedRows = files.reduce((sum, file) => sum + file.deletedRows, 0);
    const rows = files.reduce((sum, file) => sum + file.rowCount, 0) - deletedRows;
    const outputs = rows === 0 ? [] : [stagedFile(this.#fixture, table, transactionId, rows)];
    await this.#put(outputs.map(({ key }) => key));
    await committer.commitCompaction({
      transactionId,
      tableId: table.id,
      turn,
      inputs: files.map((file) => file.id),
      outputs,
      deletedRows,
      overlaidRows: 0,
      carried: null,
    });
    await new CatalogTurns(catalog, clock).release(turn);
  }

  async #rollback(back: number): Promise<void> {
    const { committer, table } = this.#fixture;
    const { version } = await this.#head();
    const to = Math.max(1, version - back);
    try {
      const made = await committer.rollback(table.id, { unit: 'VERSION', point: to });
      if (made === null) return;
      const expected = present(this.#made.get(to), 'a version that was made');
      assert.deepEqual(shownFiles((await this.#head()).files), expected, `back to version ${to}`);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'UNKNOWN_VERSION') throw error;
      assert.notEqual(to, version, 'the head can always be gone back to');
    }
  }

  /** A dry run first: what it lists, and nothing else, goes. */
  async #sweep(): Promise<void> {
    const { catalog, committer } = this.#fixture;
    const options = { catalog, committer, store: async () => this.#store, limits: LIMITS };
    const before = new Set(this.#store.objects.keys());
    const planned = (await planSweep(options)).files.filter((file) => !file.shared);
    assert.deepEqual(new Set(this.#store.objects.keys()), before);
    await runSweep(options);
    const gone = [...before].filter((key) => !this.#store.objects.has(key));
    assert.deepEqual(gone.toSorted(), planned.map(({ key }) => key).toSorted());
  }
}

test('every version that can be read stays what it was, whatever comes after it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 8, maxLength: 30 }), async (history) => {
      // Each history ends with its own catalog: a failing one is shrunk over hundreds of them.
      const ends: (() => unknown)[] = [];
      const fixture = await openFixture({ after: (end) => ends.push(end as () => unknown) });
      try {
        const model = new History(fixture);
        await model.open();
        for (const step of history) {
          await model.step(step);
          await model.check();
        }
        await model.end();
      } finally {
        for (const end of ends) await end();
      }
    }),
    // Shrinking is bounded: a failure says its seed within a minute.
    { numRuns: Number(process.env['FC_RUNS'] ?? '8'), interruptAfterTimeLimit: 60_000 },
  );
});
