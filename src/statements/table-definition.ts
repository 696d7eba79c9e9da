// CREATE TABLE: from the statement to what the catalog keeps of the table. Checks what StarRocks checks; what is
// not supported is refused with its name.
import type { NewColumn, NewTable } from '../catalog/catalog.ts';
import { analysisError } from '../loads/properties.ts';
import type { KeysType } from '../model/table.ts';
import { checkGeneratedColumn } from '../query/generated-column.ts';
import type { CreateTable } from '../sql/ast/ddl.ts';
import { columnOf } from './column-definition.ts';
import { checkName } from './names.ts';
import { partitionsOf } from './partitions/definition.ts';
import { checkClockRules } from './partitions/dynamic-properties.ts';
import { checkPrimaryKey, distributionOf, sortKeyOf, tableKeys } from './table-keys.ts';
import { checkedTableProperties } from './table-properties.ts';

/** Most columns of a table. */
export const MAX_COLUMNS = 10_000;

/** Checks the statement and gives what the catalog keeps of it. Throws SQL_ANALYZE. */
export function newTable(statement: CreateTable, database: string): NewTable {
  const { name } = statement.name;
  refuseLaterWork(statement);
  checkName('table', name);
  checkNames(statement.columns);
  const { keysType, names } = tableKeys(statement);
  const columns = statement.columns.map((column) =>
    columnOf(column, { keysType, isKey: names.has(column.name.toLowerCase()) }),
  );
  checkColumns(columns, keysType);
  const sortKey = sortKeyOf(statement, keysType, columns);
  const { storage_volume: volumeName, ...properties } = checkedTableProperties(
    statement.properties,
    { keysType, columns },
  );
  const partitions =
    statement.partitionBy === null ? null : partitionsOf(statement.partitionBy, columns, keysType);
  const parting = partitions?.items.map(({ column }) => column) ?? [];
  checkClockRules(
    properties,
    partitions,
    columns.filter((column) => parting.includes(column.name)).map(({ type }) => type),
  );
  return {
    databaseName: database,
    name,
    keysType,
    columns,
    ...(sortKey === undefined ? {} : { sortKey }),
    volumeName: volumeName ?? null,
    comment: statement.comment ?? '',
    distributedBy: distributionOf(statement, keysType, columns),
    buckets: statement.distributedBy?.buckets ?? null,
    properties,
    ...(partitions === null ? {} : { partitions }),
  };
}

function refuseLaterWork(statement: CreateTable): void {
  const later: [boolean, string][] = [
    [statement.external, 'external tables are not supported yet (leave EXTERNAL out)'],
    [
      statement.indexes.length > 0,
      'indexes are not supported (leave them out: files are pruned by the range of every column)',
    ],
    [
      statement.engine !== null && statement.engine.toUpperCase() !== 'OLAP',
      `ENGINE=${statement.engine ?? ''} is not supported, only ENGINE=OLAP is`,
    ],
  ];
  for (const [present, what] of later) {
    if (present) throw analysisError(what);
  }
}

function checkNames(columns: CreateTable['columns']): void {
  if (columns.length === 0) throw analysisError('Empty schema');
  if (columns.length > MAX_COLUMNS) {
    throw analysisError(`${columns.length} columns, more than the limit of ${MAX_COLUMNS}`);
  }
  const seen = new Set<string>();
  for (const { name } of columns) {
    checkName('column', name);
    if (seen.has(name.toLowerCase())) throw analysisError(`Duplicate column name '${name}'`);
    seen.add(name.toLowerCase());
  }
}

/**
 * What columns must be to each other. Throws SQL_ANALYZE. SOURCE: StarRocks docs, Generated columns and
 * AUTO_INCREMENT.
 */
export function checkColumns(columns: readonly NewColumn[], keysType: KeysType): void {
  if (keysType === 'PRIMARY_KEYS') checkPrimaryKey(columns);
  if (columns.filter(({ autoIncrement }) => autoIncrement === true).length > 1) {
    throw analysisError('More than one AUTO_INCREMENT column defined in CREATE TABLE Statement');
  }
  const first = columns.findIndex(({ generated }) => generated !== undefined);
  if (first < 0) return;
  for (const column of columns.slice(first)) {
    if (column.generated === undefined) {
      throw analysisError('All generated columns must be defined after ordinary columns');
    }
    if (column.isKey) throw analysisError('Generated Column can not be KEY');
    checkGeneratedColumn(column, columns);
  }
}
