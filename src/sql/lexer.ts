// SQL text -> tokens. Knows literals, quoting and comments; knows no grammar. Never recurses, never
// backtracks, so the cost is linear in the text.
import { fail } from '../base/errors.ts';
import type { Position } from './ast/node.ts';

/** Longest statement text in UTF-16 units that is looked at. */
export const MAX_STATEMENT_CHARS = 16 * 1024 * 1024;
/** Most tokens of one statement: bounds the memory of the token list (about 100 bytes each). */
export const MAX_TOKENS = 1_000_000;

/**
 * `word`: bare identifier or keyword; `quoted`: backtick identifier; `binary`: X'..'; `symbol`:
 * operator or punctuation (a character without a meaning is a symbol too, the parser refuses it).
 */
export type TokenType =
  | 'word'
  | 'quoted'
  | 'string'
  | 'integer'
  | 'decimal'
  | 'float'
  | 'binary'
  | 'symbol'
  | 'end';

export interface Token {
  readonly type: TokenType;
  /** What the grammar compares: a bare word in upper case, a symbol as it is, '' for everything else. */
  readonly word: string;
  /** Name as written, string with escapes undone, digits of a number, hex digits of X'..'. */
  readonly text: string;
  readonly pos: Position;
  /** Offset after the token. */
  readonly end: number;
}

export interface LexedStatement {
  /** Ends with exactly one `end` token. */
  readonly tokens: readonly Token[];
  /** Optimizer hints: index of the token that follows the comment -> text inside, trimmed. */
  readonly hints: ReadonlyMap<number, readonly string[]>;
  /** Offset in the whole text where this statement ends: at its `;` or at the end of the text. */
  readonly end: number;
}

const NEWLINE = 10;
const QUOTE = 39;
const DOUBLE_QUOTE = 34;
const BACKTICK = 96;
const BACKSLASH = 92;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Letters, `_`, `$` and everything from U+0080 except the spaces we skip. */
function isNameStart(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    code === 95 ||
    code === 36 ||
    (code >= 0x80 && !isSpace(code))
  );
}

const isNamePart = (code: number): boolean => isNameStart(code) || isDigit(code);

/** Blank, tab, line ends and ideographic space as in StarRocks; also no-break space and BOM, which come from pasting. */
function isSpace(code: number): boolean {
  return (
    code === 32 || (code >= 9 && code <= 13) || code === 0x3000 || code === 0xa0 || code === 0xfeff
  );
}

/** Longest first, so that the first match is the right one. `>` never joins another `>` because of `array<array<int>>`. */
const SYMBOLS = ['<=>', '<=', '<>', '<<', '>=', '!=', '||', '&&', '->', '=>', ':='];

/**
 * Lexes one statement that starts at `from` and ends before the next `;` (which is not a token) or,
 * with `whole`, at the end of the text (then `;` are tokens). Positions count from `from`.
 * Throws SQL_SYNTAX for an unterminated string, identifier or comment and LIMIT_EXCEEDED.
 */
export function lexStatement(text: string, from: number, whole: boolean): LexedStatement {
  return new Lexer(text, from).run(whole);
}

class Lexer {
  readonly #text: string;
  readonly #from: number;
  readonly #tokens: Token[] = [];
  readonly #hints = new Map<number, string[]>();
  #at: number;
  #line = 1;
  #lineStart: number;

  constructor(text: string, from: number) {
    if (text.length - from > MAX_STATEMENT_CHARS) {
      throw fail('LIMIT_EXCEEDED', {
        what: 'the length of the statement',
        actual: text.length - from,
        limit: MAX_STATEMENT_CHARS,
        hint: 'load large data by Stream Load instead of one INSERT',
      });
    }
    this.#text = text;
    this.#from = from;
    this.#at = from;
    this.#lineStart = from;
  }

  run(whole: boolean): LexedStatement {
    const text = this.#text;
    for (;;) {
      this.#skipBlanks();
      const atEnd = this.#at >= text.length;
      if (atEnd || (!whole && text.charCodeAt(this.#at) === 59)) {
        const end = this.#at;
        this.#push('end', '', '', this.#position(), end);
        return { tokens: this.#tokens, hints: this.#hints, end };
      }
      this.#token(text.charCodeAt(this.#at));
      if (this.#tokens.length > MAX_TOKENS) {
        throw fail('LIMIT_EXCEEDED', {
          what: 'the number of tokens of the statement',
          actual: this.#tokens.length,
          limit: MAX_TOKENS,
          hint: 'load large data by Stream Load instead of one INSERT',
        });
      }
    }
  }

  #position(): Position {
    const start = this.#at - this.#from;
    return { start, line: this.#line, column: this.#at - this.#lineStart };
  }

  #push(type: TokenType, word: string, text: string, pos: Position, end: number): void {
    this.#tokens.push({ type, word, text, pos, end: end - this.#from });
    this.#at = end;
  }

  /** Counts the lines in [from, to) that a multi-line token or comment covered. */
  #countLines(from: number, to: number): void {
    for (let i = this.#text.indexOf('\n', from); i !== -1 && i < to; ) {
      this.#line += 1;
      this.#lineStart = i + 1;
      i = this.#text.indexOf('\n', i + 1);
    }
  }

  #skipBlanks(): void {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (isSpace(code)) {
        this.#at += 1;
        if (code === NEWLINE) {
          this.#line += 1;
          this.#lineStart = this.#at;
        }
      } else if (code === 35 || (code === 45 && text.charCodeAt(this.#at + 1) === 45)) {
        const newline = text.indexOf('\n', this.#at);
        this.#at = newline === -1 ? text.length : newline;
      } else if (code === 47 && text.charCodeAt(this.#at + 1) === 42) {
        this.#blockComment();
      } else {
        return;
      }
    }
  }

  #blockComment(): void {
    const start = this.#at;
    const close = this.#text.indexOf('*/', start + 2);
    if (close === -1) throw this.#syntax('the comment that starts here is not closed by */');
    if (this.#text.charCodeAt(start + 2) === 43) {
      const hint = this.#text.slice(start + 3, close).trim();
      const index = this.#tokens.length;
      const list = this.#hints.get(index);
      if (list === undefined) this.#hints.set(index, [hint]);
      else list.push(hint);
    }
    this.#countLines(start, close);
    this.#at = close + 2;
  }

  #token(code: number): void {
    if (isNameStart(code)) {
      const next = this.#text.charCodeAt(this.#at + 1);
      if ((code === 120 || code === 88) && (next === QUOTE || next === DOUBLE_QUOTE)) {
        this.#binary(next);
      } else {
        this.#word(this.#at);
      }
    } else if (isDigit(code)) {
      this.#number();
    } else if (code === QUOTE || code === DOUBLE_QUOTE) {
      this.#string(code);
    } else if (code === BACKTICK) {
      this.#quoted();
    } else if (code === 46 && isDigit(this.#text.charCodeAt(this.#at + 1))) {
      this.#dotNumber();
    } else {
      this.#symbol();
    }
  }

  #word(from: number): void {
    const text = this.#text;
    const pos = this.#position();
    let end = from + 1;
    while (isNamePart(text.charCodeAt(end))) end += 1;
    const name = text.slice(from, end);
    this.#push('word', name.toUpperCase(), name, pos, end);
  }

  /** Digits, decimal, float, or a name that starts with digits (`2024_logs`). The longest reading wins. */
  #number(): void {
    const text = this.#text;
    const start = this.#at;
    let end = start;
    while (isDigit(text.charCodeAt(end))) end += 1;
    const exponent = this.#exponentEnd(end);
    if (isNameStart(text.charCodeAt(end))) {
      if (exponent === end || isNamePart(text.charCodeAt(exponent))) {
        this.#word(start);
        return;
      }
      this.#push('float', '', text.slice(start, exponent), this.#position(), exponent);
      return;
    }
    if (text.charCodeAt(end) !== 46) {
      this.#push('integer', '', text.slice(start, end), this.#position(), end);
      return;
    }
    this.#fraction(start, end);
  }

  /** After the digits before the point: `1.`, `1.5`, `1.5e3`. */
  #fraction(start: number, point: number): void {
    const text = this.#text;
    let end = point + 1;
    while (isDigit(text.charCodeAt(end))) end += 1;
    const exponent = this.#exponentEnd(end);
    const type = exponent === end ? 'decimal' : 'float';
    this.#push(type, '', text.slice(start, exponent), this.#position(), exponent);
  }

  /** End of `E[+-]digits` at `from`, or `from` when there is none. */
  #exponentEnd(from: number): number {
    const text = this.#text;
    const e = text.charCodeAt(from);
    if (e !== 101 && e !== 69) return from;
    const sign = text.charCodeAt(from + 1);
    let end = sign === 43 || sign === 45 ? from + 2 : from + 1;
    if (!isDigit(text.charCodeAt(end))) return from;
    while (isDigit(text.charCodeAt(end))) end += 1;
    return end;
  }

  /** `.5` is a number; `.5abc` is a point and a name (`db.5abc`). */
  #dotNumber(): void {
    const text = this.#text;
    let end = this.#at + 1;
    while (isDigit(text.charCodeAt(end))) end += 1;
    const exponent = this.#exponentEnd(end);
    if (isNamePart(text.charCodeAt(exponent))) {
      this.#push('symbol', '.', '.', this.#position(), this.#at + 1);
      this.#word(this.#at);
      return;
    }
    this.#fraction(this.#at, this.#at);
  }

  #string(quote: number): void {
    const text = this.#text;
    const start = this.#at;
    const pos = this.#position();
    const quoteText = text.charAt(start);
    let value = '';
    let from = start + 1;
    let at = from;
    for (;;) {
      const code = text.charCodeAt(at);
      if (Number.isNaN(code)) throw this.#syntax('the string that starts here is not closed');
      if (code === BACKSLASH) {
        value += text.slice(from, at) + escapedChar(text.charAt(at + 1));
        at += 2;
        from = at;
      } else if (code === quote) {
        if (text.charCodeAt(at + 1) !== quote) break;
        value += text.slice(from, at) + quoteText;
        at += 2;
        from = at;
      } else {
        at += 1;
      }
    }
    value += text.slice(from, at);
    this.#push('string', '', value, pos, at + 1);
    this.#countLines(start, at);
  }

  #quoted(): void {
    const text = this.#text;
    const start = this.#at;
    const pos = this.#position();
    let close = text.indexOf('`', start + 1);
    while (close !== -1 && text.charCodeAt(close + 1) === BACKTICK) {
      close = text.indexOf('`', close + 2);
    }
    if (close === -1) throw this.#syntax('the identifier that starts here is not closed by `');
    const name = text.slice(start + 1, close).replaceAll('``', '`');
    this.#push('quoted', '', name, pos, close + 1);
    this.#countLines(start, close);
  }

  #binary(quote: number): void {
    const text = this.#text;
    const start = this.#at;
    const close = text.indexOf(String.fromCharCode(quote), start + 2);
    if (close === -1) throw this.#syntax('the binary literal that starts here is not closed');
    const hex = text.slice(start + 2, close).toUpperCase();
    if (hex.length % 2 !== 0 || !/^[0-9A-F]*$/.test(hex)) {
      throw this.#syntax('a binary literal takes an even number of hexadecimal digits');
    }
    this.#push('binary', '', hex, this.#position(), close + 1);
  }

  #symbol(): void {
    const text = this.#text;
    const at = this.#at;
    for (const symbol of SYMBOLS) {
      if (text.startsWith(symbol, at)) {
        this.#push('symbol', symbol, symbol, this.#position(), at + symbol.length);
        return;
      }
    }
    const single = text.charAt(at);
    this.#push('symbol', single, single, this.#position(), at + 1);
  }

  #syntax(detail: string): Error {
    const { line, column } = this.#position();
    return fail('SQL_SYNTAX', { line, column, detail });
  }
}

/** What `\c` stands for. `\%` and `\_` stay as they are for LIKE; an unknown one is the character itself. */
function escapedChar(char: string): string {
  switch (char) {
    case '0':
      return '\0';
    case 'b':
      return '\b';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'Z':
      return '\x1a';
    case '%':
    case '_':
      return `\\${char}`;
    default:
      return char;
  }
}
