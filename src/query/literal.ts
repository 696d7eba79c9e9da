// Text of DuckDB identifiers and literals. Every user-given text that reaches DuckDB goes through here;
// nothing in here may be bypassed.

/** A quoted DuckDB identifier; NUL bytes cannot be part of one. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('\0', '').replaceAll('"', '""')}"`;
}

/** A DuckDB string literal. DuckDB reads a NUL as the end of the statement, so those go through chr(0). */
export function quoteString(value: string): string {
  const parts = value.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? (parts[0] ?? "''") : `(${parts.join(' || chr(0) || ')})`;
}
