// The atoms of printed SQL: identifiers, strings, types, property lists. What is printed here parses
// back to the same value.
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type { Identifier, Property, QualifiedName } from './ast/node.ts';
import { isReserved } from './keywords.ts';

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Not reserved, but bare they could be read as the start of something else: `map < 3`, `interval - 1`. */
const READ_OTHERWISE: ReadonlySet<string> = new Set([
  'BINARY',
  'INTERVAL',
  'MAP',
  'RECURSIVE',
  'ROLLUP',
]);

/** A name, in backticks only when it needs them. */
export function printIdentifier(name: string): string {
  const upper = name.toUpperCase();
  const bare = PLAIN_NAME.test(name) && !isReserved(upper) && !READ_OTHERWISE.has(upper);
  return bare ? name : quoteIdentifier(name);
}

/** A name in backticks. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\0', '\\0'],
  ['\b', '\\b'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\x1a', '\\Z'],
  ["'", "\\'"],
  ['\\', '\\\\'],
]);

/** A string literal in single quotes. */
export function printString(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are exactly the characters to escape
  return `'${value.replace(/[\0\b\n\r\t\x1a'\\]/g, (char) => ESCAPES.get(char) ?? char)}'`;
}

/** `[[catalog.]database.]name`. */
export function printName(name: QualifiedName): string {
  return [name.catalog, name.database, name.name]
    .filter((part) => part !== null)
    .map(printIdentifier)
    .join('.');
}

/** `a, b, c`. */
export function printNames(names: readonly Identifier[]): string {
  return names.map(({ name }) => printIdentifier(name)).join(', ');
}

/** A type as it can stand in DDL and CAST; unlike printSqlType, field names are quoted where needed. */
export function printType(type: SqlType): string {
  switch (type.kind) {
    case 'ARRAY':
      return `array<${printType(type.element)}>`;
    case 'MAP':
      return `map<${printType(type.key)},${printType(type.value)}>`;
    case 'STRUCT': {
      const fields = type.fields.map(
        (field) => `${printIdentifier(field.name)} ${printType(field.type)}`,
      );
      return `struct<${fields.join(', ')}>`;
    }
    default:
      return printSqlType(type);
  }
}

/** `("k" = "v", ...)`. */
export function printPropertyList(properties: readonly Property[]): string {
  const items = properties.map(({ key, value }) => `${printString(key)} = ${printString(value)}`);
  return `(${items.join(', ')})`;
}

/** The given parts that are not empty, with single blanks between them. */
export function words(...parts: readonly (string | false | null)[]): string {
  return parts.filter((part) => part !== false && part !== null && part !== '').join(' ');
}
