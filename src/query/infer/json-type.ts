// The column type that JSON values ask for: what was seen of a field is counted, and the narrowest type that holds
// all of it without loss is chosen. Every value that was seen loads into the type under strict_mode. Pure.
import { lineText, sameNumber } from '../../formats/json/text.ts';
import { isArray, isObject, JsonNumber, type JsonValue } from '../../formats/json/value.ts';
import { MAX_VARCHAR_LENGTH, type SqlType, STRING_LENGTH } from '../../model/sql-type.ts';
import { isWritableDate, isWritableMoment } from './time-shape.ts';

export interface JsonTypeOptions {
  /** Objects become STRUCT where all their fields can be fields of one; else JSON. */
  readonly structs: boolean;
}

export const STRING_TYPE: SqlType = { kind: 'VARCHAR', length: STRING_LENGTH };
export const JSON_TYPE: SqlType = { kind: 'JSON' };

const MAX_FIELDS = 1_000;
const MAX_DEPTH = 10;
const MAX_DECIMAL_DIGITS = 38;
const SHOWN_CHARACTERS = 60;
const MIN_BIGINT = -(2n ** 63n);
const MAX_BIGINT = 2n ** 63n - 1n;
const MIN_LARGEINT = -(2n ** 127n);
const MAX_LARGEINT = 2n ** 127n - 1n;
/** More digits are no whole number of any type: not worth a bigint. */
const MAX_WHOLE_CHARACTERS = 40;
const FIELD_NAME = /^[\p{L}_][\p{L}\p{N}_]{0,63}$/u;

/** What was seen of one field. Memory is bounded, whatever the values. */
export class JsonFacts {
  /** Values that are not null. */
  seen = 0;
  /** The first of them, cut for showing. */
  example: string | null = null;
  readonly #depth: number;
  #booleans = 0;
  #texts = 0;
  #objects = 0;
  #arrays = 0;
  readonly #numbers = new NumberFacts();
  #dates = 0;
  #moments = 0;
  #longestBytes = 0;
  #items: JsonFacts | null = null;
  /** By name; null = more or other names than a STRUCT can have. */
  #fields: Map<string, JsonFacts> | null = new Map();

  constructor(depth = 0) {
    this.#depth = depth;
  }

  add(value: JsonValue): void {
    if (value === null) return;
    this.seen += 1;
    this.example ??= shown(value);
    if (typeof value === 'boolean') this.#booleans += 1;
    else if (value instanceof JsonNumber) this.#numbers.add(value.text);
    else if (typeof value === 'string') this.#addText(value);
    else if (isArray(value)) {
      this.#arrays += 1;
      if (this.#depth >= MAX_DEPTH) return;
      this.#items ??= new JsonFacts(this.#depth + 1);
      for (const item of value) this.#items.add(item);
    } else if (isObject(value)) this.#addObject(value);
  }

  #addText(text: string): void {
    this.#texts += 1;
    this.#longestBytes = Math.max(this.#longestBytes, Buffer.byteLength(text));
    if (isWritableDate(text)) this.#dates += 1;
    else if (isWritableMoment(text)) this.#moments += 1;
  }

  #addObject(object: ReadonlyMap<string, JsonValue>): void {
    this.#objects += 1;
    if (this.#fields === null) return;
    for (const [name, value] of object) {
      let facts = this.#fields.get(name);
      const isNew = facts === undefined;
      const fits = this.#fields.size < MAX_FIELDS && FIELD_NAME.test(name);
      if (this.#depth >= MAX_DEPTH || (isNew && !fits)) {
        this.#fields = null;
        return;
      }
      facts ??= new JsonFacts(this.#depth + 1);
      if (isNew) this.#fields.set(name, facts);
      facts.add(value);
    }
  }

  /** Null: nothing but null was seen. */
  type(options: JsonTypeOptions): SqlType | null {
    const numbers = this.#numbers.count;
    if (this.seen === 0) return null;
    if (this.#booleans === this.seen) return { kind: 'BOOLEAN' };
    if (numbers === this.seen) return this.#numbers.type();
    if (this.#texts === this.seen) return this.#textType();
    if (this.#objects === this.seen) return options.structs ? this.#structType(options) : JSON_TYPE;
    if (this.#arrays === this.seen) return this.#arrayType(options);
    if (this.#objects + this.#arrays === this.seen) return JSON_TYPE;
    // Of what is written out as JSON the length is not known.
    if (this.#objects + this.#arrays > 0) return { kind: 'VARCHAR', length: MAX_VARCHAR_LENGTH };
    return this.#stringType();
  }

  #stringType(): SqlType {
    const isLong = this.#longestBytes > STRING_LENGTH;
    return isLong ? { kind: 'VARCHAR', length: MAX_VARCHAR_LENGTH } : STRING_TYPE;
  }

  #textType(): SqlType {
    if (this.#dates === this.seen) return { kind: 'DATE' };
    if (this.#dates + this.#moments === this.seen) return { kind: 'DATETIME' };
    return this.#stringType();
  }

  #arrayType(options: JsonTypeOptions): SqlType {
    const element = this.#items?.type(options) ?? null;
    if (element === null || element.kind === 'JSON') return JSON_TYPE;
    // A leaf of a list is text: objects among scalars would not be.
    if (this.#items?.isMixed() === true) return JSON_TYPE;
    return { kind: 'ARRAY', element };
  }

  /** Objects or arrays among other values? */
  isMixed(): boolean {
    const nested = this.#objects + this.#arrays;
    return nested > 0 && nested < this.seen;
  }

  #structType(options: JsonTypeOptions): SqlType {
    if (this.#fields === null || this.#fields.size === 0) return JSON_TYPE;
    const lower = new Set([...this.#fields.keys()].map((name) => name.toLowerCase()));
    if (lower.size < this.#fields.size) return JSON_TYPE;
    const fields: { name: string; type: SqlType }[] = [];
    for (const [name, facts] of this.#fields) {
      if (facts.isMixed()) return JSON_TYPE;
      fields.push({ name, type: facts.type(options) ?? STRING_TYPE });
    }
    return { kind: 'STRUCT', fields };
  }
}

/** Numbers by their digits as written. */
class NumberFacts {
  count = 0;
  #areWhole = true;
  #areDoubles = true;
  #haveExponent = false;
  #isFinite = true;
  #least = 0n;
  #most = 0n;
  #wholeDigits = 0;
  #fractionDigits = 0;

  add(text: string): void {
    this.count += 1;
    const [, whole = '', fraction = '', exponent] =
      /^-?(\d+)(?:\.(\d+))?([eE][+-]?\d+)?$/.exec(text) ?? [];
    this.#wholeDigits = Math.max(this.#wholeDigits, whole === '0' ? 0 : whole.length);
    this.#fractionDigits = Math.max(this.#fractionDigits, fraction.length);
    if (exponent !== undefined) this.#haveExponent = true;
    if (!Number.isFinite(Number(text))) this.#isFinite = false;
    if (!isDouble(text)) this.#areDoubles = false;
    if (fraction !== '' || exponent !== undefined || text.length > MAX_WHOLE_CHARACTERS) {
      this.#areWhole = false;
      return;
    }
    const value = BigInt(text);
    if (value < this.#least) this.#least = value;
    if (value > this.#most) this.#most = value;
  }

  type(): SqlType {
    if (this.#areWhole) {
      if (this.#least >= MIN_BIGINT && this.#most <= MAX_BIGINT) return { kind: 'BIGINT' };
      if (this.#least >= MIN_LARGEINT && this.#most <= MAX_LARGEINT) return { kind: 'LARGEINT' };
      return STRING_TYPE;
    }
    if (this.#areDoubles) return { kind: 'DOUBLE' };
    const digits = this.#wholeDigits + this.#fractionDigits;
    if (!this.#haveExponent && digits <= MAX_DECIMAL_DIGITS)
      return { kind: 'DECIMAL', precision: MAX_DECIMAL_DIGITS, scale: this.#fractionDigits };
    return this.#isFinite ? { kind: 'DOUBLE' } : STRING_TYPE;
  }
}

/** Does a double hold the number as it is written? */
function isDouble(text: string): boolean {
  const value = Number(text);
  return Number.isFinite(value) && sameNumber(String(value), text);
}

/** A value for people: as JSON, cut. */
function shown(value: JsonValue): string {
  const text = typeof value === 'string' ? value : lineText(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}
