// Typed expressions as a person reads them in EXPLAIN: columns by their own names, functions by StarRocks'
// names, no generated SQL. Never parsed again.
import { printSqlType } from '../model/sql-type.ts';
import type { ColumnExpression, SortKey, TypedExpression, WindowExpression } from './expression.ts';

/** What the text calls the things that an expression only refers to. */
export interface ExplainNames {
  /** `subquery 1`: its plan stands elsewhere. */
  subquery(
    expression: Extract<TypedExpression, { kind: 'exists' | 'scalar_subquery' | 'in_subquery' }>,
  ): string;
  /** `id`, or `o.id` where several relations are read. */
  column(expression: ColumnExpression): string;
}

/** One line of text. */
export function explainExpression(expression: TypedExpression, names: ExplainNames): string {
  const text = (part: TypedExpression): string => explainExpression(part, names);
  const list = (parts: readonly TypedExpression[]): string => parts.map(text).join(', ');
  switch (expression.kind) {
    case 'literal':
      return literalText(expression);
    case 'column':
      return names.column(expression);
    case 'parameter':
      return expression.name;
    case 'call':
      return `${expression.entry.names[0]}(${list(expression.args)})`;
    case 'aggregate': {
      const filter = expression.filter === null ? '' : ` FILTER (WHERE ${text(expression.filter)})`;
      const args = expression.args.length === 0 ? '*' : list(expression.args);
      const order = sortKeysText(expression.orderBy, names);
      const ordered = order === '' ? '' : ` ORDER BY ${order}`;
      const distinct = expression.distinct ? 'DISTINCT ' : '';
      return `${expression.entry.names[0]}(${distinct}${args}${ordered})${filter}`;
    }
    case 'window':
      return windowText(expression, names);
    case 'cast':
      return `CAST(${text(expression.operand)} AS ${printSqlType(expression.type)})`;
    case 'arithmetic':
    case 'comparison':
    case 'logical':
      return `${operand(expression.left, names)} ${expression.op} ${operand(expression.right, names)}`;
    case 'not':
      return `NOT ${operand(expression.operand, names)}`;
    case 'is_null':
      return `${operand(expression.operand, names)} IS ${expression.negated ? 'NOT ' : ''}NULL`;
    case 'like':
      return `${operand(expression.operand, names)} ${expression.negated ? 'NOT ' : ''}${expression.op} ${text(expression.pattern)}`;
    case 'in_list':
      return `${operand(expression.operand, names)} ${expression.negated ? 'NOT ' : ''}IN (${shortList(expression.items.map(text))})`;
    case 'in_subquery':
      return `${operand(expression.operand, names)} ${expression.negated ? 'NOT ' : ''}IN (${names.subquery(expression)})`;
    case 'exists':
      return `EXISTS (${names.subquery(expression)})`;
    case 'scalar_subquery':
      return `(${names.subquery(expression)})`;
    case 'case': {
      const branches = expression.branches.map(
        ({ when, result }) => `WHEN ${text(when)} THEN ${text(result)}`,
      );
      const otherwise = expression.otherwise === null ? '' : ` ELSE ${text(expression.otherwise)}`;
      return `CASE ${branches.join(' ')}${otherwise} END`;
    }
    case 'interval':
      return `INTERVAL ${text(expression.amount)} ${expression.unit}`;
    case 'row':
      return `(${list(expression.items)})`;
    case 'array':
      return `[${shortList(expression.items.map(text))}]`;
    case 'map':
      return `map{${shortList(expression.keys.map((key, i) => `${text(key)}: ${expression.values[i] === undefined ? '' : text(expression.values[i])}`))}}`;
    case 'subscript':
      return `${operand(expression.operand, names)}[${text(expression.index)}]`;
    case 'field':
      return `${operand(expression.operand, names)}.${expression.name}`;
    case 'lambda':
      return `(${expression.parameters.join(', ')}) -> ${text(expression.body)}`;
  }
}

/** `a ASC, b DESC NULLS FIRST`. */
export function sortKeysText(keys: readonly SortKey[], names: ExplainNames): string {
  return keys.map((key) => sortText(explainExpression(key.expression, names), key)).join(', ');
}

/** A sort item; where NULLs go is only named when it is not the default. */
export function sortText(
  shown: string,
  { descending, nullsFirst }: { readonly descending: boolean; readonly nullsFirst: boolean },
): string {
  const nulls = nullsFirst === !descending ? '' : ` NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`;
  return `${shown} ${descending ? 'DESC' : 'ASC'}${nulls}`;
}

/** Items shown of a long list. */
const MAX_ITEMS = 20;

function shortList(items: readonly string[]): string {
  if (items.length <= MAX_ITEMS) return items.join(', ');
  return `${items.slice(0, MAX_ITEMS).join(', ')}, ... ${items.length - MAX_ITEMS} more`;
}

function literalText(literal: Extract<TypedExpression, { kind: 'literal' }>): string {
  const { type, text } = literal;
  if (text === null) return 'NULL';
  switch (type.kind) {
    case 'BOOLEAN':
      return text === '1' ? 'TRUE' : 'FALSE';
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
    case 'FLOAT':
    case 'DOUBLE':
    case 'DECIMAL':
      return text;
    case 'VARBINARY':
      return `X'${text}'`;
    default:
      return `'${text}'`;
  }
}

const COMPOUND: ReadonlySet<TypedExpression['kind']> = new Set<TypedExpression['kind']>([
  'arithmetic',
  'comparison',
  'logical',
  'not',
  'is_null',
  'like',
  'in_list',
  'in_subquery',
]);

function operand(expression: TypedExpression, names: ExplainNames): string {
  const text = explainExpression(expression, names);
  return COMPOUND.has(expression.kind) ? `(${text})` : text;
}

function windowText(window: WindowExpression, names: ExplainNames): string {
  const parts: string[] = [];
  if (window.partitionBy.length > 0) {
    const keys = window.partitionBy.map((item) => explainExpression(item, names));
    parts.push(`PARTITION BY ${keys.join(', ')}`);
  }
  const order = sortKeysText(window.orderBy, names);
  if (order !== '') parts.push(`ORDER BY ${order}`);
  if (window.frame !== null) {
    const edge = (bound: NonNullable<WindowExpression['frame']>['start']): string => {
      const name = bound.kind.replaceAll('_', ' ').toUpperCase();
      return 'rows' in bound ? `${explainExpression(bound.rows, names)} ${name}` : name;
    };
    const { unit, start, end } = window.frame;
    parts.push(`${unit} BETWEEN ${edge(start)} AND ${edge(end)}`);
  }
  const ignore = window.ignoreNulls ? ' IGNORE NULLS' : '';
  return `${explainExpression(window.call, names)}${ignore} OVER (${parts.join(' ')})`;
}
