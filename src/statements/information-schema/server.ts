// What the server itself is: character sets, collations, engines, reserved words, variables.
import { KEYWORDS } from '../../sql/keywords.ts';
import { SYSTEM_VARIABLES } from '../variable-table.ts';
import { listVariables } from '../variables.ts';
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

/** The one storage engine. SOURCE: StarRocks, SHOW ENGINES. */
export const ENGINES = [
  {
    ENGINE: 'OLAP',
    SUPPORT: 'YES',
    COMMENT: 'Default storage engine of StarRocks',
    TRANSACTIONS: 'NO',
    XA: 'NO',
    SAVEPOINTS: 'NO',
  },
] as const;

/** Text is UTF-8; both of its MySQL names are known, and `binary` for columns that are no text. */
export const CHARACTER_SETS = [
  {
    CHARACTER_SET_NAME: 'utf8',
    DEFAULT_COLLATE_NAME: 'utf8_general_ci',
    DESCRIPTION: 'UTF-8 Unicode',
    MAXLEN: 3,
  },
  {
    CHARACTER_SET_NAME: 'utf8mb4',
    DEFAULT_COLLATE_NAME: 'utf8mb4_general_ci',
    DESCRIPTION: 'UTF-8 Unicode',
    MAXLEN: 4,
  },
  {
    CHARACTER_SET_NAME: 'binary',
    DEFAULT_COLLATE_NAME: 'binary',
    DESCRIPTION: 'Binary pseudo charset',
    MAXLEN: 1,
  },
] as const;

/** Ids are MySQL's: drivers look them up. */
export const COLLATIONS = [
  ['utf8_general_ci', 'utf8', 33, 'Yes'],
  ['utf8_bin', 'utf8', 83, ''],
  ['utf8mb4_general_ci', 'utf8mb4', 45, 'Yes'],
  ['utf8mb4_bin', 'utf8mb4', 46, ''],
  ['utf8mb4_0900_ai_ci', 'utf8mb4', 255, ''],
  ['binary', 'binary', 63, 'Yes'],
] as const;

const collations = async (): Promise<ViewRow[]> =>
  COLLATIONS.map(([name, charset, id, isDefault]) => ({
    COLLATION_NAME: name,
    CHARACTER_SET_NAME: charset,
    ID: id,
    IS_DEFAULT: isDefault,
    IS_COMPILED: 'Yes',
    SORTLEN: 1,
  }));

const variables =
  (scope: 'session' | 'global') =>
  async ({ session, services }: ViewContext): Promise<ViewRow[]> =>
    listVariables(scope, session, services).map(([name = '', value = '']) => ({
      VARIABLE_NAME: name,
      VARIABLE_VALUE: value,
    }));

async function verboseVariables({ session, services }: ViewContext): Promise<ViewRow[]> {
  return listVariables('session', session, services).map(([name = '', value = '']) => {
    const initial = SYSTEM_VARIABLES[name]?.default ?? '';
    return {
      VARIABLE_NAME: name,
      VARIABLE_VALUE: value,
      DEFAULT_VALUE: initial,
      IS_CHANGED: value !== initial,
    };
  });
}

async function keywords(): Promise<ViewRow[]> {
  return [...KEYWORDS]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, reserved]) => ({ WORD: word, RESERVED: reserved ? 1 : 0 }));
}

export const SERVER_VIEWS: ViewTable = {
  character_sets: {
    columns: viewColumns(
      'v512 CHARACTER_SET_NAME, v64 DEFAULT_COLLATE_NAME DESCRIPTION, long MAXLEN',
    ),
    doc: 'character sets',
    rows: async () => CHARACTER_SETS,
  },
  collations: {
    columns: viewColumns(
      'v512 COLLATION_NAME, v64 CHARACTER_SET_NAME, long ID, v64 IS_DEFAULT IS_COMPILED, long SORTLEN',
    ),
    doc: 'collations',
    rows: collations,
  },
  engines: {
    columns: viewColumns('v64 ENGINE, v8 SUPPORT, v80 COMMENT, v3 TRANSACTIONS XA SAVEPOINTS'),
    doc: 'storage engines',
    rows: async () => ENGINES,
  },
  keywords: {
    columns: viewColumns('v64 WORD, int RESERVED'),
    doc: 'words of the grammar; RESERVED = 1 needs backticks as a name',
    rows: keywords,
  },
  global_variables: {
    columns: viewColumns('v64 VARIABLE_NAME, v1024 VARIABLE_VALUE'),
    doc: 'global values of system variables',
    rows: variables('global'),
  },
  session_variables: {
    columns: viewColumns('v64 VARIABLE_NAME, v1024 VARIABLE_VALUE'),
    doc: "the session's values of system variables",
    rows: variables('session'),
  },
  verbose_session_variables: {
    columns: viewColumns('v64 VARIABLE_NAME, v1024 VARIABLE_VALUE DEFAULT_VALUE, bool IS_CHANGED'),
    doc: "the session's values beside their defaults",
    rows: verboseVariables,
  },
};
