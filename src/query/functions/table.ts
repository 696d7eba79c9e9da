// The function table put together: every name, aliases included, to its entry.
import { assert } from '../../base/assert.ts';
import { AGGREGATE_FUNCTIONS } from './aggregate.ts';
import { COLLECTING_AGGREGATES } from './aggregate-collect.ts';
import { conditionalForms } from './aggregate-if.ts';
import { STATISTICS_AGGREGATES } from './aggregate-statistics.ts';
import { ARRAY_FUNCTIONS } from './array.ts';
import { ARRAY_LAMBDA_FUNCTIONS } from './array-lambda.ts';
import { BIT_FUNCTIONS } from './bit.ts';
import { BITMAP_AGGREGATES, BITMAP_FUNCTIONS } from './bitmap.ts';
import { CONDITIONAL_FUNCTIONS } from './conditional.ts';
import { CRYPTO_FUNCTIONS } from './crypto.ts';
import { DATE_FUNCTIONS } from './date.ts';
import { DATE_ARITHMETIC_FUNCTIONS } from './date-arithmetic.ts';
import { DATE_CONVERT_FUNCTIONS } from './date-convert.ts';
import { DATE_TEXT_FUNCTIONS } from './date-text.ts';
import type { FunctionEntry, FunctionTable } from './entry.ts';
import { HASH_FUNCTIONS } from './hash.ts';
import { JSON_FUNCTIONS } from './json.ts';
import { MAP_FUNCTIONS } from './map.ts';
import { MATH_FUNCTIONS } from './math.ts';
import { NOW_FUNCTIONS } from './now.ts';
import { PATTERN_FUNCTIONS } from './pattern.ts';
import { SEARCH_FUNCTIONS } from './search.ts';
import { SESSION_FUNCTIONS } from './session.ts';
import { SKETCH_FUNCTIONS } from './sketch.ts';
import { STRING_FUNCTIONS } from './string.ts';
import { STRUCT_FUNCTIONS } from './struct.ts';
import { TABLE_FUNCTIONS } from './table-function.ts';
import { TIME_FUNCTIONS } from './time.ts';
import { URL_FUNCTIONS } from './url.ts';
import { UTILITY_FUNCTIONS } from './utility.ts';
import { VECTOR_FUNCTIONS } from './vector.ts';
import { WINDOW_FUNCTIONS } from './window.ts';

const AGGREGATES: readonly FunctionEntry[] = [
  ...AGGREGATE_FUNCTIONS,
  ...COLLECTING_AGGREGATES,
  ...STATISTICS_AGGREGATES,
];

/** Every entry once, in the order of the documentation. */
export const FUNCTION_ENTRIES: readonly FunctionEntry[] = [
  ...MATH_FUNCTIONS,
  ...VECTOR_FUNCTIONS,
  ...BIT_FUNCTIONS,
  ...STRING_FUNCTIONS,
  ...SEARCH_FUNCTIONS,
  ...PATTERN_FUNCTIONS,
  ...URL_FUNCTIONS,
  ...NOW_FUNCTIONS,
  ...DATE_FUNCTIONS,
  ...DATE_ARITHMETIC_FUNCTIONS,
  ...DATE_CONVERT_FUNCTIONS,
  ...DATE_TEXT_FUNCTIONS,
  ...TIME_FUNCTIONS,
  ...CONDITIONAL_FUNCTIONS,
  ...JSON_FUNCTIONS,
  ...ARRAY_FUNCTIONS,
  ...ARRAY_LAMBDA_FUNCTIONS,
  ...MAP_FUNCTIONS,
  ...STRUCT_FUNCTIONS,
  ...CRYPTO_FUNCTIONS,
  ...HASH_FUNCTIONS,
  ...BITMAP_FUNCTIONS,
  ...BITMAP_AGGREGATES,
  ...SKETCH_FUNCTIONS,
  ...SESSION_FUNCTIONS,
  ...UTILITY_FUNCTIONS,
  ...AGGREGATES,
  ...conditionalForms(AGGREGATES),
  ...WINDOW_FUNCTIONS,
  ...TABLE_FUNCTIONS,
];

/** By lower-case name. `reverse` exists for text and arrays: entries of one name merge their signatures. */
export const FUNCTION_TABLE: FunctionTable = byName(FUNCTION_ENTRIES);

function byName(entries: readonly FunctionEntry[]): FunctionTable {
  const table = new Map<string, FunctionEntry>();
  for (const entry of entries) {
    for (const name of entry.names) {
      const before = table.get(name);
      if (before === undefined) {
        table.set(name, entry);
        continue;
      }
      assert(before.kind === entry.kind, `function ${name} has one kind`);
      table.set(name, { ...before, signatures: [...before.signatures, ...entry.signatures] });
    }
  }
  return table;
}
