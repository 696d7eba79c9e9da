// Maps in DuckDB SQL. DuckDB refuses a key that comes twice and a NULL key; StarRocks keeps the last of
// equal keys, and keeps NULL keys, which the engine cannot hold: that one is an error of ours.

import { bindLong } from './bind-long.ts';

/** What the user reads about a NULL key. */
const NULL_KEY = "error('A NULL key in a MAP is not supported: leave such entries out')";

/** SQL for the map made of `entries`, a list of structs with the fields key and value; the last of equal keys wins. */
export function mapFromEntriesSql(entries: string): string {
  return bindLong([entries], ([list = '']) => {
    const keys = `list_transform(${list}, lambda mr_k: mr_k.key)`;
    const later = `list_transform((${list})[mr_i + 1:], lambda mr_k: mr_k.key)`;
    const kept = `list_filter(${list}, lambda mr_e, mr_i: NOT list_contains(${later}, mr_e.key))`;
    return `CASE WHEN ${list} IS NULL THEN NULL WHEN list_position(${keys}, NULL) > 0 THEN ${NULL_KEY} WHEN len(list_distinct(${keys})) = len(${list}) THEN map_from_entries(${list}) ELSE map_from_entries(${kept}) END`;
  });
}

/** SQL for the struct of one entry. */
export function entrySql(key: string, value: string): string {
  return `struct_pack(key := ${key}, value := ${value})`;
}
