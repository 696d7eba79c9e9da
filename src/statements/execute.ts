// One statement's text to its outcome: parse, find the handler, run it.
import { fail } from '../base/errors.ts';
import type { Statement } from '../sql/ast/statement.ts';
import { parseStatement } from '../sql/parse.ts';
import { HANDLERS } from './index.ts';
import type { Handler, Outcome, Services, Session } from './types.ts';

/** Throws SQL_SYNTAX, and whatever the statement throws. */
export async function executeStatement(
  text: string,
  session: Session,
  services: Services,
): Promise<Outcome> {
  const statement = parseStatement(text);
  const handler = HANDLERS[statement.kind];
  if (handler === null) {
    throw fail('NOT_SUPPORTED', {
      what: `the statement '${statement.kind.replaceAll('_', ' ')}'`,
      hint: 'see docs/reference/statements.md for what is',
    });
  }
  return run(handler, statement, { session, services, text });
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
