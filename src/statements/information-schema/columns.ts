// information_schema.columns: every column of every table, view and system view, with the numbers that
// drivers read for ResultSetMetaData. SOURCE: StarRocks docs, information_schema.columns.
import { printSqlType, type SqlType } from '../../model/sql-type.ts';
import type { ColumnSchema, KeysType } from '../../model/table.ts';
import { shownDefault } from '../default-values.ts';
import { COLLATION, listedTables, listedViews } from './objects.ts';
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

/** Digits of a number type, null for others. SOURCE: StarRocks, COLUMN_SIZE of numbers. */
function precisionOf(type: SqlType): number | null {
  switch (type.kind) {
    case 'TINYINT':
      return 3;
    case 'SMALLINT':
      return 5;
    case 'INT':
      return 10;
    case 'BIGINT':
      return 19;
    case 'LARGEINT':
      return 39;
    case 'FLOAT':
      return 7;
    case 'DOUBLE':
      return 15;
    case 'DECIMAL':
      return type.precision;
    default:
      return null;
  }
}

function scaleOf(type: SqlType): number | null {
  switch (type.kind) {
    case 'BOOLEAN':
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
      return 0;
    case 'FLOAT':
      return 7;
    case 'DOUBLE':
      return 15;
    case 'DECIMAL':
      return type.scale;
    default:
      return null;
  }
}

function isText(type: SqlType): type is Extract<SqlType, { kind: 'CHAR' | 'VARCHAR' }> {
  return type.kind === 'CHAR' || type.kind === 'VARCHAR';
}

/** The type's name alone, as MySQL has it: BOOLEAN is a tinyint, LARGEINT a bigint unsigned. */
export function mysqlDataType(type: SqlType): string {
  switch (type.kind) {
    case 'BOOLEAN':
      return 'tinyint';
    case 'LARGEINT':
      return 'bigint unsigned';
    case 'DECIMAL':
      return 'decimal';
    default:
      return printSqlType(type).replace(/[(<].*$/s, '');
  }
}

/** The type with its sizes, as MySQL clients parse it. */
export function mysqlColumnType(type: SqlType): string {
  switch (type.kind) {
    case 'BOOLEAN':
      return 'tinyint(1)';
    case 'LARGEINT':
      return 'bigint(20) unsigned';
    case 'DECIMAL':
      return `decimal(${type.precision},${type.scale})`;
    default:
      return printSqlType(type);
  }
}

const KEY_WORDS: Readonly<Record<KeysType, string>> = {
  DUP_KEYS: 'DUP',
  PRIMARY_KEYS: 'PRI',
  UNIQUE_KEYS: 'UNI',
  AGG_KEYS: 'AGG',
};

interface Place {
  readonly database: string;
  readonly table: string;
  /** 0 for the first. */
  readonly index: number;
  readonly keysType: KeysType;
}

type Column = Omit<ColumnSchema, 'fieldId' | 'nestedIds'>;

/** As MySQL's drivers read it. */
function extraOf(column: Column): string {
  if (column.autoIncrement === true) return 'auto_increment';
  if (column.generated !== undefined) return 'STORED GENERATED';
  return shownDefault(column).extra.join(',');
}

function columnRow(column: Column, { database, table, index, keysType }: Place): ViewRow {
  const { type } = column;
  const precision = precisionOf(type);
  const length = isText(type) || type.kind === 'VARBINARY' ? type.length : null;
  return {
    TABLE_CATALOG: 'def',
    TABLE_SCHEMA: database,
    TABLE_NAME: table,
    COLUMN_NAME: column.name,
    ORDINAL_POSITION: index + 1,
    COLUMN_DEFAULT: shownDefault(column).value,
    IS_NULLABLE: column.nullable ? 'YES' : 'NO',
    DATA_TYPE: mysqlDataType(type),
    CHARACTER_MAXIMUM_LENGTH: length,
    CHARACTER_OCTET_LENGTH: length,
    NUMERIC_PRECISION: precision,
    NUMERIC_SCALE: precision === null ? null : scaleOf(type),
    DATETIME_PRECISION: type.kind === 'DATETIME' ? 6 : null,
    CHARACTER_SET_NAME: isText(type) ? 'utf8' : null,
    COLLATION_NAME: isText(type) ? COLLATION : null,
    COLUMN_TYPE: mysqlColumnType(type),
    COLUMN_KEY: column.isKey ? KEY_WORDS[keysType] : '',
    EXTRA: extraOf(column),
    PRIVILEGES: '',
    COLUMN_COMMENT: column.comment,
    COLUMN_SIZE: precision ?? length,
    DECIMAL_DIGITS: scaleOf(type),
    GENERATION_EXPRESSION: column.generated ?? '',
  };
}

async function columns(context: ViewContext): Promise<readonly ViewRow[]> {
  const stored = (await listedTables(context)).flatMap(({ table }) =>
    table.schema.columns.map((column, index) =>
      columnRow(column, {
        database: table.databaseName,
        table: table.name,
        index,
        keysType: table.schema.keysType,
      }),
    ),
  );
  const rest = { nullable: true, isKey: false, defaultValue: null, comment: '' };
  const system = context.system.flatMap(({ database, name, columns: own }) =>
    own.map((column, index) =>
      columnRow({ ...column, ...rest }, { database, table: name, index, keysType: 'DUP_KEYS' }),
    ),
  );
  const views = (await listedViews(context)).flatMap((view) =>
    view.columns.map((column, index) =>
      columnRow(
        { ...rest, ...column },
        { database: view.databaseName, table: view.name, index, keysType: 'DUP_KEYS' },
      ),
    ),
  );
  return [...system, ...stored, ...views];
}

export const COLUMN_VIEWS: ViewTable = {
  columns: {
    columns: viewColumns(
      'v512 TABLE_CATALOG, v64 TABLE_SCHEMA TABLE_NAME COLUMN_NAME, long ORDINAL_POSITION, v1024 COLUMN_DEFAULT, ' +
        'v3 IS_NULLABLE, v64 DATA_TYPE, long CHARACTER_MAXIMUM_LENGTH CHARACTER_OCTET_LENGTH NUMERIC_PRECISION ' +
        'NUMERIC_SCALE DATETIME_PRECISION, v32 CHARACTER_SET_NAME COLLATION_NAME, v1024 COLUMN_TYPE, v3 COLUMN_KEY, ' +
        'v27 EXTRA, v80 PRIVILEGES, v255 COLUMN_COMMENT, long COLUMN_SIZE DECIMAL_DIGITS, v64 GENERATION_EXPRESSION, long SRS_ID',
    ),
    doc: 'columns of tables and views, with sizes and digits',
    rows: columns,
  },
};
