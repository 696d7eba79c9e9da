// JSON text as a tree that keeps every number as it was written: 64-bit integers and long decimals must
// not go through a double. Reads without recursion limits of its own beyond MAX_DEPTH.

/** Nesting that is read; deeper text is `too deep`, never a crash. */
export const MAX_DEPTH = 500;

/** A number by its digits, in JSON's spelling. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonValue =
  | null
  | boolean
  | string
  | JsonNumber
  | readonly JsonValue[]
  | ReadonlyMap<string, JsonValue>;

/** Why a text has no value. */
export type JsonProblem = 'invalid' | 'too deep';

export type JsonResult =
  | { readonly value: JsonValue; readonly problem: null }
  | { readonly value: null; readonly problem: JsonProblem };

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
/** What JSON allows in a text only as an escape: below the space. */
const CONTROL = /[^ -\uffff]/;
const SPACE = /[ \t\n\r]*/y;

class Broken extends Error {
  readonly problem: JsonProblem;

  constructor(problem: JsonProblem) {
    super(problem);
    this.problem = problem;
  }
}

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): JsonValue {
    const value = this.#value();
    if (this.#peek() !== '') throw new Broken('invalid');
    return value;
  }

  #peek(): string {
    SPACE.lastIndex = this.#at;
    SPACE.exec(this.#text);
    this.#at = SPACE.lastIndex;
    return this.#text[this.#at] ?? '';
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at += 1;
    return true;
  }

  #expect(char: string): void {
    if (!this.#take(char)) throw new Broken('invalid');
  }

  #value(): JsonValue {
    switch (this.#peek()) {
      case '{':
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return new JsonNumber(this.#token(NUMBER));
    }
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new Broken('too deep');
    this.#at += 1;
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #object(): ReadonlyMap<string, JsonValue> {
    const entries = new Map<string, JsonValue>();
    if (this.#take('}')) return entries;
    do {
      if (this.#peek() !== '"') throw new Broken('invalid');
      const key = this.#string();
      this.#expect(':');
      entries.set(key, this.#value());
    } while (this.#take(','));
    this.#expect('}');
    return entries;
  }

  #array(): readonly JsonValue[] {
    const items: JsonValue[] = [];
    if (this.#take(']')) return items;
    do items.push(this.#value());
    while (this.#take(','));
    this.#expect(']');
    return items;
  }

  #string(): string {
    const raw = this.#token(STRING);
    if (CONTROL.test(raw)) throw new Broken('invalid');
    if (!raw.includes('\\')) return raw.slice(1, -1);
    try {
      return JSON.parse(raw) as string;
    } catch (error) {
      // An escape that JSON does not have, such as \x.
      if (error instanceof SyntaxError) throw new Broken('invalid');
      throw error;
    }
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw new Broken('invalid');
    this.#at += word.length;
    return value;
  }

  #token(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) throw new Broken('invalid');
    this.#at = pattern.lastIndex;
    return found[0];
  }
}

/** Of equal keys of an object the last counts. */
export function readJson(text: string): JsonResult {
  try {
    return { value: new Reader(text).whole(), problem: null };
  } catch (error) {
    if (error instanceof Broken) return { value: null, problem: error.problem };
    throw error;
  }
}

export function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isObject(value: JsonValue): value is ReadonlyMap<string, JsonValue> {
  return value instanceof Map;
}
