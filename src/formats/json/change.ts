// JSON trees changed at paths, contained in one another, and compared. Nothing is changed in place.
// SOURCE: StarRocks' pages on json_set, json_remove, json_contains and JSON operators.
import type { PathStep } from './path.ts';
import { isArray, isObject, JsonNumber, type JsonValue } from './value.ts';

/** `set` puts and replaces, `insert` only puts what is missing, `replace` only exchanges what is there. */
export type PutMode = 'set' | 'insert' | 'replace';

/** The value at a path put; a path through what is missing, or with a wildcard, changes nothing. */
export function put(
  value: JsonValue,
  [step, ...rest]: readonly PathStep[],
  wanted: JsonValue,
  mode: PutMode,
): JsonValue {
  if (step === undefined) return mode === 'insert' ? value : wanted;
  if (step.kind === 'key' && isObject(value)) {
    const inner = value.get(step.key);
    if (inner === undefined && (rest.length > 0 || mode === 'replace')) return value;
    const changed = inner === undefined ? wanted : put(inner, rest, wanted, mode);
    return new Map(value).set(step.key, changed);
  }
  if (step.kind === 'index' && isArray(value)) {
    const inner = value[step.index];
    if (inner === undefined)
      return rest.length > 0 || mode === 'replace' ? value : [...value, wanted];
    return value.with(step.index, put(inner, rest, wanted, mode));
  }
  return value;
}

/** The tree without what the path names; a path that names nothing, or has a wildcard, changes nothing. */
export function removeAt(value: JsonValue, [step, ...rest]: readonly PathStep[]): JsonValue {
  if (step?.kind === 'key' && isObject(value)) {
    const inner = value.get(step.key);
    if (inner === undefined) return value;
    const copy = new Map(value);
    if (rest.length === 0) copy.delete(step.key);
    else copy.set(step.key, removeAt(inner, rest));
    return copy;
  }
  if (step?.kind === 'index' && isArray(value)) {
    const inner = value[step.index];
    if (inner === undefined) return value;
    return rest.length === 0
      ? value.filter((_, i) => i !== step.index)
      : value.with(step.index, removeAt(inner, rest));
  }
  return value;
}

/** Every pair of an object, every element of an array (as a whole), or the same scalar. */
export function contains(target: JsonValue, candidate: JsonValue): boolean {
  if (isArray(target)) {
    const wanted = isArray(candidate) ? candidate : [candidate];
    return wanted.every((item) => target.some((one) => compareJson(one, item) === 0));
  }
  if (isObject(target) && isObject(candidate)) {
    return [...candidate].every(([key, value]) => {
      const inner = target.get(key);
      return inner !== undefined && contains(inner, value);
    });
  }
  return compareJson(target, candidate) === 0;
}

/** Below 0, 0 or above: null < false < true < numbers < texts < arrays < objects. */
export function compareJson(a: JsonValue, b: JsonValue): number {
  const order = rank(a) - rank(b);
  if (order !== 0) return order;
  if (a instanceof JsonNumber && b instanceof JsonNumber) return compareNumbers(a.text, b.text);
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  if (isArray(a) && isArray(b)) return compareLists(a, b);
  if (isObject(a) && isObject(b)) return compareObjects(a, b);
  return 0;
}

function rank(value: JsonValue): number {
  if (value === null) return 0;
  if (typeof value === 'boolean') return value ? 2 : 1;
  if (value instanceof JsonNumber) return 3;
  if (typeof value === 'string') return 4;
  return isArray(value) ? 5 : 6;
}

/** Whole numbers exactly, others as doubles. */
function compareNumbers(a: string, b: string): number {
  const whole = /^-?\d+$/;
  if (whole.test(a) && whole.test(b)) {
    const [x, y] = [BigInt(a), BigInt(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return Math.sign(Number(a) - Number(b));
}

function compareLists(a: readonly JsonValue[], b: readonly JsonValue[]): number {
  for (const [i, item] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    const order = compareJson(item, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Key by key in their order; an object that lacks a key is the smaller one. */
function compareObjects(
  a: ReadonlyMap<string, JsonValue>,
  b: ReadonlyMap<string, JsonValue>,
): number {
  const keys = [...new Set([...a.keys(), ...b.keys()])].sort();
  for (const key of keys) {
    const [x, y] = [a.get(key), b.get(key)];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const order = compareJson(x, y);
    if (order !== 0) return order;
  }
  return 0;
}
