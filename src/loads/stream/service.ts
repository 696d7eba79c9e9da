// Stream Load on the FE: who may load what, the transaction and the plan; the commit, and the answer that the client
// gets. The body itself goes to a CN and never comes here. Whatever goes wrong before the commit aborts the
// transaction at once, and its label is free. A lost answer is asked for again by the label, or by the CN.
import type { Principal } from '../../access/access-view.ts';
import { type AppError, decodeError, fail, toAppError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoints.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import { readOutcome, type TransactionRecord } from '../../catalog/transactions.ts';
import type { Committer } from '../../commit/types.ts';
import type {
  BodyLoadBegin,
  BodyLoadEnd,
  BodyLoadHead,
  FailedLoad,
  HttpAnswer,
  LabelRequest,
  MergeAdmission,
} from '../../model/body-load.ts';
import type { StagedLoad } from '../../model/insert-plan.ts';
import type { LoadFacts } from '../../model/load-facts.ts';
import type { BegunTransaction } from '../../model/load-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { type ErrorLogOf, errorLogFile, errorLogLink } from '../error-log.ts';
import {
  abortOrExpire,
  commitOrAsk,
  countBytes,
  countedBegin,
  countRows,
  countTransaction,
  GRACE_MS,
} from '../own-transaction.ts';
import { answerStatus, errorText, jobStatus, loadAnswer, refused } from './answer.ts';
import { cancelLabel, labelState } from './labels.ts';
import { mergeRulesOf } from './merge-rules.ts';
import { type BodyLimits, planStreamLoad } from './plan.ts';
import { defineRequest, loadedTable, loginOf, type RequestServices } from './request.ts';

export interface StreamLoadsOptions extends RequestServices {
  readonly committer: Pick<Committer, 'beginOther' | 'commitOther' | 'abort' | 'state'>;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly limits: () => BodyLimits & {
    readonly defaultTimeoutMs: number;
    readonly emptyIsError: boolean;
  };
  /** Address for links, `host:port`, where the client did not name one. */
  readonly address: () => string;
}

/** A load whose body is on its way. */
interface OpenLoad {
  readonly begun: BegunTransaction;
  readonly table: TableInfo;
  readonly rewrittenVersion: number;
  readonly facts: LoadFacts;
  readonly startedMonotonicMs: number;
  /** As the client named this server; null = not known. */
  readonly hostHeader: string | null;
  /** Its answer on the way; null = the body is. */
  ending: Promise<HttpAnswer> | null;
}

const KIND = 'stream_load';
const SAMPLES = 3;
/** As a client may name a server in the header Host. */
const HOST = /^[\w.:[\]-]{1,255}$/;

export class StreamLoads {
  readonly #options: StreamLoadsOptions;
  readonly #open = new Map<TransactionId, OpenLoad>();

  constructor(options: StreamLoadsOptions) {
    this.#options = options;
  }

  /** May the client load there, and do its headers say something? Null, or the answer it gets. For a door that redirects. */
  async check(head: BodyLoadHead): Promise<HttpAnswer | null> {
    try {
      await this.#principal(head);
      return null;
    } catch (thrown) {
      return this.#refusal(head.headers['label'] ?? '', thrown, null);
    }
  }

  /** Never throws: what is wrong is in the answer. */
  async begin(head: BodyLoadHead, signal: AbortSignal): Promise<BodyLoadBegin> {
    const label = labelOf(head, this.#options.random);
    const startedMonotonicMs = this.#options.clock.monotonicMs();
    try {
      return await this.#begin(head, label, startedMonotonicMs, signal);
    } catch (thrown) {
      const answer = await this.#refusal(label, thrown, head);
      return { kind: 'answer', answer };
    }
  }

  /** Of a request that is merged with others: each is checked, and one of them begins for all. Never throws. */
  async admitMerge(head: BodyLoadHead): Promise<MergeAdmission> {
    try {
      await this.#principal(head);
      const limits = this.#options.limits();
      const rules = mergeRulesOf(defineRequest(head, this.#options.timeZone(), limits), limits);
      return { kind: 'merge', rules };
    } catch (thrown) {
      const answer = await this.#refusal(head.headers['label'] ?? '', thrown, null);
      return { kind: 'answer', answer };
    }
  }

  async #begin(
    head: BodyLoadHead,
    label: string,
    startedMonotonicMs: number,
    signal: AbortSignal,
  ): Promise<BodyLoadBegin> {
    const { catalog, clock, committer, coordinator } = this.#options;
    const startedMs = clock.nowMs();
    const principal = await this.#principal(head);
    const definition = defineRequest(head, this.#options.timeZone(), this.#options.limits());
    const table = await loadedTable(catalog, head.database, head.table);
    const timeoutMs = definition.timeoutMs ?? this.#options.limits().defaultTimeoutMs;
    const userName = principal.identity.name;
    const load = {
      label,
      databaseId: table.databaseId,
      tableId: table.id,
      source: 'BACKEND_STREAMING',
      coordinator,
      timeoutMs: timeoutMs + GRACE_MS,
      userName,
      signal,
    } as const;
    const begun = await countedBegin(this.#options, KIND, () => committer.beginOther(load));
    const begunMs = clock.monotonicMs();
    const facts = {
      ...NO_FACTS,
      startedMs,
      beginMs: begunMs - startedMonotonicMs,
      properties: definition.given,
      clientAddress: head.clientAddress,
    };
    failpoint('stream-load.begun');
    try {
      const limits = this.#options.limits();
      const input = { definition, table, label, userName, timeoutMs, limits };
      const { emptyIsError } = limits;
      const plan = { ...(await planStreamLoad(catalog, input)), emptyIsError };
      signal.throwIfAborted();
      this.#open.set(begun.transactionId, {
        begun,
        table,
        rewrittenVersion: table.rewrittenVersion ?? 0,
        facts: { ...facts, planMs: clock.monotonicMs() - begunMs },
        startedMonotonicMs,
        hostHeader: head.headers['host'] ?? null,
        ending: null,
      });
      return { kind: 'load', load: { plan, begun, timeoutMs } };
    } catch (thrown) {
      const error = toAppError(thrown);
      await abortOrExpire(this.#options, KIND, begun.transactionId, errorText(error), facts);
      return { kind: 'answer', answer: this.#failed({ begun, facts, startedMonotonicMs }, error) };
    }
  }

  /** Commits or aborts, and makes the answer. Said again it gives the same answer. Never throws. */
  async end(end: BodyLoadEnd): Promise<HttpAnswer> {
    const { transactionId } = end;
    const open = this.#open.get(transactionId);
    if (open === undefined) return await this.#answerAgain(transactionId);
    open.ending ??= this.#end(open, end).finally(() => this.#open.delete(transactionId));
    return await open.ending;
  }

  #end(open: OpenLoad, { outcome }: BodyLoadEnd): Promise<HttpAnswer> {
    return outcome.kind === 'staged'
      ? this.#commit(open, outcome.staged)
      : this.#giveUp(open, decodeError(outcome.error), outcome.counts);
  }

  async #commit(open: OpenLoad, staged: StagedLoad): Promise<HttpAnswer> {
    const { begun, table, rewrittenVersion } = open;
    const { transactionId } = begun;
    const { clock } = this.#options;
    const facts = this.#factsOf(open, staged);
    if (staged.rowsLoaded === 0 && this.#options.limits().emptyIsError)
      return await this.#giveUp(open, fail('BODY_NO_ROWS'), staged);
    const fromMs = clock.monotonicMs();
    try {
      failpoint('stream-load.before-commit');
      const { tables, rowsLoaded, rowsFiltered, errorSamples } = staged;
      const result = await commitOrAsk(this.#options, KIND, {
        transactionId,
        tableId: table.id,
        rewrittenVersion,
        tables,
        rowsLoaded,
        rowsFiltered,
        errorSamples,
        facts,
      });
      failpoint('stream-load.committed');
      countTransaction(this.#options, KIND, result.state);
      if (result.state !== 'VISIBLE') {
        const detail = 'the table was dropped, or the transaction was aborted';
        return this.#failed(open, fail('BODY_LOAD_ABORTED', { transactionId, detail }), facts);
      }
      countRows(this.#options, KIND, rowsLoaded, rowsFiltered);
      countBytes(this.#options, KIND, staged.bodyBytes);
      return this.#succeeded(open, { ...facts, commitMs: clock.monotonicMs() - fromMs });
    } catch (thrown) {
      return await this.#giveUp(open, toAppError(thrown), staged);
    }
  }

  async #giveUp(open: OpenLoad, error: AppError, counts: FailedLoad): Promise<HttpAnswer> {
    const { transactionId } = open.begun;
    const facts = { ...this.#factsOf(open, counts), errorCode: error.code };
    const ended = await abortOrExpire(this.#options, KIND, transactionId, errorText(error), facts);
    if (ended?.state === 'VISIBLE') return await this.#answerAgain(transactionId, open.hostHeader);
    return this.#failed(open, error, facts);
  }

  /** Aborts the loads whose CN is gone: nobody will end them. */
  async loaderGone(): Promise<void> {
    // What is being committed comes to its end by itself.
    const gone = [...this.#open.values()].filter(({ ending }) => ending === null);
    for (const open of gone) {
      this.#open.delete(open.begun.transactionId);
      const reason = 'the process that loaded its body ended';
      await abortOrExpire(this.#options, KIND, open.begun.transactionId, reason, open.facts);
    }
  }

  /** `get_load_state` and `_cancel`. Never throws. */
  async ofLabel(request: LabelRequest): Promise<HttpAnswer> {
    const authenticate = (): Promise<Principal> => loginOf(this.#options, request);
    if (request.kind === 'state') return await labelState(this.#options, authenticate, request);
    return await cancelLabel(this.#options, authenticate, request);
  }

  async #principal(head: BodyLoadHead): Promise<Principal> {
    const principal = await loginOf(this.#options, head);
    await this.#options.access.checkLoad(principal, head.database, head.table);
    return principal;
  }

  #factsOf({ facts, begun }: OpenLoad, counts: FailedLoad): LoadFacts {
    const { rowsLoaded, rowsFiltered, rowsUnselected, bodyBytes, readMs, writeMs } = counts;
    const { catalog } = this.#options;
    return {
      ...facts,
      rowsLoaded,
      rowsFiltered,
      rowsUnselected,
      bodyBytes,
      readMs,
      writeMs,
      errorSamples: counts.errorSamples.slice(0, SAMPLES),
      trackingFile: rowsFiltered === 0 ? null : errorLogFile(catalog, errorsOf(begun)),
    };
  }

  #succeeded(open: OpenLoad, facts: LoadFacts): HttpAnswer {
    const { begun, startedMonotonicMs } = open;
    return loadAnswer({
      transactionId: begun.transactionId,
      label: begun.label,
      status: 'Success',
      message: 'OK',
      facts,
      loadMs: this.#options.clock.monotonicMs() - startedMonotonicMs,
      ...this.#linkOf(facts, open.hostHeader),
    });
  }

  #failed(
    open: Pick<OpenLoad, 'begun' | 'startedMonotonicMs'> & Partial<OpenLoad>,
    error: AppError,
    facts: LoadFacts | null = open.facts ?? null,
  ): HttpAnswer {
    const { begun, startedMonotonicMs, hostHeader = null } = open;
    return loadAnswer(
      {
        transactionId: begun.transactionId,
        label: begun.label,
        status: 'Fail',
        message: errorText(error),
        facts,
        loadMs: this.#options.clock.monotonicMs() - startedMonotonicMs,
        ...this.#linkOf(facts, hostHeader),
      },
      answerStatus(error),
    );
  }

  /** Of a load that was ended before: its transaction knows how. */
  async #answerAgain(
    transactionId: TransactionId,
    hostHeader: string | null = null,
  ): Promise<HttpAnswer> {
    const record = await this.#options.catalog.transactions.find(transactionId);
    if (record === null) return refused('', fail('UNKNOWN_TRANSACTION', { transactionId }));
    const { facts } = readOutcome(record.attachmentJson);
    const isVisible = record.state === 'VISIBLE';
    const loadMs = (record.finishMs ?? record.prepareMs) - (facts?.startedMs ?? record.prepareMs);
    return loadAnswer({
      transactionId,
      label: record.label,
      status: isVisible ? 'Success' : 'Fail',
      message: isVisible ? 'OK' : record.reason,
      facts,
      loadMs,
      ...this.#linkOf(facts, hostHeader),
    });
  }

  /** Of a load that was not begun. */
  async #refusal(label: string, thrown: unknown, head: BodyLoadHead | null): Promise<HttpAnswer> {
    const error = toAppError(thrown);
    if (error.kind === 'internal') this.#options.log.error('a stream load failed', { error });
    if (error.code !== 'LABEL_ALREADY_EXISTS' || head === null) return refused(label, error);
    const holder = await this.#holder(head.database, label);
    return loadAnswer({
      transactionId: holder?.id ?? -1,
      label,
      status: 'Label Already Exists',
      existingJobStatus: jobStatus(holder?.state ?? null),
      message: errorText(error),
      facts: null,
      loadMs: 0,
    });
  }

  #linkOf(facts: LoadFacts | null, named: string | null): { readonly errorUrl?: string } {
    const file = facts?.trackingFile ?? null;
    const host = named !== null && HOST.test(named) ? named : this.#options.address();
    return file === null ? {} : { errorUrl: errorLogLink(host, file) };
  }

  async #holder(databaseName: string, label: string): Promise<TransactionRecord | null> {
    const { catalog } = this.#options;
    const database = await catalog.databases.find(databaseName);
    return database === null ? null : await catalog.transactions.byLabel(database.id, label);
  }
}

const NO_FACTS: LoadFacts = {
  loadType: 'STREAM_LOAD',
  rowsLoaded: 0,
  rowsFiltered: 0,
  rowsUnselected: 0,
  bodyBytes: 0,
  startedMs: 0,
  beginMs: 0,
  planMs: 0,
  readMs: 0,
  writeMs: 0,
  commitMs: null,
  properties: {},
  trackingFile: null,
  errorSamples: [],
  clientAddress: null,
};

function labelOf({ headers }: BodyLoadHead, random: Random): string {
  const given = headers['label'] ?? '';
  return given === '' ? random.uuid() : given;
}

function errorsOf({ transactionId }: BegunTransaction): ErrorLogOf {
  return { kind: 'transaction', id: transactionId };
}
