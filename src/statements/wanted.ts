// What a condition asks of single columns: lists that show only the newest of their rows look up older ones by it.
// A hint, never the test itself: every row is still tested by the whole condition.
import type { Expression } from '../sql/ast/expression.ts';
import type { Query, Select, TableReference } from '../sql/ast/query.ts';

/** What a column must be wherever the condition is true; null = not said. */
export interface Wanted {
  readonly equals: readonly string[] | null;
  /** At least this, by the column's own order. */
  readonly low: string | null;
  readonly high: string | null;
}

/** By column in lower case. */
export type WantedColumns = ReadonlyMap<string, Wanted>;

export const NOTHING_WANTED: WantedColumns = new Map();

const ANYTHING: Wanted = { equals: null, low: null, high: null };

/** What the conditions joined by AND say of single columns. */
export function wantedColumns(where: Expression | null): WantedColumns {
  const found = new Map<string, Wanted>();
  const add = (column: Expression, more: Partial<Wanted>): void => {
    if (column.kind !== 'column') return;
    const name = (column.path.at(-1) ?? '').toLowerCase();
    // The first thing said of a column is enough: it is a hint.
    const known = found.get(name) ?? ANYTHING;
    found.set(name, {
      equals: known.equals ?? more.equals ?? null,
      low: known.low ?? more.low ?? null,
      high: known.high ?? more.high ?? null,
    });
  };
  const visit = (condition: Expression): void => {
    if (condition.kind === 'binary') visitBinary(condition, visit, add);
    if (condition.kind === 'between' && !condition.negated) {
      add(condition.operand, { low: textOf(condition.low), high: textOf(condition.high) });
    }
    if (condition.kind === 'in_list' && !condition.negated) {
      const items = condition.items.map(textOf);
      if (items.every((item) => item !== null)) add(condition.operand, { equals: items });
    }
  };
  if (where !== null) visit(where);
  return found;
}

const FLIPPED: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function visitBinary(
  { op, left, right }: Extract<Expression, { kind: 'binary' }>,
  visit: (condition: Expression) => void,
  add: (column: Expression, more: Partial<Wanted>) => void,
): void {
  if (op === 'AND') {
    visit(left);
    visit(right);
    return;
  }
  const isPlain = left.kind === 'column';
  const [column, text] = isPlain ? [left, textOf(right)] : [right, textOf(left)];
  if (text === null) return;
  const compared = isPlain ? op : (FLIPPED[op] ?? op);
  if (compared === '=') add(column, { equals: [text] });
  if (compared === '<' || compared === '<=') add(column, { high: text });
  if (compared === '>' || compared === '>=') add(column, { low: text });
}

function textOf(expression: Expression): string | null {
  if (expression.kind === 'string') return expression.value;
  return expression.kind === 'integer' || expression.kind === 'date_literal'
    ? expression.text
    : null;
}

/** What the query asks of the rows of a table that it names once, alone in its FROM; else nothing. */
export function wantedOfTable(
  query: Query,
  isTable: (name: TableReference['name']) => boolean,
): WantedColumns {
  const selects: Select[] = [];
  let count = 0;
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) visit(item);
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
    if (isReference(node) && isTable(node.name)) count += 1;
    if (isSelect(node) && node.from?.kind === 'table' && isTable(node.from.name)) {
      selects.push(node);
    }
    for (const part of Object.values(node)) visit(part);
  };
  visit(query);
  const [only] = selects;
  if (only === undefined || count !== 1) return NOTHING_WANTED;
  return wantedColumns(only.where);
}

function isReference(node: object): node is TableReference {
  return 'kind' in node && node.kind === 'table' && 'columnAliases' in node;
}

function isSelect(node: object): node is Select {
  return 'kind' in node && node.kind === 'select' && 'qualify' in node;
}
