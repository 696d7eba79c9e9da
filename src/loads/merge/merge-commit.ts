// Merge commit on the CN: bodies of requests whose headers say the same are put together for a while and loaded as one
// body, in one transaction. Each request gets an answer of its own: once that transaction has ended, or (async) as
// soon as its bytes are here. What waits is bounded. One bad request fails the transaction that it is in, for all.
// SOURCE: StarRocks docs, Merge Commit parameters; its BE for keys and messages of the answers.
import type { Clock } from '../../base/clock.ts';
import { type AppError, fail, toAppError } from '../../base/errors.ts';
import { type Deferred, deferred } from '../../base/queue.ts';
import type { Random } from '../../base/random.ts';
import type {
  AcceptedLoad,
  BodyLoadBegin,
  BodyLoadHead,
  HttpAnswer,
  MergeAdmission,
  MergeRules,
} from '../../model/body-load.ts';
import type { BegunTransaction } from '../../model/load-plan.ts';
import { answerStatus, errorText } from '../stream/answer.ts';
import { type MergedEnd, type MergedRequest, mergedAnswer, mergedEnd } from './merge-answer.ts';
import { readMergedBody } from './merge-body.ts';
import { mergedHead, mergeKey, requestIdOf } from './merge-head.ts';

export interface MergeServices {
  /** May the request load, and how is it merged? */
  admit(head: BodyLoadHead, signal: AbortSignal): Promise<MergeAdmission>;
  begin(head: BodyLoadHead, signal: AbortSignal): Promise<BodyLoadBegin>;
  /** Loads the body and ends the load, whatever comes of it. */
  run(
    load: AcceptedLoad,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<HttpAnswer>;
}

export interface MergeOptions {
  readonly services: MergeServices;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits?: MergeLimits;
}

export interface MergeLimits {
  /** Of all requests that are here, with their bodies expanded. */
  readonly mostRequests: number;
  readonly mostBytes: number;
  /** A merged body of as many bytes, or of as many requests, waits for no more. */
  readonly fullBytes: number;
  readonly fullRequests: number;
}

const MB = 1024 * 1024;
export const MERGE_LIMITS: MergeLimits = {
  mostRequests: 8_000,
  mostBytes: 128 * MB,
  fullBytes: 32 * MB,
  fullRequests: 10_000,
};
/** Documents of JSON stand on lines of their own. */
const NEWLINE = Buffer.from('\n');

/** Requests that become one load. */
interface Group {
  readonly pieces: Uint8Array[];
  bytes: number;
  requests: number;
  /** When no more are waited for, monotonic; null: it has not begun. */
  closesMs: number | null;
  readonly accepted: Deferred<AcceptedLoad | MergedEnd>;
  readonly full: Deferred<void>;
  readonly end: Deferred<MergedEnd>;
  readonly stop: AbortController;
  /** Its transaction, once there is one. */
  begun: BegunTransaction | null;
}

/** Requests of one kind: one group takes them, older ones are loaded in the order in which they were opened. */
interface Lane {
  readonly key: string;
  open: Group | null;
  tail: Promise<void>;
  groups: number;
}

export class MergeCommits {
  readonly #options: MergeOptions;
  readonly #limits: MergeLimits;
  readonly #lanes = new Map<string, Lane>();
  readonly #groups = new Set<Group>();
  #requests = 0;
  #bytes = 0;

  constructor(options: MergeOptions) {
    this.#options = options;
    this.#limits = options.limits ?? MERGE_LIMITS;
  }

  /** What is here now. */
  get held(): { readonly requests: number; readonly bytes: number; readonly groups: number } {
    return { requests: this.#requests, bytes: this.#bytes, groups: this.#groups.size };
  }

  /**
   * The whole of one request. `accept` gives its body, once it may come. Never throws: what is wrong is in the answer.
   */
  async handle(
    head: BodyLoadHead,
    accept: () => AsyncIterable<Uint8Array>,
    gone: AbortSignal,
  ): Promise<HttpAnswer> {
    const { clock, random } = this.#options;
    const request: MergedRequest = {
      id: requestIdOf(head, random),
      startedMs: clock.monotonicMs(),
      bodyBytes: 0,
      readMs: 0,
      planMs: 0,
      leftMs: 0,
      finishMs: 0,
    };
    this.#requests += 1;
    try {
      const { mostRequests } = this.#limits;
      if (this.#requests > mostRequests) throw tooMany('requests', this.#requests, mostRequests);
      return await this.#handle(head, accept, gone, request);
    } catch (thrown) {
      return mergedAnswer(request, refusal(toAppError(thrown)), clock.monotonicMs());
    } finally {
      this.#requests -= 1;
    }
  }

  /** Gives up a merged load; false = it is not here. */
  stop(transactionId: number): boolean {
    for (const group of this.#groups) {
      if (group.begun?.transactionId !== transactionId) continue;
      group.stop.abort(fail('CANCELLED'));
      return true;
    }
    return false;
  }

  /** Gives up everything. */
  close(): void {
    for (const { stop } of this.#groups) stop.abort(fail('CANCELLED'));
  }

  async #handle(
    head: BodyLoadHead,
    accept: () => AsyncIterable<Uint8Array>,
    gone: AbortSignal,
    request: MergedRequest,
  ): Promise<HttpAnswer> {
    const { clock, services } = this.#options;
    const admission = await services.admit(head, gone);
    if (admission.kind === 'answer') return admission.answer;
    const { rules } = admission;
    const fromMs = clock.monotonicMs();
    let bodyBytes = 0;
    let group: Group;
    try {
      const pieces = await readMergedBody(accept(), rules, { clock, signal: gone }, (bytes) => {
        bodyBytes += bytes;
        this.#take(bytes);
      });
      group = this.#join(head, rules, pieces, bodyBytes);
    } catch (thrown) {
      // What a group has it gives back itself.
      this.#bytes -= bodyBytes;
      throw thrown;
    }
    const readMs = clock.monotonicMs() - fromMs;
    return await this.#answer({ ...request, bodyBytes, readMs }, group, rules);
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    const { mostBytes } = this.#limits;
    if (this.#bytes > mostBytes) throw tooMany('bytes', this.#bytes, mostBytes);
  }

  #join(
    head: BodyLoadHead,
    rules: MergeRules,
    pieces: readonly Uint8Array[],
    bytes: number,
  ): Group {
    const key = mergeKey(head);
    const lane = this.#lanes.get(key) ?? { key, open: null, tail: Promise.resolve(), groups: 0 };
    this.#lanes.set(key, lane);
    const group = lane.open ?? this.#open(lane, head, rules);
    group.pieces.push(...pieces);
    if (rules.rowDelimiter === null) group.pieces.push(NEWLINE);
    group.bytes += bytes;
    group.requests += 1;
    const { fullBytes, fullRequests } = this.#limits;
    if (group.bytes >= fullBytes || group.requests >= fullRequests) {
      lane.open = null;
      group.full.resolve();
    }
    return group;
  }

  #open(lane: Lane, head: BodyLoadHead, rules: MergeRules): Group {
    const group: Group = {
      pieces: [],
      bytes: 0,
      requests: 0,
      closesMs: null,
      accepted: deferred(),
      full: deferred(),
      end: deferred(),
      stop: new AbortController(),
      begun: null,
    };
    lane.open = group;
    lane.groups += 1;
    this.#groups.add(group);
    const before = lane.tail;
    lane.tail = this.#load(lane, group, mergedHead(head, rules, this.#options.random), {
      rules,
      before,
    });
    return group;
  }

  /** Never rejects: what goes wrong is the answer of those that wait. */
  async #load(
    lane: Lane,
    group: Group,
    head: BodyLoadHead,
    { rules, before }: { readonly rules: MergeRules; readonly before: Promise<void> },
  ): Promise<void> {
    try {
      const load = await this.#begin(group, head, rules);
      if (load !== null) {
        await this.#window(group, rules);
        // While the load before it goes on it takes more: the slower loads are, the fewer they become.
        await before;
        close(lane, group);
        const answer = await this.#options.services.run(load, bodyOf(group), group.stop.signal);
        group.end.resolve(mergedEnd(answer));
      }
    } catch (thrown) {
      // Its label tells what became of it, once it has one.
      end(group, refusal(toAppError(thrown), group.begun));
    } finally {
      close(lane, group);
      this.#groups.delete(group);
      this.#bytes -= group.bytes;
      lane.groups -= 1;
      if (lane.groups === 0) this.#lanes.delete(lane.key);
    }
  }

  /** Null where it may not load: those that wait have their answer. */
  async #begin(group: Group, head: BodyLoadHead, rules: MergeRules): Promise<AcceptedLoad | null> {
    const { services, clock } = this.#options;
    const begun = await services.begin(head, group.stop.signal);
    if (begun.kind === 'answer') {
      end(group, mergedEnd(begun.answer));
      return null;
    }
    group.begun = begun.load.begun;
    group.closesMs = clock.monotonicMs() + rules.intervalMs;
    group.accepted.resolve(begun.load);
    return begun.load;
  }

  /** Until no more are waited for: its time is over, it is full, or it was given up, which the load then hears of. */
  async #window({ full, stop }: Group, { intervalMs }: MergeRules): Promise<void> {
    const over = deferred<void>();
    const timer = this.#options.clock.after(intervalMs, () => over.resolve());
    const onStop = (): void => over.resolve();
    stop.signal.addEventListener('abort', onStop, { once: true });
    if (!stop.signal.aborted) await Promise.race([over.promise, full.promise]);
    timer.cancel();
    stop.signal.removeEventListener('abort', onStop);
  }

  async #answer(request: MergedRequest, group: Group, rules: MergeRules): Promise<HttpAnswer> {
    const { clock } = this.#options;
    const joinedMs = clock.monotonicMs();
    const accepted = await group.accepted.promise;
    const nowMs = clock.monotonicMs();
    const leftMs = Math.max(0, (group.closesMs ?? nowMs) - nowMs);
    const told = { ...request, planMs: nowMs - joinedMs, leftMs };
    if ('message' in accepted) return mergedAnswer(told, accepted, nowMs);
    const { transactionId, label } = accepted.begun;
    const good: MergedEnd = { transactionId, label, status: 'Success', message: 'OK', http: 200 };
    if (rules.isAsync) return mergedAnswer(told, good, nowMs);
    const late = deferred<MergedEnd>();
    const timer = clock.after(rules.timeoutMs + leftMs, () =>
      late.resolve({ ...good, status: 'Fail', message: 'load timeout, txn status: PREPARE' }),
    );
    const ended = await Promise.race([group.end.promise.then(aborted), late.promise]);
    timer.cancel();
    const endMs = clock.monotonicMs();
    return mergedAnswer({ ...told, finishMs: endMs - nowMs }, ended, endMs);
  }
}

function close(lane: Lane, group: Group): void {
  if (lane.open === group) lane.open = null;
}

/** For all that wait, whether it has begun or not. */
function end(group: Group, ended: MergedEnd): void {
  group.accepted.resolve(ended);
  group.end.resolve(ended);
}

/** As a request is told of the end of the transaction that it is in. */
function aborted(ended: MergedEnd): MergedEnd {
  if (ended.status !== 'Fail') return ended;
  return { ...ended, message: `Load is aborted, reason: ${ended.message}` };
}

async function* bodyOf({ pieces }: Group): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces;
}

function refusal(error: AppError, begun: BegunTransaction | null = null): MergedEnd {
  return {
    transactionId: begun?.transactionId ?? -1,
    label: begun?.label ?? '',
    status: 'Fail',
    message: errorText(error),
    http: answerStatus(error),
  };
}

function tooMany(what: 'requests' | 'bytes', actual: number, limit: number): AppError {
  const hint = 'send it again later, or shorten merge_commit_interval_ms';
  return fail('LIMIT_EXCEEDED', {
    what: `${what} that wait for merge commit`,
    actual,
    limit,
    hint,
  });
}
