// Keeps generated SQL small: a form that uses an argument several times would otherwise double the text
// with every level of nesting. A long argument is computed once and bound to a lambda's parameter.

import { fail } from '../base/errors.ts';

/** Arguments shorter than this are simply repeated: DuckDB computes equal parts once. */
const LONG_ARGUMENT = 1000;
/** Most characters of one expression's SQL. */
const MAX_EXPRESSION_LENGTH = 4 * 1024 * 1024;

/**
 * `build(args)`, with long arguments that it uses more than once replaced by names.
 * @throws LIMIT_EXCEEDED when the SQL gets longer than 4 MiB all the same.
 */
export function bindLong(
  args: readonly string[],
  build: (args: readonly string[]) => string,
): string {
  const bound: { readonly name: string; readonly sql: string }[] = [];
  let names = args;
  if (args.some((sql) => sql.length > LONG_ARGUMENT)) {
    const probe = build(args.map((_, i) => `\u0001${i}\u0001`));
    names = args.map((sql, i) => {
      const uses = probe.split(`\u0001${i}\u0001`).length - 1;
      if (sql.length <= LONG_ARGUMENT || uses < 2) return sql;
      const name = `v${fingerprint(sql)}`;
      bound.push({ name, sql });
      return name;
    });
  }
  let text = build(names);
  for (const { name, sql } of bound) {
    text = `list_transform([${sql}], lambda ${name}: ${text})[1]`;
  }
  if (text.length > MAX_EXPRESSION_LENGTH) {
    throw fail('LIMIT_EXCEEDED', {
      what: 'an expression',
      actual: `${text.length} characters of generated SQL`,
      limit: MAX_EXPRESSION_LENGTH,
    });
  }
  return text;
}

/**
 * `build(args)` with the marked arguments computed outside it and bound to names, all in one lambda. DuckDB
 * cannot find a grouped column inside a TRY in a lambda: arguments with a TRY are bound as well.
 */
export function bindArguments(
  args: readonly string[],
  marked: readonly boolean[],
  build: (args: readonly string[]) => string,
): string {
  if (!marked.includes(true)) return build(args);
  const isBound = args.map((sql, i) => marked[i] === true || /\bTRY\(/.test(sql));
  const parts = args.flatMap((sql, i) => (isBound[i] === true ? [`b${i} := ${sql}`] : []));
  const name = `b${fingerprint(parts.join())}`;
  const text = build(args.map((sql, i) => (isBound[i] === true ? `${name}.b${i}` : sql)));
  return `list_transform([struct_pack(${parts.join(', ')})], lambda ${name}: ${text})[1]`;
}

/** The same text must get the same name, so that equal expressions stay equal: GROUP BY relies on it. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return `${text.length}_${hash.toString(16)}`;
}
