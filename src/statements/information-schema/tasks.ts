// Tasks of SUBMIT TASK and their runs as rows: information_schema.tasks, task_runs, SHOW TASKS.

import type { TaskRecord } from '../../catalog/task-store.ts';
import { redactStatement } from '../../sql/redact.ts';
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

const CATALOG = 'default_catalog';

/** `PERIODICAL START(...) EVERY(10 SECONDS)` or MANUAL. SOURCE: StarRocks, information_schema.tasks. */
function scheduleText({ everyMs, startMs }: TaskRecord, time: ViewContext['time']): string {
  if (everyMs === null) return 'MANUAL';
  const start = (time(startMs) ?? '').replace(' ', 'T');
  return `PERIODICAL START(${start}) EVERY(${everyMs / 1000} SECONDS)`;
}

/** Tasks of databases that the session may know of. */
export async function taskRows({ services, visible, time }: ViewContext): Promise<ViewRow[]> {
  return (await services.catalog.tasks.list())
    .filter((task) => visible.database(task.databaseName))
    .map((task) => ({
      TASK_NAME: task.name,
      CREATE_TIME: time(task.createdMs),
      SCHEDULE: scheduleText(task, time),
      CATALOG,
      DATABASE: task.databaseName,
      DEFINITION: redactStatement(task.definition),
      EXPIRE_TIME: time(task.expireMs),
      PROPERTIES: JSON.stringify(task.properties),
      CREATOR: `'${task.userName}'@'${task.userHost}'`,
    }));
}

async function runRows({ services, visible, time }: ViewContext): Promise<ViewRow[]> {
  const limit = services.config.int('task_runs_max_history_number');
  return (await services.catalog.tasks.runs(limit))
    .filter((run) => visible.database(run.databaseName))
    .map((run) => ({
      QUERY_ID: run.queryId,
      TASK_NAME: run.taskName,
      CREATE_TIME: time(run.createdMs),
      FINISH_TIME: time(run.finishedMs),
      STATE: run.state,
      CATALOG,
      DATABASE: run.databaseName,
      DEFINITION: redactStatement(run.definition),
      EXPIRE_TIME: time(run.expireMs),
      ERROR_CODE: run.errorCode,
      ERROR_MESSAGE: run.errorMessage,
      PROGRESS: run.state === 'SUCCESS' ? '100%' : '0%',
      EXTRA_MESSAGE: '',
      PROPERTIES: '{}',
      JOB_ID: run.queryId,
      PROCESS_TIME: time(run.startedMs),
    }));
}

export const TASK_COLUMNS = viewColumns(
  'v64 TASK_NAME, time CREATE_TIME, v256 SCHEDULE, v64 CATALOG DATABASE, text DEFINITION, time EXPIRE_TIME, text PROPERTIES, v64 CREATOR',
);

export const TASK_VIEWS: ViewTable = {
  tasks: { columns: TASK_COLUMNS, doc: 'tasks of SUBMIT TASK', rows: taskRows },
  task_runs: {
    columns: viewColumns(
      'v64 QUERY_ID TASK_NAME, time CREATE_TIME FINISH_TIME, v16 STATE, v64 CATALOG DATABASE, text DEFINITION, time EXPIRE_TIME, ' +
        'long ERROR_CODE, text ERROR_MESSAGE, v64 PROGRESS, v8192 EXTRA_MESSAGE, v512 PROPERTIES, v64 JOB_ID, time PROCESS_TIME',
    ),
    doc: 'runs of tasks, newest first; bounded by task_runs_ttl_second and task_runs_max_history_number',
    rows: runRows,
  },
};
