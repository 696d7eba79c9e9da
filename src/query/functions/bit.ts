// Bit functions. Each integer type keeps its own width: what is shifted out is lost, as in StarRocks.
import type { SqlType } from '../../model/sql-type.ts';
import { BIGINT, commonType, isInteger } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const bit = definer('scalar', 'bit');

const integerOf = (type: SqlType | undefined): SqlType =>
  type !== undefined && isInteger(type) ? type : BIGINT;
const ofFirst = (types: readonly SqlType[]): SqlType => integerOf(types[0]);
const ofBoth = (types: readonly SqlType[]): SqlType =>
  commonType(integerOf(types[0]), integerOf(types[1])) ?? BIGINT;

const WIDTH_BITS: Partial<Record<SqlType['kind'], number>> = {
  TINYINT: 8,
  SMALLINT: 16,
  INT: 32,
  BIGINT: 64,
  LARGEINT: 128,
};

/** Bits of an integer type. */
function widthBits(type: SqlType): number {
  return WIDTH_BITS[type.kind] ?? 64;
}

/** A value as the text of its two's complement digits in DuckDB's BITSTRING, and back. */
const bits = (sql: string, type: SqlType): string =>
  `CAST(CAST(${sql} AS ${duckInteger(type)}) AS BIT)`;

function duckInteger(type: SqlType): string {
  switch (type.kind) {
    case 'TINYINT':
      return 'TINYINT';
    case 'SMALLINT':
      return 'SMALLINT';
    case 'INT':
      return 'INTEGER';
    case 'LARGEINT':
      return 'HUGEINT';
    default:
      return 'BIGINT';
  }
}

/**
 * SQL of a shift to the left inside the type of the first operand. A shift by less than 0 or by the whole
 * width is 0 (StarRocks leaves it to the processor).
 */
export function shiftLeftSql(value: string, count: string, type: SqlType): string {
  return shifted(value, count, type, '<<');
}

/** To the right with the sign moving in at the left. */
export function shiftRightSql(value: string, count: string, type: SqlType): string {
  const moved = `(CAST(${value} AS ${duckInteger(type)}) >> CAST(${count} AS ${duckInteger(type)}))`;
  return `CASE WHEN ${value} IS NULL OR ${count} IS NULL THEN NULL WHEN ${count} >= 0 AND ${count} < ${widthBits(type)} THEN ${moved} WHEN ${value} < 0 THEN -1 ELSE 0 END`;
}

/** To the right with zeros moving in at the left. */
function shiftRightLogicalSql(value: string, count: string, type: SqlType): string {
  return shifted(value, count, type, '>>');
}

function shifted(value: string, count: string, type: SqlType, op: '<<' | '>>'): string {
  const width = widthBits(type);
  const inside = `${count} >= 0 AND ${count} < ${width}`;
  // DuckDB's shifts of integers refuse negative values and overflow; those of bit strings drop bits.
  const moved = `CAST(${bits(value, type)} ${op} CAST(${count} AS INTEGER) AS ${duckInteger(type)})`;
  return `CASE WHEN ${value} IS NULL OR ${count} IS NULL THEN NULL WHEN ${inside} THEN ${moved} ELSE 0 END`;
}

const left = (s: CallSite): string => shiftLeftSql(s.sql[0] ?? '', s.sql[1] ?? '', s.result);
const rightLogical = (s: CallSite): string =>
  shiftRightLogicalSql(s.sql[0] ?? '', s.sql[1] ?? '', s.result);

export const BIT_FUNCTIONS: readonly FunctionEntry[] = [
  bit('bitand', ['(integer, integer) -> integer', '({0} & {1})', ofBoth], 'Bitwise AND.', [
    'bitand(3, 0)',
    '0',
  ]),
  bit('bitor', ['(integer, integer) -> integer', '({0} | {1})', ofBoth], 'Bitwise OR.', [
    'bitor(3, 0)',
    '3',
  ]),
  bit('bitxor', ['(integer, integer) -> integer', 'xor({0}, {1})', ofBoth], 'Bitwise XOR.', [
    'bitxor(3, 1)',
    '2',
  ]),
  bit('bitnot', ['(integer) -> integer', '(~{0})', ofFirst], 'Bitwise NOT.', ['bitnot(3)', '-4']),
  bit(
    'bit_shift_left',
    ['(integer, bigint) -> integer', left, ofFirst],
    'Bits moved to the left, inside the type of the first argument.',
    ['bit_shift_left(2, 1)', '4'],
  ),
  bit(
    'bit_shift_right',
    [
      '(integer, bigint) -> integer',
      (s) => shiftRightSql(s.sql[0] ?? '', s.sql[1] ?? '', s.result),
      ofFirst,
    ],
    'Bits moved to the right; the sign moves in at the left.',
    ['bit_shift_right(-2, 1)', '-1'],
  ),
  bit(
    'bit_shift_right_logical',
    ['(integer, bigint) -> integer', rightLogical, ofFirst],
    'Bits moved to the right; zeros move in at the left.',
    ['bit_shift_right_logical(cast(-2 as bigint), 1)', '9223372036854775807'],
  ),
];
