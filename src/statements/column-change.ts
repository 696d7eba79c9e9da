// What a type may become: without touching files, where every value stays what it was, whichever chain of changes
// led there, because readers convert from the type in the file straight to the newest one; or by writing files anew.
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import { isInteger, isString, sameType } from '../query/types.ts';
import { isWidening } from '../query/widening.ts';

/** Why a type cannot become the other one; null when it can. Texts as StarRocks words them where it has them. */
export function typeProblem(from: SqlType, to: SqlType): string | null {
  if (isWidening(from, to) || isRewritable(from, to)) return null;
  const isText = (type: SqlType): boolean => type.kind === 'CHAR' || type.kind === 'VARCHAR';
  if (isText(from) && isText(to)) return 'Cannot shorten string length';
  return `Can not change ${printSqlType(from)} to ${printSqlType(to)}: ADD COLUMN with the new type and UPDATE it, or CREATE TABLE AS SELECT with a CAST`;
}

const isExactNumber = (type: SqlType): boolean => isInteger(type) || type.kind === 'DECIMAL';

/**
 * May values of one type be written anew as those of the other? SOURCE: StarRocks docs, ALTER TABLE, MODIFY COLUMN,
 * whose pairs are among these; narrower numbers too, since a value that does not fit ends the change.
 */
export function isRewritable(from: SqlType, to: SqlType): boolean {
  if (isNested(from)) return holdsEvery(from, to);
  if (isString(from)) return isExactNumber(to) || TEXT_TARGETS.has(to.kind);
  if (isString(to)) return TEXT_SOURCES.has(from.kind) || isExactNumber(from);
  if (isExactNumber(from)) {
    const isDate = to.kind === 'DATE' && from.kind === 'INT';
    return isExactNumber(to) || to.kind === 'DOUBLE' || to.kind === 'FLOAT' || isDate;
  }
  return from.kind === 'DATETIME' && to.kind === 'DATE';
}

const isNested = ({ kind }: SqlType): boolean =>
  kind === 'ARRAY' || kind === 'MAP' || kind === 'STRUCT';

/** The same shape, with plain types inside that hold every old value: an element that became NULL would not show. */
function holdsEvery(from: SqlType, to: SqlType): boolean {
  if (from.kind === 'ARRAY') return to.kind === 'ARRAY' && holdsEvery(from.element, to.element);
  if (from.kind === 'MAP') {
    return to.kind === 'MAP' && sameType(from.key, to.key) && holdsEvery(from.value, to.value);
  }
  if (from.kind === 'STRUCT') {
    return (
      to.kind === 'STRUCT' &&
      from.fields.length === to.fields.length &&
      from.fields.every(({ name, type }, index) => {
        const other = to.fields[index];
        return other?.name === name && holdsEvery(type, other.type);
      })
    );
  }
  return isWidening(from, to);
}

const TEXT_TARGETS: ReadonlySet<SqlType['kind']> = new Set([
  'BOOLEAN',
  'FLOAT',
  'DOUBLE',
  'DATE',
  'DATETIME',
  'JSON',
]);
const TEXT_SOURCES: ReadonlySet<SqlType['kind']> = new Set([
  'BOOLEAN',
  'FLOAT',
  'DOUBLE',
  'DATE',
  'DATETIME',
  'JSON',
]);
