// JSON paths as StarRocks writes them (`$.a.b[0]`, `$."a.b"`, `[*]`) as data. Used to compile jsonpaths
// and to walk to json_root. Never evaluates anything.
import { fail } from '../../base/errors.ts';

export type PathStep =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' };

const STEP = /\.?(?:"((?:[^"\\]|\\.)*)"|\[\s*(\d+|\*|"(?:[^"\\]|\\.)*")\s*\]|([^.[\]"]+))/y;

/** The path's steps; `$` alone has none. Throws LOAD_JSONPATH on bad text. */
export function parseJsonPath(path: string): readonly PathStep[] {
  const text = path.trim();
  const steps: PathStep[] = [];
  STEP.lastIndex = text.startsWith('$') ? 1 : 0;
  while (STEP.lastIndex < text.length) {
    const at = STEP.lastIndex;
    const match = STEP.exec(text);
    if (match === null) throw fail('LOAD_JSONPATH', { path, detail: `at character ${at + 1}` });
    const [, quoted, bracket, plain] = match;
    if (quoted !== undefined) steps.push({ kind: 'key', key: unescapeKey(quoted) });
    else if (bracket === '*') steps.push({ kind: 'all' });
    else if (bracket?.startsWith('"'))
      steps.push({ kind: 'key', key: unescapeKey(bracket.slice(1, -1)) });
    else if (bracket !== undefined) steps.push({ kind: 'index', index: Number(bracket) });
    else if (plain?.trim() === '*') {
      const detail = '.* is not supported: [*] stands for all elements of an array';
      throw fail('LOAD_JSONPATH', { path, detail });
    } else steps.push({ kind: 'key', key: String(plain).trim() });
  }
  return steps;
}

function unescapeKey(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}

/** The steps as a DuckDB JSON path. */
export function duckdbJsonPath(steps: readonly PathStep[]): string {
  return `$${steps.map(duckdbStep).join('')}`;
}

function duckdbStep(step: PathStep): string {
  switch (step.kind) {
    case 'key':
      return `."${step.key.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
    case 'index':
      return `[${step.index}]`;
    case 'all':
      return '[*]';
  }
}

/** The value at the path inside parsed JSON, undefined when there is none. `[*]` gives the array itself. */
export function valueAt(root: unknown, steps: readonly PathStep[]): unknown {
  let value = root;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (step.kind === 'key') {
      if (Array.isArray(value) || !Object.hasOwn(value, step.key)) return undefined;
      value = Object.entries(value).find(([key]) => key === step.key)?.[1];
    } else if (step.kind === 'index') {
      if (!Array.isArray(value)) return undefined;
      value = value[step.index];
    }
  }
  return value;
}
