// Does a field of a schema fit the column that it is loaded into? Where it does not: what the column can become so that
// it holds its old values and the new ones, all of them exactly and without a file being written anew.
import type { SqlType } from '../../model/sql-type.ts';
import { isWidening } from '../widening.ts';
import { TIME_TYPE } from './schema-fields.ts';

export type Fit =
  | { readonly kind: 'fits' }
  | { readonly kind: 'widen'; readonly to: SqlType }
  | { readonly kind: 'conflict' };

const FITS: Fit = { kind: 'fits' };
const CONFLICT: Fit = { kind: 'conflict' };
const WHOLE: readonly SqlType['kind'][] = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'LARGEINT'];
/** Whole numbers that a double holds. */
const SMALL_WHOLE: readonly SqlType['kind'][] = ['TINYINT', 'SMALLINT', 'INT'];
const MAX_PRECISION = 38;

/** `type`: as schemas and samples name it. Texts count as fitting what is written as text (dates, decimals). */
export function fitOf(type: SqlType, column: SqlType): Fit {
  // Everything can be written as text or JSON; how long it may be is for each value.
  if (column.kind === 'VARCHAR' || column.kind === 'CHAR' || column.kind === 'JSON') return FITS;
  switch (type.kind) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
      return wholeFit(type, column);
    case 'FLOAT':
    case 'DOUBLE':
      return floatFit(type, column);
    case 'DECIMAL':
      return decimalFit(type, column);
    case 'DATE':
    case 'DATETIME':
      return momentFit(type, column);
    case 'BOOLEAN':
      return column.kind === 'BOOLEAN' ? FITS : CONFLICT;
    case 'CHAR':
    case 'VARCHAR':
      return textFit(type, column);
    case 'VARBINARY':
      return column.kind === 'VARBINARY' ? FITS : CONFLICT;
    case 'ARRAY':
      return column.kind === 'ARRAY' && fitOf(type.element, column.element).kind === 'fits'
        ? FITS
        : CONFLICT;
    case 'JSON':
    case 'STRUCT':
    case 'MAP':
      return column.kind === 'STRUCT' || column.kind === 'MAP' || column.kind === 'ARRAY'
        ? FITS
        : CONFLICT;
    default:
      return CONFLICT;
  }
}

function wholeFit(type: SqlType, column: SqlType): Fit {
  const [wanted, has] = [WHOLE.indexOf(type.kind), WHOLE.indexOf(column.kind)];
  if (has >= 0) return wanted <= has ? FITS : { kind: 'widen', to: type };
  const isNumber = column.kind === 'FLOAT' || column.kind === 'DOUBLE' || column.kind === 'DECIMAL';
  return isNumber ? FITS : CONFLICT;
}

function floatFit(type: SqlType, column: SqlType): Fit {
  if (column.kind === 'DOUBLE' || column.kind === 'DECIMAL') return FITS;
  if (column.kind === 'FLOAT') return type.kind === 'FLOAT' ? FITS : { kind: 'widen', to: type };
  return SMALL_WHOLE.includes(column.kind) ? { kind: 'widen', to: { kind: 'DOUBLE' } } : CONFLICT;
}

function decimalFit(type: Extract<SqlType, { kind: 'DECIMAL' }>, column: SqlType): Fit {
  if (column.kind === 'FLOAT' || column.kind === 'DOUBLE') return FITS;
  if (column.kind !== 'DECIMAL') return CONFLICT;
  if (isWidening(type, column)) return FITS;
  const scale = Math.max(type.scale, column.scale);
  const whole = Math.max(type.precision - type.scale, column.precision - column.scale);
  if (whole + scale > MAX_PRECISION) return CONFLICT;
  return { kind: 'widen', to: { kind: 'DECIMAL', precision: whole + scale, scale } };
}

function momentFit(type: SqlType, column: SqlType): Fit {
  // A column of whole numbers gets the number that the moment is stored as.
  if (column.kind === 'DATETIME' || column.kind === 'BIGINT' || column.kind === 'LARGEINT')
    return FITS;
  if (type.kind === 'DATE' && (column.kind === 'DATE' || column.kind === 'INT')) return FITS;
  return column.kind === 'DATE' ? { kind: 'widen', to: type } : CONFLICT;
}

/** Numbers and truth values of a schema that became texts are another thing; what needs a spelling is not. */
function textFit(type: SqlType, column: SqlType): Fit {
  switch (column.kind) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
      return type === TIME_TYPE ? FITS : CONFLICT;
    case 'BOOLEAN':
    case 'FLOAT':
    case 'DOUBLE':
      return CONFLICT;
    default:
      return FITS;
  }
}
