// SHOW lists of what the server is and can do: catalogs, engines, character sets, functions.
import { FUNCTION_ENTRIES } from '../../query/functions/table.ts';
import { CHARACTER_SETS, COLLATIONS, ENGINES } from '../information-schema/server.ts';
import { emptyList, type ListDefinition, type ListRow } from './list-definition.ts';

const NAMES = ['Function Name'];
const SIGNATURES = ['Signature', 'Return Type', 'Function Type', 'Intermediate Type', 'Properties'];

const KINDS = { scalar: 'Scalar', aggregate: 'Aggregate', window: 'Analytic', table: 'Table' };

function functionNames(): readonly ListRow[] {
  const names = FUNCTION_ENTRIES.flatMap((entry) => entry.names);
  return [...new Set(names)].sort().map((name) => [name]);
}

/** A signature is written `(string, int?) -> string`. */
function functionSignatures(): readonly ListRow[] {
  return FUNCTION_ENTRIES.flatMap((entry) =>
    entry.names.flatMap((name) =>
      entry.signatures.map(({ text }) => {
        const arrow = text.lastIndexOf('->');
        const args = arrow < 0 ? text : text.slice(0, arrow).trim();
        const result = arrow < 0 ? '' : text.slice(arrow + 2).trim();
        return [`${name}${args}`, result, KINDS[entry.kind], '', '{}'];
      }),
    ),
  ).sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Functions of users: there are none. */
const OWN_NAMES = emptyList(NAMES.join(','));
const OWN_SIGNATURES = emptyList(SIGNATURES.join(','));

export const SERVER_LISTS = {
  CATALOGS: {
    columns: ['Catalog', 'Type', 'Comment'],
    rows: () => [
      [
        'default_catalog',
        'Internal',
        "An internal catalog contains this cluster's self-managed tables.",
      ],
    ],
  },
  CHARSET: {
    columns: ['Charset', 'Description', 'Default collation', 'Maxlen'],
    rows: () =>
      CHARACTER_SETS.map((row) => [
        row.CHARACTER_SET_NAME,
        row.DESCRIPTION,
        row.DEFAULT_COLLATE_NAME,
        row.MAXLEN,
      ]),
  },
  COLLATION: {
    columns: ['Collation', 'Charset', 'Id', 'Default', 'Compiled', 'Sortlen'],
    rows: () =>
      COLLATIONS.map(([name, charset, id, isDefault]) => [name, charset, id, isDefault, 'Yes', 1]),
  },
  ENGINES: {
    columns: ['Engine', 'Support', 'Comment', 'Transactions', 'XA', 'Savepoints'],
    rows: () =>
      ENGINES.map((row) => [
        row.ENGINE,
        row.SUPPORT,
        row.COMMENT,
        row.TRANSACTIONS,
        row.XA,
        row.SAVEPOINTS,
      ]),
  },
  PLUGINS: {
    columns: [
      'Name',
      'Type',
      'Description',
      'Version',
      'JavaVersion',
      'ClassName',
      'SoName',
      'Sources',
      'Status',
      'Properties',
    ],
    rows: 'none',
  },
  'BUILTIN FUNCTIONS': { columns: NAMES, rows: functionNames },
  'FULL BUILTIN FUNCTIONS': { columns: SIGNATURES, rows: functionSignatures },
  FUNCTIONS: OWN_NAMES,
  'GLOBAL FUNCTIONS': OWN_NAMES,
  'FULL FUNCTIONS': OWN_SIGNATURES,
  'FULL GLOBAL FUNCTIONS': OWN_SIGNATURES,
} as const satisfies Record<string, ListDefinition>;
