// Quoting of names, texts and paths for DuckDB SQL that we generate, for every folder that makes such
// SQL: a text that goes into SQL by any other way is a hole.

/** `"name"` with quotes doubled. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `'text'` with quotes doubled; DuckDB has no backslash escapes in plain literals. A NUL cannot be in a text. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** `['a', 'b']`. */
export function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quoteLiteral).join(', ')}]`;
}
