// Time units of INTERVAL, EXTRACT and TIMESTAMPADD: bare words, never expressions.
import type { TimeUnit } from '../ast/expression.ts';
import type { Cursor } from './cursor.ts';

const TIME_UNITS: readonly TimeUnit[] = [
  'YEAR',
  'QUARTER',
  'MONTH',
  'WEEK',
  'DAY',
  'HOUR',
  'MINUTE',
  'SECOND',
  'MILLISECOND',
  'MICROSECOND',
];

export function parseTimeUnit(cursor: Cursor): TimeUnit {
  return cursor.expectOneOf(TIME_UNITS);
}
