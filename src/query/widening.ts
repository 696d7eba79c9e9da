// Which types hold every value of another one, in any file of a table: what a column may become without a file being
// written anew, and what a type that is asked for fits into already.
import { printSqlType, type SqlType } from '../model/sql-type.ts';

const INTEGERS: readonly SqlType['kind'][] = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'LARGEINT'];

/** Is every value of `from` one of `to`, and reads as it in any file of the table? */
export function isWidening(from: SqlType, to: SqlType): boolean {
  if (printSqlType(from) === printSqlType(to)) return true;
  const [low, high] = [INTEGERS.indexOf(from.kind), INTEGERS.indexOf(to.kind)];
  if (low >= 0 && high >= 0) return low < high;
  switch (from.kind) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'FLOAT':
      return to.kind === 'DOUBLE';
    case 'DECIMAL':
      return (
        to.kind === 'DECIMAL' &&
        to.scale >= from.scale &&
        to.precision - to.scale >= from.precision - from.scale
      );
    case 'DATE':
      return to.kind === 'DATETIME';
    case 'CHAR':
      return (to.kind === 'CHAR' || to.kind === 'VARCHAR') && to.length >= from.length;
    case 'VARCHAR':
      return to.kind === 'VARCHAR' && to.length >= from.length;
    case 'VARBINARY':
      // 0 stands for a type without a length.
      return (
        to.kind === 'VARBINARY' &&
        (to.length === 0 || (from.length !== 0 && to.length >= from.length))
      );
    default:
      return false;
  }
}
