// Loads whose rows come as bodies, on the FE: the service, and what the CN's HTTP door calls of it.
import type { AccessControl } from '../access/access-control.ts';
import { fail } from '../base/errors.ts';
import type { TransactionId } from '../base/ids.ts';
import { settledWithin } from '../base/queue.ts';
import type { BodyLoadApi } from '../cluster/rpc/messages.ts';
import type { Handlers } from '../cluster/rpc/peer.ts';
import type { ResolvingCommitter } from '../commit/resolving.ts';
import { DEFAULT_COMMIT_LIMITS } from '../commit/types.ts';
import type { LabelServices } from '../http/load-routes.ts';
import { BodyMetrics } from '../loads/body-metrics.ts';
import { refused } from '../loads/stream/answer.ts';
import { RejectedOfFailed } from '../loads/stream/rejected.ts';
import { StreamLoads } from '../loads/stream/service.ts';
import { errorAnswer } from '../loads/transaction/answer.ts';
import { HttpTransactions } from '../loads/transaction/http.ts';
import type { BodyLoadHead, HttpAnswer } from '../model/body-load.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../model/system-tables.ts';
import type { Services } from '../statements/types.ts';
import { BegunBodies } from './begun-bodies.ts';
import { readErrorLog } from './error-log.ts';
import type { FeOptions } from './fe.ts';
import type { Logins } from './logins.ts';
import { makeExplicitTransactions } from './statement-loads.ts';

export interface BodyLoadServices {
  readonly streamLoads: StreamLoads;
  readonly transactions: HttpTransactions;
  /** What comes without a body, by either port. */
  readonly labels: LabelServices;
  readonly rejected: RejectedOfFailed;
  readonly begun: BegunBodies;
  readonly figures: BodyMetrics;
  readonly errorLog: (file: string) => Promise<string>;
  /** The process that reads bodies ended. */
  readonly loaderGone: () => Promise<void>;
  /** From now on new bodies and transactions are refused with BODY_SHUTDOWN; those on their way go on. */
  readonly refuseNew: () => void;
  readonly refusesNew: () => boolean;
  /** Waits for the bodies on their way, for so long at most. */
  readonly drain: (ms: number) => Promise<unknown>;
}

const MB = 1024 * 1024;

export function makeBodyLoads(
  options: FeOptions,
  parts: {
    readonly access: AccessControl;
    readonly committer: ResolvingCommitter;
    readonly logins: Logins;
    readonly services: Services;
    /** Of the one CN, as SHOW TRANSACTION prints it. */
    readonly node: string;
    /** Filled in once the doors are open. */
    readonly ports: { readonly httpPort: number };
  },
): BodyLoadServices {
  const { catalog, config, cn, clock, random, log, metrics } = options;
  const { access, committer, logins, services, ports } = parts;
  const coordinator = `CN: ${parts.node}`;
  const shared = {
    catalog,
    access,
    authenticate: (user: string, from: string, password: string) =>
      logins.http(user, from, password),
    clock,
    log,
    coordinator,
    timeZone: () => services.globals.get('time_zone') ?? 'Etc/UTC',
    stopBody: async (transactionId: TransactionId) => {
      await (await cn.loader()).call('stopBody', { transactionId });
    },
  };
  const limits = () => ({
    maxBytes: config.int('streaming_load_max_mb') * MB,
    maxJsonBytes: config.int('streaming_load_max_batch_size_mb') * MB,
    idleTimeoutMs: config.int('stream_load_idle_timeout_second') * 1000,
    keptRowBytes: config.int('rejected_message_max_bytes'),
    defaultTimeoutMs: config.int('stream_load_default_timeout_second') * 1000,
  });
  const streamLoads = new StreamLoads({
    ...shared,
    committer,
    random,
    metrics,
    limits: () => ({ ...limits(), emptyIsError: config.bool('empty_load_as_error') }),
    address: () => `${options.host}:${ports.httpPort}`,
  });
  const transactions = new HttpTransactions({
    ...shared,
    transactions: makeExplicitTransactions(options, committer),
    limits: () => ({ ...limits(), preparedTimeoutMs: DEFAULT_COMMIT_LIMITS.preparedTimeoutMs }),
  });
  const rejected = new RejectedOfFailed({
    committer,
    random,
    coordinator,
    table: () => catalog.tables.get(STATISTICS_DATABASE, REJECTED_RECORDS_TABLE),
  });
  const begun = new BegunBodies();
  const figures = new BodyMetrics({ metrics, clock });
  const loaderGone = async (): Promise<void> => {
    begun.clear();
    figures.loaderGone();
    await Promise.all([streamLoads.loaderGone(), transactions.loaderGone()]);
  };
  let refuses = false;
  return {
    streamLoads,
    transactions,
    labels: labelServices(
      streamLoads,
      {
        answer: (request) => figures.ofTransaction(request, () => transactions.answer(request)),
      },
      () => refuses,
    ),
    rejected,
    begun,
    figures,
    loaderGone,
    refuseNew: () => {
      refuses = true;
    },
    refusesNew: () => refuses,
    drain: (ms) => settledWithin(clock, begun.idle(), ms),
    errorLog: (file) => readErrorLog(services, file),
  };
}

/** Requests without a body. Once new ones are refused no transaction begins; those that run may come to their end. */
export function labelServices(
  streamLoads: Pick<StreamLoads, 'ofLabel'>,
  transactions: Pick<HttpTransactions, 'answer'>,
  refusesNew: () => boolean,
): LabelServices {
  return {
    ofLabel: (request) => streamLoads.ofLabel(request),
    ofTransaction: async (request) => {
      if (refusesNew() && request.op === 'begin')
        return errorAnswer(fail('BODY_SHUTDOWN'), request.headers['label'] ?? '');
      return await transactions.answer(request);
    },
  };
}

/** What the CN may call, from before the FE is open: calls wait for it. */
export function bodyLoadHandlers(ready: Promise<BodyLoadServices>): Handlers<BodyLoadApi> {
  return {
    beginLoad: async ({ head, requestId }, { signal }) => {
      const { transactions, streamLoads, begun, figures, refusesNew } = await ready;
      if (refusesNew()) return { kind: 'answer', answer: shutdownAnswer(head) };
      return await begun.answer(requestId, async () => {
        const answer =
          head.ofTransaction === true
            ? await transactions.beginLoad(head, signal)
            : await streamLoads.begin(head, signal);
        figures.began(head, answer);
        return answer;
      });
    },
    findBegin: async ({ requestId }) => (await ready).begun.find(requestId),
    endLoad: async (end) => {
      const { transactions, streamLoads, begun, figures } = await ready;
      const answer =
        end.loadId === undefined
          ? await streamLoads.end(end)
          : await transactions.endLoad(end, end.loadId);
      begun.ended(end);
      figures.ended(end);
      return answer;
    },
    ofTransaction: async (request) => (await ready).labels.ofTransaction(request),
    admitMerge: async (head) => {
      const { streamLoads, refusesNew } = await ready;
      if (refusesNew()) return { kind: 'answer', answer: shutdownAnswer(head) };
      return await streamLoads.admitMerge(head);
    },
    beginRejects: async ({ transactionId }) => (await ready).rejected.begin(transactionId),
    commitRejects: async ({ transactionId, staged, rows }) => {
      await (await ready).rejected.commit(transactionId, staged, rows);
      return {};
    },
    ofLabel: async (request) => (await ready).labels.ofLabel(request),
    errorLog: async ({ file }) => ({ lines: await (await ready).errorLog(file) }),
  };
}

/** SOURCE: StarRocks BE: a load is refused so while the process ends; a transaction of it stays as it is. */
function shutdownAnswer({ headers, ofTransaction }: BodyLoadHead): HttpAnswer {
  const error = fail('BODY_SHUTDOWN');
  const { label = '' } = headers;
  return ofTransaction === true ? errorAnswer(error, label) : refused(label, error);
}
