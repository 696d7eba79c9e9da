// Partitions as StarRocks prints them: in SHOW CREATE TABLE, SHOW PARTITIONS and messages. What SHOW CREATE TABLE
// says makes the same partitions again.
import type {
  Partition,
  PartitionBounds,
  Partitioning,
  PartitionKey,
} from '../../model/partition.ts';
import { partitionColumns, type RoutedColumn } from '../../model/partition-routing.ts';
import type { SqlType } from '../../model/sql-type.ts';
import type { TableInfo } from '../../model/table.ts';
import { printIdentifier, printString } from '../../sql/print-text.ts';
import { quoteName, quoteText } from '../properties.ts';

/** The open lower end, as StarRocks prints it: the least value of the type. */
export function leastText(type: SqlType): string {
  const bits: Readonly<Partial<Record<SqlType['kind'], bigint>>> = {
    TINYINT: 8n,
    SMALLINT: 16n,
    INT: 32n,
    BIGINT: 64n,
    LARGEINT: 128n,
  };
  const width = bits[type.kind];
  if (width !== undefined) return String(-(1n << (width - 1n)));
  return type.kind === 'DATE' ? '0000-01-01' : '0000-01-01 00:00:00';
}

function boundTexts(
  key: PartitionKey,
  columns: readonly RoutedColumn[],
  end: 'lower' | 'upper',
): string[] {
  return columns.map(
    ({ type }, index) => key[index] ?? (end === 'lower' ? leastText(type) : 'MAXVALUE'),
  );
}

/** The Range or List cell of SHOW PARTITIONS. */
export function boundsText(bounds: PartitionBounds, columns: readonly RoutedColumn[]): string {
  if (bounds.kind === 'list') {
    const tuples = bounds.values.map((key) => {
      const texts = key.map((text) => (text === null ? 'NULL' : `'${text}'`));
      return texts.length === 1 ? texts.join('') : `(${texts.join(', ')})`;
    });
    return `(${tuples.join(', ')})`;
  }
  const types = columns.map(({ type }) => type.kind).join(', ');
  const keys = (key: PartitionKey, end: 'lower' | 'upper'): string =>
    `types: [${types}]; keys: [${boundTexts(key, columns, end).join(', ')}]; `;
  return `[${keys(bounds.lower, 'lower')}..${keys(bounds.upper, 'upper')})`;
}

/** The PARTITION BY clause. `partitions`: those that SHOW CREATE TABLE lists. */
export function partitionByText(
  table: Pick<TableInfo, 'schema'>,
  partitioning: Partitioning,
  partitions: readonly Partition[],
): string {
  const columns = partitionColumns(partitioning, table.schema.columns);
  if (partitioning.automatic) {
    const items = columns.map(itemText);
    const list = items.join(', ');
    return partitioning.kind === 'range' ? `PARTITION BY ${list}` : `PARTITION BY (${list})`;
  }
  const ordinary = partitions.filter(({ isTemporary }) => !isTemporary);
  // A name is quoted only where it must be. SOURCE: StarRocks, RangePartitionInfo.toSql and ListPartitionInfo.toSql.
  const lines = ordinary.map(
    ({ name, bounds }) =>
      `PARTITION ${printIdentifier(name)} VALUES ${valuesText(bounds, columns)}`,
  );
  const names = columns.map(itemText);
  if (partitioning.kind === 'range') {
    return `PARTITION BY RANGE(${names.join(', ')})\n(${lines.join(',\n')})`;
  }
  return `PARTITION BY LIST(${names.join(',')})(\n${lines.map((line) => `  ${line}`).join(',\n')}\n)`;
}

function itemText({ name, transform }: RoutedColumn): string {
  switch (transform.kind) {
    case 'identity':
      return quoteName(name);
    case 'date_trunc':
      return `date_trunc('${transform.unit}', ${quoteName(name)})`;
    case 'from_unixtime':
      return `from_unixtime${transform.perSecond === 1 ? '' : '_ms'}(${quoteName(name)})`;
    case 'str2date':
      return `str2date(${quoteName(name)}, '${transform.format}')`;
    case 'time_slice':
      return `time_slice(${quoteName(name)}, INTERVAL ${transform.count} ${transform.unit.toUpperCase()})`;
  }
}

function valuesText(bounds: PartitionBounds, columns: readonly RoutedColumn[]): string {
  if (bounds.kind === 'list') {
    const tuples = bounds.values.map((key) => {
      const texts = key.map((text) => (text === null ? 'NULL' : printString(text)));
      return texts.length === 1 ? texts.join('') : `(${texts.join(', ')})`;
    });
    return `IN (${tuples.join(', ')})`;
  }
  const texts = (key: PartitionKey, end: 'lower' | 'upper'): string =>
    `(${boundTexts(key, columns, end)
      .map((text) => (text === 'MAXVALUE' ? text : quoteText(text)))
      .join(', ')})`;
  return `[${texts(bounds.lower, 'lower')}, ${texts(bounds.upper, 'upper')})`;
}
