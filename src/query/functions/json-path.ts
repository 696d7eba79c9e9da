// JSON paths of StarRocks (`$.a.b[0]`, `a.b`, `$."x y"`, `$.a[*]`) checked and written as DuckDB paths.
// A path must be a constant: DuckDB raises an error in mid-query for one that it cannot read.
import { fail } from '../../base/errors.ts';
import type { TypedExpression } from '../expression.ts';

export interface JsonPath {
  /** DuckDB path text. */
  readonly text: string;
  /** Contains a wildcard: DuckDB then answers a list. */
  readonly many: boolean;
}

const STEP = /\.\s*(?:"([^"\\]*)"|([^.[\]"\\]+))|\[\s*(\d+|\*)\s*\]/y;

/** @throws SQL_ANALYZE for a path that cannot be read. */
export function parseJsonPath(path: string): JsonPath {
  const trimmed = path.trim();
  const rooted = /^\$/.test(trimmed)
    ? trimmed.slice(1)
    : /^[.[]/.test(trimmed)
      ? trimmed
      : `.${trimmed}`;
  let text = '$';
  let many = false;
  STEP.lastIndex = 0;
  let at = 0;
  while (at < rooted.length && trimmed !== '') {
    STEP.lastIndex = at;
    const match = STEP.exec(rooted);
    if (match === null) {
      throw fail('SQL_ANALYZE', { detail: `Invalid json path '${path}'` });
    }
    at = STEP.lastIndex;
    const [, quoted, plain, index] = match;
    if (index !== undefined) {
      text += `[${index}]`;
      many ||= index === '*';
    } else if (quoted === undefined && plain?.trim() === '*') {
      text += '.*';
      many = true;
    } else {
      text += `."${(quoted ?? plain ?? '').trim()}"`;
    }
  }
  return { text, many };
}

/** The path of a constant argument; null when the argument is NULL. */
export function constantJsonPath(
  argument: TypedExpression | undefined,
  name: string,
): JsonPath | null {
  if (argument?.kind === 'literal')
    return argument.text === null ? null : parseJsonPath(argument.text);
  throw fail('SQL_ANALYZE', { detail: `the path of ${name} must be a constant` });
}
