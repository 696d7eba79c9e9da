// JSON text whose long numbers shall reach DuckDB digit by digit: its JSON reader rounds numbers to double.
import { type JsFunction, strictFunction } from './define.ts';

/** A string as a whole, or a number. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[0-9.eE+-]*/g;
/** Characters that a double carries exactly, whatever the number. */
const EXACT_CHARACTERS = 15;

export const JSON_NUMBER_FUNCTIONS: readonly JsFunction[] = [
  strictFunction('mr_quote_numbers', ['VARCHAR'], 'VARCHAR', (text) =>
    text.replace(TOKEN, (token) =>
      token.startsWith('"') || token.length <= EXACT_CHARACTERS ? token : `"${token}"`,
    ),
  ),
];
