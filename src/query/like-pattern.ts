// LIKE patterns in DuckDB's form. Backslash is the escape; one at the very end stands for itself, where
// DuckDB refuses an open escape.
import { quoteString } from './literal.ts';

/** SQL of a constant pattern that contains a backslash. */
export function constantPatternSql(text: string): string {
  const isOpen = /(^|[^\\])(\\\\)*\\$/.test(text);
  return quoteString(isOpen ? `${text}\\` : text);
}

/** SQL of a computed pattern. */
export function computedPatternSql(pattern: string): string {
  return `CASE WHEN regexp_matches(${pattern}, '(^|[^\\\\])(\\\\\\\\)*\\\\$') THEN ${pattern} || '\\' ELSE ${pattern} END`;
}
