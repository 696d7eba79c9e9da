// Quoting of names, texts and paths for DuckDB SQL that we generate, for every folder that makes such
// SQL: a text that goes into SQL by any other way is a hole.
import { fail } from '../base/errors.ts';

/** `"name"` with quotes doubled. Throws SQL_ANALYZE for a NUL, which would end the statement there. */
export function quoteIdentifier(name: string): string {
  refuseNul(name, 'name');
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * `'text'` with quotes doubled; DuckDB has no backslash escapes in plain literals. Throws SQL_ANALYZE for a
 * NUL: quoteString in query/literal.ts takes texts that may have one.
 */
export function quoteLiteral(text: string): string {
  refuseNul(text, 'text');
  return `'${text.replaceAll("'", "''")}'`;
}

function refuseNul(text: string, what: string): void {
  if (!text.includes('\0')) return;
  throw fail('SQL_ANALYZE', { detail: `a ${what} with a NUL character cannot be used here` });
}

/** `['a', 'b']`. */
export function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quoteLiteral).join(', ')}]`;
}
