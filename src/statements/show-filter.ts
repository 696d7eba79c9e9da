// LIKE and WHERE of SHOW statements over text columns: =, <>, LIKE, IN, AND, OR, NOT. Small on purpose:
// anything else is refused with what is possible.
import { fail } from '../base/errors.ts';
import type { Expression } from '../sql/ast/expression.ts';

export type NamedRow = ReadonlyMap<string, string | null>;

/** A LIKE pattern (`%`, `_`, `\` escapes) as a case-insensitive test, as SHOW uses it. */
export function likeMatcher(pattern: string): (text: string) => boolean {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const letter = pattern[at] ?? '';
    if (letter === '\\' && at + 1 < pattern.length) {
      at += 1;
      source += escapeRegExp(pattern[at] ?? '');
    } else if (letter === '%') source += '[\\s\\S]*';
    else if (letter === '_') source += '[\\s\\S]';
    else source += escapeRegExp(letter);
  }
  const regexp = new RegExp(`^${source}$`, 'i');
  return (text) => regexp.test(text);
}

function escapeRegExp(letter: string): string {
  return letter.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** Rows that pass LIKE (on the first column) and WHERE. Throws SQL_ANALYZE for what it cannot do. */
export function filterRows(
  names: readonly string[],
  rows: readonly (readonly (string | null)[])[],
  filter: { readonly like: string | null; readonly where: Expression | null },
): readonly (readonly (string | null)[])[] {
  let left = rows;
  if (filter.like !== null) {
    const matches = likeMatcher(filter.like);
    left = left.filter((row) => matches(row[0] ?? ''));
  }
  const { where } = filter;
  if (where !== null) {
    const lower = names.map((name) => name.toLowerCase());
    left = left.filter((row) => {
      const named = new Map(lower.map((name, index) => [name, row[index] ?? null]));
      return test(where, named);
    });
  }
  return left;
}

/** Is the condition true for the row? NULL is not true. */
export function test(condition: Expression, row: NamedRow): boolean {
  switch (condition.kind) {
    case 'binary': {
      if (condition.op === 'AND') return test(condition.left, row) && test(condition.right, row);
      if (condition.op === 'OR') return test(condition.left, row) || test(condition.right, row);
      const left = value(condition.left, row);
      const right = value(condition.right, row);
      if (left === null || right === null) return false;
      if (condition.op === '=') return same(left, right);
      if (condition.op === '<>') return !same(left, right);
      return refuse(condition.op);
    }
    case 'unary':
      if (condition.op === 'NOT') return !test(condition.operand, row);
      return refuse(condition.op);
    case 'like': {
      const text = value(condition.operand, row);
      const pattern = value(condition.pattern, row);
      if (condition.op !== 'LIKE' || text === null || pattern === null) return false;
      return likeMatcher(pattern)(text) !== condition.negated;
    }
    case 'in_list': {
      const text = value(condition.operand, row);
      if (text === null) return false;
      const found = condition.items.some((item) => same(text, value(item, row) ?? ''));
      return found !== condition.negated;
    }
    default:
      return refuse(condition.kind);
  }
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function value(expression: Expression, row: NamedRow): string | null {
  switch (expression.kind) {
    case 'string':
      return expression.value;
    case 'integer':
    case 'decimal':
    case 'float':
      return expression.text;
    case 'column': {
      const name = (expression.path.at(-1) ?? '').toLowerCase();
      if (!row.has(name)) {
        throw fail('SQL_ANALYZE', {
          detail: `Column '${expression.path.join('.')}' cannot be resolved; columns here: ${[...row.keys()].join(', ')}`,
        });
      }
      return row.get(name) ?? null;
    }
    default:
      return refuse(expression.kind);
  }
}

function refuse(what: string): never {
  throw fail('SQL_ANALYZE', {
    detail: `'${what}' is not possible in WHERE of SHOW: use =, <>, LIKE, IN, AND, OR, NOT`,
  });
}
