// JSON trees as text: StarRocks' one line (`{"a": 1, "b": [true]}`, keys in order), and the form over
// several lines. SOURCE: StarRocks' answers; its JSON library keeps the keys of an object sorted.
import { isArray, isObject, JsonNumber, type JsonValue, MAX_DEPTH, readJson } from './value.ts';

/** Digits that a double might not hold, or a spelling that it would change. */
const NEEDS_DIGITS = /[\d.]{16}|\d[eE]/;

/**
 * JSON text as one line with sorted keys; null when it is no JSON. Text nested deeper than MAX_DEPTH stays
 * as it is. The engine's own parser does it where no number could lose digits: it is much faster.
 */
export function asLine(text: string): string | null {
  if (NEEDS_DIGITS.test(text)) {
    const { value, problem } = readJson(text);
    if (problem === 'too deep') return text;
    return problem === null ? lineText(value) : null;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const order = orderOf(value, 0);
  if (order === 'too deep') return text;
  if (order === 'other') return plainLine(value);
  // Line breaks are only between values: inside texts they are escapes.
  return JSON.stringify(value, null, 1).replace(/,\n */g, ', ').replace(/\n */g, '');
}

/** Are the keys of all objects in order already? */
function orderOf(value: unknown, depth: number): 'sorted' | 'other' | 'too deep' {
  if (typeof value !== 'object' || value === null) return 'sorted';
  if (depth >= MAX_DEPTH) return 'too deep';
  const isList = Array.isArray(value);
  let order: 'sorted' | 'other' = 'sorted';
  let before = '';
  for (const [key, inner] of Object.entries(value)) {
    if (!isList && key < before) order = 'other';
    before = key;
    const below = orderOf(inner, depth + 1);
    if (below === 'too deep') return below;
    if (below === 'other') order = below;
  }
  return order;
}

function plainLine(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(plainLine).join(', ')}]`;
  const entries: [string, unknown][] = Object.entries(value);
  const parts = entries
    .sort(byKey)
    .map(([key, inner]) => `${JSON.stringify(key)}: ${plainLine(inner)}`);
  return `{${parts.join(', ')}}`;
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One line, a space behind `:` and `,`, keys sorted. */
export function lineText(value: JsonValue): string {
  if (isArray(value)) return `[${value.map(lineText).join(', ')}]`;
  if (isObject(value)) {
    const parts = sortedEntries(value).map(
      ([key, inner]) => `${JSON.stringify(key)}: ${lineText(inner)}`,
    );
    return `{${parts.join(', ')}}`;
  }
  return scalarText(value);
}

/** Two spaces deeper with each level, keys sorted. */
export function prettyText(value: JsonValue, indent = ''): string {
  const deeper = `${indent}  `;
  const block = (open: string, close: string, parts: readonly string[]): string =>
    parts.length === 0
      ? `${open}${close}`
      : `${open}\n${parts.map((part) => `${deeper}${part}`).join(',\n')}\n${indent}${close}`;
  if (isArray(value)) {
    return block(
      '[',
      ']',
      value.map((item) => prettyText(item, deeper)),
    );
  }
  if (isObject(value)) {
    return block(
      '{',
      '}',
      sortedEntries(value).map(
        ([key, inner]) => `${JSON.stringify(key)}: ${prettyText(inner, deeper)}`,
      ),
    );
  }
  return scalarText(value);
}

function scalarText(value: null | boolean | string | JsonNumber): string {
  return value instanceof JsonNumber ? numberText(value.text) : JSON.stringify(value);
}

/** The shortest text of the same double, where a double holds the number exactly as written; else as written. */
export function numberText(text: string): string {
  if (/^-?\d+$/.test(text)) return text === '-0' ? '0' : text;
  const short = String(Number(text));
  return /^-?\d/.test(short) && sameNumber(short, text) ? short : text;
}

/** Do two spellings mean the same decimal number? */
export function sameNumber(a: string, b: string): boolean {
  const [digitsA, pointA] = decimalParts(a);
  const [digitsB, pointB] = decimalParts(b);
  return digitsA === digitsB && (digitsA === '' || pointA === pointB);
}

/** Significant digits with the sign, and the power of ten of the first of them. */
function decimalParts(text: string): readonly [digits: string, power: number] {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const all = whole + fraction;
  const leading = all.length - all.replace(/^0+/, '').length;
  const digits = all.replace(/^0+/, '').replace(/0+$/, '');
  return [digits === '' ? '' : sign + digits, whole.length - leading + Number(exponent)];
}

function sortedEntries(object: ReadonlyMap<string, JsonValue>): readonly [string, JsonValue][] {
  return [...object].sort(byKey);
}
