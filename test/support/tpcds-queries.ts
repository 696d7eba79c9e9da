// Test support: the texts of the TPC-DS queries, read from their fixture.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '..', 'fixtures', 'tpcds', 'queries.sql');

/** Number and text (without `;`) of each query, in order. */
export function tpcdsQueries(): readonly (readonly [number: string, sql: string])[] {
  return [...readFileSync(FILE, 'utf8').matchAll(/^-- query (\d+)\n([^;]*);/gm)].map(
    ([, number = '', sql = '']) => [number, sql] as const,
  );
}
