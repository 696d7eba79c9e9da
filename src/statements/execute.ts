// One statement's text to its outcome: parse, check the rights, find the handler, run it.
import { fail } from '../base/errors.ts';
import type { Statement } from '../sql/ast/statement.ts';
import { parseStatement } from '../sql/parse.ts';
import { withHints } from './hints.ts';
import { HANDLERS } from './index.ts';
import { parseOptions } from './parse-options.ts';
import { statementRequirements } from './privileges.ts';
import { checkInTransaction } from './transaction.ts';
import type { Handler, Outcome, Services, Session, StatementContext } from './types.ts';

/** Throws SQL_SYNTAX, NOT_AUTHORIZED, and whatever the statement throws. */
export async function executeStatement(
  text: string,
  session: Session,
  services: Services,
  signal: AbortSignal,
): Promise<Outcome> {
  const statement = parseStatement(text, parseOptions(session, services));
  return executeParsed(statement, text, session, services, signal);
}

/** Every statement goes through here, prepared ones too. `text` is what its positions point into. */
export async function executeParsed(
  statement: Statement,
  text: string,
  session: Session,
  services: Services,
  signal: AbortSignal,
): Promise<Outcome> {
  await checkRights(statement, session, services);
  checkInTransaction(statement, session);
  const handler = HANDLERS[statement.kind];
  if (handler === null) {
    throw fail('NOT_SUPPORTED', {
      what: `the statement '${statement.kind.replaceAll('_', ' ')}'`,
      hint: 'see docs/reference/statements.md for what is',
    });
  }
  const context = statementContext(text, session, services, signal);
  if (READS_WARNINGS.has(statement.kind)) return run(handler, statement, context);
  session.warnings.left = [];
  const outcome = await run(handler, statement, await withHints(statement, context));
  if (outcome.kind === 'ok') session.warnings.left = outcome.remarks ?? [];
  return outcome;
}

/** They leave the warnings of the statement before them. */
const READS_WARNINGS: ReadonlySet<string> = new Set(['show_warnings', 'show_errors']);

/** What a handler gets: the statement's surroundings, and the way to other statements. */
export function statementContext(
  text: string,
  session: Session,
  services: Services,
  signal: AbortSignal,
): StatementContext {
  return {
    session,
    services,
    text,
    signal,
    checkRights: (other) => checkRights(other, session, services),
    run: (other, otherText) => executeParsed(other, otherText, session, services, signal),
  };
}

async function checkRights(
  statement: Statement,
  session: Session,
  { access }: Services,
): Promise<void> {
  await access.check(session.principal, statementRequirements(statement, session));
}

/** The table pairs each kind with a handler of that kind; the compiler cannot follow the pair through an index. */
function run(
  handler: NonNullable<(typeof HANDLERS)[keyof typeof HANDLERS]>,
  statement: Statement,
  context: Parameters<Handler<'query'>>[1],
): Promise<Outcome> {
  return (
    handler as (node: Statement, context: Parameters<Handler<'query'>>[1]) => Promise<Outcome>
  )(statement, context);
}
