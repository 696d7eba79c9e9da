// Is there a time zone of this name? Asked for computed names, before DuckDB is: it refuses unknown ones
// with an error that nothing in SQL can catch.
import { isTimeZone } from '../../query/time-zone.ts';
import { type JsFunction, strictFunction } from './define.ts';

/** Answers kept; then all are forgotten. There are about 600 zones. */
const MAX_KEPT = 2000;
const known = new Map<string, boolean>();

function isKnown(name: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  // Offsets such as +0530 are zones for the runtime, but not for DuckDB.
  const answer = /^[A-Za-z]/.test(name) && isTimeZone(name);
  if (known.size >= MAX_KEPT) known.clear();
  known.set(name, answer);
  return answer;
}

export const TIME_ZONE_FUNCTIONS: readonly JsFunction[] = [
  strictFunction('mr_is_time_zone', ['VARCHAR'], 'BOOLEAN', isKnown),
];
