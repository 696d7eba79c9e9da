// The HTTP door of the CN's loader process: bodies go from there through the loader, and the FE is asked for leave
// before and for the commit after. A lost answer of the FE is asked for again: ending a load twice changes nothing.
import type { Clock } from '../base/clock.ts';
import { type AppError, encodeError, fail, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { Log } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import type { FeApi, LoaderApi } from '../cluster/rpc/messages.ts';
import type { RpcPeer } from '../cluster/rpc/peer.ts';
import { type LoadDoor, startLoadDoor } from '../http/load-door.ts';
import { MergeCommits } from '../loads/merge/merge-commit.ts';
import { refused } from '../loads/stream/answer.ts';
import { errorAnswer, failedAnswer, MESSAGES } from '../loads/transaction/answer.ts';
import type {
  AcceptedLoad,
  BodyLoadBegin,
  BodyLoadEnd,
  BodyLoadHead,
  FailedLoad,
  HttpAnswer,
  TransactionRequest,
} from '../model/body-load.ts';
import { FilteredLoad } from '../pipeline/body-run.ts';
import type { Loader } from '../pipeline/loader.ts';
import { callBegin } from './begin-call.ts';
import { openKeepRejects, REJECTS_MS } from './keep-rejects.ts';

export interface BodyDoorOptions {
  readonly peer: RpcPeer<LoaderApi, FeApi>;
  readonly loader: Loader;
  readonly host: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A commit may wait for the turns of its table. */
const END_MS = 180_000;
/** A commit that still runs is waited for by the next call. */
const END_ATTEMPTS = 60;

const NOTHING: FailedLoad = {
  rowsLoaded: 0,
  rowsFiltered: 0,
  rowsUnselected: 0,
  bodyBytes: 0,
  readMs: 0,
  writeMs: 0,
  errorSamples: [],
};

/** Throws PORT_IN_USE. */
export async function openBodyDoor(
  options: BodyDoorOptions,
  { port, forwardToken, maxLoads }: LoaderApi['openHttp']['params'],
): Promise<LoadDoor> {
  const { peer, host, clock, log } = options;
  const begins = { peer, clock, random: systemRandom };
  const merges = new MergeCommits({
    clock,
    random: systemRandom,
    services: {
      admit: (head, signal) => peer.call('admitMerge', head, { signal }),
      begin: (head, signal) => callBegin(begins, head, signal),
      run: (load, body, signal) => runLoad(options, load, body, signal),
    },
  });
  const door = await startLoadDoor({
    host,
    port,
    forwardToken,
    maxLoads,
    clock,
    log,
    services: {
      begin: (head, signal) => begin(options, head, signal),
      run: (load, body, signal) => runLoad(options, load, body, signal),
      merge: (head, accept, gone) => merges.handle(head, accept, gone),
      ofLabel: (request) => peer.call('ofLabel', request),
      ofTransaction: (request) =>
        askTransaction(
          (asked) => peer.call('ofTransaction', asked, { timeoutMs: END_MS }),
          request,
        ),
      errorLog: async (file) => {
        const { lines } = await peer.call('errorLog', { file }, { timeoutMs: REJECTS_MS });
        return lines;
      },
      refusal: (label, error, ofTransaction) =>
        ofTransaction ? errorAnswer(error, label) : refused(label, error),
    },
  });
  return {
    port: door.port,
    stopBody: (transactionId) => merges.stop(transactionId) || door.stopBody(transactionId),
    close: async () => {
      merges.close();
      await door.close();
    },
  };
}

/** A client that goes away while its load is begun leaves none: it is ended even if it was begun already. */
function begin(
  options: BodyDoorOptions,
  head: BodyLoadHead,
  signal: AbortSignal,
): Promise<BodyLoadBegin> {
  const { peer, clock, log } = options;
  const onLate = (begun: BodyLoadBegin): void => {
    if (begun.kind === 'answer') return;
    endFailed(options, begun.load, fail('CLIENT_GONE'), null).catch((error: unknown) => {
      const txn = begun.load.begun.transactionId;
      log.warn('a load without a client was not ended', { txn, error });
    });
  };
  return callBegin({ peer, clock, random: systemRandom }, head, signal, onLate);
}

/** The answer of the front end, or why there is none; the client then asks for the label's state, or again. */
export async function askTransaction(
  ask: (request: TransactionRequest) => Promise<HttpAnswer>,
  request: TransactionRequest,
): Promise<HttpAnswer> {
  const label = request.headers['label'] ?? '';
  try {
    return await ask(request);
  } catch (thrown) {
    const error = toAppError(thrown);
    return error.code === 'TIMEOUT' && request.op === 'commit'
      ? failedAnswer('Commit Timeout', MESSAGES.commitTimeout, label)
      : errorAnswer(error, label);
  }
}

async function runLoad(
  options: BodyDoorOptions,
  load: AcceptedLoad,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { clock, loader } = options;
  const { plan, begun, timeoutMs } = load;
  const late = new AbortController();
  const timer = clock.after(timeoutMs, () =>
    late.abort(
      fail('TIMEOUT', { what: 'the load', timeoutMs, hint: 'the header timeout raises it' }),
    ),
  );
  const either = AbortSignal.any([signal, late.signal]);
  try {
    const staged = await loader.loadBody(plan, begun, body, either);
    failpoint('body.staged');
    const answer = await endLoad(options, load, { kind: 'staged', staged });
    failpoint('body.answered');
    return answer;
  } catch (thrown) {
    const error = either.aborted ? toAppError(either.reason) : toAppError(thrown);
    const filtered = thrown instanceof FilteredLoad ? thrown : null;
    return await endFailed(options, load, error, filtered);
  } finally {
    timer.cancel();
  }
}

async function endFailed(
  options: BodyDoorOptions,
  load: AcceptedLoad,
  error: AppError,
  filtered: FilteredLoad | null,
): Promise<HttpAnswer> {
  try {
    const answer = await endLoad(options, load, {
      kind: 'failed',
      error: encodeError(error),
      counts: filtered === null ? NOTHING : countsOf(filtered.counts),
    });
    if (filtered !== null) await keepRejects(options, load, filtered);
    return answer;
  } finally {
    filtered?.rejected.close();
  }
}

function countsOf(counts: FailedLoad): FailedLoad {
  const { rowsLoaded, rowsFiltered, rowsUnselected, bodyBytes, readMs, writeMs } = counts;
  const { errorSamples } = counts;
  return { rowsLoaded, rowsFiltered, rowsUnselected, bodyBytes, readMs, writeMs, errorSamples };
}

/** Throws PEER_GONE, and TIMEOUT where the FE does not answer at all. */
async function endLoad(
  { peer, log }: BodyDoorOptions,
  { begun, loadId }: AcceptedLoad,
  outcome: BodyLoadEnd['outcome'],
): Promise<HttpAnswer> {
  const { transactionId } = begun;
  const which = loadId === undefined ? {} : { loadId };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await peer.call('endLoad', { transactionId, outcome, ...which });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'TIMEOUT' || attempt === END_ATTEMPTS) throw error;
      log.warn('the end of a load is asked for again', { txn: transactionId, error });
    }
  }
}

async function keepRejects(
  { peer, loader, log }: BodyDoorOptions,
  { plan, begun }: AcceptedLoad,
  filtered: FilteredLoad,
): Promise<void> {
  const keep = openKeepRejects(() => peer, log);
  const { signal } = new AbortController();
  await keep(begun.transactionId, async (own) => {
    const staged = await loader.stageKeptRejects(plan, filtered, own, signal);
    return staged === null ? null : { staged, rows: filtered.rejected.rowCount };
  });
}
