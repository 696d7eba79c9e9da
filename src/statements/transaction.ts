// BEGIN, COMMIT and ROLLBACK, and what a session may do between them. SOURCE: StarRocks docs, SQL transactions (3.5).
// Beyond it: until the transaction has written something, every statement is allowed and runs by itself, so that
// clients that put BEGIN and COMMIT around whatever they send go on working.
import { fail } from '../base/errors.ts';
import { checkLabel } from '../loads/label.ts';
import { analysisError } from '../loads/properties.ts';
import type { SqlTransaction } from '../loads/transaction/sql.ts';
import type { Statement } from '../sql/ast/statement.ts';
import type { Handler, Outcome, Session, StatementContext } from './types.ts';
import { variableText } from './variables.ts';

type Shown = 'PREPARE' | 'VISIBLE' | 'ABORTED';

/** SOURCE: StarRocks: BEGIN within a transaction changes nothing, and tells of the one that is open. */
export const begin: Handler<'begin'> = async ({ label }, { session, services }) => {
  const { transaction: open } = session.explicit;
  if (open !== null) {
    if (label !== null && label !== open.label) {
      throw analysisError(
        `Transaction already exists with label '${open.label}', cannot begin with different label '${label}'`,
      );
    }
    return transactionOutcome(open, 'PREPARE');
  }
  checkLabel(label);
  const seconds = variableText('insert_timeout', 'session', session, services.globals);
  const begun = await services.transactions.begin(label, session.database, {
    userName: session.user,
    timeoutMs: Number(seconds) * 1000,
  });
  session.explicit.transaction = begun;
  return transactionOutcome(begun, 'PREPARE');
};

/** Without a transaction it does nothing: drivers send it after single statements. */
export const commit: Handler<'commit'> = async (_statement, { session, services }) => {
  const { transaction } = session.explicit;
  if (transaction === null) return { kind: 'ok' };
  // Whatever becomes of it, the session is out of it.
  session.explicit.transaction = null;
  await services.transactions.commit(transaction);
  return transactionOutcome(transaction, 'VISIBLE');
};

export const rollback: Handler<'rollback'> = async (_statement, context) => {
  const { transaction } = context.session.explicit;
  if (transaction === null) return { kind: 'ok' };
  await leaveTransaction(context, 'rollback transaction by user');
  return transactionOutcome(transaction, 'ABORTED');
};

/** Rolls back what the session has open, if anything: at its end, too. */
export async function leaveTransaction(
  { session, services }: Pick<StatementContext, 'session' | 'services'>,
  reason: string,
): Promise<void> {
  const { transaction } = session.explicit;
  if (transaction === null) return;
  session.explicit.transaction = null;
  await services.transactions.rollback(transaction, reason);
}

/** The OK of a statement of the transaction. */
export function transactionOutcome(
  { label, transactionId }: SqlTransaction,
  status: Shown,
  counts: Pick<Extract<Outcome, { kind: 'ok' }>, 'affectedRows' | 'warnings' | 'remarks'> = {},
): Outcome {
  const info = `{'label':'${label}', 'status':'${status}', 'txnId':'${transactionId}'}`;
  return { kind: 'ok', ...counts, info };
}

/** Kinds beside SHOW and DESC that change nothing but the session, or are parts of the transaction. */
const ALLOWED: ReadonlySet<Statement['kind']> = new Set([
  'query',
  'explain',
  'insert',
  'update',
  'delete',
  'begin',
  'commit',
  'rollback',
  'set_variables',
  'set_role',
  'set_catalog',
  'use_database',
  'prepare',
  'execute',
  'deallocate',
  'kill',
  'help',
  'admin_show_config',
]);

/** Throws TRANSACTION_STATEMENT where the session's transaction has written, and the statement is no part of it. */
export function checkInTransaction(statement: Statement, { explicit }: Session): void {
  if (explicit.transaction === null || explicit.transaction.written.size === 0) return;
  const { kind } = statement;
  const reads = kind.startsWith('show_') || kind.startsWith('describe_') || ALLOWED.has(kind);
  if (!reads) throw fail('TRANSACTION_STATEMENT', { what: kind.replaceAll('_', ' ') });
}
