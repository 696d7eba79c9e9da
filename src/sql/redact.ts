// A statement's text without its secrets: for the process list, logs, and every other place that keeps or
// shows a statement. Works on tokens, so that quoting, comments and line breaks cannot hide a secret from
// it; of a text that cannot be read, only what stands before the first suspicious word is shown. Pure.
import { isSecretName, MASK, maskSecrets } from '../base/secrets.ts';
import { lexStatement, type Token } from './lexer.ts';

/** Statements inside strings (PREPARE ... FROM '...', SET @s = '...') are looked into this deep. */
const MAX_NESTING = 3;
/** Only texts with one of these can have a secret: others cost one look. */
const SUSPECT =
  /identified|pass(?:word|phrase)|secret|token|credential|jaas|keytab|[._](?:key|pem)|(?:access|shared|private)key|\bfile\b|:\/\//i;
/** What ends the part of a statement that IDENTIFIED begins. */
const AFTER_IDENTIFIED: ReadonlySet<string> = new Set(['DEFAULT', 'PROPERTIES', ';']);
const ASSIGNS: ReadonlySet<string> = new Set(['=', ':=', '=>']);

/** The text with passwords, hashes, secret properties and credentials in URLs as `******`. */
export function redactStatement(sql: string): string {
  return redact(sql, MAX_NESTING);
}

function redact(sql: string, nesting: number): string {
  if (!SUSPECT.test(sql)) return sql;
  let tokens: readonly Token[];
  try {
    ({ tokens } = lexStatement(sql, 0, true));
  } catch {
    // Cut for showing, or never a statement.
    return cutAtSuspect(sql);
  }
  let out = '';
  let copied = 0;
  for (const [index, token] of tokens.entries()) {
    const shown = shownToken(tokens, index, sql, nesting);
    if (shown === null) continue;
    out += sql.slice(copied, token.pos.start) + shown;
    copied = token.end;
  }
  // Comments are no tokens; what they say is looked at as text.
  return maskSecrets(out + sql.slice(copied));
}

/** What stands in a token's place; null = itself. */
function shownToken(
  tokens: readonly Token[],
  index: number,
  sql: string,
  nesting: number,
): string | null {
  const token = tokens[index];
  if (token === undefined || !isValue(token)) return null;
  if (isSecretValue(tokens, index)) return masked(token, sql);
  if (token.type !== 'string' || nesting === 0) return null;
  const inside = redact(token.text, nesting - 1);
  return inside === token.text ? null : quoted(inside);
}

/** May the token not be shown, in an error about it? */
export function isSecretToken(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  return token !== undefined && isValue(token) && isSecretValue(tokens, index);
}

const isValue = ({ type }: Token): boolean =>
  type === 'string' || type === 'integer' || type === 'decimal' || type === 'binary';

function isSecretValue(tokens: readonly Token[], index: number): boolean {
  const wordAt = (at: number): string => tokens[at]?.word ?? '';
  // "secret_key" = "x", @password := 'x'
  if (ASSIGNS.has(wordAt(index - 1)) && isSecretName(tokens[index - 2]?.text ?? '')) return true;
  // PASSWORD('x'), PASSWORD 'x'
  if (wordAt(index - 1) === 'PASSWORD') return true;
  if (wordAt(index - 1) === '(' && wordAt(index - 2) === 'PASSWORD') return true;
  return (
    isAfterIdentified(tokens, index) || isSetPassword(tokens, index) || isFileContent(tokens, index)
  );
}

/** IDENTIFIED {BY 'x' | WITH plugin AS 'x' | whatever was meant by it}: everything up to the next clause. */
function isAfterIdentified(tokens: readonly Token[], index: number): boolean {
  for (let at = index - 1; at >= Math.max(0, index - 8); at -= 1) {
    const word = tokens[at]?.word ?? '';
    if (word === 'IDENTIFIED') return true;
    if (AFTER_IDENTIFIED.has(word)) return false;
  }
  return false;
}

/** CREATE FILE ... ("content" = "a key", "url" = "data:... or signed"). */
function isFileContent(tokens: readonly Token[], index: number): boolean {
  if (tokens[0]?.word !== 'CREATE' || tokens[1]?.word !== 'FILE') return false;
  return (
    tokens[index - 1]?.word === '=' && /^(?:content|url)$/i.test(tokens[index - 2]?.text ?? '')
  );
}

/** SET PASSWORD [FOR user] = 'x': what comes after the `=`, or right after the word. */
function isSetPassword(tokens: readonly Token[], index: number): boolean {
  for (let at = index - 1; at >= Math.max(0, index - 8); at -= 1) {
    if (tokens[at]?.word !== 'PASSWORD' || tokens[at - 1]?.word !== 'SET') continue;
    const between = tokens.slice(at + 1, index);
    return between.length === 0 || between.some(({ word }) => ASSIGNS.has(word));
  }
  return false;
}

function masked(token: Token, sql: string): string {
  const quote = sql.slice(token.pos.start, token.pos.start + 1);
  return quote === '"' || quote === "'" ? `${quote}${MASK}${quote}` : MASK;
}

const quoted = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** A text that does not lex: nothing after the first word that smells of a secret. */
function cutAtSuspect(sql: string): string {
  const found = SUSPECT.exec(sql);
  return found === null ? sql : `${sql.slice(0, found.index + found[0].length)}${MASK}`;
}
