// Forms that the files of aggregates share.
import { fail } from '../../base/errors.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { BIGINT, DOUBLE, decimal } from '../types.ts';
import type { CallSite } from './entry.ts';

/** `name([DISTINCT] args [ORDER BY])`, FILTER and OVER behind it. */
export const plain =
  (name: string) =>
  (s: CallSite): string =>
    `${name}(${s.distinct ? 'DISTINCT ' : ''}${s.sql.join(', ')}${s.orderBy})${s.over}`;

/** What a sum of this type has: BIGINT for integers, 38 digits for DECIMALs. */
export const sumType = (types: readonly SqlType[]): SqlType => {
  const type = types[0] ?? DOUBLE;
  if (type.kind === 'DECIMAL') return decimal(38, type.scale);
  if (type.kind === 'LARGEINT' || type.kind === 'DOUBLE') return type;
  return type.kind === 'FLOAT' ? DOUBLE : BIGINT;
};

/** A constant number as an argument. @throws SQL_ANALYZE naming the function and what it needs. */
export function constantNumber(
  s: CallSite,
  index: number,
  name: string,
  wanted: string,
  fits: (value: number) => boolean,
): number {
  const argument = s.args[index];
  const value =
    argument?.kind === 'literal' && argument.text !== null ? Number(argument.text) : Number.NaN;
  if (!fits(value)) throw fail('SQL_ANALYZE', { detail: `${name} ${wanted}` });
  return value;
}

/** An example over the rows 1, 2, 4. */
export const over = (call: string): string =>
  `SELECT ${call} FROM (SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 4) AS t`;
