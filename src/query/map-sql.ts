// Maps in DuckDB SQL. DuckDB refuses a key that comes twice and a NULL key; StarRocks keeps the last of
// equal keys, and keeps NULL keys, which the engine cannot hold: that one is an error of ours.

/** What the user reads about a NULL key. */
const NULL_KEY = "error('A NULL key in a MAP is not supported: leave such entries out')";

/**
 * SQL for the map made of `entries`, a list of structs with the fields key and value; the last of equal
 * keys wins. The list is bound to a name: DuckDB cannot find columns from a lambda inside a lambda in the
 * arguments of a window function.
 */
export function mapFromEntriesSql(entries: string): string {
  const keys = 'list_transform(mr_m, lambda mr_k: mr_k.key)';
  const later = 'list_transform(mr_m[mr_i + 1:], lambda mr_k: mr_k.key)';
  const kept = `list_filter(mr_m, lambda mr_e, mr_i: NOT list_contains(${later}, mr_e.key))`;
  const map = `CASE WHEN mr_m IS NULL THEN NULL WHEN list_position(${keys}, NULL) > 0 THEN ${NULL_KEY} WHEN len(list_distinct(${keys})) = len(mr_m) THEN map_from_entries(mr_m) ELSE map_from_entries(${kept}) END`;
  return `list_transform([${entries}], lambda mr_m: ${map})[1]`;
}

/** The same where a NULL key or equal keys mean that there is no such map: NULL. */
export function convertedMapSql(entries: string): string {
  const keys = 'list_transform(mr_m, lambda mr_k: mr_k.key)';
  // list_distinct leaves NULL out.
  const map = `CASE WHEN len(list_distinct(${keys})) = len(mr_m) THEN map_from_entries(mr_m) END`;
  return `list_transform([${entries}], lambda mr_m: ${map})[1]`;
}

/** SQL for the struct of one entry. */
export function entrySql(key: string, value: string): string {
  return `struct_pack(key := ${key}, value := ${value})`;
}
