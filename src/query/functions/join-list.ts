// A list of texts joined with a separator. DuckDB's own array_to_string takes only a constant separator.
import type { TypedExpression } from '../expression.ts';

/** NULL elements are left out; a NULL list or separator gives NULL. */
export function joinListSql(
  list: string,
  separator: string,
  argument: TypedExpression | undefined,
): string {
  if (argument?.kind === 'literal') {
    return argument.text === null
      ? 'CAST(NULL AS VARCHAR)'
      : // Of NULLs alone DuckDB makes NULL.
        `CASE WHEN ${list} IS NOT NULL THEN coalesce(array_to_string(${list}, ${separator}), '') END`;
  }
  const present = `list_filter(${list}, lambda e: e IS NOT NULL)`;
  const joined = `list_reduce(${present}, lambda a, b: a || ${separator} || b)`;
  return `CASE WHEN ${separator} IS NULL THEN NULL WHEN len(${present}) = 0 THEN '' ELSE ${joined} END`;
}
