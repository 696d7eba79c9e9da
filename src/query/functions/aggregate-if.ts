// `sum_if(x, condition)` and the like: every aggregate with `_if` behind its name takes one more argument,
// and only the rows where that is true count. Made from the other entries, so that none is forgotten.
import type { FunctionEntry, ResultRule, Signature } from './entry.ts';

/** Have conditions of their own, or no rows of their own. */
const WITHOUT = new Set(['count_if', 'grouping', 'group_concat']);

/** The `_if` forms of aggregates. SOURCE: StarRocks 3.4, aggregate combinators. */
export function conditionalForms(entries: readonly FunctionEntry[]): readonly FunctionEntry[] {
  return entries.flatMap((entry) => {
    const [name = ''] = entry.names;
    // The count_if of StarRocks is older, and one of its own.
    if (WITHOUT.has(name) || name === 'count') return [];
    return [
      {
        ...entry,
        names: entry.names.map((each) => `${each}_if`),
        signatures: entry.signatures.map(withCondition),
        doc: `\`${name}\` of the rows where the last argument is true.`,
        // A test compares each with FILTER.
        example: null,
        takesOrder: false,
      },
    ];
  });
}

function withCondition(signature: Signature): Signature {
  const { text, parameters, required, result, duckdb } = signature;
  const form = duckdb;
  // Optional arguments are given whole or not at all: the condition comes directly behind what is given.
  const given = parameters.slice(0, required);
  const shown = text.slice(1, text.indexOf(') ->')).replace(/, [^,<>]*\?/g, '');
  return {
    text: `(${shown}, boolean) -> ${text.slice(text.indexOf(') -> ') + 5)}`,
    parameters: [...given, { kind: 'type', type: { kind: 'BOOLEAN' } }],
    required: required + 1,
    variadic: false,
    result: withoutLast(result),
    duckdb: (site) => {
      const inner = {
        ...site,
        args: site.args.slice(0, -1),
        sql: site.sql.slice(0, -1),
        over: filtered(site.sql.at(-1) ?? 'TRUE', site.over),
      };
      if (typeof form === 'function') return form(inner);
      const filled = form.replace(/\{(\d)\}/g, (_, i: string) => inner.sql[Number(i)] ?? 'NULL');
      return `${filled}${inner.over}`;
    },
  };
}

const FILTER = ' FILTER (WHERE ';

/** The condition before OVER, together with a FILTER that was written too. */
function filtered(condition: string, over: string): string {
  return over.startsWith(FILTER)
    ? `${FILTER}${condition} AND ${over.slice(FILTER.length)}`
    : `${FILTER}${condition})${over}`;
}

function withoutLast(rule: ResultRule): ResultRule {
  if (typeof rule !== 'function') return rule;
  return (types, args) => rule(types.slice(0, -1), args.slice(0, -1));
}
