// Rows of a table with keys that were made of staged and old ones, on their way into data files: numbers of new rows,
// partitions, order.
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import { quoteIdentifier } from '../model/duckdb-text.ts';
import type { DraftRows } from '../model/load-plan.ts';
import { storeSelectList } from '../model/parquet-layout.ts';
import { routeColumn, routeSqls } from '../model/partition-routing.ts';
import type { ResolvePlan } from '../model/resolve-plan.ts';
import { loadOrder, sortItemsSql } from '../model/sort-key.ts';
import type { StagedFile, VolumeSpec } from '../model/table.ts';
import type { SinkServices, SinkStore } from './sink/append.ts';
import { appendRows } from './sink/partitioned.ts';
import { NEW } from './transform/merge-draft.ts';
import type { ReserveIds } from './types.ts';

/** The temporary table of positions that go: `__file` and `__row`. */
export const GONE = '__gone';

export interface WholeRowServices extends SinkServices {
  readonly openStore: (volume: VolumeSpec) => Promise<SinkStore>;
  readonly reserveIds: ReserveIds;
}

/** New rows get a value of the AUTO_INCREMENT column that the draft does not give; old rows have theirs. */
export async function giveIds(
  { schema, target }: ResolvePlan,
  { given }: DraftRows,
  services: WholeRowServices,
  connection: Connection,
  options: StatementOptions,
): Promise<void> {
  const column = schema.columns.find(({ autoIncrement }) => autoIncrement === true);
  if (column === undefined || given.includes(column.name)) return;
  const [row] = await connection.rows(`SELECT count(*) FROM ${NEW} WHERE __row IS NULL`, options);
  const count = Number(row?.[0] ?? 0);
  if (count === 0) return;
  const first = await services.reserveIds(target.tableId, count);
  const keys = (target.keys ?? []).map(quoteIdentifier).join(', ');
  const numbered = `SELECT rowid AS place, row_number() OVER (ORDER BY ${keys}) AS ordinal FROM ${NEW} WHERE __row IS NULL`;
  await connection.run(
    `UPDATE ${NEW} SET ${quoteIdentifier(column.name)} = ${first} - 1 + n.ordinal FROM (${numbered}) n WHERE ${NEW}.rowid = n.place`,
    options,
  );
}

/** Data files of the table of the rows of `rowsSql`, which has all columns in their own types. */
export async function writeWhole(
  plan: ResolvePlan,
  rowsSql: string,
  services: WholeRowServices,
  connection: Connection,
  options: StatementOptions,
): Promise<readonly StagedFile[]> {
  const { target, schema, transactionId } = plan;
  const store = await services.openStore(target.volume);
  const sortBy = loadOrder(schema);
  const order = sortBy.length === 0 ? '' : ` ORDER BY ${sortItemsSql(sortBy, NEW)}`;
  const { routing } = target;
  const route = routing === undefined ? [] : routeSqls(routing);
  const list = [storeSelectList(schema), ...route.map((sql, i) => `${sql} AS ${routeColumn(i)}`)];
  const { files } = await appendRows(
    { target, schema, store },
    transactionId,
    services,
    connection,
    `SELECT ${list.join(', ')} FROM (${rowsSql}) ${NEW}${order}`,
    () => undefined,
    options,
  );
  return files;
}
