// Optimizer hints that change a statement's variables: which ones a statement has, and what they say.
// All other hints (join orders, other systems' words) are comments.
import type { Expression } from './ast/expression.ts';
import type { QueryBody } from './ast/query.ts';
import type { Statement } from './ast/statement.ts';
import { lexStatement } from './lexer.ts';
import { parseHintItems } from './parse.ts';

/** One assignment of `SET_VAR(name = value)` or `SET_USER_VARIABLE(@name = value)`. */
export interface HintItem {
  readonly kind: 'system' | 'user';
  /** Lower case, without @. */
  readonly name: string;
  readonly value: Expression;
}

/** Hints without these words are comments. */
const COUNTS = /\bSET_(USER_)?VAR/i;

/**
 * The assignments of a statement's hints, in order: those of its (first) SELECT, and of INSERT and the like
 * directly behind the verb. Throws SQL_SYNTAX for a SET_VAR that cannot be read.
 */
export function hintItems(statement: Statement, text: string): readonly HintItem[] {
  const counting = hintTexts(statement, text).filter((hint) => COUNTS.test(hint));
  return counting.flatMap((hint) => parseHintItems(hint));
}

function hintTexts(statement: Statement, text: string): readonly string[] {
  switch (statement.kind) {
    case 'query':
      return bodyHints(statement.body);
    case 'explain':
      return hintTexts(statement.statement, text);
    case 'insert':
      return [...verbHints(text), ...bodyHints(statement.query.body)];
    case 'delete':
    case 'update':
      return statement.hints;
    case 'create_table':
      return statement.query === null ? [] : bodyHints(statement.query.body);
    default:
      return [];
  }
}

function bodyHints(body: QueryBody): readonly string[] {
  switch (body.kind) {
    case 'select':
      return body.hints;
    case 'set_operation':
      return bodyHints(body.left);
    case 'query':
      return bodyHints(body.body);
    case 'values':
      return [];
  }
}

/** Between the statement's first word and its second. */
function verbHints(text: string): readonly string[] {
  if (!text.slice(0, 4096).includes('/*+')) return [];
  return lexStatement(text, 0, false).hints.get(1) ?? [];
}
