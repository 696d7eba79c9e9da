// PARTITION BY of CREATE TABLE: which columns, by what, and the partitions made at once. SOURCE: StarRocks docs,
// CREATE TABLE, "expression partitioning", "list partitioning" (3.3 to 3.5).
import type { NewTable } from '../../catalog/catalog.ts';
import { analysisError } from '../../loads/properties.ts';
import {
  boundType,
  DATE_FORMATS,
  type PartitionTransform,
  STEP_UNITS,
  TRUNC_UNITS,
} from '../../model/partition.ts';
import { printSqlType, type SqlType } from '../../model/sql-type.ts';
import type { PartitionBy } from '../../sql/ast/ddl.ts';
import type { Expression } from '../../sql/ast/expression.ts';
import { printExpression } from '../../sql/print.ts';
import { type BoundColumn, intervalOf, newLists, newRanges } from './bounds.ts';

type TableColumns = NewTable['columns'];
type Partitions = NonNullable<NewTable['partitions']>;
type Item = Partitions['items'][number];

/** Throws SQL_ANALYZE for columns that are none, cannot part a table, or bounds that do not fit. */
export function partitionsOf(
  partitionBy: PartitionBy,
  columns: TableColumns,
  keysType: NewTable['keysType'],
): Partitions {
  const find = (name: string): TableColumns[number] => {
    const lower = name.toLowerCase();
    const column = columns.find((one) => one.name.toLowerCase() === lower);
    if (column === undefined) throw analysisError(`Partition column[${name}] does not found`);
    if (column.generated !== undefined || column.autoIncrement === true) {
      throw analysisError(`Partition column ${name} can be no generated or AUTO_INCREMENT column`);
    }
    if (keysType !== 'DUP_KEYS' && !column.isKey) {
      throw analysisError(
        `The partition column could not be aggregated column: ${name} must be a key column`,
      );
    }
    return column;
  };
  if (partitionBy.kind === 'expression') return expressionPartitions(partitionBy, find);
  const items = partitionBy.columns.map(({ name }): Item => {
    const { type, name: column } = find(name);
    checkType(name, type, partitionBy.kind);
    return { column, transform: { kind: 'identity' } };
  });
  const beside = { columns: bound(items, find), existing: [], isTemporary: false };
  const list =
    partitionBy.kind === 'range'
      ? newRanges(partitionBy.partitions, beside)
      : newLists(partitionBy.partitions, beside);
  return { kind: partitionBy.kind, automatic: false, items, list };
}

function bound(
  items: readonly Item[],
  find: (name: string) => TableColumns[number],
): readonly BoundColumn[] {
  return items.map(({ column, transform }) => {
    const { name, type, nullable } = find(column);
    return { name, type: boundType(transform, type), nullable, transform };
  });
}

function expressionPartitions(
  { items: expressions, partitions, inRange }: Extract<PartitionBy, { kind: 'expression' }>,
  find: (name: string) => TableColumns[number],
): Partitions {
  const items = expressions.map((expression) => itemOf(expression, find));
  if (items.some(({ transform: { kind } }) => FUNCTIONS.has(kind))) {
    if (items.length > 1 || inRange !== true) {
      throw unsupported(`${expressions.map(printExpression).join(', ')}: write RANGE(..)`);
    }
    const beside = { columns: bound(items, find), existing: [], isTemporary: false };
    return { kind: 'range', automatic: false, items, list: newRanges(partitions, beside) };
  }
  const isRange = items.length === 1 && items[0]?.transform.kind !== 'identity';
  if (!isRange) {
    if (partitions.length > 0) {
      throw analysisError(
        'partitions of a table that is partitioned by columns are made as rows arrive: leave them out, or use PARTITION BY LIST',
      );
    }
    return { kind: 'list', automatic: true, items, list: [] };
  }
  const columns = bound(items, find);
  const list = newRanges(partitions, { columns, existing: [], isTemporary: false });
  return { kind: 'range', automatic: true, items, list };
}

function itemOf(expression: Expression, find: (name: string) => TableColumns[number]): Item {
  if (expression.kind === 'column') {
    const { name, type } = find(expression.path.at(-1) ?? '');
    checkType(name, type, 'list');
    return { column: name, transform: { kind: 'identity' } };
  }
  if (expression.kind === 'function') {
    const { name } = expression;
    if (name === 'date_trunc') return truncItem(expression.args, find);
    if (name === 'time_slice') return sliceItem(expression.args, find);
    if (name === 'from_unixtime') return unixItem(expression.args, 1, find);
    if (name === 'from_unixtime_ms') return unixItem(expression.args, 1000, find);
    if (name === 'str2date') return dateItem(expression.args, find);
  }
  throw unsupported(printExpression(expression));
}

function unsupported(what: string): Error {
  return analysisError(
    `Unsupported partition expression ${what}: columns, date_trunc('${TRUNC_UNITS.join('|')}', column) and time_slice(column, INTERVAL n unit); RANGE also of from_unixtime(column) and str2date(column, format)`,
  );
}

function truncItem(
  args: readonly Expression[],
  find: (name: string) => TableColumns[number],
): Item {
  const [unitText, source] = args;
  const text = unitText?.kind === 'string' ? unitText.value.toLowerCase() : '';
  const unit = TRUNC_UNITS.find((known) => known === text);
  if (unit === undefined || source?.kind !== 'column' || args.length !== 2) {
    throw unsupported(`date_trunc('${text}', ..)`);
  }
  const { name, type } = find(source.path.at(-1) ?? '');
  const transform: PartitionTransform = { kind: 'date_trunc', unit };
  checkTime(name, type, unit === 'hour');
  return { column: name, transform };
}

/** Which partitions there are is said by hand; others are made by rows. */
const FUNCTIONS: ReadonlySet<PartitionTransform['kind']> = new Set(['from_unixtime', 'str2date']);

function unixItem(
  args: readonly Expression[],
  perSecond: 1 | 1000,
  find: (name: string) => TableColumns[number],
): Item {
  const [source] = args;
  if (source?.kind !== 'column' || args.length > 2) throw unsupported('from_unixtime(..)');
  const { name, type } = find(source.path.at(-1) ?? '');
  if (type.kind !== 'BIGINT' && type.kind !== 'INT') {
    throw analysisError(
      `Partition column ${name} must be of type INT or BIGINT, it is ${printSqlType(type)}`,
    );
  }
  return { column: name, transform: { kind: 'from_unixtime', perSecond } };
}

function dateItem(args: readonly Expression[], find: (name: string) => TableColumns[number]): Item {
  const [source, text] = args;
  const format = DATE_FORMATS.find((known) => text?.kind === 'string' && text.value === known);
  if (source?.kind !== 'column' || format === undefined || args.length !== 2) {
    throw unsupported(`str2date(..) with another format than ${DATE_FORMATS.join(', ')}`);
  }
  const { name, type } = find(source.path.at(-1) ?? '');
  if (type.kind !== 'VARCHAR' && type.kind !== 'CHAR') {
    throw analysisError(
      `Partition column ${name} must be of type VARCHAR, it is ${printSqlType(type)}`,
    );
  }
  return { column: name, transform: { kind: 'str2date', format } };
}

function sliceItem(
  args: readonly Expression[],
  find: (name: string) => TableColumns[number],
): Item {
  const [source, every, boundary] = args;
  const isFloor =
    boundary === undefined ||
    (boundary.kind === 'column' && boundary.path.at(-1)?.toLowerCase() === 'floor') ||
    (boundary.kind === 'string' && boundary.value.toLowerCase() === 'floor');
  if (source?.kind !== 'column' || every?.kind !== 'interval' || !isFloor || args.length > 3) {
    throw unsupported('time_slice(..)');
  }
  const { name, type } = find(source.path.at(-1) ?? '');
  const { unit, count } = intervalOf(every);
  checkTime(name, type, STEP_UNITS.indexOf(unit) <= STEP_UNITS.indexOf('hour'));
  return { column: name, transform: { kind: 'time_slice', unit, count } };
}

function checkTime(name: string, type: SqlType, needsTime: boolean): void {
  if (type.kind === 'DATETIME' || (type.kind === 'DATE' && !needsTime)) return;
  const wanted = needsTime ? 'DATETIME' : 'DATE or DATETIME';
  throw analysisError(
    `Partition column ${name} must be of type ${wanted}, it is ${printSqlType(type)}`,
  );
}

function checkType(name: string, type: SqlType, kind: 'range' | 'list'): void {
  switch (type.kind) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
    case 'DATE':
    case 'DATETIME':
      return;
    case 'BOOLEAN':
    case 'CHAR':
    case 'VARCHAR':
      if (kind === 'list') return;
      break;
    default:
      break;
  }
  throw analysisError(`Invalid partition column '${name}': invalid data type ${type.kind}`);
}
