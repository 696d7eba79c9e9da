// Struct functions. Fields are read with `.name`, `['name']` or `[1]`, which are operators.
import { fail } from '../../base/errors.ts';
import { quoteIdentifier } from '../../model/duckdb-text.ts';
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
import { definer } from './define.ts';
import type { ArgumentShape, CallSite, FunctionEntry } from './entry.ts';

const struct = definer('scalar', 'struct');
const own = { nulls: 'own' } as const;

const pack = (s: CallSite, values: readonly string[]): string => {
  const fields = s.result.kind === 'STRUCT' ? s.result.fields : [];
  const parts = fields.map(({ name }, i) => `${quoteIdentifier(name)} := ${values[i] ?? 'NULL'}`);
  return `CAST(struct_pack(${parts.join(', ')}) AS ${duckdbType(s.result)})`;
};

/** @throws SQL_ANALYZE for names that are no constants, are missing, or come twice. */
function namedFields(types: readonly SqlType[], args: readonly ArgumentShape[]): SqlType {
  if (args.length % 2 !== 0) {
    throw fail('SQL_ANALYZE', { detail: 'named_struct needs names and values in pairs' });
  }
  const fields = [];
  const seen = new Set<string>();
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i]?.text ?? null;
    if (args[i]?.kind !== 'literal' || name === null || name === '') {
      throw fail('SQL_ANALYZE', {
        detail: 'the names of named_struct must be constant texts that are not empty',
      });
    }
    if (seen.has(name.toLowerCase())) {
      throw fail('SQL_ANALYZE', {
        detail: `named_struct contains duplicate subfield name: ${name}`,
      });
    }
    seen.add(name.toLowerCase());
    fields.push({ name, type: types[i + 1] ?? { kind: 'NULL' as const } });
  }
  return { kind: 'STRUCT', fields };
}

export const STRUCT_FUNCTIONS: readonly FunctionEntry[] = [
  struct(
    'row, struct',
    [
      '(any...) -> struct',
      (s) => pack(s, s.sql),
      (types) => ({
        kind: 'STRUCT',
        fields: types.map((type, i) => ({ name: `col${i + 1}`, type })),
      }),
    ],
    'A struct with fields col1, col2, ...',
    ["row(1, 'a')", '{"col1":1,"col2":"a"}'],
    own,
  ),
  struct(
    'named_struct',
    [
      '(string, any, any...?) -> struct',
      (s) =>
        pack(
          s,
          s.sql.filter((_, i) => i % 2 === 1),
        ),
      namedFields,
    ],
    'A struct of names and values in turn; names are constants.',
    ["named_struct('a', NULL, 'b', 2)", '{"a":null,"b":2}'],
    own,
  ),
];
