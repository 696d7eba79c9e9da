// The freshness target of a job: how long after its arrival a row may become visible. Batches tune themselves by it.
import { analysisError, type PropertyMap } from '../properties.ts';

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1_000,
  second: 1_000,
  seconds: 1_000,
  m: 60_000,
  minute: 60_000,
  minutes: 60_000,
};
/** A commit costs 20 to 50 ms of CPU whatever its size: below this a job would do little else. */
const LEAST_MS = 100;
const MOST_MS = 3_600_000;

/** Milliseconds of `500ms`, `2 s`, `1 minute`; a bare number is milliseconds. Throws SQL_ANALYZE. */
export function readFreshness(text: string): number {
  const [, amount, unit = 'ms'] = /^\s*(\d{1,9})\s*([a-z]+)?\s*$/i.exec(text) ?? [];
  const ms = Number(amount) * (UNITS_MS[unit.toLowerCase()] ?? Number.NaN);
  if (!(ms >= LEAST_MS && ms <= MOST_MS)) {
    throw analysisError(
      `freshness should be a time from 100 ms to 1 hour, such as 500ms or 2s, not '${text}'`,
    );
  }
  return ms;
}

/** The job's own target, else the configuration's. */
export function freshnessMs(properties: PropertyMap, configuredMs: number): number {
  const own = properties['freshness'];
  return own === undefined ? configuredMs : readFreshness(own);
}
