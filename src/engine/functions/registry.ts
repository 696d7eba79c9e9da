// The JavaScript scalar functions that every engine instance (query and loader) knows, so that templates
// of src/query/functions/ and casts may call them by name.
//
// To add one: write it in the file of its area in this folder (or a new file, listed below) with
// `strictFunction` (NULL in, NULL out) or `nullableFunction` (sees NULLs):
//   strictFunction('mr_x', ['VARCHAR', 'BIGINT'], 'VARCHAR', (text, count) => ..., { onProblem: 'null' })
// and call it from a template: `mr_x({0}, CAST({1} AS BIGINT))`. Types are BOOLEAN, INTEGER, BIGINT, DOUBLE,
// VARCHAR, BLOB and lists of them ('BLOB[]'). An aggregate is `mr_x(list({0}))`: its list is lazy, a
// million elements are fine. Bad data: `throw new ValueProblem('what the user reads')`; an error then ends
// the statement, or with onProblem 'null' its row is NULL. They run on the event loop, about 1-2 million
// calls a second: prefer a DuckDB template or SQL where one can say it. No I/O, no clock, no waiting.
import type { DuckDBConnection } from '@duckdb/node-api';
import { BITMAP_FUNCTIONS } from './bitmap.ts';
import { CONVERSION_FUNCTIONS } from './conversion.ts';
import { CRYPTO_FUNCTIONS } from './crypto.ts';
import { DATE_TEXT_FUNCTIONS } from './date-text.ts';
import { install, type JsFunction } from './define.ts';
import { ESTIMATE_FUNCTIONS } from './estimate.ts';
import { HASH_FUNCTIONS } from './hash.ts';
import { HOST_FUNCTIONS } from './host.ts';
import { JSON_FUNCTIONS } from './json.ts';
import { JSON_NUMBER_FUNCTIONS } from './json-numbers.ts';
import { LOOSE_BASE64_FUNCTIONS } from './loose-base64.ts';
import { NUMBER_BASE_FUNCTIONS } from './number-base.ts';
import { STATISTICS_FUNCTIONS } from './statistics.ts';
import { TIME_ZONE_FUNCTIONS } from './time-zone.ts';

/** Every function, by area. Names are unique: a test looks. */
export const JS_FUNCTIONS: readonly JsFunction[] = [
  ...HASH_FUNCTIONS,
  ...BITMAP_FUNCTIONS,
  ...ESTIMATE_FUNCTIONS,
  ...STATISTICS_FUNCTIONS,
  ...CRYPTO_FUNCTIONS,
  ...NUMBER_BASE_FUNCTIONS,
  ...DATE_TEXT_FUNCTIONS,
  ...HOST_FUNCTIONS,
  ...TIME_ZONE_FUNCTIONS,
  ...JSON_NUMBER_FUNCTIONS,
  ...JSON_FUNCTIONS,
  ...LOOSE_BASE64_FUNCTIONS,
  ...CONVERSION_FUNCTIONS,
];

/** Makes all of them callable on every connection of the instance. Once per instance, before it serves. */
export function installJsFunctions(connection: DuckDBConnection): void {
  for (const fn of JS_FUNCTIONS) install(connection, fn);
}
