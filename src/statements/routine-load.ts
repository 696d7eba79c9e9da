// CREATE / ALTER / PAUSE / RESUME / STOP / SHOW ROUTINE LOAD. What a job is lives in loads/routine/.
import { analysisError } from '../loads/properties.ts';
import { parseDefinition } from '../loads/routine/service.ts';
import { SHOW_COLUMNS, showRow } from '../loads/routine/show.ts';
import { createRoutineLoadText } from '../loads/routine/show-create.ts';
import { TASK_COLUMNS, taskRow } from '../loads/routine/show-tasks.ts';
import type { CreateRoutineLoad, LoadSource } from '../sql/ast/routine-load.ts';
import { databaseOrCurrent } from './databases.ts';
import { CN_ID } from './information-schema/nodes.ts';
import { checkName } from './names.ts';
import { propertyMap } from './properties.ts';
import { limitRows, orderRows } from './show/order.ts';
import { filterRows } from './show-filter.ts';
import { type Handler, OK, textRows } from './types.ts';
import { variableText } from './variables.ts';
import { seesJob, visibilityOf } from './visibility.ts';
import { wantedColumns } from './wanted.ts';

function kafkaProperties(source: LoadSource): Record<string, string> {
  if (source.type !== 'KAFKA')
    throw analysisError(`FROM ${source.type} is not supported, use KAFKA`);
  return propertyMap(source.properties);
}

/** Throws SQL_ANALYZE for tables of other databases: a job belongs to one. */
function tableNames(
  { table, furtherTables }: CreateRoutineLoad,
  database: string,
): readonly string[] {
  for (const other of furtherTables) {
    if (other.database === null || other.database === database) continue;
    throw analysisError(
      `The tables of a routine load job must be in its database ${database}, ${other.name} is in ${other.database}`,
    );
  }
  return [table, ...furtherTables].map(({ name }) => name);
}

export const createRoutineLoad: Handler<'create_routine_load'> = async (
  statement,
  { session, services },
) => {
  const database = databaseOrCurrent(statement.name.database ?? statement.table.database, session);
  checkName('job', statement.name.name);
  const remarks = await services.routineLoads.create({
    database,
    jobName: statement.name.name,
    tableNames: tableNames(statement, database),
    load: statement.load,
    properties: propertyMap(statement.properties),
    source: kafkaProperties(statement.source),
    userName: session.principal.identity.name,
    userHost: session.principal.identity.host,
    sessionTimeZone: variableText('time_zone', 'session', session, services.globals) ?? 'Etc/UTC',
  });
  return { kind: 'ok', remarks };
};

export const alterRoutineLoad: Handler<'alter_routine_load'> = async (
  statement,
  { session, services },
) => {
  const remarks = await services.routineLoads.alter({
    database: databaseOrCurrent(statement.name.database, session),
    name: statement.name.name,
    load: statement.load,
    properties: propertyMap(statement.properties),
    source: statement.source === null ? null : kafkaProperties(statement.source),
  });
  return { kind: 'ok', remarks };
};

export const pauseRoutineLoad: Handler<'pause_routine_load'> = async (
  { name },
  { session, services },
) => {
  const database = databaseOrCurrent(name.database, session);
  await services.routineLoads.pause(database, name.name, session.user);
  return OK;
};

export const resumeRoutineLoad: Handler<'resume_routine_load'> = async (
  { name },
  { session, services },
) => {
  await services.routineLoads.resume(databaseOrCurrent(name.database, session), name.name);
  return OK;
};

export const stopRoutineLoad: Handler<'stop_routine_load'> = async (
  { name },
  { session, services },
) => {
  const database = databaseOrCurrent(name.database, session);
  await services.routineLoads.stop(database, name.name, session.user);
  return OK;
};

export const showRoutineLoad: Handler<'show_routine_load'> = async (statement, context) => {
  const { session, services } = context;
  const name = statement.name;
  const database =
    name === null
      ? (statement.database?.name ?? session.database)
      : databaseOrCurrent(name.database, session);
  const timeZone = variableText('time_zone', 'session', session, services.globals) ?? 'Etc/UTC';
  const jobs = await services.routineLoads.list(
    { database, name: name?.name ?? null, all: statement.all },
    timeZone,
  );
  const visible = await visibilityOf(context);
  const shown = jobs.filter(({ job }) => seesJob(visible, job));
  const rows = shown.map(showRow);
  const kept = filterRows(SHOW_COLUMNS, rows, { like: null, where: statement.where });
  const sorted = orderRows('SHOW ROUTINE LOAD', SHOW_COLUMNS, kept, statement.orderBy, SORTABLE);
  return textRows(SHOW_COLUMNS, limitRows(sorted, statement.limit));
};

const SORTABLE = [
  'Id',
  'Name',
  'CreateTime',
  'PauseTime',
  'EndTime',
  'TableName',
  'State',
  'CurrentTaskNum',
];

/** SOURCE: StarRocks asks for the job's name: all tasks of all jobs would be too many. */
const TASKS_OF_WHICH = 'should supply condition like: WHERE JobName = "ROUTINE_LOAD_NAME"';
/** Transactions of one job that are looked at; one task has at most a few that are open. */
const OPEN_LIMIT = 1_000;

export const showRoutineLoadTask: Handler<'show_routine_load_task'> = async (
  statement,
  context,
) => {
  const { session, services } = context;
  const database = databaseOrCurrent(statement.database?.name ?? null, session);
  const name = wantedColumns(statement.where).get('jobname')?.equals?.[0];
  if (name === undefined) throw analysisError(TASKS_OF_WHICH);
  const timeZone = variableText('time_zone', 'session', session, services.globals) ?? 'Etc/UTC';
  const jobs = await services.routineLoads.list({ database, name, all: true }, timeZone);
  const visible = await visibilityOf(context);
  const rows: (readonly string[])[] = [];
  for (const shown of jobs) {
    const { job } = shown;
    if (!seesJob(visible, job)) continue;
    const { leases, transactions } = services.catalog;
    const open = await transactions.list({ jobId: job.id, running: true, limit: OPEN_LIMIT });
    for (const lease of await leases.list(job.id)) {
      rows.push([job.name, ...taskRow(shown, lease, open, CN_ID)]);
    }
  }
  const columns = ['JobName', ...TASK_COLUMNS];
  const kept = filterRows(columns, rows, { like: null, where: statement.where });
  return textRows(
    TASK_COLUMNS,
    kept.map(([, ...cells]) => cells),
  );
};

export const showCreateRoutineLoad: Handler<'show_create_routine_load'> = async (
  { name },
  { session, services },
) => {
  const database = databaseOrCurrent(name.database, session);
  const job = await services.routineLoads.find(database, name.name);
  const text = createRoutineLoadText(job, parseDefinition(job));
  return textRows(['Job', 'Create Job'], [[job.name, text]]);
};
