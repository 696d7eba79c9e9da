// JSON paths of StarRocks: `$.a.b[0]`, `a.b`, `$."x y"`, `$.a[*].b`, `$.a[0:2]`, spaces allowed.
// SOURCE: StarRocks' overview of JSON functions. Steps are plain data; what is found is a list of values.
import { isArray, isObject, type JsonValue } from './value.ts';

export type PathStep =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly index: number }
  /** `[from:to]`, without `to`. */
  | { readonly kind: 'slice'; readonly from: number; readonly to: number }
  | { readonly kind: 'items' }
  /** `.*`: every value of an object. */
  | { readonly kind: 'members' };

const STEP =
  /\s*(?:\.\s*(?:"((?:[^"\\]|\\.)*)"|([^.[\]"\\]+))|\[\s*(?:(\*)|(\d+)\s*(?::\s*(\d+)\s*)?)\s*\])\s*/y;

/** undefined: the text is no path. */
export function parsePath(text: string): readonly PathStep[] | undefined {
  const trimmed = text.trim();
  const rest = trimmed.startsWith('$')
    ? trimmed.slice(1)
    : /^[.[]/.test(trimmed) || trimmed === ''
      ? trimmed
      : `.${trimmed}`;
  const steps: PathStep[] = [];
  let at = 0;
  while (at < rest.length) {
    STEP.lastIndex = at;
    const match = STEP.exec(rest);
    if (match === null) return undefined;
    at = STEP.lastIndex;
    const [, quoted, plain, star, from, to] = match;
    if (star !== undefined) steps.push({ kind: 'items' });
    else if (from !== undefined && to !== undefined)
      steps.push({ kind: 'slice', from: Number(from), to: Number(to) });
    else if (from !== undefined) steps.push({ kind: 'index', index: Number(from) });
    else if (quoted !== undefined) steps.push({ kind: 'key', key: quoted.replace(/\\(.)/g, '$1') });
    else if (plain?.trim() === '*') steps.push({ kind: 'members' });
    else steps.push({ kind: 'key', key: (plain ?? '').trim() });
  }
  return steps;
}

/** Can the path name several values? */
export function isMany(steps: readonly PathStep[]): boolean {
  return steps.some(({ kind }) => kind === 'items' || kind === 'slice' || kind === 'members');
}

/** What the path names, in order; empty where there is nothing. */
export function findAll(value: JsonValue, steps: readonly PathStep[]): readonly JsonValue[] {
  let found: readonly JsonValue[] = [value];
  for (const step of steps) found = found.flatMap((inner) => stepInto(inner, step));
  return found;
}

function stepInto(value: JsonValue, step: PathStep): readonly JsonValue[] {
  switch (step.kind) {
    case 'key': {
      const inner = isObject(value) ? value.get(step.key) : undefined;
      return inner === undefined ? [] : [inner];
    }
    case 'index':
      return isArray(value) ? value.slice(step.index, step.index + 1) : [];
    case 'slice':
      return isArray(value) ? value.slice(step.from, step.to) : [];
    case 'items':
      return isArray(value) ? value : [];
    case 'members':
      return isObject(value) ? [...value.values()] : [];
  }
}
