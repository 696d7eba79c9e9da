// JSON beyond DuckDB's own functions: StarRocks' text form with sorted keys, paths known only while the
// query runs, changes at paths, containment and comparison. Text that is no JSON gives NULL.
import { compareJson, contains, type PutMode, put, removeAt } from '../../formats/json/change.ts';
import { findAll, isMany, type PathStep, parsePath } from '../../formats/json/path.ts';
import { asLine, lineText, prettyText } from '../../formats/json/text.ts';
import { type JsonValue, readJson } from '../../formats/json/value.ts';
import { type JsFunction, strictFunction } from './define.ts';

/** Paths come again with every row: the last ones are kept. */
const MOST_PATHS = 256;
const paths = new Map<string, readonly PathStep[] | undefined>();

function stepsOf(path: string): readonly PathStep[] | undefined {
  if (!paths.has(path)) {
    if (paths.size >= MOST_PATHS) paths.clear();
    paths.set(path, parsePath(path));
  }
  return paths.get(path);
}

function treeOf(text: string): JsonValue | undefined {
  const { value, problem } = readJson(text);
  return problem === null ? value : undefined;
}

/** One value as it is, several as an array; undefined where there is none, or the path is none. */
function query(text: string, path: string): JsonValue | undefined {
  const steps = stepsOf(path);
  if (steps === undefined) return undefined;
  const value = treeOf(text);
  if (value === undefined) return undefined;
  const found = findAll(value, steps);
  return found.length === 0 ? undefined : isMany(steps) ? found : found[0];
}

const changed =
  (mode: PutMode) =>
  (text: string, path: string, wanted: string): string | null => {
    const [value, inner] = [treeOf(text), treeOf(wanted)];
    if (value === undefined || inner === undefined) return null;
    const steps = stepsOf(path);
    return steps === undefined || isMany(steps) ? text : lineText(put(value, steps, inner, mode));
  };

export const JSON_FUNCTIONS: readonly JsFunction[] = [
  strictFunction('mr_json_text', ['VARCHAR'], 'VARCHAR', asLine),
  strictFunction('mr_json_pretty', ['VARCHAR'], 'VARCHAR', (text) => {
    const { value, problem } = readJson(text);
    if (problem === 'too deep') return text;
    return problem === null ? prettyText(value) : null;
  }),
  strictFunction('mr_json_query', ['VARCHAR', 'VARCHAR'], 'VARCHAR', (text, path) => {
    const found = query(text, path);
    return found === undefined ? null : lineText(found);
  }),
  strictFunction('mr_json_set', ['VARCHAR', 'VARCHAR', 'VARCHAR'], 'VARCHAR', changed('set')),
  strictFunction('mr_json_insert', ['VARCHAR', 'VARCHAR', 'VARCHAR'], 'VARCHAR', changed('insert')),
  strictFunction(
    'mr_json_replace',
    ['VARCHAR', 'VARCHAR', 'VARCHAR'],
    'VARCHAR',
    changed('replace'),
  ),
  strictFunction('mr_json_remove', ['VARCHAR', 'VARCHAR'], 'VARCHAR', (text, path) => {
    const value = treeOf(text);
    if (value === undefined) return null;
    const steps = stepsOf(path);
    return steps === undefined || isMany(steps) ? text : lineText(removeAt(value, steps));
  }),
  strictFunction('mr_json_contains', ['VARCHAR', 'VARCHAR'], 'BOOLEAN', (target, candidate) => {
    const [whole, part] = [treeOf(target), treeOf(candidate)];
    return whole === undefined || part === undefined ? null : contains(whole, part);
  }),
  strictFunction('mr_json_compare', ['VARCHAR', 'VARCHAR'], 'INTEGER', (left, right) => {
    const [a, b] = [treeOf(left), treeOf(right)];
    return a === undefined || b === undefined ? null : Math.sign(compareJson(a, b));
  }),
];
