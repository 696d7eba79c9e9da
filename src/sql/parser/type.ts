// A type in type position (column definition, CAST) -> SqlType. Lengths and precisions are taken as
// written; whether they are in range is checked where the type is used.
import { fail } from '../../base/errors.ts';
import { type SqlType, STRING_LENGTH } from '../../model/sql-type.ts';
import type { Cursor } from './cursor.ts';

/** Types without parameters. */
const PLAIN: Readonly<Record<string, SqlType>> = {
  BOOLEAN: { kind: 'BOOLEAN' },
  BOOL: { kind: 'BOOLEAN' },
  FLOAT: { kind: 'FLOAT' },
  DOUBLE: { kind: 'DOUBLE' },
  DATE: { kind: 'DATE' },
  DATETIME: { kind: 'DATETIME' },
  STRING: { kind: 'VARCHAR', length: STRING_LENGTH },
  TEXT: { kind: 'VARCHAR', length: STRING_LENGTH },
  JSON: { kind: 'JSON' },
  BITMAP: { kind: 'BITMAP' },
  HLL: { kind: 'HLL' },
  PERCENTILE: { kind: 'PERCENTILE' },
};

/** Integers; a display width in parentheses is read and forgotten. */
const INTEGERS: Readonly<Record<string, SqlType>> = {
  TINYINT: { kind: 'TINYINT' },
  SMALLINT: { kind: 'SMALLINT' },
  INT: { kind: 'INT' },
  INTEGER: { kind: 'INT' },
  BIGINT: { kind: 'BIGINT' },
  LARGEINT: { kind: 'LARGEINT' },
};

/** Precision and scale when none are written. SOURCE: StarRocks docs, DECIMAL (10, 0) and DECIMALV2 (27, 9). */
const DECIMALS: Readonly<Record<string, readonly [number, number]>> = {
  DECIMAL: [10, 0],
  NUMERIC: [10, 0],
  NUMBER: [10, 0],
  DECIMALV2: [27, 9],
  DECIMAL32: [9, 0],
  DECIMAL64: [18, 0],
  DECIMAL128: [38, 0],
};

/** Real StarRocks types (and MySQL spellings) that have no form here yet. */
const UNSUPPORTED: ReadonlySet<string> = new Set(['TIME', 'VARIANT', 'DECIMAL256']);

const STARTS: readonly string[] = [
  ...Object.keys(PLAIN),
  ...Object.keys(INTEGERS),
  ...Object.keys(DECIMALS),
  'CHAR',
  'VARCHAR',
  'VARBINARY',
  'BINARY',
  'SIGNED',
  'UNSIGNED',
  'ARRAY',
  'MAP',
  'STRUCT',
];

/** Can this word (upper case) begin a type? */
export function startsType(word: string): boolean {
  return STARTS.includes(word) || UNSUPPORTED.has(word);
}

/** `use` 'cast': a CHAR or VARCHAR without a length is a string of any length; in a column CHAR is CHAR(1). */
export function parseType(cursor: Cursor, use: 'column' | 'cast'): SqlType {
  const { word } = cursor.token;
  const plain = PLAIN[word];
  if (plain !== undefined) {
    cursor.next();
    return plain;
  }
  const integer = INTEGERS[word];
  if (integer !== undefined) {
    cursor.next();
    parameter(cursor);
    return integer;
  }
  const decimal = DECIMALS[word];
  if (decimal !== undefined) {
    cursor.next();
    return decimalType(cursor, decimal);
  }
  return otherType(cursor, word, use);
}

function otherType(cursor: Cursor, word: string, use: 'column' | 'cast'): SqlType {
  switch (word) {
    case 'CHAR':
    case 'VARCHAR': {
      cursor.next();
      const length = parameter(cursor);
      if (length !== null) return { kind: word, length };
      if (word === 'CHAR' && use === 'column') return { kind: 'CHAR', length: 1 };
      return { kind: 'VARCHAR', length: STRING_LENGTH };
    }
    case 'VARBINARY':
    case 'BINARY':
      cursor.next();
      return { kind: 'VARBINARY', length: parameter(cursor) ?? 0 };
    case 'SIGNED':
    case 'UNSIGNED':
      cursor.next();
      cursor.takeOneOf(['INT', 'INTEGER']);
      cursor.settle();
      return { kind: word === 'SIGNED' ? 'BIGINT' : 'LARGEINT' };
    case 'ARRAY':
    case 'MAP':
    case 'STRUCT':
      cursor.next();
      return cursor.nested(() => nestedType(cursor, word, use));
    default:
      if (UNSUPPORTED.has(word)) {
        throw fail('NOT_SUPPORTED', { what: `the type ${word}`, hint: 'use VARCHAR or DECIMAL' });
      }
      for (const start of STARTS) cursor.note(start);
      throw cursor.unexpected();
  }
}

/** After the word: `<int>`, `<string, int>`, `<a int, b string>`. */
function nestedType(
  cursor: Cursor,
  word: 'ARRAY' | 'MAP' | 'STRUCT',
  use: 'column' | 'cast',
): SqlType {
  cursor.expect('<');
  let type: SqlType;
  if (word === 'ARRAY') {
    type = { kind: 'ARRAY', element: parseType(cursor, use) };
  } else if (word === 'MAP') {
    const key = parseType(cursor, use);
    cursor.expect(',');
    type = { kind: 'MAP', key, value: parseType(cursor, use) };
  } else {
    const fields = cursor.list(() => {
      const { name } = cursor.identifier();
      cursor.take(':');
      return { name, type: parseType(cursor, use) };
    });
    type = { kind: 'STRUCT', fields };
  }
  cursor.expect('>');
  return type;
}

/** `(n)`, or null. */
function parameter(cursor: Cursor): number | null {
  if (!cursor.take('(')) {
    cursor.settle();
    return null;
  }
  const value = Number(cursor.integerText());
  cursor.expect(')');
  return value;
}

function decimalType(cursor: Cursor, [precision, scale]: readonly [number, number]): SqlType {
  if (!cursor.take('(')) {
    cursor.settle();
    return { kind: 'DECIMAL', precision, scale };
  }
  const written = Number(cursor.integerText());
  const writtenScale = cursor.take(',') ? Number(cursor.integerText()) : 0;
  cursor.expect(')');
  return { kind: 'DECIMAL', precision: written, scale: writtenScale };
}
