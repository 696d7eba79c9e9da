// StarRocks types as MySQL clients see them in result columns.
// SOURCE: StarRocks' column definitions (MysqlCodec); where they leave something out that clients use, MySQL's.
import type { SqlType } from '../model/sql-type.ts';
import type { MysqlColumn } from '../mysql/handler.ts';

/**
 * Longest column name that is told. An expression's name is its text, which may be megabytes of a value;
 * MariaDB Connector/J cannot read those. SOURCE: MySQL's MAX_ALIAS_NAME.
 */
const MAX_NAME_LENGTH = 256;

/** Digits and sign of the smallest LARGEINT. */
const LARGEINT_LENGTH = 40;

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
      // MySQL's length, from which drivers compute the precision: the digits, a sign, and a point if there is one.
      return {
        type: 'decimal',
        length: type.precision + (type.scale > 0 ? 2 : 1),
        decimals: type.scale,
      };
    case 'DATE':
      return { type: 'date' };
    case 'DATETIME':
      return { type: 'datetime' };
    case 'CHAR':
      return { type: 'char', length: type.length };
    case 'VARCHAR':
      return { type: 'string', length: type.length };
    case 'VARBINARY':
    case 'BITMAP':
    case 'HLL':
    case 'PERCENTILE':
      return { type: 'binary' };
    // No MySQL type holds these: StarRocks sends them as CHAR. JSON too, so that no driver parses it.
    case 'LARGEINT':
      return { type: 'char', length: LARGEINT_LENGTH };
    case 'JSON':
    case 'ARRAY':
    case 'MAP':
    case 'STRUCT':
      return { type: 'char' };
  }
}
