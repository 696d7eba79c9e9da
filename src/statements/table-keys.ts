// The key, the sort key and the distribution of a new table: which model it is of, which columns they name, and
// whether those columns can be that. SOURCE: StarRocks docs, CREATE TABLE; messages as StarRocks words them.
import type { NewColumn } from '../catalog/catalog.ts';
import { analysisError } from '../loads/properties.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type { KeysType } from '../model/table.ts';
import type { CreateTable, KeyType } from '../sql/ast/ddl.ts';
import { isKeyType } from './column-types.ts';

export interface TableKeys {
  readonly keysType: KeysType;
  /** Lower-case names of the key columns, the first of the table. */
  readonly names: ReadonlySet<string>;
}

const KEYS_TYPES: Readonly<Record<KeyType, KeysType>> = {
  DUPLICATE: 'DUP_KEYS',
  PRIMARY: 'PRIMARY_KEYS',
  UNIQUE: 'UNIQUE_KEYS',
  AGGREGATE: 'AGG_KEYS',
};

/** As CREATE TABLE writes the model. */
export const KEY_WORDS: Readonly<Record<KeysType, string>> = {
  DUP_KEYS: 'DUPLICATE KEY',
  PRIMARY_KEYS: 'PRIMARY KEY',
  UNIQUE_KEYS: 'UNIQUE KEY',
  AGG_KEYS: 'AGGREGATE KEY',
};

/** SOURCE: StarRocks, the short key: at most so many columns and bytes. */
const MAX_DEFAULT_KEYS = 3;
const MAX_DEFAULT_KEY_BYTES = 36;

/** The key as given, else as StarRocks chooses one. Throws SQL_ANALYZE. */
export function tableKeys(statement: CreateTable): TableKeys {
  const { keys, columns } = statement;
  if (keys !== null) {
    checkKeyNames(statement, keys.columns);
    const names = keys.columns.map(({ name }) => name.toLowerCase());
    return { keysType: KEYS_TYPES[keys.type], names: new Set(names) };
  }
  if (columns.every(({ aggregate }) => aggregate === null)) {
    return { keysType: 'DUP_KEYS', names: defaultKeys(statement) };
  }
  const names = columns.filter(({ aggregate }) => aggregate === null).map(({ name }) => name);
  checkKeyNames(
    statement,
    names.map((name) => ({ name })),
  );
  return { keysType: 'AGG_KEYS', names: new Set(names.map((name) => name.toLowerCase())) };
}

function checkKeyNames(
  { columns, keys }: CreateTable,
  names: readonly { readonly name: string }[],
): void {
  if (names.length === 0 && keys?.type !== 'DUPLICATE') {
    throw analysisError('The number of key columns is 0.');
  }
  names.forEach(({ name }, index) => {
    if (!columns.some((column) => sameName(column.name, name))) {
      throw analysisError(`Key column(${name}) doesn't exist.`);
    }
    if (!sameName(columns[index]?.name ?? '', name)) {
      throw analysisError(
        'Key columns must be the first few columns of the schema and the order of the key columns must be consistent with the order of the schema',
      );
    }
  });
}

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Index bytes that a column takes in StarRocks' choice of default keys. */
function keyBytes(type: SqlType): number {
  switch (type.kind) {
    case 'BOOLEAN':
    case 'TINYINT':
      return 1;
    case 'SMALLINT':
      return 2;
    case 'INT':
    case 'DATE':
      return 4;
    case 'BIGINT':
    case 'DATETIME':
      return 8;
    default:
      return 16;
  }
}

/** StarRocks' default: the first columns, up to 3 and 36 bytes, none after a VARCHAR. */
function defaultKeys({ columns }: CreateTable): ReadonlySet<string> {
  const keys = new Set<string>();
  let bytes = 0;
  for (const { name, type, generated } of columns) {
    bytes += keyBytes(type);
    if (keys.size >= MAX_DEFAULT_KEYS || bytes > MAX_DEFAULT_KEY_BYTES) break;
    if (!isKeyType(type) || generated !== null) break;
    keys.add(name.toLowerCase());
    if (type.kind === 'VARCHAR') break;
  }
  return keys;
}

/** Types of primary keys and of ORDER BY columns. */
function isSortType({ kind }: SqlType): boolean {
  switch (kind) {
    case 'BOOLEAN':
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
    case 'DATE':
    case 'DATETIME':
    case 'VARCHAR':
      return true;
    default:
      return false;
  }
}

/** Throws SQL_ANALYZE for a column that no primary key can have. */
export function checkPrimaryKey(columns: readonly NewColumn[]): void {
  for (const { name, type, isKey } of columns) {
    if (!isKey || isSortType(type)) continue;
    throw analysisError(`primary key column[${name}] type not supported: ${printSqlType(type)}`);
  }
}

/** Names of the ORDER BY columns as the table spells them; undefined without ORDER BY. Throws SQL_ANALYZE. */
export function sortKeyOf(
  { orderBy }: Pick<CreateTable, 'orderBy'>,
  keysType: KeysType,
  columns: readonly NewColumn[],
): readonly string[] | undefined {
  if (orderBy.length === 0) return undefined;
  const found = orderBy.map(({ name }) => {
    const column = columns.find((entry) => sameName(entry.name, name));
    if (column === undefined) throw analysisError(`Unknown column '${name}' does not exist`);
    if (!isSortType(column.type)) {
      throw analysisError(
        `sort key column[${name}] type not supported: ${printSqlType(column.type)}`,
      );
    }
    return column;
  });
  const names = found.map(({ name }) => name);
  if (new Set(names).size < names.length) {
    throw analysisError(`Duplicate sort key column ${names.join(', ')}`);
  }
  const isMerged = keysType === 'AGG_KEYS' || keysType === 'UNIQUE_KEYS';
  const keyCount = columns.filter(({ isKey }) => isKey).length;
  if (isMerged && (names.length !== keyCount || found.some(({ isKey }) => !isKey))) {
    throw analysisError(
      `The sort columns of ${KEY_WORDS[keysType]} tables must be the key columns, in any order`,
    );
  }
  return names;
}

/** Columns of DISTRIBUTED BY HASH; empty = random. Throws SQL_ANALYZE. */
export function distributionOf(
  { distributedBy }: CreateTable,
  keysType: KeysType,
  columns: readonly NewColumn[],
): readonly string[] {
  const hasKeys = keysType !== 'DUP_KEYS';
  if (distributedBy === null) {
    if (keysType === 'AGG_KEYS' || keysType === 'UNIQUE_KEYS') {
      throw analysisError(`Currently not support default distribution in ${keysType}`);
    }
    return hasKeys ? columns.filter(({ isKey }) => isKey).map(({ name }) => name) : [];
  }
  if (distributedBy.kind === 'random') {
    const hasReplace = columns.some(({ aggregate }) => aggregate?.startsWith('REPLACE') === true);
    if (hasKeys && (keysType !== 'AGG_KEYS' || hasReplace)) {
      const replace = hasReplace ? ' with replace' : '';
      throw analysisError(`${KEY_WORDS[keysType]}${replace} must use hash distribution`);
    }
    return [];
  }
  return distributedBy.columns.map(({ name }) => {
    const column = columns.find((entry) => sameName(entry.name, name));
    if (column === undefined) throw analysisError(`Distribution column(${name}) doesn't exist`);
    if (!isKeyType(column.type)) {
      throw analysisError(`${column.type.kind} column can not be distribution column: ${name}`);
    }
    if (hasKeys && !column.isKey) {
      throw analysisError(`Distribution column[${name}] is not key column`);
    }
    return column.name;
  });
}
