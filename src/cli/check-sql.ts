// `millrace check-sql FILE`: tells, statement by statement, what works here, differs or is missing, for people
// who move from StarRocks. Needs no server: it parses, looks at the tables of statements, functions,
// variables and properties, and checks definitions; names of tables and columns it cannot know.
import { readFileSync } from 'node:fs';
import { AppError, fail } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { FUNCTION_TABLE } from '../query/functions/table.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { Statement } from '../sql/ast/statement.ts';
import { hintItems } from '../sql/hints.ts';
import { parseHintItems, parseStatement, splitStatements } from '../sql/parse.ts';
import { HANDLERS } from '../statements/index.ts';
import { STATEMENT_DOCS } from '../statements/statement-docs.ts';
import { newTable } from '../statements/table-definition.ts';
import { checkSettable, checkVariable } from '../statements/variables.ts';

export type Verdict = 'works' | 'differs' | 'missing' | 'error';

export interface CheckedStatement {
  /** 1 for the first line of the file. */
  readonly line: number;
  readonly verdict: Verdict;
  /** The statement's first words, on one line. */
  readonly statement: string;
  /** What differs or is missing; empty where it works. */
  readonly messages: readonly string[];
}

/** Largest file that is read, in bytes. */
const MAX_BYTES = 64 * 1024 * 1024;
const SHOWN_LETTERS = 60;

/** Checks a file. Throws CONFIG_INVALID when it cannot be read. */
export function checkFile(path: string): readonly CheckedStatement[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const hint = 'give the path of a file of SQL statements';
    throw fail('CONFIG_INVALID', { where: path, detail: 'cannot be read', hint }, error);
  }
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw fail('LIMIT_EXCEEDED', {
      what: `the size of ${path} in bytes`,
      actual: Buffer.byteLength(text),
      limit: MAX_BYTES,
      hint: 'check it in parts',
    });
  }
  return checkText(text);
}

/** Checks a text of several statements. */
export function checkText(text: string): readonly CheckedStatement[] {
  return splitStatements(text).map((range) => {
    // Blanks and comments before a first statement belong to its range, not to its line.
    const before = text.slice(0, range.start) + leading(range.text);
    const line = before.split('\n').length;
    const shown = range.text.slice(leading(range.text).length).replace(/\s+/g, ' ');
    return {
      line,
      statement: shown.length > SHOWN_LETTERS ? `${shown.slice(0, SHOWN_LETTERS)}...` : shown,
      ...checkOne(range.text),
    };
  });
}

const leading = (text: string): string =>
  /^(?:\s+|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|\/\*(?!\+)[\s\S]*?\*\/)*/.exec(text)?.[0] ?? '';

function checkOne(text: string): Pick<CheckedStatement, 'verdict' | 'messages'> {
  let statement: Statement;
  try {
    statement = parseStatement(text);
  } catch (error) {
    return parseVerdict(error);
  }
  const missing = [
    ...missingHandler(statement),
    ...unknownFunctions(statement),
    ...withInner(statement).flatMap(refusedParts),
    ...refusedHints(statement, text),
  ];
  if (missing.length > 0) return { verdict: 'missing', messages: missing };
  const { differs } = STATEMENT_DOCS[statement.kind];
  return differs === undefined || statement.kind === 'query'
    ? { verdict: 'works', messages: [] }
    : { verdict: 'differs', messages: [differs] };
}

function parseVerdict(error: unknown): Pick<CheckedStatement, 'verdict' | 'messages'> {
  if (!(error instanceof AppError) || error.kind !== 'user') throw error;
  const isSyntax = error.code === 'SQL_SYNTAX' || error.code === 'LIMIT_EXCEEDED';
  return { verdict: isSyntax ? 'error' : 'missing', messages: [error.fullMessage] };
}

function missingHandler({ kind }: Statement): readonly string[] {
  return HANDLERS[kind] === null
    ? [`${kind.replaceAll('_', ' ').toUpperCase()} is parsed, but not supported yet`]
    : [];
}

/** Names of calls that are in no function table, each once. */
function unknownFunctions(statement: Statement): readonly string[] {
  const found = new Map<string, string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const item of node) visit(item);
      return;
    }
    if (node === null || typeof node !== 'object') return;
    if ('kind' in node && (node.kind === 'function' || node.kind === 'table_function')) {
      const name = 'name' in node ? String(node.name) : '';
      if (!FUNCTION_TABLE.has(name) && !found.has(name)) found.set(name, unknownFunction(name));
    }
    for (const part of Object.values(node)) visit(part);
  };
  visit(statement);
  return [...found.values()];
}

function unknownFunction(name: string): string {
  const near = nearest(name, [...FUNCTION_TABLE.keys()], 3).join(', ');
  return `function ${name} is missing; the nearest are ${near}`;
}

/** Variables and values of SET_VAR hints that a server would refuse. */
function refusedHints(statement: Statement, text: string): readonly string[] {
  return caught(() => {
    const own = statement.kind === 'submit_task' ? statement.hints.flatMap(parseHintItems) : [];
    for (const { kind, name, value } of [...own, ...hintItems(statement, text)]) {
      if (kind === 'user') continue;
      checkSettable(name, 'session');
      const given = literalText(value);
      if (given !== null) checkVariable(name, given);
    }
  });
}

/** Null: only a server can tell what the expression gives. */
function literalText(value: Expression): string | null {
  switch (value.kind) {
    case 'string':
      return value.value;
    case 'integer':
    case 'decimal':
    case 'float':
      return value.text;
    case 'boolean':
      return String(value.value);
    case 'column':
      return value.path.join('.');
    default:
      return null;
  }
}

/** The statement, and those that it runs. */
function withInner(statement: Statement): readonly Statement[] {
  const isOuter = statement.kind === 'explain' || statement.kind === 'submit_task';
  return isOuter ? [statement, ...withInner(statement.statement)] : [statement];
}

/** What the definition in the statement asks for and is not here. */
function refusedParts(statement: Statement): readonly string[] {
  return caught(() => {
    const isPlain = statement.kind === 'create_table' && statement.topic === undefined;
    if (isPlain && statement.query === null) newTable(statement, 'd');
    if (statement.kind !== 'set_variables') return;
    for (const item of statement.items) {
      if (item.kind !== 'system') continue;
      const scope = item.scope === 'GLOBAL' ? 'global' : 'session';
      checkSettable(item.name, scope);
      if (item.value.kind === 'default') continue;
      const given = literalText(item.value);
      if (given !== null) checkVariable(item.name, given, scope);
    }
  });
}

function caught(work: () => void): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== 'user') throw error;
    return [error.fullMessage];
  }
}

/** The report: a line per statement that needs attention (`all`: per statement), and the sums. */
export function printReport(
  path: string,
  checked: readonly CheckedStatement[],
  format: 'text' | 'json',
  all: boolean,
): string {
  if (format === 'json') return JSON.stringify(checked, null, 2);
  const lines = checked
    .filter(({ verdict }) => all || verdict !== 'works')
    .flatMap(({ line, verdict, statement, messages }) => [
      `${path}:${line}: ${verdict}: ${statement}`,
      ...messages.map((message) => `    ${message}`),
    ]);
  const count = (verdict: Verdict): number =>
    checked.filter((entry) => entry.verdict === verdict).length;
  const sums = `${checked.length} statements: ${count('works')} work, ${count('differs')} differ, ${count('missing')} missing, ${count('error')} with syntax errors`;
  return [...lines, sums].join('\n');
}

/** 0: all work or differ; 1: something is missing or wrong. */
export function exitCodeOf(checked: readonly CheckedStatement[]): number {
  return checked.some(({ verdict }) => verdict === 'missing' || verdict === 'error') ? 1 : 0;
}
