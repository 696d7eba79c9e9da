// A seeded model of the protocol alone: writers that lose leases, answers that get lost, repeats,
// restarts, failing steps and a compaction that races them. After every step the table must hold each
// message below the position exactly once, and nothing that was answered VISIBLE may ever be missing.
// Repeat a run with MILLRACE_SEED=<seed>.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { armFailpoints } from '../../../src/base/failpoints.ts';
import type { FileId } from '../../../src/base/ids.ts';
import { type Random, seededRandom, systemRandom } from '../../../src/base/random.ts';
import type { LeaseRecord } from '../../../src/catalog/load-jobs.ts';
import { CatalogTurns, type Turn } from '../../../src/commit/turn.ts';
import type { CompactionCommit } from '../../../src/commit/types.ts';
import type { CommitRequest, CommitResult } from '../../../src/model/load-plan.ts';
import type { DataFile } from '../../../src/model/table.ts';
import {
  carryOn,
  type Fixture,
  grant,
  openFixture,
  progressOf,
  requestOf,
  stagedFile,
} from '../../support/catalog-fixture.ts';

const PARTITIONS = 4;
const STEPS = 250;
const REF = { databaseName: 'quickstart', tableName: 'site_clicks' };

interface Range {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** A task as the loader runs it: it only knows what it was told. */
interface Writer {
  readonly taskId: string;
  lease: LeaseRecord | null;
  /** Next offset per partition, as the writer believes. */
  next: bigint[];
  /** Sent, and not known to be final. */
  pending: CommitRequest | null;
}

class Model {
  readonly #fixture: Fixture;
  readonly #random: Random;
  readonly #writers: readonly Writer[];
  /** What each file holds, by key. */
  readonly #contents = new Map<string, readonly Range[]>();
  readonly #acknowledged: Range[] = [];
  readonly #answers = new Map<number, CommitResult>();
  #compaction: CompactionCommit | null = null;
  #labels = 0;
  readonly counts = new Map<string, number>();

  constructor(fixture: Fixture, random: Random) {
    this.#fixture = fixture;
    this.#random = random;
    this.#writers = ['w0', 'w1'].map((taskId) => ({
      taskId,
      lease: null,
      next: Array.from({ length: PARTITIONS }, () => 0n),
      pending: null,
    }));
  }

  async step(): Promise<void> {
    const writer = present(this.#writers[this.#random.below(this.#writers.length)], 'a writer');
    const choice = this.#random.below(100);
    if (choice < 3) await this.#takeLease(writer);
    else if (choice < 36) await this.#stage(writer);
    else if (choice < 72) await this.#commit(writer);
    else if (choice < 76) await this.#ask(writer);
    else if (choice < 80) await this.#giveUp(writer);
    else if (choice < 90) await this.#compact();
    else if (choice < 94) await this.#racing();
    else if (choice < 97) this.#breakSomething();
    else await this.#restart();
    await this.#check();
  }

  async #takeLease(writer: Writer): Promise<void> {
    const home = writer.taskId === 'w0' ? [0, 1] : [2, 3];
    // Now and then a task gets partitions that another one has.
    const partitions =
      this.#random.below(4) > 0 ? home : [1, 2, this.#random.below(2) * 3].toSorted();
    writer.lease = await grant(this.#fixture, writer.taskId, partitions);
    writer.pending = null;
    // A new task starts at the stored positions, most of the time: a stale plan must do no harm either.
    if (this.#random.below(5) > 0) await this.#readPositions(writer);
  }

  async #readPositions(writer: Writer): Promise<void> {
    const positions = await this.#fixture.catalog.loadJobs.positions(this.#fixture.job.id);
    writer.next = positions.map((position) => position.nextOffset);
  }

  async #stage(writer: Writer): Promise<void> {
    if (writer.pending !== null) return;
    if (writer.lease === null) {
      await this.#takeLease(writer);
      return;
    }
    const { taskId, epoch, partitions } = writer.lease;
    const begun = await this.#quietly(() =>
      this.#fixture.committer.begin({ taskId, epoch, coordinator: 'CN: cn1' }),
    );
    if (begun === null) {
      // Most writers look after their lease then; some go on as if nothing had happened.
      if (this.#random.below(4) > 0) writer.lease = null;
      return;
    }
    const progress = partitions.map(({ partition }) => {
      const loaded = this.#random.below(4);
      const filtered = this.#random.below(2);
      return progressOf(present(writer.next[partition], 'next'), { loaded, filtered }, partition);
    });
    const { transactionId } = begun;
    writer.pending = requestOf(this.#fixture, transactionId, taskId, epoch, progress);
    for (const file of writer.pending.tables.flatMap((table) => table.files)) {
      this.#contents.set(file.key, rangesOf(writer.pending));
    }
  }

  async #commit(writer: Writer): Promise<void> {
    const request = writer.pending;
    if (request === null) return;
    const result = await this.#quietly(() => this.#fixture.committer.commit(request, carryOn));
    // The answer is lost on its way: the writer must ask or repeat.
    if (this.#random.below(4) === 0) this.#count('lost answer');
    else if (result !== null) this.#learn(writer, request, result);
    else if (this.#random.below(2) === 0) await this.#ask(writer);
  }

  /** Both copies of one request and another writer's, all at once. */
  async #racing(): Promise<void> {
    const open = this.#writers.filter((writer) => writer.pending !== null);
    const sent = [...open, ...open];
    await Promise.all(sent.map((writer) => this.#commit(writer)));
  }

  async #ask(writer: Writer): Promise<void> {
    const request = writer.pending;
    if (request === null) return;
    const { transactionId } = request;
    this.#learn(
      writer,
      request,
      await this.#quietly(() => this.#fixture.committer.state(transactionId)),
    );
  }

  async #giveUp(writer: Writer): Promise<void> {
    const request = writer.pending;
    if (request === null) return;
    const { transactionId } = request;
    this.#learn(
      writer,
      request,
      await this.#quietly(() => this.#fixture.committer.abort(transactionId, 'gave up')),
    );
  }

  #learn(writer: Writer, request: CommitRequest, result: CommitResult | null): void {
    if (result === null) return;
    this.#count(result.state);
    const earlier = this.#answers.get(request.transactionId);
    assert.deepEqual(result, earlier ?? result, 'one transaction, one answer');
    this.#answers.set(request.transactionId, result);
    const current = writer.pending === request;
    if (current) writer.pending = null;
    if (result.state === 'VISIBLE') {
      this.#acknowledged.push(...rangesOf(request));
      if (!current) return;
      for (const { partition, toOffset } of request.progress) writer.next[partition] = toOffset;
    }
    if (!result.continueTask && current) writer.lease = null;
  }

  async #compact(): Promise<void> {
    const running = this.#compaction;
    const { catalog, clock, committer, table } = this.#fixture;
    const turns = new CatalogTurns(catalog, clock);
    if (running !== null) {
      const result = await this.#quietly(() => committer.commitCompaction(running));
      if (result !== null) this.#count(`compaction ${result.state}`);
      await this.#quietly(() => turns.release(running.turn));
      this.#compaction = null;
      return;
    }
    const files = await this.#liveFiles();
    if (files.length < 2) return;
    const chosen = files.filter(() => this.#random.below(2) === 0);
    if (chosen.length === 0) return;
    const request = { rank: 'COMPACTION', holder: 'c', leaseMs: 60_000, waitMs: 0 } as const;
    const turn: Turn | null = await this.#quietly(() => turns.acquire(table.id, request));
    if (turn === null) return;
    this.#labels += 1;
    const begun = await this.#quietly(() =>
      committer.beginOther({
        label: `compaction-${this.#labels}`,
        databaseId: table.databaseId,
        tableId: table.id,
        source: 'LAKE_COMPACTION',
        coordinator: 'FE: me',
      }),
    );
    if (begun === null) {
      await turns.release(turn);
      return;
    }
    const rows = chosen.reduce((total, file) => total + file.rowCount, 0);
    const output = stagedFile(this.#fixture, table, begun.transactionId, rows);
    this.#contents.set(
      output.key,
      chosen.flatMap((file) => this.#contents.get(file.key) ?? []),
    );
    const inputs: readonly FileId[] = chosen.map((file) => file.id);
    const { transactionId } = begun;
    this.#compaction = {
      transactionId,
      tableId: table.id,
      turn,
      inputs,
      deletedRows: 0,
      overlaidRows: 0,
      outputs: [output],
      carried: null,
    };
  }

  #breakSomething(): void {
    const points = [
      'begin.after-sql',
      'commit.before-sql',
      'commit.in-sql',
      'commit.before-end',
      'commit.after-sql',
      'commit.after-refusal',
      'compaction.in-sql',
      'compaction.after-sql',
    ];
    armFailpoints(`${present(points[this.#random.below(points.length)], 'a point')}=error`);
  }

  async #restart(): Promise<void> {
    this.#count('restart');
    // With a commit under way that gets no answer.
    const writer = this.#writers.find((entry) => entry.pending !== null);
    const request = writer?.pending;
    const { committer } = this.#fixture;
    const cut =
      request === null || request === undefined
        ? null
        : this.#quietly(() => committer.commit(request, carryOn));
    await this.#fixture.reopen();
    const answered = await cut;
    if (writer !== undefined && request !== null && request !== undefined) {
      this.#learn(writer, request, answered);
    }
  }

  /** The answer, or null when the call failed: then the caller knows nothing for certain. */
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
    const { tables } = await this.#fixture.catalog.snapshot([REF]);
    return present(tables[0], 'the table').files;
  }

  /** Invariants 1, 4 and 6, as far as the metadata goes. */
  async #check(): Promise<void> {
    const { catalog, job, table } = this.#fixture;
    const files = await this.#liveFiles();
    const ranges = files.flatMap((file) => present(this.#contents.get(file.key), file.key));
    const positions = await catalog.loadJobs.positions(job.id);
    const ledger = await catalog.ledger.list(job.id);
    for (const { partition, nextOffset } of positions) {
      const rows = ledger.filter((row) => row.partition === partition);
      assert(rows.length <= 1, 'one ledger row per partition');
      assert.equal(rows[0]?.toOffset ?? 0n, nextOffset);
      assert.equal(BigInt((rows[0]?.rowsLoaded ?? 0) + (rows[0]?.rowsFiltered ?? 0)), nextOffset);
      const own = ranges
        .filter((range) => range.partition === partition)
        .sort((a, b) => (a.from < b.from ? -1 : 1));
      for (const [index, range] of own.entries()) {
        const before = own[index - 1];
        assert(before === undefined || before.to <= range.from, 'a message is there twice');
        assert(range.to <= nextOffset, 'a message beyond the position is visible');
      }
      for (const kept of this.#acknowledged.filter((range) => range.partition === partition)) {
        assert(kept.to <= nextOffset, 'the position fell behind an acknowledged batch');
      }
    }
    const rowCount = files.reduce((total, file) => total + file.rowCount, 0);
    const loaded = ledger.reduce((total, row) => total + row.rowsLoaded, 0);
    assert.equal(rowCount, loaded, 'rows in the table = rows in the ledger');
    const status = (await catalog.tables.status([table.id]))[0];
    assert.deepEqual([status?.rowCount, status?.fileCount], [rowCount, files.length]);
    const counters = (await catalog.loadJobs.byId(job.id))?.counters;
    assert.equal(counters?.loadedRows, loaded);
    assert.equal(counters?.totalRows, Number(positions.reduce((sum, p) => sum + p.nextOffset, 0n)));
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

function rangesOf(request: CommitRequest): readonly Range[] {
  return request.progress
    .filter(({ fromOffset, toOffset }) => fromOffset < toOffset)
    .map(({ partition, fromOffset, toOffset }) => ({ partition, from: fromOffset, to: toOffset }));
}

/** A failpoint, or a call that the restart cut off. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof Error && /failpoint|driver has already been destroyed/.test(error.message)
  );
}

const given = process.env['MILLRACE_SEED'];
const seeds =
  given === undefined
    ? [1, 2, 3, systemRandom.below(1e9), systemRandom.below(1e9)]
    : [Number(given)];

for (const seed of seeds) {
  test(`the protocol holds, seed ${seed}`, async (t) => {
    const fixture = await openFixture(t, { partitions: PARTITIONS });
    const model = new Model(fixture, seededRandom(seed));
    for (let step = 0; step < STEPS; step += 1) {
      try {
        await model.step();
      } catch (error) {
        const note = `seed ${seed}, step ${step}: ${error instanceof Error ? error.message : error}`;
        throw new Error(note, { cause: error });
      }
    }
    armFailpoints('commit.none=error');
    t.diagnostic(`seed ${seed}: ${JSON.stringify(Object.fromEntries(model.counts))}`);
    assert((model.counts.get('VISIBLE') ?? 0) > 0, 'the model did something');
  });
}
