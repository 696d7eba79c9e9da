// Can a condition come out TRUE, or FALSE, for a row of a file of which only the statistics are known? Whatever is
// not understood can: a file is left out only where no row of it is wanted.
import type {
  ComparisonExpression,
  ComparisonOperator,
  InListExpression,
  LikeExpression,
  TypedExpression,
} from './expression.ts';
import {
  ALWAYS_NULL,
  type BoundsOfColumn,
  boundsOf,
  compareValues,
  type OrderedValue,
  type ValueBounds,
} from './value-bounds.ts';

/** Longer lists are looked at by their least and greatest item. */
const MAX_ITEMS = 200;

/** May the condition be `wanted` for a row? */
export function mayBe(
  wanted: boolean,
  condition: TypedExpression,
  column: BoundsOfColumn,
): boolean {
  switch (condition.kind) {
    case 'literal':
      return condition.text === (wanted ? '1' : '0');
    case 'column':
      return mayBeFlag(wanted, boundsOf(condition, column));
    case 'not':
      return mayBe(!wanted, condition.operand, column);
    case 'logical': {
      const { op, left, right } = condition;
      if (op === 'XOR') return true;
      const needsBoth = (op === 'AND') === wanted;
      return needsBoth
        ? mayBe(wanted, left, column) && mayBe(wanted, right, column)
        : mayBe(wanted, left, column) || mayBe(wanted, right, column);
    }
    case 'comparison':
      return mayCompare(wanted, condition, column);
    case 'is_null': {
      const bounds = boundsOf(condition.operand, column);
      if (bounds === null) return true;
      return condition.negated === wanted ? bounds.mayBeValue : bounds.mayBeNull;
    }
    case 'in_list':
      return mayBeIn(condition.negated !== wanted, condition, column);
    case 'like':
      return mayBeLike(condition.negated !== wanted, condition, column);
    default:
      return true;
  }
}

/** Is the condition never TRUE for the row of NULLs with which an outer join fills up this relation? */
export function rejectsNulls(condition: TypedExpression, relation: string): boolean {
  return !mayBe(true, condition, (_, of) => (of === relation ? ALWAYS_NULL : null));
}

function mayBeFlag(wanted: boolean, bounds: ValueBounds | null): boolean {
  if (bounds === null) return true;
  if (!bounds.mayBeValue) return false;
  const edge = wanted ? bounds.high : bounds.low;
  return edge?.kind !== 'exact' || (edge.value !== 0n) === wanted;
}

const OPPOSITE = { '=': '<>', '<>': '=', '<': '>=', '<=': '>', '>': '<=', '>=': '<' } as const;

function mayCompare(
  wanted: boolean,
  { op, left, right }: ComparisonExpression,
  column: BoundsOfColumn,
): boolean {
  const [a, b] = [boundsOf(left, column), boundsOf(right, column)];
  if (a === null || b === null) return true;
  if (op === '<=>') {
    return !wanted || (a.mayBeNull && b.mayBeNull) || mayHold('=', a, b);
  }
  return mayHold(wanted ? op : OPPOSITE[op], a, b);
}

/** May two values, neither of them NULL, compare like this? */
function mayHold(op: Exclude<ComparisonOperator, '<=>'>, a: ValueBounds, b: ValueBounds): boolean {
  if (!a.mayBeValue || !b.mayBeValue) return false;
  switch (op) {
    case '=':
      return mayBeAtMost(a.low, b.high) && mayBeAtMost(b.low, a.high);
    case '<>':
      return !(
        isSingle(a) &&
        isSingle(b) &&
        mayBeAtMost(a.low, b.low) &&
        mayBeAtMost(b.low, a.low)
      );
    case '<':
      return mayBeBelow(a.low, b.high);
    case '<=':
      return mayBeAtMost(a.low, b.high);
    case '>':
      return mayBeBelow(b.low, a.high);
    case '>=':
      return mayBeAtMost(b.low, a.high);
  }
}

function isSingle({ low, high, isExact }: ValueBounds): boolean {
  return isExact && low !== null && high !== null && compareValues(low, high) === 0;
}

function mayBeAtMost(a: OrderedValue | null, b: OrderedValue | null): boolean {
  return a === null || b === null || (compareValues(a, b) ?? 0) <= 0;
}

function mayBeBelow(a: OrderedValue | null, b: OrderedValue | null): boolean {
  return a === null || b === null || (compareValues(a, b) ?? -1) < 0;
}

/** `isIn`: may it equal one of the items? Else: may it differ from all of them? */
function mayBeIn(
  isIn: boolean,
  { operand, items }: InListExpression,
  column: BoundsOfColumn,
): boolean {
  const bounds = boundsOf(operand, column);
  if (bounds === null) return true;
  if (!bounds.mayBeValue) return false;
  if (items.length > MAX_ITEMS) return !isIn || mayBeAmong(bounds, items);
  const known = items.map((item) => boundsOf(item, column));
  return isIn
    ? known.some((item) => item === null || mayHold('=', bounds, item))
    : known.every((item) => item === null || mayHold('<>', bounds, item));
}

/** Least and greatest items of long lists: the same for every file. */
const HULLS = new WeakMap<readonly TypedExpression[], ValueBounds | null>();

function mayBeAmong(bounds: ValueBounds, items: readonly TypedExpression[]): boolean {
  let hull = HULLS.get(items);
  if (hull === undefined) {
    hull = hullOf(items);
    HULLS.set(items, hull);
  }
  return hull === null || mayHold('=', bounds, hull);
}

/** Null unless all items are constants whose order is known. */
function hullOf(items: readonly TypedExpression[]): ValueBounds | null {
  let [low, high]: (OrderedValue | null)[] = [null, null];
  for (const item of items) {
    const bounds = boundsOf(item, () => null);
    if (bounds === null) return null;
    if (!bounds.mayBeValue) continue;
    if (bounds.low === null || bounds.high === null) return null;
    if (low === null || low === undefined || (compareValues(bounds.low, low) ?? 0) < 0)
      low = bounds.low;
    if (high === null || high === undefined || (compareValues(bounds.high, high) ?? 0) > 0) {
      high = bounds.high;
    }
  }
  if (low === null || low === undefined || high === null || high === undefined) return null;
  return { low, high, isExact: false, mayBeNull: true, mayBeValue: true };
}

/** By what a constant pattern begins with. */
function mayBeLike(
  isLike: boolean,
  { op, operand, pattern }: LikeExpression,
  column: BoundsOfColumn,
): boolean {
  const bounds = boundsOf(operand, column);
  if (bounds === null) return true;
  if (!bounds.mayBeValue) return false;
  if (!isLike || op !== 'LIKE' || pattern.kind !== 'literal' || pattern.text === null) return true;
  const { low, high } = bounds;
  if (low?.kind !== 'text' || high?.kind !== 'text') return true;
  const prefix = Buffer.from(prefixOf(pattern.text));
  const isBelow = Buffer.compare(high.value, prefix) < 0;
  const isAbove = Buffer.compare(low.value.subarray(0, prefix.length), prefix) > 0;
  return !isBelow && !isAbove;
}

/** What every text that a LIKE pattern matches begins with. */
function prefixOf(pattern: string): string {
  // An escape ends it: what it means depends on what follows.
  return /^[^%_\\]*/.exec(pattern)?.[0] ?? '';
}
