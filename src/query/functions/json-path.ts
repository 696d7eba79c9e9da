// JSON paths in generated SQL: constant ones become DuckDB paths where it has them (and are checked
// before the query runs), all others go through the engine's own function.
import { fail } from '../../base/errors.ts';
import { isMany, type PathStep, parsePath } from '../../formats/json/path.ts';
import type { TypedExpression } from '../expression.ts';
import { quoteString } from '../literal.ts';

/** The steps of a constant path. @throws SQL_ANALYZE for a path that cannot be read. */
export function parseJsonPath(path: string): readonly PathStep[] {
  const steps = parsePath(path);
  if (steps === undefined) throw fail('SQL_ANALYZE', { detail: `Invalid json path '${path}'` });
  return steps;
}

/** `undefined` for a path that is no constant, null for NULL. */
export function constantSteps(
  argument: TypedExpression | undefined,
): readonly PathStep[] | null | undefined {
  if (argument === undefined) return [];
  if (argument.kind !== 'literal') return undefined;
  return argument.text === null ? null : parseJsonPath(argument.text);
}

/** SQL for what a path names in `json` (JSON text), as JSON text; several values as one JSON array. */
export function jsonAtPathSql(json: string, path: string, argument: TypedExpression | undefined) {
  const steps = constantSteps(argument);
  if (steps === null) return 'CAST(NULL AS VARCHAR)';
  const own = steps === undefined ? undefined : duckdbPath(steps);
  if (own === undefined) return `mr_json_query(${json}, ${path})`;
  const found = `json_extract(TRY_CAST(${json} AS JSON), ${quoteString(own)})`;
  if (steps !== undefined && isMany(steps)) {
    return `CASE WHEN len(${found}) > 0 THEN CAST(to_json(${found}) AS VARCHAR) END`;
  }
  return `CAST(${found} AS VARCHAR)`;
}

/** The same path in DuckDB's spelling; undefined for what it cannot say. */
function duckdbPath(steps: readonly PathStep[]): string | undefined {
  let text = '$';
  for (const step of steps) {
    switch (step.kind) {
      case 'key':
        if (/["\\]/.test(step.key)) return undefined;
        text += `."${step.key}"`;
        break;
      case 'index':
        text += `[${step.index}]`;
        break;
      case 'items':
        text += '[*]';
        break;
      case 'members':
        text += '.*';
        break;
      case 'slice':
        return undefined;
    }
  }
  return text;
}
