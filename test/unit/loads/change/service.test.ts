// DELETE and UPDATE as a whole: what is done again when the table moved on, and that nothing is left half done.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { AppError, fail } from '../../../../src/base/errors.ts';
import {
  asId,
  type DeleteFileId,
  type FileId,
  type TableId,
  type TransactionId,
  type VolumeId,
} from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import type { Turn } from '../../../../src/commit/turn.ts';
import type { OtherCommit } from '../../../../src/commit/types.ts';
import { Changes, type ChangesOptions } from '../../../../src/loads/change/service.ts';
import type { ChangePlan, StagedChange } from '../../../../src/model/change-plan.ts';
import type { CommitResult, StagedTable } from '../../../../src/model/load-plan.ts';
import type { DataFile, KeysType } from '../../../../src/model/table.ts';
import { openMetrics } from '../../../../src/telemetry/metrics.ts';
import { storedTable } from '../../query/harness.ts';

const ID = asId<TransactionId>(7);
const VISIBLE: CommitResult = { state: 'VISIBLE', versions: [], continueTask: false };
const ABORTED: CommitResult = { state: 'ABORTED', versions: [], continueTask: false };

function fileOf(id: number, ...deletes: number[]): DataFile {
  const object = (key: string) => ({ volumeId: asId<VolumeId>(1), key, sizeBytes: 1, rowCount: 9 });
  return {
    ...object(`f${id}`),
    id: asId<FileId>(id),
    transactionId: asId<TransactionId>(1),
    columnStats: {},
    deletes: deletes.map((one) => ({ ...object(`d${one}`), id: asId<DeleteFileId>(one) })),
    deletedRows: deletes.length,
  };
}

interface Seams {
  readonly keysType?: KeysType;
  /** What each planning finds: the files of the table, and its version. */
  readonly finds?: readonly { readonly files: readonly DataFile[]; readonly version: number }[];
  readonly stage?: (call: number) => Promise<StagedChange>;
  readonly commit?: (call: number) => Promise<CommitResult>;
  readonly state?: () => Promise<CommitResult | null>;
  readonly acquire?: () => Promise<Turn>;
  readonly tableId?: number;
}

interface Seen {
  /** What happened, in order. */
  readonly steps: string[];
  readonly commits: OtherCommit[];
  readonly aborted: string[];
}

function stagedOf(tableId: TableId, rowsChanged = 2): StagedChange {
  const object = { volumeId: asId<VolumeId>(1), key: 'd', sizeBytes: 1, rowCount: rowsChanged };
  const entry: StagedTable = { tableId, files: [], deletes: { object, touched: [] } };
  const tables = rowsChanged === 0 ? [] : [entry];
  return { tables, rowsChanged, rowsLoaded: 0, rowsFiltered: 0, errorSamples: [] };
}

function run(seams: Seams, signal: AbortSignal = new AbortController().signal) {
  const seen: Seen = { steps: [], commits: [], aborted: [] };
  const stored = storedTable('t', { a: { kind: 'INT' } });
  assert(stored.kind === 'stored');
  const { schema } = stored.info;
  const table = {
    ...stored.info,
    schema: { ...schema, keysType: seams.keysType ?? 'DUP_KEYS' },
  };
  const finds = seams.finds ?? [{ files: [fileOf(1)], version: 1 }];
  let plans = 0;
  let stages = 0;
  const turn = { tableId: table.id, ticket: 1, holder: 'x', expiresMs: 0 };
  const options: ChangesOptions = {
    committer: {
      beginOther: async ({ label }) => ({ transactionId: ID, label, volumeId: asId<VolumeId>(1) }),
      commitOther: async (request) => {
        seen.steps.push('commit');
        seen.commits.push(request);
        return (await seams.commit?.(seen.commits.length)) ?? VISIBLE;
      },
      state: seams.state ?? (async () => null),
      abort: async (_id, reason) => {
        seen.aborted.push(reason);
        return ABORTED;
      },
    },
    turns: {
      acquire: async () => {
        const found = (await seams.acquire?.()) ?? turn;
        seen.steps.push('turn');
        return found;
      },
      renew: async (held) => held,
      release: async () => {
        seen.steps.push('release');
      },
    },
    stage: async () => {
      stages += 1;
      seen.steps.push('stage');
      return (await seams.stage?.(stages)) ?? stagedOf(table.id);
    },
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: openMetrics(),
    coordinator: 'FE: me',
  };
  const plan = async () => {
    const found = finds[Math.min(plans, finds.length - 1)];
    plans += 1;
    seen.steps.push('plan');
    assert(found !== undefined);
    const tableId = plans > 1 ? asId<TableId>(seams.tableId ?? table.id) : table.id;
    const scan = { placeholder: '__scan0', schema, columns: [], positions: true };
    const planned = {
      userName: 'root',
      timeoutMs: 5000,
      update: null,
      target: { tableId },
      scans: [{ ...scan, files: found.files }],
    };
    return { plan: planned as unknown as ChangePlan, version: asId<never>(found.version) };
  };
  const result = new Changes(options).run({ kind: 'delete', table, plan, signal });
  return { seen, result, tableId: table.id };
}

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

test('one try without a change in between; the turn is held for the commit only', async () => {
  const { seen, result } = run({});
  const { label, rowsChanged } = await result;
  assert.match(label, /^delete_[0-9a-f-]{36}$/);
  assert.equal(rowsChanged, 2);
  assert.deepEqual(seen.steps, ['plan', 'stage', 'turn', 'commit', 'release']);
  assert.equal(seen.commits[0]?.tables[0]?.resolvedAt, undefined, 'rows added meanwhile stay');
});

test('where no row matches, nothing waits for the turn', async () => {
  const { seen, result, tableId } = run({ stage: async () => stagedOf(asId<TableId>(1), 0) });
  assert.equal((await result).rowsChanged, 0);
  assert.deepEqual(seen.steps, ['plan', 'stage', 'commit']);
  assert.equal(seen.commits[0]?.tableId, tableId);
});

test('a table with keys: what was staged counts at the head of now if the files read are the same', async () => {
  const { seen, result, tableId } = run({
    keysType: 'PRIMARY_KEYS',
    finds: [
      { files: [fileOf(1, 4), fileOf(2)], version: 5 },
      { files: [fileOf(1, 4), fileOf(2)], version: 9 },
    ],
  });
  await result;
  assert.deepEqual(seen.steps, ['plan', 'stage', 'turn', 'plan', 'commit', 'release']);
  const [entry] = seen.commits[0]?.tables ?? [];
  assert.deepEqual([entry?.tableId, entry?.resolvedAt], [tableId, 9]);
  assert.equal(seen.commits[0]?.turn?.ticket, 1);
});

for (const [what, files] of [
  ['a file more', [fileOf(1), fileOf(2)]],
  ['a file replaced', [fileOf(3)]],
  ['rows of a file deleted', [fileOf(1, 8)]],
  ['no file any more', []],
] as const) {
  test(`a table with keys and ${what}: done again under the turn`, async () => {
    const { seen, result } = run({
      keysType: 'UNIQUE_KEYS',
      finds: [
        { files: [fileOf(1)], version: 5 },
        { files, version: 6 },
      ],
      stage: async (call) => stagedOf(asId<TableId>(10), call),
    });
    assert.equal((await result).rowsChanged, 2, 'the second one counts');
    assert.deepEqual(seen.steps, ['plan', 'stage', 'turn', 'plan', 'stage', 'commit', 'release']);
  });
}

test('a stale commit is done again under the same turn, a few times', async () => {
  const stale = () => fail('RESOLVE_STALE', { tableId: 1, detail: 'x' });
  const once = run({
    commit: async (call) => {
      if (call === 1) throw stale();
      return VISIBLE;
    },
  });
  await once.result;
  assert.deepEqual(once.seen.steps, [
    'plan',
    'stage',
    'turn',
    'commit',
    'plan',
    'stage',
    'commit',
    'release',
  ]);
  const always = run({
    commit: async () => {
      throw stale();
    },
  });
  await assert.rejects(always.result, hasCode('RESOLVE_STALE'));
  assert.equal(always.seen.commits.length, 5);
  assert.equal(always.seen.aborted.length, 1);
  assert.equal(always.seen.steps.at(-1), 'release');
});

test('a lost answer of the commit: the state of the transaction decides', async () => {
  const commit = async (): Promise<CommitResult> => {
    throw fail('METADATA_UNAVAILABLE', { detail: 'x' });
  };
  const happened = run({ commit, state: async () => VISIBLE });
  assert.equal((await happened.result).rowsChanged, 2);
  assert.deepEqual(happened.seen.aborted, []);
  const not = run({ commit, state: async () => null });
  await assert.rejects(not.result, hasCode('METADATA_UNAVAILABLE'));
  assert.equal(not.seen.aborted.length, 1);
});

test('another table of the same name is not changed in place of the dropped one', async () => {
  const { seen, result } = run({ keysType: 'PRIMARY_KEYS', tableId: 99 });
  await assert.rejects(result, hasCode('CHANGE_ABORTED'));
  assert.equal(seen.commits.length, 0);
  assert.equal(seen.steps.at(-1), 'release');
});

test('a commit that finds the table gone is an error', async () => {
  const { result } = run({ commit: async () => ABORTED });
  await assert.rejects(result, hasCode('CHANGE_ABORTED'));
});

test('what fails on the way aborts; a time limit is named after the statement', async () => {
  const gone = run({
    stage: async () => {
      throw fail('PEER_GONE', { peer: 'query' });
    },
  });
  await assert.rejects(gone.result, hasCode('PEER_GONE'));
  assert.equal(gone.seen.aborted.length, 1);
  const late = run({
    stage: async () => {
      throw fail('TIMEOUT', { what: 'a call', timeoutMs: 1 });
    },
  });
  await assert.rejects(late.result, /the DELETE/);
});

test('a killed statement ends at once, also while it waits for the turn, which it gives back if it comes late', async () => {
  const killed = new AbortController();
  const late = Promise.withResolvers<Turn>();
  const waiting = Promise.withResolvers<void>();
  const { seen, result, tableId } = run(
    {
      acquire: () => {
        waiting.resolve();
        return late.promise;
      },
    },
    killed.signal,
  );
  await waiting.promise;
  killed.abort(fail('CANCELLED'));
  await assert.rejects(result, hasCode('CANCELLED'));
  assert.equal(seen.aborted.length, 1);
  late.resolve({ tableId, ticket: 1, holder: 'x', expiresMs: 0 });
  await late.promise;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(seen.steps, ['plan', 'stage', 'turn', 'release']);
});
