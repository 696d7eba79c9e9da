// The front door of the SQL parser: text -> statements, expressions, COLUMNS lists. Pure functions.
import { AppError, fail } from '../base/errors.ts';
import type { Expression } from './ast/expression.ts';
import type { LoadColumn } from './ast/routine-load.ts';
import type { ParsedStatement, Statement } from './ast/statement.ts';
import { type LexedStatement, lexStatement } from './lexer.ts';
import { Cursor, type Grammar, type ParseOptions } from './parser/cursor.ts';
import { parseExpression as expressionRule, parseValue } from './parser/expression.ts';
import { parseHintRule } from './parser/hint.ts';
import { parseQuery, parseQueryRest } from './parser/query.ts';
import { parseLoadColumn } from './parser/routine-load.ts';
import { parseStatementRule } from './parser/statement.ts';

export type { ParseOptions } from './parser/cursor.ts';

const DEFAULT_OPTIONS: ParseOptions = { pipesAsConcat: false };

const GRAMMAR: Grammar = {
  expression: expressionRule,
  value: parseValue,
  query: parseQuery,
  rest: parseQueryRest,
};

/** Statements in one text; more are refused before they take memory. */
const MAX_STATEMENTS = 10_000;

function tooMany(): AppError {
  return fail('LIMIT_EXCEEDED', {
    what: 'number of statements in one text',
    actual: `more than ${MAX_STATEMENTS}`,
    limit: MAX_STATEMENTS,
    hint: 'send them in several texts',
  });
}

/** Part of a text that is one statement: `text` is `whole.slice(start, end)`, without its `;`. */
export interface StatementRange {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Parses exactly one statement; `;` before and after it are fine. Positions count from the start of `text`.
 * Throws SQL_SYNTAX in StarRocks' wording, SQL_ANALYZE for a load property given twice, NOT_SUPPORTED for a
 * statement that only StarRocks has, LIMIT_EXCEEDED for text that is too long or nested too deep.
 */
export function parseStatement(text: string, options: ParseOptions = DEFAULT_OPTIONS): Statement {
  return run(text, lexStatement(text, 0, true), options, (cursor) => {
    while (cursor.token.word === ';') cursor.next();
    return parseStatementRule(cursor);
  });
}

/**
 * Cuts a text into its statements; empty ones (only blanks or comments) are left out. The first range starts
 * at the text's start, a later one at its first token. Cheap when there is only one statement.
 * Throws SQL_SYNTAX for an unterminated string or comment, LIMIT_EXCEEDED.
 */
export function splitStatements(text: string): readonly StatementRange[] {
  const ranges: StatementRange[] = [];
  for (let from = 0; from <= text.length; ) {
    const { tokens, end } = lexStatement(text, from, false);
    const [first] = tokens;
    if (first !== undefined && first.type !== 'end') {
      if (ranges.length >= MAX_STATEMENTS) throw tooMany();
      const start = from === 0 ? 0 : from + first.pos.start;
      ranges.push({ text: text.slice(start, end), start, end });
    }
    from = end + 1;
  }
  return ranges;
}

/** All statements of a text. Positions count from each statement's `start`. Throws as parseStatement does. */
export function parseStatements(
  text: string,
  options: ParseOptions = DEFAULT_OPTIONS,
): readonly ParsedStatement[] {
  return splitStatements(text).map((range) => ({
    ...range,
    statement: parseStatement(range.text, options),
  }));
}

/** One expression and nothing else, e.g. the `where` header of Stream Load. Throws SQL_SYNTAX, LIMIT_EXCEEDED. */
export function parseExpression(text: string, options: ParseOptions = DEFAULT_OPTIONS): Expression {
  return run(text, lexStatement(text, 0, true), options, expressionRule);
}

/** The list inside `COLUMNS (...)`: `a, b, c = expr`, e.g. the `columns` header of Stream Load. Throws SQL_SYNTAX. */
export function parseLoadColumns(
  text: string,
  options: ParseOptions = DEFAULT_OPTIONS,
): readonly LoadColumn[] {
  return run(text, lexStatement(text, 0, true), options, (cursor) => {
    const inParentheses = cursor.take('(');
    const columns = cursor.list(() => parseLoadColumn(cursor));
    if (inParentheses) cursor.expect(')');
    return columns;
  });
}

/** Runs a rule over all tokens. Only when that fails, runs it again collecting what could have stood there. */
function run<T>(
  text: string,
  lexed: LexedStatement,
  options: ParseOptions,
  rule: (cursor: Cursor) => T,
): T {
  const parse = (collect: boolean): T => {
    const cursor = new Cursor(lexed, text, GRAMMAR, options, collect);
    const result = rule(cursor);
    cursor.expectEnd();
    return result;
  };
  try {
    return parse(false);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'SQL_SYNTAX') throw thrown;
    return parse(true);
  }
}

/**
 * The assignments in the text of a hint: `SET_VAR(a = 1, b = 'x')`, `SET_USER_VARIABLE(@u = 2)`; other words in
 * it are left out. Throws SQL_SYNTAX with positions inside the hint.
 */
export function parseHintItems(text: string): readonly {
  readonly kind: 'system' | 'user';
  readonly name: string;
  readonly value: Expression;
}[] {
  return run(text, lexStatement(text, 0, true), DEFAULT_OPTIONS, parseHintRule);
}
