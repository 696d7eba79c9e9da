// Prepared statements, whichever way they come (COM_STMT_PREPARE or PREPARE ... FROM): parsed once, then
// run as often as wanted with literals in place of their `?`. Names and types are resolved anew at each
// run, so a table that changed in between is seen as it is. Never splices text.
import { isUtf8 } from 'node:buffer';
import { fail } from '../base/errors.ts';
import type { ConstantResult } from '../model/query-plan.ts';
import type { MysqlParameter } from '../mysql/handler.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { Position } from '../sql/ast/node.ts';
import type { PrepareSource } from '../sql/ast/session.ts';
import type { Statement } from '../sql/ast/statement.ts';
import { countParameters, type ParameterPlace, replaceParameters } from '../sql/parameters.ts';
import { type ParseOptions, parseStatement } from '../sql/parse.ts';
import { parseOptions } from './parse-options.ts';
import { queryColumns } from './query.ts';
import { type Handler, OK, type Session, type StatementContext } from './types.ts';
import { variableText } from './variables.ts';

/** Most `?` in one statement: the protocol counts them in 16 bits. */
const MAX_PARAMETERS = 65_535;
/** Characters of all statements that one connection holds: their trees are several times as large. */
const MAX_TEXT_LENGTH = 64 * 1024 * 1024;
const NONE: ReadonlySet<Prepared> = new Set();

/** A statement that is parsed and waits for its values. */
export interface Prepared {
  readonly statement: Statement;
  /** The text that the statement's positions point into. */
  readonly text: string;
  readonly parameterCount: number;
}

/**
 * Parses the text of one statement. Throws SQL_SYNTAX, NOT_SUPPORTED for PREPARE inside PREPARE,
 * TOO_MANY_PARAMETERS above 65,535.
 */
export function prepareText(text: string, options: ParseOptions): Prepared {
  return prepared(parseStatement(text, options), text);
}

function prepared(statement: Statement, text: string): Prepared {
  if (['prepare', 'execute', 'deallocate'].includes(statement.kind)) {
    throw fail('NOT_PREPARABLE');
  }
  const parameterCount = countParameters(statement);
  if (parameterCount > MAX_PARAMETERS) throw fail('TOO_MANY_PARAMETERS');
  return { statement, text, parameterCount };
}

/** The statement with one expression per `?`, in order. Throws PARAMETER_COUNT. */
export function bindExpressions(
  { statement, parameterCount }: Prepared,
  values: readonly ((pos: Position) => Expression)[],
): Statement {
  if (values.length !== parameterCount) {
    throw fail('PARAMETER_COUNT', { expected: parameterCount, actual: values.length });
  }
  if (parameterCount === 0) return statement;
  return replaceParameters(statement, ({ index, pos }, place) => {
    const value = values[index]?.(pos);
    if (value === undefined) throw fail('INTERNAL', { detail: `no value of parameter ${index}` });
    return atPlace(value, place);
  });
}

/**
 * A lone integer in ORDER BY or GROUP BY would be a position; `+1` is the number. LIMIT takes whole numbers
 * however they are typed: JavaScript drivers send every number as a double, others as text.
 */
function atPlace(value: Expression, place: ParameterPlace): Expression {
  const { pos } = value;
  if (place === 'key' && value.kind === 'integer') {
    return { kind: 'unary', pos, op: '+', operand: value };
  }
  if (place !== 'limit') return value;
  const text = value.kind === 'string' ? value.value : 'text' in value ? value.text : '';
  const whole = /^(\d+)(?:\.0*)?$/.exec(text.trim())?.[1];
  return whole === undefined ? value : { kind: 'integer', pos, text: whole };
}

/** Values that came over the wire. Throws PARAMETER_COUNT, PARAMETER_VALUE for a number that is not finite. */
export function bindWire(statement: Prepared, parameters: readonly MysqlParameter[]): Statement {
  return bindExpressions(
    statement,
    parameters.map((parameter) => (pos: Position) => literalOf(parameter, pos)),
  );
}

function literalOf(parameter: MysqlParameter, pos: Position): Expression {
  switch (parameter.kind) {
    case 'null':
      return { kind: 'null', pos };
    case 'integer':
      return numberOf('integer', String(parameter.value), pos);
    case 'decimal':
      return decimalOf(parameter.value.trim(), pos);
    case 'double':
      if (!Number.isFinite(parameter.value)) {
        throw fail('PARAMETER_VALUE', { value: String(parameter.value), type: 'a number' });
      }
      return numberOf('float', String(parameter.value), pos);
    case 'string':
    case 'time':
      return { kind: 'string', pos, value: parameter.value };
    case 'bytes':
      return bytesOf(parameter.value, pos);
    case 'date':
      return { kind: 'date_literal', pos, type: 'DATE', text: parameter.value };
    case 'datetime':
      return { kind: 'date_literal', pos, type: 'DATETIME', text: parameter.value };
  }
}

function decimalOf(text: string, pos: Position): Expression {
  if (/^[+-]?\d+$/.test(text)) return numberOf('integer', text, pos);
  if (/^[+-]?(\d+\.\d*|\.\d+)$/.test(text)) return numberOf('decimal', text, pos);
  if (/^[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+$/.test(text)) return numberOf('float', text, pos);
  throw fail('PARAMETER_VALUE', { value: text.slice(0, 60), type: 'a decimal' });
}

/** Literals have no sign of their own. */
function numberOf(kind: 'integer' | 'decimal' | 'float', text: string, pos: Position): Expression {
  const literal: Expression = { kind, pos, text: text.replace(/^[+-]/, '') };
  return text.startsWith('-') ? { kind: 'unary', pos, op: '-', operand: literal } : literal;
}

/**
 * Drivers send streams of text (setCharacterStream, long data) with the type of bytes: what is UTF-8 text
 * is taken as text, which also fits binary columns; everything else as a binary literal.
 */
function bytesOf(value: Buffer, pos: Position): Expression {
  if (!value.includes(0) && isUtf8(value)) {
    return { kind: 'string', pos, value: value.toString('utf8') };
  }
  return { kind: 'binary_literal', pos, hex: value.toString('hex').toUpperCase() };
}

/**
 * Columns of a prepared query's result; empty for other statements, and where they depend on the values
 * (clients then take those that come with the rows). Throws what is wrong whatever the values are: unknown
 * tables and databases.
 */
export async function preparedColumns(
  { statement, text, parameterCount }: Prepared,
  context: StatementContext,
): Promise<ConstantResult['columns']> {
  await context.checkRights(statement);
  if (statement.kind !== 'query') return [];
  const blank = replaceParameters(statement, ({ pos }, place) =>
    place === 'limit' ? { kind: 'integer', pos, text: '1' } : { kind: 'null', pos },
  );
  try {
    return await queryColumns(blank, { ...context, text });
  } catch (thrown) {
    // `date_trunc(?, d)` cannot be typed before its value is known: only then errors count.
    if (parameterCount > 0 && isAnalysisError(thrown)) return [];
    throw thrown;
  }
}

function isAnalysisError(thrown: unknown): boolean {
  if (!(thrown instanceof Error && 'code' in thrown)) return false;
  return ['SQL_ANALYZE', 'SQL_ANALYZE_AT', 'NOT_SUPPORTED'].includes(String(thrown.code));
}

/**
 * Throws TOO_MANY_STATEMENTS when a connection holds as many statements, of both sorts, as it may, and
 * LIMIT_EXCEEDED when their texts are too long together. `open` are those of the binary protocol.
 */
export function checkPrepared(
  text: string,
  session: Session,
  globals: ReadonlyMap<string, string>,
  open: ReadonlySet<Prepared>,
): void {
  const limit = Number(variableText('max_prepared_stmt_count', 'global', session, globals));
  if (session.prepared.size + open.size >= limit) throw fail('TOO_MANY_STATEMENTS', { limit });
  let length = text.length;
  for (const { text: other } of session.prepared.values()) length += other.length;
  for (const { text: other } of open) length += other.length;
  if (length <= MAX_TEXT_LENGTH) return;
  throw fail('LIMIT_EXCEEDED', {
    what: 'the length of all prepared statements of a connection',
    actual: length,
    limit: MAX_TEXT_LENGTH,
    hint: 'close statements that are done with',
  });
}

export const prepare: Handler<'prepare'> = async (statement, context) => {
  const { session, services } = context;
  const name = statement.name.name.toLowerCase();
  // As in MySQL, the old statement of that name is gone even when the new one is wrong.
  session.prepared.delete(name);
  const made = fromSource(statement.source, context);
  checkPrepared(made.text, session, services.globals, NONE);
  await preparedColumns(made, context);
  session.prepared.set(name, made);
  return OK;
};

function fromSource(source: PrepareSource, context: StatementContext): Prepared {
  switch (source.kind) {
    case 'text':
      return prepareText(source.text, parseOptions(context.session, context.services));
    case 'variable': {
      const value = context.session.userVariables.get(source.name)?.text ?? null;
      if (value === null) throw fail('SQL_ANALYZE', { detail: `@${source.name} holds no text` });
      return prepareText(value, parseOptions(context.session, context.services));
    }
    case 'statement':
      return prepared(source.statement, context.text);
  }
}

export const execute: Handler<'execute'> = async (statement, context) => {
  const found = context.session.prepared.get(statement.name.name.toLowerCase());
  if (found === undefined) throw unknownStatement(statement.name.name, 'EXECUTE');
  const values = statement.using.map(
    (name) =>
      (pos: Position): Expression => ({ kind: 'user_variable', pos, name }),
  );
  return context.run(bindExpressions(found, values), found.text);
};

export const deallocate: Handler<'deallocate'> = async (statement, { session }) => {
  if (!session.prepared.delete(statement.name.name.toLowerCase())) {
    throw unknownStatement(statement.name.name, 'DEALLOCATE PREPARE');
  }
  return OK;
};

function unknownStatement(name: string, command: string): Error {
  return fail('UNKNOWN_PREPARED', { name, command });
}
