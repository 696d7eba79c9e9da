// REPLAY ROUTINE LOAD: which rejected records a statement means, and what became of them.

import { present } from '../base/assert.ts';
import { PLACE_COLUMNS, type RecordPlaces } from '../model/replay-plan.ts';
import { REJECTED_RECORDS_SCHEMA, STATISTICS_DATABASE } from '../model/system-tables.ts';
import type { ColumnSchema } from '../model/table.ts';
import { changeQuery } from '../query/change-query.ts';
import { planChangedRows } from '../query/plan-change.ts';
import type { Expression } from '../sql/ast/expression.ts';
import { parseExpression } from '../sql/parse.ts';
import { databaseOrCurrent } from './databases.ts';
import { insertRulesOf } from './insert.ts';
import { queryWithTables } from './query.ts';
import { recordsWhere } from './rejected-records.ts';
import { limitNumber } from './show/order.ts';
import { type Handler, type StatementContext, textRows } from './types.ts';

const COLUMNS = [
  'Replayed',
  'LoadedRows',
  'UnselectedRows',
  'StillRejected',
  'Transactions',
  'Reasons',
];

export const replayRoutineLoad: Handler<'replay_routine_load'> = async (statement, context) => {
  const { session, services, signal } = context;
  const database = databaseOrCurrent(statement.name.database, session);
  const job = await services.routineLoads.find(database, statement.name.name);
  // A job that was made again under its name takes over what the one before it left.
  const all = await services.catalog.loadJobs.byName(job.databaseId, job.name);
  const ids = all.map(({ id }) => id).join(', ');
  const ofJob = `job_id IN (${ids}) AND message_offset IS NOT NULL`;
  const result = await services.replays.run({
    job,
    userName: session.user,
    limit: limitNumber('REPLAY', statement.limit),
    timeoutMs: insertRulesOf([], context).timeoutMs,
    signal,
    places: async (first) => ({
      wanted: await placesOf(
        `${ofJob} AND replayed_at IS NULL AND (replay_txn_id IS NULL OR replay_txn_id < ${first})`,
        statement.where,
        context,
      ),
      holders: await placesOf(`${ofJob} AND message_kept > 0`, null, context),
    }),
  });
  const { replayed, rowsLoaded, rowsUnselected, stillRejected, transactions } = result;
  return textRows(COLUMNS, [
    [
      ...[replayed, rowsLoaded, rowsUnselected, stillRejected, transactions].map(String),
      reasonsOf(result.errorSamples),
    ],
  ]);
};

/** Reasons that are shown, each once. */
const MOST_REASONS = 3;

function reasonsOf(samples: readonly string[]): string {
  return [...new Set(samples)].slice(0, MOST_REASONS).join('; ');
}

/** The records for which both conditions hold, as the table is now. Throws what SELECT throws for `where`. */
async function placesOf(
  own: string,
  where: Expression | null,
  context: StatementContext,
): Promise<RecordPlaces> {
  const ours = parseExpression(own);
  const both: Expression =
    where === null ? ours : { kind: 'binary', pos: where.pos, op: 'AND', left: ours, right: where };
  const query = changeQuery(recordsWhere(both), STATISTICS_DATABASE, []);
  const { query: expanded, context: tables } = await queryWithTables(query, context);
  const { duckdbSql, scans, inlineTables, volumes } = planChangedRows(
    expanded,
    PLACE_COLUMNS.map(columnOf),
    [],
    context.text,
    tables,
  );
  return { duckdbSql, scans, inlineTables, volumes };
}

function columnOf(wanted: string): ColumnSchema {
  const { columns } = REJECTED_RECORDS_SCHEMA;
  return present(
    columns.find(({ name }) => name === wanted),
    `column ${wanted} of rejected records`,
  );
}
