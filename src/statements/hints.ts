// SET_VAR and SET_USER_VARIABLE hints: a session for one statement, in which their values hold.

import type { Statement } from '../sql/ast/statement.ts';
import { type HintItem, hintItems } from '../sql/hints.ts';
import { constantValue } from './query.ts';
import type { Session, StatementContext } from './types.ts';
import { checkVariable } from './variables.ts';

/**
 * The context with the statement's hints applied to a copy of its session; the context itself when it has none.
 * Throws SQL_SYNTAX, SQL_ANALYZE for unknown variables and values that do not fit, as SET does.
 */
export async function withHints(
  statement: Statement,
  context: StatementContext,
): Promise<StatementContext> {
  const items = hintItems(statement, context.text);
  if (items.length === 0) return context;
  const session: Session = {
    ...context.session,
    variables: new Map(context.session.variables),
    userVariables: new Map(context.session.userVariables),
  };
  const scoped = { ...context, session };
  for (const item of items) await apply(item, scoped);
  return scoped;
}

async function apply({ kind, name, value }: HintItem, context: StatementContext): Promise<void> {
  const { session } = context;
  if (kind === 'user') {
    session.userVariables.set(name, await constantValue(value, context));
    return;
  }
  const text = value.kind === 'string' ? value.value : bareWord(value);
  const given = text ?? (await constantValue(value, context)).text ?? '';
  session.variables.set(name, checkVariable(name, given));
}

function bareWord(value: HintItem['value']): string | null {
  return value.kind === 'column' && value.path.length === 1 ? (value.path[0] ?? null) : null;
}
