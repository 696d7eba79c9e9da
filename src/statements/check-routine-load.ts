// CHECK ROUTINE LOAD: the ledger of a job against itself, its positions and its topics. Columns and words are those of
// CHECK TABLE.
import type { LedgerCheck } from '../loads/routine/ledger-check.ts';
import { databaseOrCurrent } from './databases.ts';
import { limitNumber } from './show/order.ts';
import { type Handler, textRows } from './types.ts';
import { variableText } from './variables.ts';

/** Findings that are listed. */
const MOST_FINDINGS = 10_000;
const COLUMNS = ['Job', 'Topic', 'Partition', 'Msg_type', 'Msg_text'];

export const checkRoutineLoad: Handler<'check_routine_load'> = async (statement, context) => {
  const { session, services, signal } = context;
  const database = databaseOrCurrent(statement.name.database, session);
  const job = await services.routineLoads.find(database, statement.name.name);
  const limit = limitNumber('CHECK ROUTINE LOAD', statement.limit);
  const seconds = variableText('query_timeout', 'session', session, services.globals);
  const limits = { limit, timeMs: Number(seconds) * 1000 };
  const found = await services.ledgerChecks.check(job, limits, signal);
  const { findings, partitions, messages } = found;
  const shown = `${job.databaseName}.${job.name}`;
  const rows: (string | null)[][] = findings
    .slice(0, MOST_FINDINGS)
    .map(({ topic, partition, type, text }) => [shown, topic, String(partition), type, text]);
  if (findings.length > MOST_FINDINGS) {
    rows.push([shown, null, null, 'note', `and ${findings.length - MOST_FINDINGS} more`]);
  }
  const read = `${partitions} partitions, ${messages} messages read again`;
  rows.push([shown, null, null, 'note', read]);
  rows.push([shown, null, null, 'status', statusOf(found)]);
  return textRows(COLUMNS, rows);
};

function statusOf({ findings, failures }: LedgerCheck): string {
  const errors = findings.filter(({ type }) => type === 'error').length;
  if (errors > failures) return 'Corrupt';
  return failures > 0 ? 'Operation failed' : 'OK';
}
