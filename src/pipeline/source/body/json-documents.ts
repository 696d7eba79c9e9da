// The documents of a JSON body: one, or one a line, or one right behind the other; with strip_outer_array the
// elements of arrays of any size, one by one. Finds where they begin and end; whether they are rows is the packer's
// and DuckDB's to say. A document that the body's end cuts off fails the load.
import { fail } from '../../../base/errors.ts';
import type { JsonFormatSpec } from '../../../model/load-plan.ts';
import { isJsonSpace, skipSpace, skipValue } from '../../decode/json-scan.ts';
import type { BodySplitter, RowSink } from './splitter.ts';

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const SPACE = 0x20;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

export function jsonSplitter(format: JsonFormatSpec): BodySplitter {
  return format.stripOuterArray ? new ArrayElements() : new Documents();
}

/** Does a value that begins so have an end that shows? A number may go on in what follows. */
function isBracketed(byte: number | undefined): boolean {
  return byte === OPEN_OBJECT || byte === OPEN_ARRAY || byte === QUOTE;
}

function incomplete(): never {
  throw fail('BODY_JSON_INCOMPLETE', {});
}

/**
 * A stream of documents. `}`, a line break and `{` can follow each other only between two documents, since JSON
 * has no line breaks in strings and a comma everywhere else: so a line is found without looking into it, and a
 * document that is broken does not spoil the lines behind it.
 */
class Documents implements BodySplitter {
  split(bytes: Buffer, start: number, end: number, isLast: boolean, sink: RowSink): number {
    // What lies behind `end` is no data.
    const data = end === bytes.length ? bytes : bytes.subarray(0, end);
    let at = start;
    for (;;) {
      at = plainLines(data, at, end, sink);
      at = skipSpace(data, at, end);
      if (at >= end) return end;
      let line = data.indexOf(NEWLINE, at);
      let next = boundary(data, at, line, end);
      while (next < 0 && line >= 0) {
        line = data.indexOf(NEWLINE, line + 1);
        next = boundary(data, at, line, end);
      }
      if (next < 0) return wholeOnes(data, at, end, isLast, sink);
      addPiece(data, at, next, sink);
      at = next;
    }
  }
}

/**
 * Adds the lines from `start` on that are one object each and are followed by another one; gives where the first line
 * begins that is not.
 */
function plainLines(data: Buffer, start: number, end: number, sink: RowSink): number {
  let at = start;
  if (data[at] !== OPEN_OBJECT || at >= end) return at;
  for (;;) {
    const line = data.indexOf(NEWLINE, at);
    if (line < 0 || data[line + 1] !== OPEN_OBJECT) return at;
    let close = line - 1;
    while (data[close] === SPACE) close -= 1;
    if (data[close] !== CLOSE_OBJECT || hasNeighbours(data, at, close)) return at;
    sink.addLine(at, close + 1, at, line + 1);
    at = line + 1;
  }
}

/** Whether a brace closes before `close` and another one opens behind it, in a string or not. */
function hasNeighbours(data: Buffer, start: number, close: number): boolean {
  for (let at = data.indexOf(CLOSE_OBJECT, start); at < close; ) {
    at += 1;
    if (data[skipSpace(data, at, close)] === OPEN_OBJECT) return true;
    at = data.indexOf(CLOSE_OBJECT, at);
  }
  return false;
}

/** Where the document begins that follows the one at `at` behind the line break; -1 = there is none, or it is not there yet. */
function boundary(data: Buffer, at: number, line: number, end: number): number {
  if (line < 0) return -1;
  let before = line - 1;
  while (before > at && isJsonSpace(data[before])) before -= 1;
  if (data[before] !== CLOSE_OBJECT) return -1;
  const after = skipSpace(data, line + 1, end);
  return data[after] === OPEN_OBJECT && after < end ? after : -1;
}

/** `[start, next)` ends with `}` and white space: a document, or several. */
function addPiece(data: Buffer, start: number, next: number, sink: RowSink): void {
  let end = next;
  while (isJsonSpace(data[end - 1])) end -= 1;
  const rest = wholeOnes(data, start, end, false, sink);
  if (rest < end) sink.add(rest, end, false);
}

/**
 * Adds the documents that are whole, one behind the other; gives where the first one begins that is not. With
 * `isLast` there is no such one: what is no JSON is a row of its own, up to the end of its line.
 */
function wholeOnes(
  data: Buffer,
  start: number,
  end: number,
  isLast: boolean,
  sink: RowSink,
): number {
  const found: number[] = [];
  let at = start;
  while (at < end) {
    const after = skipValue(data, at, end);
    if (after === end && !isLast && !isBracketed(data[at])) break;
    if (after < 0) {
      if (isBracketed(data[at])) {
        if (isLast) incomplete();
        break;
      }
      // A bracket that nothing opened, or a stray comma.
      const line = data.indexOf(NEWLINE, at);
      if (line < 0 && !isLast) break;
      const lineEnd = line < 0 ? end : line;
      found.push(at, lineEnd);
      at = lineEnd;
    } else {
      found.push(at, after);
      at = after;
    }
    at = skipSpace(data, at, end);
  }
  for (let index = 0; index < found.length; index += 2)
    sink.add(found[index] ?? 0, found[index + 1] ?? 0, false);
  return at;
}

/** Arrays that are taken apart, however large they are. */
class ArrayElements implements BodySplitter {
  /** Of the array at hand; null = outside of one. */
  #place: 'first' | 'comma' | 'element' | null = null;

  split(bytes: Buffer, start: number, end: number, isLast: boolean, sink: RowSink): number {
    let at = start;
    for (;;) {
      at = skipSpace(bytes, at, end);
      if (at >= end) {
        if (isLast && this.#place !== null) incomplete();
        return end;
      }
      const byte = bytes[at];
      if (this.#place === null && byte === OPEN_ARRAY) {
        this.#place = 'first';
        at += 1;
      } else if (this.#place === 'comma' && byte === COMMA) {
        this.#place = 'element';
        at += 1;
      } else if (byte === CLOSE_ARRAY && (this.#place === 'comma' || this.#place === 'first')) {
        this.#place = null;
        at += 1;
      } else {
        const after = this.#value(bytes, at, end, isLast);
        if (after < 0) return at;
        sink.add(at, after, this.#place !== null);
        if (this.#place !== null) this.#place = 'comma';
        at = after;
      }
    }
  }

  /** Position after an element or a document that is no array; -1 = its end is not there yet. */
  #value(bytes: Buffer, at: number, end: number, isLast: boolean): number {
    if (this.#place === 'comma') malformed(bytes, at, end, 'a comma or the end of the array');
    const after = skipValue(bytes, at, end);
    const isBrackets = isBracketed(bytes[at]);
    if (after < 0 && !isBrackets) malformed(bytes, at, end, 'a value');
    if (isLast && after < 0) incomplete();
    return after === end && !isLast && !isBrackets ? -1 : after;
  }
}

/** Bytes that a message shows of where the text is no JSON. */
const SHOWN_BYTES = 40;

function malformed(bytes: Buffer, at: number, end: number, expected: string): never {
  const found = bytes.toString('utf8', at, Math.min(end, at + SHOWN_BYTES));
  throw fail('BODY_JSON_MALFORMED', { expected, found });
}
