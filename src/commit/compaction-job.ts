// One compaction from begin to commit, on the FE: a CN stages the output, then what was deleted from the inputs
// meanwhile is carried over to it, first without the table's turn, the rest under it. Loads go first: where one waits,
// the turn is given back and asked for again later, and nothing of the work is lost.
import type { Clock } from '../base/clock.ts';
import { fail, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TransactionId, VolumeId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Catalog, SnapshotTable } from '../catalog/catalog.ts';
import type { CarryPlan, CompactionPlan } from '../cluster/rpc/messages.ts';
import {
  type DataFile,
  overlaidRows,
  type StagedFile,
  type StagedObject,
  type VolumeSpec,
  volumesOfFile,
} from '../model/table.ts';
import { sum } from './sum.ts';
import type { TableTurns } from './turn.ts';
import type { Committer } from './types.ts';

/** The CN's part. */
export interface CompactionNode {
  compact(plan: CompactionPlan, limits: CallLimits): Promise<readonly StagedFile[]>;
  carryDeletes(plan: CarryPlan, limits: CallLimits): Promise<StagedObject | null>;
  endCompaction(transactionId: TransactionId): Promise<void>;
}

export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface CompactionJobOptions {
  readonly catalog: Catalog;
  readonly committer: Pick<Committer, 'beginOther' | 'commitCompaction' | 'abort'>;
  readonly turns: TableTurns;
  readonly node: CompactionNode;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The whole has to be done within this. */
  readonly timeoutMs: () => number;
}

/** What the job tells about itself while it runs. */
export interface JobReport {
  begun(transactionId: TransactionId): void;
  staged(outputs: readonly StagedFile[]): void;
  /** Rows that were deleted meanwhile, of the inputs, and are now of the output. */
  carried(rows: number): void;
  /** The turn was given back to a load. */
  yielded(): void;
}

/** The holder has to carry over what is left and to commit within this. */
const TURN_LEASE_MS = 30_000;
const TURN_WAIT_MS = 10_000;
/** Before the turn is asked for again. */
const YIELD_MS = 50;
const NOTHING = { carried: null, deletedRows: 0 };

interface Carried {
  readonly carried: StagedObject | null;
  /** Rows of the inputs that are deleted by now, those that were at the beginning included. */
  readonly deletedRows: number;
}

/**
 * Merges `inputs` into one file. False: an input left the table meanwhile, or the table is gone. Throws what the CN
 * throws, TIMEOUT when loads left no turn for it in time; the transaction is ABORTED then.
 */
export async function runCompactionJob(
  options: CompactionJobOptions,
  { table }: Pick<SnapshotTable, 'table'>,
  inputs: readonly DataFile[],
  report: JobReport,
  signal: AbortSignal,
): Promise<boolean> {
  const { committer, random, node, log } = options;
  const timeoutMs = options.timeoutMs();
  const untilMs = options.clock.monotonicMs() + timeoutMs;
  const volume = await options.catalog.volumes.byId(inputs[0]?.volumeId ?? table.volumeId);
  const { transactionId } = await committer.beginOther({
    label: `compaction-${table.id}-${random.uuid()}`,
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'LAKE_COMPACTION',
    coordinator: 'FE: compaction',
    timeoutMs,
  });
  report.begun(transactionId);
  try {
    const volumes = await volumesOf(options.catalog, inputs);
    const plan = { transactionId, table, volume, volumes, inputs };
    const outputs = await node.compact(plan, { timeoutMs, signal });
    report.staged(outputs);
    return await new Closing({ options, plan, outputs, report, untilMs, signal }).commit();
  } catch (error) {
    await committer.abort(transactionId, toAppError(error).message);
    throw error;
  } finally {
    // A loader that is gone took its files along; one that is not removes them at its next start.
    await node.endCompaction(transactionId).catch((error: unknown) => {
      log.info('a compaction was not cleaned up', { txn: transactionId, error });
    });
  }
}

interface ClosingState {
  readonly options: CompactionJobOptions;
  readonly plan: CompactionPlan;
  readonly outputs: readonly StagedFile[];
  readonly report: JobReport;
  readonly untilMs: number;
  readonly signal: AbortSignal;
}

/** From the staged output to the end. */
class Closing {
  readonly #state: ClosingState;
  readonly #deletedAtFirst: number;
  readonly #overlaidAtFirst: number;
  #carried: Carried;

  constructor(state: ClosingState) {
    this.#state = state;
    this.#deletedAtFirst = sum(state.plan.inputs.map((file) => file.deletedRows));
    this.#overlaidAtFirst = sum(state.plan.inputs.map(overlaidRows));
    this.#carried = { ...NOTHING, deletedRows: this.#deletedAtFirst };
  }

  async commit(): Promise<boolean> {
    const { options, plan, report, untilMs, signal } = this.#state;
    for (;;) {
      signal.throwIfAborted();
      // Most of it without the turn: it also makes the map that the rest needs.
      if (!(await this.#carryOver())) return await this.#giveUp();
      const done = await this.#underTurn();
      if (done !== 'yield') return done;
      report.yielded();
      if (options.clock.monotonicMs() >= untilMs) {
        const what = `a turn on table ${plan.table.name} between its loads`;
        throw fail('TIMEOUT', { what, timeoutMs: options.timeoutMs() });
      }
      await options.clock.sleep(YIELD_MS, signal);
    }
  }

  async #underTurn(): Promise<boolean | 'yield'> {
    const { options, plan, outputs } = this.#state;
    const { transactionId, table } = plan;
    const turn = await options.turns
      .acquire(table.id, {
        rank: 'COMPACTION',
        holder: `compaction ${transactionId}`,
        leaseMs: TURN_LEASE_MS,
        waitMs: TURN_WAIT_MS,
      })
      .catch((thrown: unknown) => this.#yieldOr(thrown));
    if (turn === 'yield') return 'yield';
    try {
      if (!(await this.#carryOver())) return await this.#giveUp();
      failpoint('compaction.before-commit');
      const { state } = await options.committer.commitCompaction({
        transactionId,
        tableId: table.id,
        turn,
        inputs: plan.inputs.map((file) => file.id),
        deletedRows: this.#deletedAtFirst,
        overlaidRows: this.#overlaidAtFirst,
        outputs,
        carried: this.#carried.carried,
        ...(isMerging(plan) ? { merged: true } : {}),
      });
      return state === 'VISIBLE';
    } catch (thrown) {
      return this.#yieldOr(thrown);
    } finally {
      await options.turns.release(turn);
    }
  }

  /** A turn that was not to be had, or that a load wants, or rows that were deleted without one: once more. */
  #yieldOr(thrown: unknown): 'yield' {
    const { code } = toAppError(thrown);
    if (code === 'TURN_LOST' || code === 'RESOLVE_STALE' || code === 'TIMEOUT') return 'yield';
    throw thrown;
  }

  /** Takes along what was deleted since the last time. False: an input is gone. */
  async #carryOver(): Promise<boolean> {
    const { options, plan, outputs, report, signal } = this.#state;
    const { catalog, node } = options;
    const { table, inputs } = plan;
    const ids = inputs.map((file) => file.id);
    const standing = await catalog.deletes.standing(table.id, ids);
    if (standing.size < ids.length) return false;
    // The output has old values of these columns: it is made anew. Loads do not keep at it, since they write whole
    // rows where a file has many overlays.
    const overlaid = sum([...standing.values()].map((file) => file.overlaidRows));
    if (overlaid !== this.#overlaidAtFirst) return false;
    const deletedRows = sum([...standing.values()].map((file) => file.deletedRows));
    if (deletedRows === this.#carried.deletedRows) return true;
    // Rows that became one have no place of their own any more: the merge is made anew.
    if (isMerging(plan)) return false;
    const now = await inputsNow(catalog, plan);
    const [output] = outputs;
    if (now === null || output === undefined) return false;
    const volumes = await volumesOf(catalog, [...inputs, ...now]);
    const carried = await node.carryDeletes(
      { ...plan, volumes, output, now },
      { timeoutMs: TURN_LEASE_MS, signal },
    );
    this.#carried = { carried, deletedRows: sum(now.map((file) => file.deletedRows)) };
    report.carried(carried?.rowCount ?? 0);
    return true;
  }

  async #giveUp(): Promise<false> {
    const { options, plan } = this.#state;
    await options.committer.abort(plan.transactionId, 'an input left the table or changed');
    return false;
  }
}

/** Rows of one key become one. */
function isMerging({ table }: CompactionPlan): boolean {
  return table.schema.keysType === 'AGG_KEYS';
}

/** The inputs as they are by now, in the same order; null when one is gone. */
async function inputsNow(
  catalog: Catalog,
  { table, inputs }: CompactionPlan,
): Promise<readonly DataFile[] | null> {
  const found = await catalog.snapshotOf(table.id);
  const files = new Map(found?.entry.files.map((file) => [file.id, file]));
  const now = inputs.flatMap((file) => files.get(file.id) ?? []);
  return now.length === inputs.length ? now : null;
}

function volumesOf(catalog: Catalog, files: readonly DataFile[]): Promise<readonly VolumeSpec[]> {
  const ids = new Set<VolumeId>(files.flatMap(volumesOfFile));
  return Promise.all([...ids].map((id) => catalog.volumes.byId(id)));
}
