// What a door that hears a load's request and the front end say to each other: the request without its body, and what
// becomes of it. Plain data, structured-clone safe. Passwords are in here: never logged, never stored.
import type { WireError } from '../base/errors.ts';
import type { TransactionId } from '../base/ids.ts';
import type { StagedLoad } from './insert-plan.ts';
import type { BegunTransaction, BodyCompression, BodyLoadPlan } from './load-plan.ts';

/** Where both doors show rejected rows. */
export const ERROR_LOG_PATH = '/api/_load_error_log';

/** User and password of a request; null = none that can be read. */
export type RequestLogin = { readonly user: string; readonly password: string } | null;

/** Who asks for something below `/api/{database}`, and in which words. */
export interface RequestHead {
  readonly database: string;
  /** By lower-case names, without `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names of those that were there more than once. */
  readonly repeated: readonly string[];
  readonly login: RequestLogin;
  /** IP address. */
  readonly clientAddress: string;
}

/** A request whose body is to be loaded. */
export interface BodyLoadHead extends RequestHead {
  readonly table: string;
  /** It is one of the loads of the transaction of its label. Absent: it is a transaction of its own. */
  readonly ofTransaction?: true;
}

export type TransactionOp = 'begin' | 'prepare' | 'commit' | 'rollback';

/** A request about a transaction of several loads, which its header `label` names. */
export interface TransactionRequest extends RequestHead {
  readonly op: TransactionOp;
}

/** As StarRocks words it. */
export type LoadStatus = 'Success' | 'Publish Timeout' | 'Label Already Exists' | 'Fail';

/** What became of a Stream Load, for requests that were merged into it. */
export interface LoadEnd {
  /** -1 = none was begun. */
  readonly transactionId: number;
  readonly label: string;
  readonly status: LoadStatus;
  readonly message: string;
  /** Link to its rejected rows. */
  readonly errorUrl?: string;
}

/** JSON text for the client, with its HTTP status. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** What it says of a Stream Load; absent: it is the answer to something else. */
  readonly end?: LoadEnd;
}

/** A load that may run: nothing of it is visible before it is ended. */
export interface AcceptedLoad {
  readonly plan: BodyLoadPlan;
  readonly begun: BegunTransaction;
  /** Which load of a transaction it is, where that has several. */
  readonly loadId?: number;
  /** From now on, with its body. */
  readonly timeoutMs: number;
}

export type BodyLoadBegin =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  | { readonly kind: 'load'; readonly load: AcceptedLoad };

/** How far a load came that failed. */
export type FailedLoad = Pick<
  StagedLoad,
  | 'rowsLoaded'
  | 'rowsFiltered'
  | 'rowsUnselected'
  | 'bodyBytes'
  | 'readMs'
  | 'writeMs'
  | 'errorSamples'
>;

/** How the work on a body ended. Said again after a lost answer, it changes nothing. */
export interface BodyLoadEnd {
  readonly transactionId: TransactionId;
  /** Of a load of a transaction of several. */
  readonly loadId?: number;
  readonly outcome:
    | { readonly kind: 'staged'; readonly staged: StagedLoad }
    | { readonly kind: 'failed'; readonly error: WireError; readonly counts: FailedLoad };
}

/** A request about a label: `get_load_state`, `_cancel`. */
export interface LabelRequest extends RequestHead {
  readonly kind: 'state' | 'cancel';
  readonly label: string;
}

/** How a request is merged with others that say the same (merge commit). */
export interface MergeRules {
  /** So long others are waited for. */
  readonly intervalMs: number;
  /** Answered when its bytes are here. */
  readonly isAsync: boolean;
  readonly timeoutMs: number;
  /** Of its body. */
  readonly idleTimeoutMs: number;
  readonly compression: BodyCompression;
  /** Of CSV: every body has to end with it; null: JSON. */
  readonly rowDelimiter: string | null;
}

export type MergeAdmission =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  | { readonly kind: 'merge'; readonly rules: MergeRules };

/** What tells loads with bodies apart: a transaction of several loads may have some at once. */
export function bodyKey(transactionId: TransactionId, loadId: number | undefined): string {
  return `${transactionId}:${loadId ?? ''}`;
}
