// Walks JSON text byte by byte without building values: for messages that the fast path cannot take
// (arrays to strip, json_root, several objects or line breaks in a message, numbers to keep exact).
// It finds where values begin and end; whether they are valid is DuckDB's to say. The bytes have their names here, as in
// every file that walks over bytes: constants of another module are loaded at each use, which costs a fifth of the speed.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const NEWLINE = 0x0a;
const SPACE = 0x20;

/** Half-open range of bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** JSON's white space: space, tab, line feed, carriage return. */
export function isJsonSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === NEWLINE || byte === 0x0d || byte === 0x09;
}

export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  let position = at;
  while (position < end && isJsonSpace(bytes[position])) position += 1;
  return position;
}

/** Position after the string that begins at `at` (its opening quote), -1 when it does not end. */
function skipString(bytes: Uint8Array, at: number, end: number): number {
  for (let position = at + 1; position < end; position += 1) {
    const byte = bytes[position];
    if (byte === BACKSLASH) position += 1;
    else if (byte === QUOTE) return position + 1;
  }
  return -1;
}

/** Position after the value that begins at `at`, -1 when its brackets or quotes do not close. */
export function skipValue(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at, end);
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) return skipScalar(bytes, at, end);
  let depth = 0;
  for (let position = at; position < end; ) {
    const byte = bytes[position];
    if (byte === QUOTE) {
      position = skipString(bytes, position, end);
      if (position < 0) return -1;
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1;
    position += 1;
    if (depth === 0) return position;
  }
  return -1;
}

function skipScalar(bytes: Uint8Array, at: number, end: number): number {
  let position = at;
  while (position < end) {
    const byte = bytes[position];
    if (byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT || isJsonSpace(byte)) break;
    position += 1;
  }
  return position === at ? -1 : position;
}

/** The array's elements, null when the brackets do not balance or something follows the array. */
export function splitArray(bytes: Uint8Array, range: ByteRange): readonly ByteRange[] | null {
  const elements: ByteRange[] = [];
  let at = skipSpace(bytes, range.start + 1, range.end);
  if (bytes[at] === CLOSE_ARRAY) return endsAt(bytes, at + 1, range.end) ? elements : null;
  while (at < range.end) {
    const end = skipValue(bytes, at, range.end);
    if (end < 0) return null;
    elements.push({ start: at, end });
    at = skipSpace(bytes, end, range.end);
    if (bytes[at] === CLOSE_ARRAY) return endsAt(bytes, at + 1, range.end) ? elements : null;
    if (bytes[at] !== COMMA) return null;
    at = skipSpace(bytes, at + 1, range.end);
  }
  return null;
}

function endsAt(bytes: Uint8Array, at: number, end: number): boolean {
  return skipSpace(bytes, at, end) === end;
}

/** The value under `key` of the object at `range`; the first of duplicates. Null when it is not there. */
export function findKey(bytes: Uint8Array, range: ByteRange, key: string): ByteRange | null {
  if (bytes[range.start] !== OPEN_OBJECT) return null;
  let at = skipSpace(bytes, range.start + 1, range.end);
  while (at < range.end && bytes[at] === QUOTE) {
    const keyEnd = skipString(bytes, at, range.end);
    if (keyEnd < 0) return null;
    const name = keyText(bytes, at, keyEnd);
    at = skipSpace(bytes, keyEnd, range.end);
    if (bytes[at] !== COLON) return null;
    at = skipSpace(bytes, at + 1, range.end);
    const end = skipValue(bytes, at, range.end);
    if (end < 0) return null;
    if (name === key) return { start: at, end };
    at = skipSpace(bytes, end, range.end);
    if (bytes[at] !== COMMA) return null;
    at = skipSpace(bytes, at + 1, range.end);
  }
  return null;
}

/** The values of the object at `range` by key, the last of duplicates; null when it is no whole object. */
export function entriesOf(bytes: Uint8Array, range: ByteRange): Map<string, ByteRange> | null {
  const entries = new Map<string, ByteRange>();
  if (bytes[range.start] !== OPEN_OBJECT) return null;
  let at = skipSpace(bytes, range.start + 1, range.end);
  if (bytes[at] === CLOSE_OBJECT) return endsAt(bytes, at + 1, range.end) ? entries : null;
  while (at < range.end && bytes[at] === QUOTE) {
    const keyEnd = skipString(bytes, at, range.end);
    if (keyEnd < 0) return null;
    const name = keyText(bytes, at, keyEnd);
    at = skipSpace(bytes, keyEnd, range.end);
    if (bytes[at] !== COLON) return null;
    at = skipSpace(bytes, at + 1, range.end);
    const end = skipValue(bytes, at, range.end);
    if (end < 0) return null;
    entries.set(name, { start: at, end });
    at = skipSpace(bytes, end, range.end);
    if (bytes[at] === CLOSE_OBJECT) return endsAt(bytes, at + 1, range.end) ? entries : null;
    if (bytes[at] !== COMMA) return null;
    at = skipSpace(bytes, at + 1, range.end);
  }
  return null;
}

function keyText(bytes: Uint8Array, start: number, end: number): string {
  const quoted = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    // A bad escape in a key: the key equals nothing, and DuckDB rejects the line.
    return quoted;
  }
}

/**
 * The documents that follow each other in a text with line breaks, and whether a string holds a raw
 * line break (which JSON forbids). Null when brackets do not balance.
 */
export function splitDocuments(bytes: Uint8Array, range: ByteRange): readonly ByteRange[] | null {
  const documents: ByteRange[] = [];
  let at = skipSpace(bytes, range.start, range.end);
  while (at < range.end) {
    const end = skipValue(bytes, at, range.end);
    if (end < 0) return null;
    documents.push({ start: at, end });
    at = skipSpace(bytes, end, range.end);
  }
  return documents;
}

/** Copies JSON text with line breaks between tokens made spaces; null when a string holds a raw line break. */
export function flattenLines(bytes: Uint8Array, range: ByteRange): Buffer | null {
  const copy = Buffer.from(bytes.subarray(range.start, range.end));
  let inString = false;
  for (let position = 0; position < copy.length; position += 1) {
    const byte = copy[position];
    if (byte === BACKSLASH && inString) position += 1;
    else if (byte === QUOTE) inString = !inString;
    else if (byte === NEWLINE) {
      if (inString) return null;
      copy[position] = SPACE;
    }
  }
  // An escape that swallowed the break is as forbidden as a bare one.
  return copy.includes(NEWLINE) ? null : copy;
}

/** Digits and signs that a double carries exactly, whatever the number. */
const EXACT_CHARACTERS = 15;

/**
 * Copies JSON text with the numbers under one of `keys`, however deep, that are too long for a
 * double, put in quotes: digits untouched. The text itself when there is none.
 */
export function quoteNumbers(text: Buffer, keys: readonly Buffer[]): Buffer {
  const end = text.length;
  const pieces: Uint8Array[] = [];
  let copiedTo = 0;
  // By depth: everything inside a wanted key's value is wanted.
  const wanted: boolean[] = [];
  let isWanted = false;
  let isInside = false;
  let at = 0;
  while (at < end) {
    const byte = text[at] ?? 0;
    if (byte === QUOTE) {
      const after = skipString(text, at, end);
      if (after < 0) break;
      if (text[skipSpace(text, after, end)] === COLON)
        isWanted = isInside || isKey(text, at, after, keys);
      at = after;
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      const after = skipScalar(text, at, end);
      if (isWanted && after - at > EXACT_CHARACTERS && isNumber(text, at, after)) {
        pieces.push(text.subarray(copiedTo, at), QUOTE_MARK, text.subarray(at, after), QUOTE_MARK);
        copiedTo = after;
      }
      at = after;
    } else {
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        wanted.push(isWanted);
        isInside = isWanted;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        isWanted = wanted.pop() ?? false;
        isInside = wanted.at(-1) ?? false;
      }
      at += 1;
    }
  }
  if (pieces.length === 0) return text;
  pieces.push(text.subarray(copiedTo));
  return Buffer.concat(pieces);
}

const QUOTE_MARK = Buffer.from('"');

/** Whether the string at `[start, end)`, quotes included, is one of the keys. */
function isKey(text: Buffer, start: number, end: number, keys: readonly Buffer[]): boolean {
  return keys.some(
    (key) =>
      key.length === end - start - 2 && key.compare(text, start + 1, end - 1, 0, key.length) === 0,
  );
}

/** A JSON number as a whole: only such a token may be quoted, or a broken line would become a good one. */
function isNumber(bytes: Uint8Array, start: number, end: number): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text);
}
