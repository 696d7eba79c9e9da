// Which types a column may have: lengths, precisions, nesting, what can be a key. SOURCE: StarRocks' type
// pages; messages as StarRocks words them where it has them.
import { analysisError } from '../loads/properties.ts';
import { nestingDepth } from '../model/field-ids.ts';
import { MAX_VARCHAR_LENGTH, printSqlType, type SqlType } from '../model/sql-type.ts';

/** ARRAY, MAP and STRUCT inside each other. SOURCE: StarRocks' ARRAY page. */
const MAX_NESTING = 14;
/** Most fields of one STRUCT. */
const MAX_STRUCT_FIELDS = 1000;

/** Throws SQL_ANALYZE for a type that no column can have. */
export function checkColumnType(name: string, type: SqlType): void {
  if (nestingDepth(type) > MAX_NESTING) {
    throw analysisError(
      `Type of column ${name} exceeds the maximum nesting depth of ${MAX_NESTING}`,
    );
  }
  checkType(name, type);
}

function checkType(name: string, type: SqlType): void {
  switch (type.kind) {
    case 'NULL':
      throw analysisError(`column ${name}: type ${type.kind} is not supported in tables`);
    case 'CHAR':
      checkLength('Char', name, type.length, 255, 1);
      return;
    case 'VARCHAR':
      checkLength('Varchar', name, type.length, MAX_VARCHAR_LENGTH, 1);
      return;
    case 'VARBINARY':
      // 0 stands for a type without a length.
      checkLength('Varbinary', name, type.length, MAX_VARCHAR_LENGTH, 0);
      return;
    case 'DECIMAL':
      if (type.precision < 1 || type.precision > 38 || type.scale > type.precision) {
        throw analysisError(
          `decimal(${type.precision}, ${type.scale}) of column ${name}: precision must be 1 to 38 and scale at most the precision`,
        );
      }
      return;
    case 'ARRAY':
      refuseInside(name, 'ARRAY', type.element);
      checkType(name, type.element);
      return;
    case 'MAP':
      if (!isScalar(type.key) || type.key.kind === 'JSON') {
        throw analysisError(
          `The key of a MAP must be of a primitive type, but column ${name} has ${printSqlType(type.key)}`,
        );
      }
      refuseInside(name, 'MAP', type.key);
      refuseInside(name, 'MAP', type.value);
      checkType(name, type.key);
      checkType(name, type.value);
      return;
    case 'STRUCT':
      checkStruct(name, type.fields);
      return;
    default:
      return;
  }
}

function checkStruct(
  name: string,
  fields: readonly { readonly name: string; readonly type: SqlType }[],
): void {
  if (fields.length > MAX_STRUCT_FIELDS) {
    throw analysisError(`STRUCT of column ${name}: more than ${MAX_STRUCT_FIELDS} fields`);
  }
  const seen = new Set<string>();
  for (const field of fields) {
    const lower = field.name.toLowerCase();
    if (seen.has(lower)) {
      throw analysisError(`Duplicate struct subfield name: ${field.name} (column ${name})`);
    }
    seen.add(lower);
    refuseInside(name, 'STRUCT', field.type);
    checkType(name, field.type);
  }
}

function checkLength(
  word: string,
  name: string,
  length: number,
  most: number,
  least: number,
): void {
  if (length >= least && length <= most) return;
  throw analysisError(
    `${word} size must be <= ${most} and > 0, but was ${length} (column ${name})`,
  );
}

function refuseInside(name: string, outer: string, type: SqlType): void {
  if (type.kind !== 'BITMAP' && type.kind !== 'HLL' && type.kind !== 'PERCENTILE') return;
  throw analysisError(`Invalid type of column ${name}: ${outer} of ${type.kind} is not supported`);
}

function isScalar({ kind }: SqlType): boolean {
  return kind !== 'ARRAY' && kind !== 'MAP' && kind !== 'STRUCT';
}

/** Types that key and distribution columns can have: those with an order that is the same everywhere. */
export function isKeyType(type: SqlType): boolean {
  switch (type.kind) {
    case 'BOOLEAN':
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT':
    case 'DECIMAL':
    case 'DATE':
    case 'DATETIME':
    case 'CHAR':
    case 'VARCHAR':
      return true;
    default:
      return false;
  }
}
