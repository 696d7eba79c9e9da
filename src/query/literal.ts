// Text of DuckDB string literals made from what users write. Every such text that reaches DuckDB goes
// through here; nothing in here may be bypassed.
import { quoteLiteral } from '../model/duckdb-text.ts';

/** A DuckDB string literal. DuckDB reads a NUL as the end of the statement, so those go through chr(0). */
export function quoteString(value: string): string {
  const parts = value.split('\0').map(quoteLiteral);
  return parts.length === 1 ? (parts[0] ?? "''") : `(${parts.join(' || chr(0) || ')})`;
}
