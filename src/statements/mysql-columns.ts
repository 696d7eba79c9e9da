// StarRocks types as MySQL clients see them in result columns.
import type { SqlType } from '../model/sql-type.ts';
import type { MysqlColumn } from '../mysql/handler.ts';

/**
 * Longest column name that is told. An expression's name is its text, which may be megabytes of a value;
 * MariaDB Connector/J cannot read those. SOURCE: MySQL's MAX_ALIAS_NAME.
 */
const MAX_NAME_LENGTH = 256;

export function mysqlColumn(column: {
  readonly name: string;
  readonly type: SqlType;
}): MysqlColumn {
  return { name: column.name.slice(0, MAX_NAME_LENGTH), nullable: true, ...mysqlType(column.type) };
}

function mysqlType(type: SqlType): Omit<MysqlColumn, 'name'> {
  switch (type.kind) {
    case 'NULL':
      return { type: 'null' };
    case 'BOOLEAN':
      return { type: 'tinyint', length: 1 };
    case 'TINYINT':
      return { type: 'tinyint' };
    case 'SMALLINT':
      return { type: 'smallint' };
    case 'INT':
      return { type: 'int' };
    case 'BIGINT':
      return { type: 'bigint' };
    case 'FLOAT':
      return { type: 'float' };
    case 'DOUBLE':
      return { type: 'double' };
    case 'DECIMAL':
      return { type: 'decimal', length: type.precision + 2, decimals: type.scale };
    case 'DATE':
      return { type: 'date' };
    case 'DATETIME':
      return { type: 'datetime' };
    case 'CHAR':
    case 'VARCHAR':
      return { type: 'string', length: type.length };
    case 'VARBINARY':
    case 'BITMAP':
    case 'HLL':
    case 'PERCENTILE':
      return { type: 'binary' };
    case 'JSON':
      return { type: 'json' };
    // 128-bit integers and nested values have no MySQL type: StarRocks sends them as text too.
    case 'LARGEINT':
    case 'ARRAY':
    case 'MAP':
    case 'STRUCT':
      return { type: 'string' };
  }
}
