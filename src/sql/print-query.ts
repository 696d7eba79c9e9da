// Printing of queries: WITH, SELECT and its clauses, set operations, VALUES, and the tables of FROM.
import type {
  GroupBy,
  Join,
  Limit,
  PartitionNames,
  Pivot,
  Query,
  QueryBody,
  Relation,
  Select,
  SelectItem,
  TimeTravel,
} from './ast/query.ts';
import { POWER } from './parser/power.ts';
import { type Printer, printList, printOrder } from './print-parts.ts';
import { printIdentifier, printName, printNames, words } from './print-text.ts';

/** A query as SQL, without parentheses around it. */
export function queryText(query: Query, printer: Printer): string {
  return words(
    withText(query, printer),
    printBody(query.body, printer),
    printOrder(query.orderBy, printer),
    limitText(query.limit, printer),
  );
}

/** `WITH [RECURSIVE] ...`, '' when there is none. */
export function withText(
  { recursive, ctes }: Pick<Query, 'recursive' | 'ctes'>,
  printer: Printer,
): string {
  if (ctes.length === 0) return '';
  const list = ctes.map(({ name, columns, query }) =>
    words(
      printIdentifier(name),
      columns.length > 0 && `(${printNames(columns)})`,
      `AS (${queryText(query, printer)})`,
    ),
  );
  return words('WITH', recursive && 'RECURSIVE', list.join(', '));
}

/** `VERSION AS OF n` with `between` before the value. */
export function pointText(
  { unit, expression }: TimeTravel,
  printer: Printer,
  between: '' | 'AS OF ',
): string {
  return `${unit} ${between}${printer.expression(expression, POWER.SHIFT)}`;
}

/** `LIMIT n OFFSET m`, '' when there is none. */
export function limitText(limit: Limit | null, printer: Printer): string {
  if (limit === null) return '';
  const offset = limit.offset === null ? '' : `OFFSET ${printer.expression(limit.offset, 0)}`;
  return words(`LIMIT ${printer.expression(limit.count, 0)}`, offset);
}

/** `TEMPORARY PARTITION (a, b)`, '' when there is none. */
export function printPartitionNames(partitions: PartitionNames | null): string {
  if (partitions === null) return '';
  return words(partitions.temporary && 'TEMPORARY', `PARTITION (${printNames(partitions.names)})`);
}

const setPower = (op: string): number => (op === 'INTERSECT' ? 2 : 1);

function printBody(body: QueryBody, printer: Printer): string {
  switch (body.kind) {
    case 'select':
      return printSelect(body, printer);
    case 'values':
      return `VALUES ${body.rows.map((row) => `(${printList(row, printer)})`).join(', ')}`;
    case 'query':
      return `(${queryText(body, printer)})`;
    case 'set_operation': {
      const strength = setPower(body.op);
      const left = printSide(body.left, strength, printer);
      const right = printSide(body.right, strength + 1, printer);
      return words(left, body.op, body.all && 'ALL', right);
    }
  }
}

/** One side of a set operation, in parentheses when it is a set operation that binds too weakly. */
function printSide(body: QueryBody, least: number, printer: Printer): string {
  const text = printBody(body, printer);
  return body.kind === 'set_operation' && setPower(body.op) < least ? `(${text})` : text;
}

function printSelect(select: Select, printer: Printer): string {
  return words(
    'SELECT',
    ...select.hints.map((hint) => `/*+ ${hint} */`),
    select.distinct && 'DISTINCT',
    select.items.map((item) => printSelectItem(item, printer)).join(', '),
    select.from !== null && `FROM ${relationText(select.from, printer)}`,
    select.where !== null && `WHERE ${printer.expression(select.where, 0)}`,
    select.groupBy !== null && printGroupBy(select.groupBy, printer),
    select.having !== null && `HAVING ${printer.expression(select.having, 0)}`,
    select.qualify !== null && `QUALIFY ${printer.expression(select.qualify, 0)}`,
  );
}

function printSelectItem(item: SelectItem, printer: Printer): string {
  if (item.kind === 'expression_item') {
    return words(
      printer.expression(item.expression, 0),
      item.alias !== null && `AS ${printIdentifier(item.alias)}`,
    );
  }
  const star = item.qualifier === null ? '*' : `${printName(item.qualifier)}.*`;
  return words(star, item.exclude.length > 0 && `EXCLUDE (${printNames(item.exclude)})`);
}

function printGroupBy(groupBy: GroupBy, printer: Printer): string {
  switch (groupBy.kind) {
    case 'simple':
      return `GROUP BY ${printList(groupBy.items, printer)}`;
    case 'rollup':
      return `GROUP BY ROLLUP (${printList(groupBy.items, printer)})`;
    case 'cube':
      return `GROUP BY CUBE (${printList(groupBy.items, printer)})`;
    case 'grouping_sets':
      return `GROUP BY GROUPING SETS (${groupBy.sets.map((set) => `(${printList(set, printer)})`).join(', ')})`;
  }
}

/** A FROM clause's tables. A comma prints as CROSS JOIN. */
export function relationText(relation: Relation, printer: Printer): string {
  if (relation.kind === 'join') return printJoin(relation, printer);
  const { alias, columnAliases } = relation;
  return words(
    printSource(relation, printer),
    alias !== null && `AS ${printIdentifier(alias)}`,
    columnAliases.length > 0 && `(${printNames(columnAliases)})`,
  );
}

function printSource(relation: Exclude<Relation, Join>, printer: Printer): string {
  switch (relation.kind) {
    case 'table':
      return words(
        printName(relation.name),
        relation.asOf !== undefined && `FOR ${pointText(relation.asOf, printer, 'AS OF ')}`,
        printPartitionNames(relation.partitions),
      );
    case 'derived_table':
      return `(${queryText(relation.query, printer)})`;
    case 'pivot':
      return printPivot(relation, printer);
    case 'table_function': {
      const args = relation.args.map(({ name, value }) =>
        name === null
          ? printer.expression(value, 0)
          : `${printIdentifier(name)} => ${printer.expression(value, 0)}`,
      );
      return `${printIdentifier(relation.name)}(${args.join(', ')})`;
    }
  }
}

function printPivot(pivot: Pivot, printer: Printer): string {
  const named = (text: string, alias: string | null): string =>
    words(text, alias !== null && `AS ${printIdentifier(alias)}`);
  const aggregates = pivot.aggregates.map(({ expression, alias }) =>
    named(printer.expression(expression, 0), alias),
  );
  const [first] = pivot.columns;
  const single = pivot.columns.length === 1 && first !== undefined;
  const columns = single ? printIdentifier(first.name) : `(${printNames(pivot.columns)})`;
  const values = pivot.values.map(({ items, alias }) => {
    const list = printList(items, printer);
    return named(items.length === 1 ? list : `(${list})`, alias);
  });
  const source = relationText(pivot.source, printer);
  return words(
    pivot.source.kind === 'join' ? `(${source})` : source,
    `PIVOT (${aggregates.join(', ')} FOR ${columns} IN (${values.join(', ')}))`,
  );
}

function printJoin(join: Join, printer: Printer): string {
  const right = relationText(join.right, printer);
  const { condition } = join;
  return words(
    relationText(join.left, printer),
    `${join.type} JOIN`,
    join.hint !== null && `[${join.hint}]`,
    join.lateral && 'LATERAL',
    join.right.kind === 'join' ? `(${right})` : right,
    condition?.kind === 'on' && `ON ${printer.expression(condition.expression, 0)}`,
    condition?.kind === 'using' && `USING (${printNames(condition.columns)})`,
  );
}
