// Small INSERTs of constants that come while another one is written wait for it and share the next transaction: one
// staging, one file, one commit. Each statement keeps its own answer. A statement that nobody is before goes at once.
// What goes wrong for one statement never hurts another: it leaves the group and runs alone, or is left out.
import type { Clock, Timer } from '../../base/clock.ts';
import { type AppError, toAppError } from '../../base/errors.ts';
import { type Deferred, deferred, settledWithin } from '../../base/queue.ts';
import type { InsertPlan, StagedInsert } from '../../model/insert-plan.ts';
import type { BegunTransaction } from '../../model/load-plan.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { InsertRequest, InsertResult } from '../insert/service.ts';
import { timedOut } from '../own-transaction.ts';
import { type GroupStatement, groupPlan, groupStatement } from './group-statement.ts';

/** Of one group; what is more waits for the next one. */
const MOST_STATEMENTS = 2_000;
const MOST_ROWS = 20_000;
const MOST_CHARACTERS = 8 * 1024 * 1024;

/** A group that takes longer (a store that does not answer) no longer keeps the next one waiting. */
const SLOW_MS = 1_000;
/** Groups of one kind on their way at once. */
const MOST_GROUPS = 8;

/** The steps of an INSERT's transaction. What fails after `begin` has aborted it, when it throws. */
export interface GroupSteps<B extends BegunTransaction> {
  begin(request: InsertRequest, signal: AbortSignal): Promise<B>;
  stage(plan: InsertPlan, begun: B, signal: AbortSignal): Promise<StagedInsert>;
  /** Throws INSERT_ABORTED where it is not visible then. */
  commit(request: InsertRequest, begun: B, staged: StagedInsert): Promise<void>;
  abort(begun: B, reason: string): Promise<void>;
  /** All of it, in a transaction of its own. */
  alone(request: InsertRequest): Promise<InsertResult>;
}

interface Member {
  readonly request: InsertRequest;
  readonly statement: GroupStatement;
  readonly answer: Deferred<InsertResult>;
  /** It was cancelled, or its time is over: it has its answer, and nothing of it may become visible. */
  left: boolean;
}

/** One transaction on its way. */
interface Group {
  /** Empty until it has begun. */
  members: readonly Member[];
  /** Ends what nobody waits for any more. */
  readonly work: AbortController;
}

/** Statements whose plans differ in nothing but their rows. */
interface Lane {
  readonly key: string;
  readonly waiting: Member[];
  /** One, but for those that are slow. */
  readonly groups: Map<Group, Promise<void>>;
  isPumped: boolean;
}

export class InsertGroups<B extends BegunTransaction> {
  readonly #steps: GroupSteps<B>;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #lanes = new Map<string, Lane>();

  constructor(steps: GroupSteps<B>, { clock, metrics }: { clock: Clock; metrics: Metrics }) {
    this.#steps = steps;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** As `Inserts.run`; null where the statement is none that groups are for. */
  join(request: InsertRequest): Promise<InsertResult> | null {
    const statement = groupStatement(request);
    return statement === null
      ? null
      : this.#join({ request, statement, answer: deferred(), left: false });
  }

  async #join(member: Member): Promise<InsertResult> {
    const { signal, plan } = member.request;
    signal.throwIfAborted();
    const lane = this.#laneOf(member.statement.key);
    lane.waiting.push(member);
    const onAbort = (): void => leave(lane, member, toAppError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    const timer: Timer = this.#clock.after(plan.timeoutMs, () =>
      leave(lane, member, timedOut('insert', plan.timeoutMs)),
    );
    if (!lane.isPumped) void this.#pump(lane);
    try {
      return await member.answer.promise;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }

  #laneOf(key: string): Lane {
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const lane: Lane = { key, waiting: [], groups: new Map(), isPumped: false };
    this.#lanes.set(key, lane);
    return lane;
  }

  /** Never rejects: whatever goes wrong is the answer of those that it goes wrong for. */
  async #pump(lane: Lane): Promise<void> {
    const { waiting, groups } = lane;
    lane.isPumped = true;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const group: Group = { members: [], work: new AbortController() };
      const done = this.#runGroup(lane, group, next.request);
      groups.set(group, done);
      // While one may not begin (the table has too many files), no other one may.
      do await settledWithin(this.#clock, done, SLOW_MS);
      while (groups.has(group) && group.members.length === 0);
      while (groups.size >= MOST_GROUPS) await Promise.race(groups.values());
    }
    lane.isPumped = false;
    this.#forget(lane);
  }

  #forget({ key, waiting, groups, isPumped }: Lane): void {
    if (!isPumped && waiting.length === 0 && groups.size === 0) this.#lanes.delete(key);
  }

  async #runGroup(lane: Lane, group: Group, first: InsertRequest): Promise<void> {
    try {
      await this.#writeGroup(lane, group, first);
    } catch (thrown) {
      const error = toAppError(thrown);
      // Where it could not begin it is those that wait whom it hits, unless all that it began for have left.
      const isBegun = group.members.length > 0 || group.work.signal.aborted;
      for (const { answer } of isBegun ? group.members : take(lane)) answer.reject(error);
    } finally {
      lane.groups.delete(group);
      this.#forget(lane);
    }
  }

  /** Throws what hits all that are staged; before there are any, all that wait. */
  async #writeGroup(lane: Lane, group: Group, first: InsertRequest): Promise<void> {
    const { signal } = group.work;
    let begun = await this.#steps.begin(first, signal);
    // Those that came while it began go with it.
    group.members = take(lane);
    for (;;) {
      const members = group.members.filter(({ left }) => !left);
      const newest = members.at(-1);
      if (newest === undefined) return await this.#steps.abort(begun, 'nobody waits for it');
      group.members = members;
      this.#metrics.observe('millrace_insert_group_statements', members.length);
      const plan = mergedPlan(newest, members);
      const staged = await this.#stage(plan, members, begun, signal);
      if (staged === null) return;
      const { fellOut = [] } = staged;
      this.#runAlone(members.filter((_, index) => fellOut.includes(index)));
      const stay = members.filter((_, index) => !fellOut.includes(index));
      group.members = stay;
      const going = stay.find(({ left }) => !left);
      if (going === undefined) return await this.#steps.abort(begun, 'no statement of it is left');
      if (!stay.some(({ left }) => left)) {
        // From here on it becomes visible, or not: leaving changes nothing.
        await this.#steps.commit(newest.request, begun, staged);
        answerAll(stay, begun, plan.group === undefined ? staged : null);
        return;
      }
      // The file has rows that nobody may see: what is left of the group begins anew.
      await this.#steps.abort(begun, 'a statement of it was cancelled');
      begun = await this.#steps.begin(going.request, signal);
    }
  }

  /** Null where each statement runs alone instead. Throws what is wrong with none of them. */
  async #stage(
    plan: InsertPlan,
    members: readonly Member[],
    begun: B,
    signal: AbortSignal,
  ): Promise<StagedInsert | null> {
    try {
      return await this.#steps.stage(plan, begun, signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (members.length === 1 || error.kind === 'retry') throw error;
      this.#runAlone(members);
      return null;
    }
  }

  #runAlone(members: readonly Member[]): void {
    for (const { request, answer, left } of members) {
      if (!left) this.#steps.alone(request).then(answer.resolve, answer.reject);
    }
  }
}

/** `own`: of the one that is there, with its plan as it was: some of its rows may have been rejected. */
function answerAll(
  members: readonly Member[],
  { label, transactionId }: BegunTransaction,
  own: StagedInsert | null,
): void {
  for (const { answer, statement } of members) {
    const { rowsLoaded, rowsFiltered, errorSamples } = own ?? {
      rowsLoaded: statement.part.rows.length,
      rowsFiltered: 0,
      errorSamples: [],
    };
    answer.resolve({ label, transactionId, rowsLoaded, rowsFiltered, errorSamples });
  }
}

/** It has its answer now; its rows are taken out of the group while that can be. */
function leave({ waiting, groups }: Lane, member: Member, error: AppError): void {
  member.left = true;
  member.answer.reject(error);
  const place = waiting.indexOf(member);
  if (place >= 0) waiting.splice(place, 1);
  for (const { members, work } of groups.keys()) {
    const isWanted = members.length === 0 ? waiting.length > 0 : members.some(({ left }) => !left);
    if (!isWanted) work.abort(error);
  }
}

/** As many of those that wait as one group may have, in the order they came. */
function take({ waiting }: Lane): readonly Member[] {
  let [count, rows, characters] = [0, 0, 0];
  for (const member of waiting) {
    rows += member.statement.part.rows.length;
    characters += member.statement.characters;
    const fits = count < MOST_STATEMENTS && rows <= MOST_ROWS && characters <= MOST_CHARACTERS;
    if (count > 0 && !fits) break;
    count += 1;
  }
  return waiting.splice(0, count);
}

/** The plan of the newest one with the rows of all; of one its own. */
function mergedPlan({ request, statement }: Member, members: readonly Member[]): InsertPlan {
  return members.length === 1
    ? request.plan
    : groupPlan(
        statement,
        members.map(({ statement: { part } }) => part),
      );
}
