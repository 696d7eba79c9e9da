// The statements of a load into several tables: the rows of a batch are read once into a temporary table together with
// the name of the table that each goes to, then each table takes its own. Must never let a row disappear: those that
// go to none of the tables are told to `load_drop`.
import { present } from '../../base/assert.ts';
import { quoteLiteral } from '../../model/duckdb-text.ts';
import type { LoadedTable, LoadRoutes } from '../../model/load-plan.ts';
import { DROP_CODE, DROP_FUNCTION } from './drop-code.ts';
import { guarded, suspectSql } from './field-sql.ts';
import type { BatchStatement, CompiledSource } from './source-sql.ts';

/** A table's good rows, made of the rows that the SELECT `from` gives. */
export type RowsSql = (batch: BatchStatement, from: string) => string;

/** Temporary table of a batch's rows on their way. */
export const ROUTED_ROWS = '__routed';

export interface RoutedTable extends LoadedTable {
  /** By which the route knows it. */
  readonly name: string;
  rowsSql(batch: BatchStatement): string;
}

export interface CompiledRoutes {
  /** Makes ROUTED_ROWS of a batch. */
  makeSql(batch: BatchStatement): string;
  /** SELECT of the names that routes gave, and how many rows have each. */
  readonly countsSql: string;
  /** SELECT of how many rows of no table there are that were not dropped: none. */
  othersSql(batch: BatchStatement): string;
  /** SELECT of `__ordinal` and the start of what route gave, of the first rows of no table. */
  readonly strangersSql: string;
  readonly tables: readonly RoutedTable[];
}

/** Names of no table that errors show, and characters of each. */
const STRANGERS = 10_000;
const STRANGER_CHARACTERS = 100;

export function compileRoutes(
  routes: LoadRoutes,
  source: CompiledSource,
  tables: readonly (LoadedTable & { readonly rowsSql: RowsSql })[],
): CompiledRoutes {
  const { marks } = source;
  const names = tables.map((_, index) => present(routes.names[index], 'name of a table'));
  const kept = [...usedColumns(source, tables), '__ordinal', ...marks].join(', ');
  const route = `CAST(${guarded(routes.duckdbSql)} AS VARCHAR) AS __route`;
  const isOther = `(__route IS NULL OR __route NOT IN (${names.map(quoteLiteral).join(', ')}))`;
  const code = routes.unmatched === 'skip' ? DROP_CODE.unselected : DROP_CODE.noTable;
  return {
    makeSql: (batch) =>
      `CREATE OR REPLACE TEMP TABLE ${ROUTED_ROWS} AS SELECT ${kept}, ${route} FROM (${source.rowsSql(batch)})`,
    countsSql: `SELECT __route, count(*) FROM ${ROUTED_ROWS} GROUP BY __route`,
    othersSql: ({ slot }) => {
      const dropped = `${DROP_FUNCTION}(${slot}, __ordinal, ${suspectSql(marks)}, ${code})`;
      const others = `SELECT ${dropped} AS __keep FROM ${ROUTED_ROWS} WHERE ${isOther}`;
      return `SELECT count(*) FROM (${others}) WHERE __keep`;
    },
    strangersSql: `SELECT __ordinal, left(__route, ${STRANGER_CHARACTERS}) FROM ${ROUTED_ROWS} WHERE ${isOther} LIMIT ${STRANGERS}`,
    tables: tables.map(({ rowsSql, ...table }, index) => {
      const name = names[index] ?? '';
      const from = `SELECT * FROM ${ROUTED_ROWS} WHERE __route = ${quoteLiteral(name)}`;
      return { ...table, name, rowsSql: (batch) => rowsSql(batch, from) };
    }),
  };
}

/** The columns of the fields that a table's statement names: the others need not be kept. */
function usedColumns(
  { fields }: CompiledSource,
  tables: readonly { readonly rowsSql: RowsSql }[],
): readonly string[] {
  const texts = tables.flatMap(({ rowsSql }) =>
    [0, Number.MAX_SAFE_INTEGER].map((longestLineBytes) =>
      rowsSql({ inputPath: '', form: 'json', longestLineBytes, slot: 0, firstId: 0 }, ROUTED_ROWS),
    ),
  );
  const columns = new Set(fields.flatMap(({ text, json }) => [text, json]));
  return [...columns].filter((column) => texts.some((text) => text.includes(column)));
}
