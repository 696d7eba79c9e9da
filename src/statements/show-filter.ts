// LIKE and WHERE of SHOW statements over text columns: comparisons, LIKE, IN, BETWEEN, IS NULL, AND, OR,
// NOT. Small on purpose: anything else is refused with what is possible.
import { fail } from '../base/errors.ts';
import type { BinaryOperator, Expression } from '../sql/ast/expression.ts';
import { compareTexts } from './show/order.ts';

export type NamedRow = ReadonlyMap<string, string | null>;

type Piece =
  | { readonly kind: 'letter'; readonly letter: string }
  | { readonly kind: 'one' | 'many' };

/**
 * A LIKE pattern (`%`, `_`, `\\` escapes) as a case-insensitive test, as SHOW uses it. Takes at most
 * pattern times text steps, whatever the pattern: no regular expression, whose time could explode.
 */
export function likeMatcher(pattern: string): (text: string) => boolean {
  const pieces: Piece[] = [];
  const letters = [...pattern.toLowerCase()];
  for (let at = 0; at < letters.length; at += 1) {
    const letter = letters[at] ?? '';
    if (letter === '\\' && at + 1 < letters.length) {
      at += 1;
      pieces.push({ kind: 'letter', letter: letters[at] ?? '' });
    } else if (letter === '%') pieces.push({ kind: 'many' });
    else if (letter === '_') pieces.push({ kind: 'one' });
    else pieces.push({ kind: 'letter', letter });
  }
  return (text) => matches(pieces, [...text.toLowerCase()]);
}

/** Greedy, going back to the last `%` only: an earlier one need never take more. */
function matches(pieces: readonly Piece[], text: readonly string[]): boolean {
  let piece = 0;
  let at = 0;
  let many = -1;
  let manyAt = 0;
  while (at < text.length) {
    const next = pieces[piece];
    if (next?.kind === 'many') {
      many = piece;
      manyAt = at;
      piece += 1;
    } else if (next?.kind === 'one' || (next?.kind === 'letter' && next.letter === text[at])) {
      piece += 1;
      at += 1;
    } else if (many >= 0) {
      piece = many + 1;
      manyAt += 1;
      at = manyAt;
    } else return false;
  }
  return pieces.slice(piece).every((rest) => rest.kind === 'many');
}

/** Rows that pass LIKE (on the first column, or the one at `likeColumn`) and WHERE. Throws SQL_ANALYZE for what it cannot do. */
export function filterRows(
  names: readonly string[],
  rows: readonly (readonly (string | null)[])[],
  filter: { readonly like: string | null; readonly where: Expression | null },
  likeColumn = 0,
): readonly (readonly (string | null)[])[] {
  let left = rows;
  if (filter.like !== null) {
    const matches = likeMatcher(filter.like);
    left = left.filter((row) => matches(row[likeColumn] ?? ''));
  }
  const { where } = filter;
  if (where !== null) {
    const lower = names.map((name) => name.toLowerCase());
    const named = (row: readonly (string | null)[]): NamedRow =>
      new Map(lower.map((name, index) => [name, row[index] ?? null]));
    // A mistake is told where there is no row, too.
    if (left.length === 0) test(where, named([]));
    left = left.filter((row) => test(where, named(row)));
  }
  return left;
}

/** Is the condition true for the row? NULL is not true. Throws SQL_ANALYZE for what it cannot do. */
export function test(condition: Expression, row: NamedRow): boolean {
  return truth(condition, row) === true;
}

/** As SQL has it: null where it depends on a NULL. */
function truth(condition: Expression, row: NamedRow): boolean | null {
  switch (condition.kind) {
    case 'binary': {
      if (condition.op === 'AND' || condition.op === 'OR') {
        const sides = [truth(condition.left, row), truth(condition.right, row)];
        const decides = condition.op === 'OR';
        if (sides.includes(decides)) return decides;
        return sides.includes(null) ? null : !decides;
      }
      const left = value(condition.left, row);
      const right = value(condition.right, row);
      if (left === null || right === null) return null;
      return compared(condition.op, left, right);
    }
    case 'between': {
      const operand = value(condition.operand, row);
      const low = value(condition.low, row);
      const high = value(condition.high, row);
      if (operand === null || low === null || high === null) return null;
      const inside = compareTexts(operand, low) >= 0 && compareTexts(operand, high) <= 0;
      return inside !== condition.negated;
    }
    case 'is_null':
      return (value(condition.operand, row) === null) !== condition.negated;
    case 'unary':
      if (condition.op === 'NOT') {
        const inner = truth(condition.operand, row);
        return inner === null ? null : !inner;
      }
      return refuse(condition.op);
    case 'like': {
      const text = value(condition.operand, row);
      const pattern = value(condition.pattern, row);
      if (condition.op !== 'LIKE') return refuse(condition.op);
      if (text === null || pattern === null) return null;
      return likeMatcher(pattern)(text) !== condition.negated;
    }
    case 'in_list': {
      const text = value(condition.operand, row);
      if (text === null) return null;
      const items = condition.items.map((item) => value(item, row));
      if (items.some((item) => item !== null && same(text, item))) return !condition.negated;
      return items.includes(null) ? null : condition.negated;
    }
    default:
      return refuse(condition.kind);
  }
}

function compared(op: BinaryOperator, left: string, right: string): boolean {
  switch (op) {
    case '=':
      return same(left, right);
    case '<>':
      return !same(left, right);
    case '<':
      return compareTexts(left, right) < 0;
    case '<=':
      return compareTexts(left, right) <= 0;
    case '>':
      return compareTexts(left, right) > 0;
    case '>=':
      return compareTexts(left, right) >= 0;
    default:
      return refuse(op);
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
    detail: `'${what}' is not possible in WHERE of SHOW: use =, <>, <, <=, >, >=, BETWEEN, LIKE, IN, IS NULL, AND, OR, NOT`,
  });
}
