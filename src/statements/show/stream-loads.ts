// SHOW [ALL] STREAM LOAD and SHOW PROC '/stream_loads'. SOURCE: StarRocks, shared/reference part 8: without ALL only
// what runs is listed; a label that is not there is an error.
import { fail } from '../../base/errors.ts';
import { analysisError } from '../../loads/properties.ts';
import { databaseOf } from '../databases.ts';
import { listedLoads } from '../information-schema/load-history.ts';
import { STREAM_LOADS_COLUMNS, streamLoadRow } from '../information-schema/load-rows.ts';
import { viewContext } from '../information-schema/system-databases.ts';
import { cellsOf, type ViewContext } from '../information-schema/view.ts';
import { filterRows } from '../show-filter.ts';
import { type Handler, textRows } from '../types.ts';
import { wantedColumns } from '../wanted.ts';
import type { ListDefinition } from './list-definition.ts';
import { limitRows, orderRows, type Rows } from './order.ts';

const COLUMNS = [
  'Label',
  'Id',
  'LoadId',
  'TxnId',
  'DbName',
  'TableName',
  'State',
  'ErrorMsg',
  'TrackingURL',
  'ChannelNum',
  'PreparedChannelNum',
  'NumRowsNormal',
  'NumRowsAbNormal',
  'NumRowsUnselected',
  'NumLoadBytes',
  'TimeoutSecond',
  'CreateTimeMs',
  'BeforeLoadTimeMs',
  'StartLoadingTimeMs',
  'StartPreparingTimeMs',
  'FinishPreparingTimeMs',
  'EndTimeMs',
  'ChannelState',
  'Type',
  'TrackingSQL',
] as const;

/** Oldest first. `database` null = of all. */
async function rowsOf(
  context: ViewContext,
  database: string | null,
  running: boolean,
): Promise<Rows> {
  const kinds = ['bodies', 'tasks'] as const;
  const listing = { kinds, databaseName: database, idColumn: 'id', running };
  const loads = await listedLoads(context, listing);
  return loads
    .map((load) => cellsOf(STREAM_LOADS_COLUMNS, streamLoadRow(load, context.time)))
    .toReversed();
}

/** Of SHOW PROC: all of all databases. */
export const STREAM_LOADS: ListDefinition = {
  columns: COLUMNS,
  rows: (context) => rowsOf(context, null, false),
};

export const showStreamLoad: Handler<'show_stream_load'> = async (statement, context) => {
  const { all, label, like, where, orderBy, limit } = statement;
  const { session, services } = context;
  const database = statement.database === null ? session.database : databaseOf(statement.database);
  if (database === null) throw fail('NO_DATABASE');
  await services.catalog.databases.get(database);
  const wanted = new Map(wantedColumns(where));
  if (label !== null) wanted.set('label', { equals: [label], low: null, high: null });
  const view = await viewContext(context, wanted);
  const rows = await rowsOf(view, database, !all);
  const named = label === null ? rows : rows.filter(([own]) => own === label);
  const kept = filterRows(COLUMNS, named, { like, where });
  if (label !== null && kept.length === 0) {
    throw analysisError(
      `There is no label named ${label} in db ${database}. Include history? ${all}`,
    );
  }
  return textRows(COLUMNS, limitRows(orderRows('SHOW STREAM LOAD', COLUMNS, kept, orderBy), limit));
};
