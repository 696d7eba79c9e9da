// Dates to text and back for formats that DuckDB cannot say or that are no constants. A date is its
// microseconds since 1970, without a zone.
import { type JsFunction, strictFunction } from './define.ts';
import { formatJoda, parseJoda } from './joda-time.ts';
import { formatMysqlDate } from './mysql-date-format.ts';
import { parseMysqlDate, parseTeraDate } from './mysql-date-parse.ts';

export const DATE_TEXT_FUNCTIONS: readonly JsFunction[] = [
  strictFunction('mr_date_format', ['BIGINT', 'VARCHAR'], 'VARCHAR', formatMysqlDate),
  strictFunction('mr_str_to_date', ['VARCHAR', 'VARCHAR'], 'BIGINT', parseMysqlDate),
  strictFunction('mr_tera_date', ['VARCHAR', 'VARCHAR'], 'BIGINT', parseTeraDate),
  strictFunction('mr_joda_format', ['BIGINT', 'VARCHAR'], 'VARCHAR', formatJoda),
  strictFunction('mr_joda_parse', ['VARCHAR', 'VARCHAR'], 'BIGINT', parseJoda),
];
