// Transactions of Stream Loads, `/api/transaction/{begin,load,prepare,commit,rollback}`, on the FE: one table or
// several, any number of loads one after the other. Between requests nothing of a transaction is kept in memory that
// is not in the metadata: what was loaded outlives connections and restarts. SOURCE: StarRocks docs.
import type { Principal } from '../../access/access-view.ts';
import { type AppError, decodeError, fail, toAppError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoints.ts';
import type { TransactionId } from '../../base/ids.ts';
import { readOutcome, type TransactionRecord } from '../../catalog/transactions.ts';
import type {
  BodyLoadBegin,
  BodyLoadEnd,
  BodyLoadHead,
  FailedLoad,
  HttpAnswer,
  TransactionRequest,
} from '../../model/body-load.ts';
import type { StagedLoad } from '../../model/insert-plan.ts';
import type { LoadFacts } from '../../model/load-facts.ts';
import type { TableInfo } from '../../model/table.ts';
import { errorLogFile } from '../error-log.ts';
import { checkLabel } from '../label.ts';
import { analysisError, checkProperties, type PropertyMap } from '../properties.ts';
import { errorText } from '../stream/answer.ts';
import { planStreamLoad } from '../stream/plan.ts';
import {
  defineRequest,
  loadedDatabase,
  loadedTable,
  loginOf,
  type RequestLimits,
  type RequestServices,
} from '../stream/request.ts';
import {
  beginAnswer,
  channelBegunAnswer,
  endedAnswer,
  errorAnswer,
  failedAnswer,
  labelUsedAnswer,
  loadedAnswer,
  MESSAGES,
  rolledBackAnswer,
} from './answer.ts';
import { type BodyOfTransaction, TransactionBodies } from './bodies.ts';
import { type Channel, Channels, channelOf } from './channels.ts';
import type { ExplicitTransactions } from './explicit.ts';
import type { Gathered } from './gather.ts';
import { TRANSACTION_HEADERS } from './properties.ts';

export interface HttpTransactionsOptions extends RequestServices {
  readonly transactions: Pick<
    ExplicitTransactions,
    | 'reserveId'
    | 'begin'
    | 'startLoad'
    | 'joinLoad'
    | 'prepare'
    | 'commit'
    | 'rollback'
    | 'gathered'
    | 'beginChannel'
    | 'closeChannel'
  >;
  readonly limits: () => RequestLimits & {
    readonly defaultTimeoutMs: number;
    readonly preparedTimeoutMs: number;
  };
}

/** What a transaction, or a load of it, comes to. */
type Counted = Omit<Gathered, 'targets' | 'tables'>;

const ROLLED_BACK = 'User Abort';
const MULTI_CHANNELS =
  'parallel channels are of one table: channel_id and channel_num go without transaction_type';
/** After them the transaction is what it was before. */
const KEEPS: ReadonlySet<string> = new Set([
  'TRANSACTION_BUSY',
  'TRANSACTION_STATE',
  'TRANSACTION_ABORTED',
]);

export class HttpTransactions {
  readonly #options: HttpTransactionsOptions;
  readonly #bodies = new TransactionBodies();
  readonly #channels: Channels;

  constructor(options: HttpTransactionsOptions) {
    this.#options = options;
    this.#channels = new Channels(options);
  }

  /** All requests but those with bodies. Never throws. */
  async answer(request: TransactionRequest): Promise<HttpAnswer> {
    const label = request.headers['label'] ?? '';
    try {
      if (label === '') return failedAnswer('FAILED', MESSAGES.emptyLabel);
      if (request.database === '') return failedAnswer('FAILED', MESSAGES.noDatabase, label);
      const principal = await loginOf(this.#options, request);
      switch (request.op) {
        case 'begin':
          return await this.#begin(request, label, principal);
        case 'prepare':
          return await this.#prepare(request, await this.#find(request, label, principal));
        case 'commit':
          return await this.#commit(await this.#find(request, label, principal));
        case 'rollback':
          return await this.#rollback(await this.#find(request, label, principal));
      }
    } catch (thrown) {
      return this.#refusal(thrown, label);
    }
  }

  async #begin(
    request: TransactionRequest,
    label: string,
    principal: Principal,
  ): Promise<HttpAnswer> {
    const { transactions, clock, coordinator, catalog } = this.#options;
    const startedMs = clock.monotonicMs();
    checkLabel(label);
    const given = headersOf(request.headers);
    const channel = channelOf(request.headers);
    const isMulti = given['transaction_type'] === 'multi';
    if (isMulti && channel !== null) throw analysisError(MULTI_CHANNELS);
    const tableName = request.headers['table'] ?? '';
    if (!isMulti && tableName === '') {
      const message = channel === null ? MESSAGES.noTable : MESSAGES.noTableFirst;
      return failedAnswer('FAILED', message, label);
    }
    const database = await loadedDatabase(catalog, request.database);
    const table = isMulti ? null : await this.#table(principal, request.database, tableName);
    const further = async (): Promise<HttpAnswer | null> =>
      channel === null || table === null
        ? await this.#takeOver(database.id, label, principal)
        : await this.#joinChannel(database.id, label, principal, table, channel);
    const used = await further();
    if (used !== null) return used;
    const transactionId = await transactions.reserveId();
    try {
      await transactions.begin({
        transactionId,
        label,
        databaseId: database.id,
        tableId: table?.id ?? null,
        source: isMulti ? 'MULTI_STATEMENT_STREAMING' : 'BACKEND_STREAMING',
        scope: 'CLIENT',
        coordinator,
        userName: principal.identity.name,
        timeoutMs: secondsOf(given['timeout']) ?? this.#options.limits().defaultTimeoutMs,
        idleTimeoutMs: secondsOf(given['idle_transaction_timeout']),
        channels: channel?.count ?? 0,
      });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'LABEL_ALREADY_EXISTS') throw error;
      // Another request for the same label came between; of the same transaction, where it is another channel's.
      const joined = channel === null ? null : await further();
      return joined ?? labelUsedAnswer(label, errorText(error), true);
    }
    if (channel !== null) await transactions.beginChannel(transactionId, channel.id);
    const ms = clock.monotonicMs() - startedMs;
    return channel === null
      ? beginAnswer(label, transactionId, ms)
      : channelBegunAnswer(label, transactionId, channel.count, { ms });
  }

  /** Begins a further channel of a transaction; null: there is none of the label. */
  async #joinChannel(
    databaseId: TransactionRecord['databaseId'],
    label: string,
    principal: Principal,
    table: TableInfo,
    channel: Channel,
  ): Promise<HttpAnswer | null> {
    const record = await this.#options.catalog.transactions.byLabel(databaseId, label);
    if (record === null || record.state === 'ABORTED') return null;
    const isOwn = record.scope === 'CLIENT' && record.userName === principal.identity.name;
    if (!isOwn || !(await this.#channels.has(record))) return usedAnswer(record);
    this.#channels.checkTable(record, table);
    try {
      return await this.#channels.begin(record, channel);
    } catch (thrown) {
      // SOURCE: StarRocks: a channel that contradicts the others ends the transaction.
      const error = toAppError(thrown);
      await this.#endedBy(record.id, error);
      throw error;
    }
  }

  /** Rolls back an unfinished one of the same user; the answer where the label is used otherwise. */
  async #takeOver(
    databaseId: TransactionRecord['databaseId'],
    label: string,
    principal: Principal,
  ): Promise<HttpAnswer | null> {
    const record = await this.#options.catalog.transactions.byLabel(databaseId, label);
    if (record === null || record.state === 'ABORTED') return null;
    const isOwn = record.scope === 'CLIENT' && record.userName === principal.identity.name;
    if (isOwn && record.state === 'PREPARE') {
      await this.#abort(record.id, 'begun anew with its label');
      return null;
    }
    return usedAnswer(record);
  }

  async #prepare(request: TransactionRequest, record: TransactionRecord): Promise<HttpAnswer> {
    const { transactions, limits } = this.#options;
    const { id, label } = record;
    const seconds = secondsOf(headersOf(request.headers)['prepared_timeout']);
    const channel = await this.#channels.of(record, request.headers);
    const closed = channel === null ? null : await this.#channels.close(record, channel);
    if (closed !== null && !closed.isLast) return closed.answer;
    if (closed === null && record.isBusy) throw fail('TRANSACTION_BUSY', { transactionId: id });
    const gathered = await transactions.gathered(id);
    if (gathered.targets.length === 0 && record.state === 'PREPARE') {
      const error = fail('TRANSACTION_EMPTY', { transactionId: id });
      await this.#abort(id, errorText(error));
      return failedAnswer('FAILED', errorText(error), label);
    }
    await transactions.prepare(id, seconds ?? limits().preparedTimeoutMs);
    const times = this.#timesOf(record, gathered, 0);
    return endedAnswer(label, id, gathered, times, closed?.message, closed?.channels);
  }

  async #commit(record: TransactionRecord): Promise<HttpAnswer> {
    const { transactions, clock, limits } = this.#options;
    const { id, label } = record;
    if (record.state === 'VISIBLE') return this.#committedAlready(record);
    const refused = await this.#channels.refuseCommit(record);
    if (refused !== null) return refused;
    // From here on no load may join.
    await transactions.prepare(id, limits().preparedTimeoutMs);
    failpoint('transaction.before-commit');
    const fromMs = clock.monotonicMs();
    try {
      const committed = await transactions.commit(id, (gathered) =>
        this.#factsOf(id, record.prepareMs, gathered),
      );
      this.#bodies.forget(id);
      const times = this.#timesOf(record, committed, clock.monotonicMs() - fromMs);
      return endedAnswer(label, id, committed, times);
    } catch (thrown) {
      const error = toAppError(thrown);
      // What may come to a good end when it is asked for again stays as it is.
      if (error.kind === 'user') await this.#abort(id, errorText(error));
      throw error;
    }
  }

  #committedAlready(record: TransactionRecord): HttpAnswer {
    const { facts } = readOutcome(record.attachmentJson);
    const { rowsLoaded = 0, rowsFiltered = 0, rowsUnselected = 0, bodyBytes = 0 } = facts ?? {};
    return endedAnswer(
      record.label,
      record.id,
      { rowsLoaded, rowsFiltered, rowsUnselected, bodyBytes },
      {
        loadMs: (record.finishMs ?? record.prepareMs) - record.prepareMs,
        planMs: facts?.planMs ?? 0,
        readMs: facts?.readMs ?? 0,
        writeMs: facts?.writeMs ?? 0,
        commitMs: facts?.commitMs ?? 0,
      },
      MESSAGES.committedAlready,
    );
  }

  async #rollback(record: TransactionRecord): Promise<HttpAnswer> {
    if (record.state === 'VISIBLE') {
      const detail = { transactionId: record.id, state: record.state, wanted: 'ABORTED' };
      throw fail('TRANSACTION_STATE', detail);
    }
    if (record.state !== 'ABORTED') await this.#abort(record.id, ROLLED_BACK);
    return rolledBackAnswer();
  }

  async #abort(id: TransactionId, reason: string): Promise<void> {
    const { transactions, stopBody, log } = this.#options;
    await transactions.rollback(id, reason);
    if (!this.#bodies.forget(id)) return;
    await stopBody(id).catch((error: unknown) => {
      log.warn('a body of a transaction could not be stopped', { txn: id, error });
    });
  }

  /** A load of a transaction: may it run, and how? Never throws: what is wrong is in the answer. */
  async beginLoad(head: BodyLoadHead, signal: AbortSignal): Promise<BodyLoadBegin> {
    const label = head.headers['label'] ?? '';
    const refuse = (answer: HttpAnswer): BodyLoadBegin => ({ kind: 'answer', answer });
    let record: TransactionRecord;
    let principal: Principal;
    try {
      if (label === '') return refuse(failedAnswer('FAILED', MESSAGES.emptyLabel));
      if (head.database === '') return refuse(failedAnswer('FAILED', MESSAGES.noDatabase, label));
      if (head.table === '') return refuse(failedAnswer('FAILED', MESSAGES.noTable, label));
      principal = await loginOf(this.#options, head);
      record = await this.#find(head, label, principal);
    } catch (thrown) {
      return refuse(this.#refusal(thrown, label));
    }
    try {
      return await this.#beginBody(head, record, principal, signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      await this.#endedBy(record.id, error);
      return refuse(this.#refusal(error, label));
    }
  }

  async #beginBody(
    head: BodyLoadHead,
    record: TransactionRecord,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<BodyLoadBegin> {
    const { transactions, catalog, clock, timeZone } = this.#options;
    const { id, label } = record;
    const channel = await this.#channels.of(record, head.headers);
    if (channel === 'all') throw analysisError(MESSAGES.noChannel);
    const table = await this.#table(principal, head.database, head.table);
    if (channel !== null) this.#channels.checkTable(record, table);
    if (record.tableId !== null && record.tableId !== table.id) {
      throw analysisError(
        `the transaction of label ${label} is of another table: begin it with transaction_type: multi`,
      );
    }
    const limits = this.#options.limits();
    const definition = defineRequest(head, timeZone(), limits);
    if (definition.properties['enable_merge_commit'] === 'true')
      throw analysisError('a load of a transaction is not merged with others: enable_merge_commit');
    const timeoutMs = definition.timeoutMs ?? record.timeoutMs;
    await transactions.startLoad(id, table.id, signal, channel?.id);
    const fromMs = clock.monotonicMs();
    const { userName } = record;
    const input = { definition, table, label, userName, timeoutMs, limits };
    const plan = await planStreamLoad(catalog, input);
    signal.throwIfAborted();
    const planMs = clock.monotonicMs() - fromMs;
    const beganMs = record.prepareMs;
    const own = { transactionId: id, channel: channel?.id ?? null, label };
    const loadId = this.#bodies.keep({ ...own, table, planMs, beganMs, ending: null });
    const begun = { transactionId: id, label, volumeId: table.volumeId };
    return { kind: 'load', load: { plan, begun, loadId, timeoutMs } };
  }

  /** SOURCE: StarRocks: an error in a load rolls the transaction back; but not where another load is under way. */
  async #endedBy(id: TransactionId, error: AppError): Promise<void> {
    if (KEEPS.has(error.code)) return;
    await this.#abort(id, errorText(error));
  }

  /** What was staged joins the transaction, or ends it. Said again it gives the same answer. Never throws. */
  async endLoad({ transactionId, outcome }: BodyLoadEnd, loadId: number): Promise<HttpAnswer> {
    const body = this.#bodies.find(loadId);
    if (body === undefined) {
      return errorAnswer(fail('UNKNOWN_TRANSACTION', { transactionId }), '');
    }
    body.ending ??=
      outcome.kind === 'staged'
        ? this.#join(body, outcome.staged)
        : this.#giveUp(body, decodeError(outcome.error), outcome.counts);
    return await body.ending;
  }

  async #join(body: BodyOfTransaction, staged: StagedLoad): Promise<HttpAnswer> {
    const { transactionId, channel, label, table, planMs } = body;
    const { tables, rowsLoaded, rowsFiltered, errorSamples, rowsUnselected, bodyBytes } = staged;
    const { readMs, writeMs } = staged;
    try {
      const part = {
        ...{ tables, rowsLoaded, rowsFiltered, errorSamples, rowsUnselected, bodyBytes },
        targetId: table.id,
        rewrittenVersion: table.rewrittenVersion ?? 0,
        times: { planMs, readMs, writeMs },
      };
      const place = await this.#options.transactions.joinLoad(transactionId, part, channel);
      return loadedAnswer(label, transactionId, staged, { planMs, readMs, seq: place - 1 });
    } catch (thrown) {
      return await this.#giveUp(body, toAppError(thrown), staged);
    }
  }

  /** `counts`: how far the load came; its rejected rows are kept, and found by the transaction. */
  async #giveUp(
    { transactionId, label, planMs, beganMs }: BodyOfTransaction,
    error: AppError,
    {
      rowsLoaded,
      rowsFiltered,
      rowsUnselected,
      bodyBytes,
      readMs,
      writeMs,
      errorSamples,
    }: FailedLoad,
  ): Promise<HttpAnswer> {
    const facts = this.#factsOf(transactionId, beganMs, {
      rowsLoaded,
      rowsFiltered,
      rowsUnselected,
      bodyBytes,
      errorSamples,
      times: { planMs, readMs, writeMs },
    });
    await this.#options.transactions.rollback(transactionId, errorText(error), facts);
    return this.#refusal(error, label);
  }

  /** For SHOW STREAM LOAD and information_schema. */
  #factsOf(id: TransactionId, startedMs: number, counted: Counted): LoadFacts {
    const { rowsLoaded, rowsFiltered, rowsUnselected, bodyBytes, errorSamples, times } = counted;
    const errors = { kind: 'transaction', id } as const;
    return {
      loadType: 'TRANSACTION_STREAM_LOAD',
      rowsLoaded,
      rowsFiltered,
      rowsUnselected,
      bodyBytes,
      errorSamples,
      startedMs,
      beginMs: 0,
      ...times,
      commitMs: null,
      properties: {},
      trackingFile: rowsFiltered === 0 ? null : errorLogFile(this.#options.catalog, errors),
      clientAddress: null,
    };
  }

  /** Rolls back where a body was on its way to a CN that is gone: nobody will end it. */
  async loaderGone(): Promise<void> {
    const reason = 'the process that loaded its body ended';
    for (const id of this.#bodies.dropRunning()) {
      await this.#options.transactions.rollback(id, reason);
    }
  }

  async #table(principal: Principal, database: string, table: string): Promise<TableInfo> {
    await this.#options.access.checkLoad(principal, database, table);
    return await loadedTable(this.#options.catalog, database, table);
  }

  /** The transaction of the label. Throws UNKNOWN_LABEL where there is none that the client may know of. */
  async #find(
    { database: name }: BodyLoadHead | TransactionRequest,
    label: string,
    principal: Principal,
  ): Promise<TransactionRecord> {
    const { catalog } = this.#options;
    const database = await loadedDatabase(catalog, name);
    const record = await catalog.transactions.byLabel(database.id, label);
    const isOwn = record?.userName === principal.identity.name;
    if (record === null || !isOwn || record.scope !== 'CLIENT') {
      throw fail('UNKNOWN_LABEL', { label });
    }
    return record;
  }

  #timesOf(record: TransactionRecord, { times }: Gathered, commitMs: number) {
    return { loadMs: this.#options.catalog.nowMs() - record.prepareMs, ...times, commitMs };
  }

  #refusal(thrown: unknown, label: string): HttpAnswer {
    const error = toAppError(thrown);
    if (error.kind === 'internal') {
      this.#options.log.error('a transaction of stream loads failed', { error });
    }
    return errorAnswer(error, label);
  }
}

/** The label is another transaction's. */
function usedAnswer({ id, label, finishMs }: TransactionRecord): HttpAnswer {
  const message = errorText(fail('LABEL_ALREADY_EXISTS', { label, transactionId: id }));
  return labelUsedAnswer(label, message, finishMs === null);
}

function headersOf(headers: PropertyMap): PropertyMap {
  const known = Object.entries(headers).filter(
    ([name, value]) => Object.hasOwn(TRANSACTION_HEADERS, name) && value !== '',
  );
  return checkProperties(TRANSACTION_HEADERS, Object.fromEntries(known));
}

function secondsOf(text: string | undefined): number | null {
  return text === undefined ? null : Number(text) * 1000;
}
