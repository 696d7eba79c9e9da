// Expressions and queries -> StarRocks SQL on one line. Parsing the result gives the same tree, so
// parentheses are put exactly where the operators' strength asks for them.
import { unreachable } from '../base/assert.ts';
import type {
  Binary,
  Case,
  Expression,
  FrameBound,
  FunctionCall,
  IntervalLiteral,
  MapLiteral,
  WindowCall,
} from './ast/expression.ts';
import type {
  GroupBy,
  Join,
  Limit,
  OrderItem,
  PartitionNames,
  Query,
  QueryBody,
  Relation,
  Select,
  SelectItem,
} from './ast/query.ts';
import { RESERVED_FUNCTIONS } from './parser/function.ts';
import { POWER } from './parser/power.ts';
import {
  printIdentifier,
  printName,
  printNames,
  printString,
  printType,
  quoteIdentifier,
  words,
} from './print-text.ts';

/** An expression as SQL. Function names are lower case, keywords upper case. */
export function printExpression(expression: Expression): string {
  return print(expression, 0);
}

/** A query as SQL, without parentheses around it. */
export function printQuery(query: Query): string {
  const ctes = query.ctes.map(({ name, columns, query: inner }) =>
    words(
      printIdentifier(name),
      columns.length > 0 && `(${printNames(columns)})`,
      `AS (${printQuery(inner)})`,
    ),
  );
  return words(
    ctes.length > 0 && words('WITH', query.recursive && 'RECURSIVE', ctes.join(', ')),
    printBody(query.body),
    printOrderBy(query.orderBy),
    printLimit(query.limit),
  );
}

/** `ORDER BY ...`, '' when there is none. */
export function printOrderBy(items: readonly OrderItem[]): string {
  if (items.length === 0) return '';
  const printed = items.map(({ expression, descending, nullsFirst }) =>
    words(
      print(expression, 0),
      descending && 'DESC',
      nullsFirst !== null && (nullsFirst ? 'NULLS FIRST' : 'NULLS LAST'),
    ),
  );
  return `ORDER BY ${printed.join(', ')}`;
}

/** `LIMIT n OFFSET m`, '' when there is none. */
export function printLimit(limit: Limit | null): string {
  if (limit === null) return '';
  const offset = limit.offset === null ? '' : `OFFSET ${print(limit.offset, 0)}`;
  return words(`LIMIT ${print(limit.count, 0)}`, offset);
}

/** `TEMPORARY PARTITION (a, b)`, '' when there is none. */
export function printPartitionNames(partitions: PartitionNames | null): string {
  if (partitions === null) return '';
  return words(partitions.temporary && 'TEMPORARY', `PARTITION (${printNames(partitions.names)})`);
}

const UNARY = POWER.BIT_XOR + 1;
const SUFFIX = UNARY + 1;
const ATOM = SUFFIX + 1;

const BINARY_POWER: Readonly<Record<Binary['op'], number>> = {
  OR: POWER.OR,
  XOR: POWER.XOR,
  AND: POWER.AND,
  '=': POWER.COMPARE,
  '<>': POWER.COMPARE,
  '<': POWER.COMPARE,
  '<=': POWER.COMPARE,
  '>': POWER.COMPARE,
  '>=': POWER.COMPARE,
  '<=>': POWER.COMPARE,
  '<<': POWER.SHIFT,
  '>>': POWER.SHIFT,
  '|': POWER.BIT_OR,
  '&': POWER.BIT_AND,
  '+': POWER.ADD,
  '-': POWER.ADD,
  '*': POWER.MULTIPLY,
  '/': POWER.MULTIPLY,
  '%': POWER.MULTIPLY,
  DIV: POWER.MULTIPLY,
  '^': POWER.BIT_XOR,
};

/** How strongly the outermost operator of the expression binds. */
function power(expression: Expression): number {
  switch (expression.kind) {
    case 'lambda':
      return 0;
    case 'binary':
      return BINARY_POWER[expression.op];
    case 'unary':
      return expression.op === 'NOT' ? POWER.NOT : UNARY;
    case 'is_null':
      return POWER.COMPARE;
    case 'between':
    case 'in_list':
    case 'in_subquery':
    case 'like':
      return POWER.PREDICATE;
    case 'field':
    case 'subscript':
    case 'json_arrow':
    case 'collate':
      return SUFFIX;
    default:
      return ATOM;
  }
}

/** In parentheses when it binds more weakly than `least`. */
function print(expression: Expression, least: number): string {
  const text = printKind(expression);
  return power(expression) < least ? `(${text})` : text;
}

const printAll = (expressions: readonly Expression[]): string =>
  expressions.map((expression) => print(expression, 0)).join(', ');

function printKind(expression: Expression): string {
  switch (expression.kind) {
    case 'null':
      return 'NULL';
    case 'boolean':
      return expression.value ? 'TRUE' : 'FALSE';
    case 'integer':
    case 'decimal':
    case 'float':
      return expression.text;
    case 'string':
      return printString(expression.value);
    case 'binary_literal':
      return `X'${expression.hex}'`;
    case 'date_literal':
      return `${expression.type} ${printString(expression.text)}`;
    case 'interval':
      return printInterval(expression);
    case 'default':
      return 'DEFAULT';
    case 'column':
      return expression.path.map(printIdentifier).join('.');
    case 'function':
      return printCall(expression);
    case 'window':
      return printWindow(expression);
    case 'case':
      return printCase(expression);
    case 'cast': {
      const name = expression.tryCast ? 'TRY_CAST' : 'CAST';
      return `${name}(${print(expression.operand, 0)} AS ${printType(expression.type)})`;
    }
    case 'subquery':
      return `(${printQuery(expression.query)})`;
    case 'exists':
      return `EXISTS (${printQuery(expression.query)})`;
    case 'row':
      return `(${printAll(expression.items)})`;
    case 'array': {
      const type = expression.elementType;
      return `${type === null ? '' : `array<${printType(type)}>`}[${printAll(expression.items)}]`;
    }
    case 'map':
      return printMap(expression);
    case 'user_variable':
      return `@${printIdentifier(expression.name)}`;
    case 'system_variable': {
      const scope = expression.scope === null ? '' : `${expression.scope}.`;
      return `@@${scope}${printIdentifier(expression.name)}`;
    }
    case 'parameter':
      return '?';
    default:
      return printOperator(expression);
  }
}

type Operator = Extract<
  Expression,
  {
    kind:
      | 'unary'
      | 'binary'
      | 'between'
      | 'in_list'
      | 'in_subquery'
      | 'like'
      | 'is_null'
      | 'field'
      | 'subscript'
      | 'json_arrow'
      | 'collate'
      | 'lambda';
  }
>;

function printOperator(expression: Operator): string {
  switch (expression.kind) {
    case 'unary': {
      if (expression.op === 'NOT') return `NOT ${print(expression.operand, POWER.NOT)}`;
      const operand = print(expression.operand, UNARY);
      // Two minus signs in a row would begin a comment.
      return operand.startsWith(expression.op)
        ? `${expression.op} ${operand}`
        : `${expression.op}${operand}`;
    }
    case 'binary': {
      const strength = BINARY_POWER[expression.op];
      return `${print(expression.left, strength)} ${expression.op} ${print(expression.right, strength + 1)}`;
    }
    case 'between':
      return words(
        print(expression.operand, POWER.SHIFT),
        expression.negated && 'NOT',
        `BETWEEN ${print(expression.low, POWER.SHIFT)} AND ${print(expression.high, POWER.SHIFT)}`,
      );
    case 'in_list':
      return `${printIn(expression)} (${printAll(expression.items)})`;
    case 'in_subquery':
      return `${printIn(expression)} (${printQuery(expression.query)})`;
    case 'like':
      return words(
        print(expression.operand, POWER.SHIFT),
        expression.negated && 'NOT',
        `${expression.op} ${print(expression.pattern, POWER.SHIFT)}`,
      );
    case 'is_null':
      return `${print(expression.operand, POWER.COMPARE)} IS ${expression.negated ? 'NOT NULL' : 'NULL'}`;
    case 'field': {
      const { operand, name } = expression;
      const isPath = operand.kind === 'column' || operand.kind === 'system_variable';
      return `${isPath ? `(${printKind(operand)})` : printSuffixed(operand)}.${printIdentifier(name)}`;
    }
    case 'subscript':
      return `${printSuffixed(expression.operand)}[${print(expression.index, POWER.SHIFT)}]`;
    case 'json_arrow':
      return `${printSuffixed(expression.operand)} -> ${print(expression.path, ATOM)}`;
    case 'collate':
      return `${printSuffixed(expression.operand)} COLLATE ${printIdentifier(expression.collation)}`;
    case 'lambda': {
      const [first] = expression.parameters;
      const single = expression.parameters.length === 1 && first !== undefined;
      const parameters = single
        ? printIdentifier(first.name)
        : `(${printNames(expression.parameters)})`;
      // A string directly after the arrow would be read as a JSON path.
      const body = print(expression.body, 0);
      return `${parameters} -> ${body.startsWith("'") ? `(${body})` : body}`;
    }
    default:
      return unreachable(expression, 'operator');
  }
}

function printIn(expression: { readonly operand: Expression; readonly negated: boolean }): string {
  return words(print(expression.operand, POWER.SHIFT), expression.negated && 'NOT', 'IN');
}

/** An operand that a suffix follows; numbers get parentheses so that a point after them is not theirs. */
function printSuffixed(operand: Expression): string {
  const isNumber = operand.kind === 'integer' || operand.kind === 'decimal';
  return print(operand, isNumber ? Infinity : SUFFIX);
}

function printInterval({ amount, unit }: IntervalLiteral): string {
  const bare =
    amount.kind === 'string' ||
    amount.kind === 'integer' ||
    (amount.kind === 'unary' && amount.op === '-' && amount.operand.kind === 'integer');
  return `INTERVAL ${print(amount, bare ? 0 : Infinity)} ${unit}`;
}

function printMap({ type, entries }: MapLiteral): string {
  const name = type === null ? 'map' : `map<${printType(type.key)}, ${printType(type.value)}>`;
  const printed = entries.map(({ key, value }) => `${print(key, 0)}: ${print(value, 0)}`);
  return `${name}{${printed.join(', ')}}`;
}

function printCase({ operand, branches, otherwise }: Case): string {
  return words(
    'CASE',
    operand !== null && print(operand, 0),
    ...branches.map(({ when, result }) => `WHEN ${print(when, 0)} THEN ${print(result, 0)}`),
    otherwise !== null && `ELSE ${print(otherwise, 0)}`,
    'END',
  );
}

/** Names whose bare form has arguments of another shape; as ordinary calls they were in backticks. */
const SPECIAL_FORMS: ReadonlySet<string> = new Set(['cast', 'try_cast', 'convert', 'extract']);

function printFunctionName(call: FunctionCall): string {
  const { name, unit } = call;
  const odd = SPECIAL_FORMS.has(name) || (unit === null && /^timestamp(add|diff)$/.test(name));
  if (odd && call.database === null) return quoteIdentifier(name);
  const text = RESERVED_FUNCTIONS.has(name.toUpperCase()) ? name : printIdentifier(name);
  return call.database === null ? text : `${printIdentifier(call.database)}.${text}`;
}

function printCall(call: FunctionCall): string {
  const args = call.star ? '*' : printAll(call.args);
  const inside = words(
    call.distinct && 'DISTINCT',
    call.unit === null ? args : `${call.unit}, ${args}`,
    printOrderBy(call.orderBy),
    call.separator !== null && `SEPARATOR ${print(call.separator, 0)}`,
  );
  return words(
    `${printFunctionName(call)}(${inside})`,
    call.ignoreNulls && 'IGNORE NULLS',
    call.filter !== null && `FILTER (WHERE ${print(call.filter, 0)})`,
  );
}

function printWindow({ call, partitionBy, orderBy, frame }: WindowCall): string {
  const inside = words(
    partitionBy.length > 0 && `PARTITION BY ${printAll(partitionBy)}`,
    printOrderBy(orderBy),
    frame !== null &&
      (frame.end === null
        ? `${frame.unit} ${printBound(frame.start)}`
        : `${frame.unit} BETWEEN ${printBound(frame.start)} AND ${printBound(frame.end)}`),
  );
  return `${printCall(call)} OVER (${inside})`;
}

function printBound(bound: FrameBound): string {
  switch (bound.kind) {
    case 'unbounded_preceding':
      return 'UNBOUNDED PRECEDING';
    case 'unbounded_following':
      return 'UNBOUNDED FOLLOWING';
    case 'current_row':
      return 'CURRENT ROW';
    case 'preceding':
      return `${print(bound.amount, POWER.SHIFT)} PRECEDING`;
    case 'following':
      return `${print(bound.amount, POWER.SHIFT)} FOLLOWING`;
  }
}

const setPower = (op: string): number => (op === 'INTERSECT' ? 2 : 1);

function printBody(body: QueryBody): string {
  switch (body.kind) {
    case 'select':
      return printSelect(body);
    case 'values':
      return `VALUES ${body.rows.map((row) => `(${printAll(row)})`).join(', ')}`;
    case 'query':
      return `(${printQuery(body)})`;
    case 'set_operation': {
      const strength = setPower(body.op);
      const left = printSide(body.left, strength);
      const right = printSide(body.right, strength + 1);
      return words(left, body.op, body.all && 'ALL', right);
    }
  }
}

/** One side of a set operation, in parentheses when it is a set operation that binds too weakly. */
function printSide(body: QueryBody, least: number): string {
  const text = printBody(body);
  return body.kind === 'set_operation' && setPower(body.op) < least ? `(${text})` : text;
}

function printSelect(select: Select): string {
  return words(
    'SELECT',
    ...select.hints.map((hint) => `/*+ ${hint} */`),
    select.distinct && 'DISTINCT',
    select.items.map(printSelectItem).join(', '),
    select.from !== null && `FROM ${printRelation(select.from)}`,
    select.where !== null && `WHERE ${print(select.where, 0)}`,
    select.groupBy !== null && printGroupBy(select.groupBy),
    select.having !== null && `HAVING ${print(select.having, 0)}`,
    select.qualify !== null && `QUALIFY ${print(select.qualify, 0)}`,
  );
}

function printSelectItem(item: SelectItem): string {
  if (item.kind === 'expression_item') {
    return words(
      print(item.expression, 0),
      item.alias !== null && `AS ${printIdentifier(item.alias)}`,
    );
  }
  const star = item.qualifier === null ? '*' : `${printName(item.qualifier)}.*`;
  return words(star, item.exclude.length > 0 && `EXCLUDE (${printNames(item.exclude)})`);
}

function printGroupBy(groupBy: GroupBy): string {
  switch (groupBy.kind) {
    case 'simple':
      return `GROUP BY ${printAll(groupBy.items)}`;
    case 'rollup':
      return `GROUP BY ROLLUP (${printAll(groupBy.items)})`;
    case 'cube':
      return `GROUP BY CUBE (${printAll(groupBy.items)})`;
    case 'grouping_sets':
      return `GROUP BY GROUPING SETS (${groupBy.sets.map((set) => `(${printAll(set)})`).join(', ')})`;
  }
}

/** A FROM clause's tables. A comma prints as CROSS JOIN. */
function printRelation(relation: Relation): string {
  if (relation.kind === 'join') return printJoin(relation);
  const { alias, columnAliases } = relation;
  return words(
    printSource(relation),
    alias !== null && `AS ${printIdentifier(alias)}`,
    columnAliases.length > 0 && `(${printNames(columnAliases)})`,
  );
}

function printSource(relation: Exclude<Relation, Join>): string {
  switch (relation.kind) {
    case 'table':
      return words(printName(relation.name), printPartitionNames(relation.partitions));
    case 'derived_table':
      return `(${printQuery(relation.query)})`;
    case 'table_function': {
      const args = relation.args.map(({ name, value }) =>
        name === null ? print(value, 0) : `${printIdentifier(name)} => ${print(value, 0)}`,
      );
      return `${printIdentifier(relation.name)}(${args.join(', ')})`;
    }
  }
}

function printJoin(join: Join): string {
  const right = printRelation(join.right);
  const { condition } = join;
  return words(
    printRelation(join.left),
    `${join.type} JOIN`,
    join.hint !== null && `[${join.hint}]`,
    join.lateral && 'LATERAL',
    join.right.kind === 'join' ? `(${right})` : right,
    condition?.kind === 'on' && `ON ${print(condition.expression, 0)}`,
    condition?.kind === 'using' && `USING (${printNames(condition.columns)})`,
  );
}
