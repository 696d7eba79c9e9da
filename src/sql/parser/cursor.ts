// The parser's reading position and its small moves (at, take, expect, identifier...). It collects what
// could have stood where parsing failed, but only on the second run over a statement that is wrong.
import { fail } from '../../base/errors.ts';
import { MASK } from '../../base/secrets.ts';
import type { Expression } from '../ast/expression.ts';
import type { Identifier, Position, QualifiedName } from '../ast/node.ts';
import type { Query, QueryBody } from '../ast/query.ts';
import { isReserved } from '../keywords.ts';
import type { LexedStatement, Token } from '../lexer.ts';
import { isSecretToken } from '../redact.ts';
import {
  END_OF_INPUT,
  INTEGER_CLASS,
  LEGAL_IDENTIFIER,
  STRING_CLASSES,
  syntaxError,
} from '../syntax-error.ts';

/** Greatest height of the tree and of the recursion. Keeps whoever walks the tree recursively off the stack's end. */
export const MAX_DEPTH = 400;

/** The grammar's recursion, handed in so that the files of the grammar need not import in a circle. */
export interface Grammar {
  /** A whole expression. */
  expression(cursor: Cursor): Expression;
  /** An expression without AND, OR, comparisons and predicates. */
  value(cursor: Cursor): Expression;
  /** WITH ... SELECT ... ORDER BY ... LIMIT, without parentheses around it. */
  query(cursor: Cursor): Query;
  /** What may follow a query that was in parentheses: set operations, ORDER BY, LIMIT. */
  rest(cursor: Cursor, first: QueryBody): Query;
}

export interface ParseOptions {
  /** sql_mode PIPES_AS_CONCAT: `||` concatenates instead of meaning OR. */
  readonly pipesAsConcat: boolean;
}

export class Cursor {
  readonly grammar: Grammar;
  readonly options: ParseOptions;
  readonly #tokens: readonly Token[];
  readonly #hints: LexedStatement['hints'];
  readonly #text: string;
  readonly #last: number;
  #index = 0;
  #token: Token;
  /** Depth of the recursion now. */
  #depth = 0;
  /** Height of the tallest subtree finished inside the one that is open. */
  #tallest = 0;
  #parameters = 0;
  /** Words and classes tried at #expectedIndex, the farthest token reached; null on the fast first run. */
  readonly #expected: Set<string> | null;
  #expectedIndex = 0;

  /** `text` is the statement, to show tokens as the user wrote them. `collect` turns on the bookkeeping. */
  constructor(
    lexed: LexedStatement,
    text: string,
    grammar: Grammar,
    options: ParseOptions,
    collect: boolean,
  ) {
    this.#tokens = lexed.tokens;
    this.#hints = lexed.hints;
    this.#text = text;
    this.#last = lexed.tokens.length - 1;
    this.grammar = grammar;
    this.options = options;
    this.#expected = collect ? new Set() : null;
    this.#token = this.#at(0);
  }

  #at(index: number): Token {
    const token = this.#tokens[Math.min(index, this.#last)];
    if (token === undefined) throw fail('INTERNAL', { detail: 'no end token' });
    return token;
  }

  /** The token to be read next. */
  get token(): Token {
    return this.#token;
  }

  get pos(): Position {
    return this.#token.pos;
  }

  /** Offset after the token read last. */
  get previousEnd(): number {
    return this.#index === 0 ? 0 : this.#at(this.#index - 1).end;
  }

  /** The token `ahead` places after the next one; never leaves a trace in an error. */
  peek(ahead: number): Token {
    return this.#at(this.#index + ahead);
  }

  /** Hints written just before the next token. */
  hints(): readonly string[] {
    return this.#hints.get(this.#index) ?? [];
  }

  /** Reads the next token whatever it is. */
  next(): Token {
    const token = this.#token;
    if (this.#index < this.#last) this.#index += 1;
    this.#token = this.#at(this.#index);
    return token;
  }

  /** Is the next token this keyword (upper case) or symbol? */
  at(word: string): boolean {
    if (this.#token.word === word) return true;
    if (this.#expected !== null) this.note(word);
    return false;
  }

  /** Reads the keyword or symbol if it comes next. */
  take(word: string): boolean {
    if (!this.at(word)) return false;
    this.next();
    return true;
  }

  /** Reads several words if all of them come next, none otherwise. */
  takeAll(...words: readonly string[]): boolean {
    const [first] = words;
    if (first === undefined || !this.at(first)) return false;
    for (let i = 1; i < words.length; i += 1) {
      if (this.peek(i).word !== words[i]) return false;
    }
    for (let i = 0; i < words.length; i += 1) this.next();
    return true;
  }

  /** Reads one of the words and says which, or null. */
  takeOneOf<W extends string>(words: readonly W[]): W | null {
    const found = words.find((word) => this.at(word));
    if (found === undefined) return null;
    this.next();
    return found;
  }

  expect(word: string): Token {
    if (!this.at(word)) throw this.unexpected();
    return this.next();
  }

  expectAll(...words: readonly string[]): void {
    for (const word of words) this.expect(word);
  }

  expectOneOf<W extends string>(words: readonly W[]): W {
    const found = this.takeOneOf(words);
    if (found === null) throw this.unexpected();
    return found;
  }

  /** Could the next token be an identifier (backticks, or a word that is not reserved)? */
  atIdentifier(): boolean {
    if (isIdentifier(this.#token)) return true;
    if (this.#expected !== null) this.note(LEGAL_IDENTIFIER);
    return false;
  }

  identifier(): Identifier {
    if (!this.atIdentifier()) throw this.unexpected();
    const token = this.next();
    return { pos: token.pos, name: token.text };
  }

  /** After a point any word is a name, as in MySQL. */
  nameAfterPoint(): string {
    const { type } = this.#token;
    if (type !== 'word' && type !== 'quoted') {
      if (this.#expected !== null) this.note(LEGAL_IDENTIFIER);
      throw this.unexpected();
    }
    return this.next().text;
  }

  identifierOrString(): Identifier {
    if (this.#token.type !== 'string') return this.identifier();
    const token = this.next();
    return { pos: token.pos, name: token.text };
  }

  atString(): boolean {
    if (this.#token.type === 'string') return true;
    if (this.#expected !== null) for (const name of STRING_CLASSES) this.note(name);
    return false;
  }

  string(): string {
    if (!this.atString()) throw this.unexpected();
    return this.next().text;
  }

  /** An integer literal as its digits. */
  integerText(): string {
    if (this.#token.type !== 'integer') {
      if (this.#expected !== null) this.note(INTEGER_CLASS);
      throw this.unexpected();
    }
    return this.next().text;
  }

  /** `a`, `a.b` or `a.b.c`, of at most `longest` names. */
  qualifiedName(longest = 3): QualifiedName {
    const first = this.identifier();
    const parts = [first.name];
    while (parts.length < longest && this.take('.')) parts.push(this.nameAfterPoint());
    this.settle();
    const name = parts.pop() ?? '';
    const database = parts.pop() ?? null;
    return { pos: first.pos, catalog: parts.pop() ?? null, database, name };
  }

  /** `( item, item )`, at least one. */
  parenthesised<T>(item: () => T): readonly T[] {
    this.expect('(');
    const items = this.list(item);
    this.expect(')');
    return items;
  }

  /** `item, item`, at least one. */
  list<T>(item: () => T): T[] {
    const items = [item()];
    while (this.take(',')) items.push(item());
    return items;
  }

  /** Number of the next `?`. */
  parameterIndex(): number {
    const index = this.#parameters;
    this.#parameters += 1;
    return index;
  }

  /** Runs a rule whose result is one subtree of the tree. */
  nested<T>(work: () => T): T {
    const outer = this.open();
    const result = work();
    this.grow(1);
    this.close(outer);
    return result;
  }

  /** Begins a subtree; give the result to `close`. Throws LIMIT_EXCEEDED when the recursion is too deep. */
  open(): number {
    this.#depth += 1;
    this.#checkDepth(this.#depth);
    const outer = this.#tallest;
    this.#tallest = 0;
    return outer;
  }

  /** The subtree being built got this much taller. Throws LIMIT_EXCEEDED (`a + b + c...` nests as deep as it is long). */
  grow(levels: number): void {
    this.#tallest += levels;
    this.#checkDepth(this.#tallest);
  }

  close(outer: number): void {
    this.#depth -= 1;
    if (outer > this.#tallest) this.#tallest = outer;
  }

  #checkDepth(depth: number): void {
    if (depth <= MAX_DEPTH) return;
    throw fail('LIMIT_EXCEEDED', {
      what: 'the nesting depth of the statement',
      actual: depth,
      limit: MAX_DEPTH,
      hint: 'use IN (...), several statements or a table instead of a long chain',
    });
  }

  /** Remembers that `alternative` could stand where the next token is. */
  note(alternative: string): void {
    const expected = this.#expected;
    if (expected === null || this.#index < this.#expectedIndex) return;
    if (this.#index > this.#expectedIndex) {
      expected.clear();
      this.#expectedIndex = this.#index;
    }
    expected.add(alternative);
  }

  /** A rule is complete here: optional parts it tried are no longer named, as in StarRocks' messages. */
  settle(): void {
    if (this.#expected !== null && this.#expectedIndex === this.#index) this.#expected.clear();
  }

  /** The error for the next token, which fits nothing that was tried. */
  unexpected(): Error {
    const token = this.#token;
    const shown = isSecretToken(this.#tokens, this.#index)
      ? `'${MASK}'`
      : this.#text.slice(token.pos.start, token.end);
    const found = token.type === 'end' ? END_OF_INPUT : shown;
    const known = this.#expectedIndex === this.#index ? this.#expected : null;
    return syntaxError(token.pos, found, known ?? []);
  }

  /** Reads trailing `;` and asserts that nothing follows. */
  expectEnd(): void {
    this.settle();
    this.note(END_OF_INPUT);
    while (this.take(';')) this.note(END_OF_INPUT);
    if (this.#token.type !== 'end') throw this.unexpected();
  }
}

/** Backtick identifiers and words that are not reserved. */
export function isIdentifier(token: Token): boolean {
  return token.type === 'quoted' || (token.type === 'word' && !isReserved(token.word));
}
