// DuckDB's error texts -> rows of the error table. The binding gives only text, which begins with the
// kind of error ("Conversion Error: ..."). Must never hide the text: it is what a person can act on.
import { type AppError, AppError as AppErrorClass, fail } from '../base/errors.ts';
import { BUG_MARK } from './functions/define.ts';

/** Kinds that a user's data or statement causes, all else is our own mistake. SOURCE: DuckDB's exception types. */
const VALUE_KINDS = new Set([
  'Conversion Error',
  'Out of Range Error',
  'Mismatch Type Error',
  'Constraint Error',
  'Invalid Input Error',
  'Decimal Error',
  'Divide by Zero Error',
]);

/**
 * The error of a failed statement. `interruption` says why we interrupted it ourselves, if we did:
 * then that reason wins over the engine's text.
 */
export function engineError(thrown: unknown, interruption?: unknown): AppError {
  if (thrown instanceof AppErrorClass) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (interruption !== undefined) {
    return interruption instanceof AppErrorClass ? interruption : fail('CANCELLED', {}, thrown);
  }
  if (text.includes(BUG_MARK)) return fail('INTERNAL', { detail: text }, thrown);
  const kind = /^([A-Z][A-Za-z ]*(?:Error|Exception))\b/.exec(text)?.[1] ?? '';
  const detail = firstParagraph(text);
  if (kind === 'INTERRUPT Error' || /^INTERRUPT/i.test(text)) return fail('CANCELLED', {}, thrown);
  if (/out of memory|failed to (allocate|offload)|max_temp_directory_size/i.test(text))
    return fail('ENGINE_OUT_OF_MEMORY', { detail }, thrown);
  if (/no space left on device/i.test(text)) {
    const path = /file "([^"]+)"/.exec(text)?.[1] ?? 'the temporary directory';
    return fail('DISK_FULL', { path }, thrown);
  }
  const missing = /(?:Cannot open file|No files found that match the pattern) "([^"]*)"/.exec(text);
  if (missing !== null)
    return fail('OBJECT_NOT_FOUND', { key: missing[1] ?? '', where: 'the local disk' }, thrown);
  if (/^Invalid Input Error: More than one row returned by a subquery/.test(text))
    return fail('SUBQUERY_ROWS', {}, thrown);
  if (/Max expression depth limit/.test(text)) {
    const what = 'the nesting depth of the generated statement';
    return fail(
      'LIMIT_EXCEEDED',
      { what, actual: 'more than 1000', limit: 1000, hint: '' },
      thrown,
    );
  }
  if (VALUE_KINDS.has(kind)) {
    // The kind of error() and of our own functions: the words behind it are ours, or the user's.
    const words = detail.replace(/^(?:Invalid Input|Conversion|Out of Range) Error: /, '');
    return fail('ENGINE_VALUE', { detail: plainWords(words) }, thrown);
  }
  return fail('INTERNAL', { detail }, thrown);
}

/** What RE2 says of an expression that it cannot read. SOURCE: re2/regexp.cc, kErrorStrings. */
const REGEX_FAULT =
  /^(?:missing [\])]|unexpected \)|no argument for repetition operator|bad repetition operator|invalid (?:escape sequence|character class|perl operator|named capture group|repetition size|UTF-8)|trailing \\)/;

const RANGE_HINT = 'CAST the operands to a wider type, such as LARGEINT or DOUBLE';

/** The engine's most frequent words about values, without the names of its own types and columns. */
function plainWords(words: string): string {
  // SOURCE: StarRocks' regexp functions answer "Invalid regex expression: ..." with RE2's words behind it.
  if (REGEX_FAULT.test(words)) return `Invalid regex expression: ${words}`;
  const range =
    /^Type \S+ with value (\S+) can't be cast because the value is out of range for the destination type/.exec(
      words,
    );
  if (range !== null) {
    return `Numeric overflow: ${range[1] ?? ''} is out of range of the type of the result (${RANGE_HINT})`;
  }
  const overflow = /^Overflow in \S+ (?:of|addition|subtraction|multiplication|negation)\b/.test(
    words,
  );
  if (overflow) {
    return `Numeric overflow: a result does not fit its type (${RANGE_HINT})`;
  }
  return words;
}

/** Without DuckDB's hints and the copy of our generated SQL that follow the message. */
function firstParagraph(text: string): string {
  const end = text.search(/\n\s*\n|\nLINE \d+:|\nPossible solutions/);
  return (end < 0 ? text : text.slice(0, end)).trim();
}
