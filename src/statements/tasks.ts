// SUBMIT TASK and DROP TASK. What they store runs in the background with the rights of who submitted it;
// see roles/task-runner.ts. SOURCE: StarRocks docs, SUBMIT TASK.
import { fail } from '../base/errors.ts';
import type { NewTask, TaskRecord } from '../catalog/task-store.ts';
import { analysisError } from '../loads/properties.ts';
import type { TaskUnit } from '../sql/ast/task.ts';
import { hintItems } from '../sql/hints.ts';
import { parseStatement } from '../sql/parse.ts';
import { checkCreateTable } from './create-table.ts';
import { databaseOrCurrent } from './databases.ts';
import { withHints } from './hints.ts';
import { viewContext } from './information-schema/system-databases.ts';
import { checkInsert } from './insert.ts';
import { checkName } from './names.ts';
import { parseOptions } from './parse-options.ts';
import { propertyMap } from './properties.ts';
import { constantValue } from './query.ts';
import {
  type Handler,
  OK,
  type Services,
  type Session,
  type StatementContext,
  textRows,
} from './types.ts';
import { checkVariable } from './variables.ts';

const UNIT_SECONDS: Readonly<Record<TaskUnit, number>> = {
  SECOND: 1,
  MINUTE: 60,
  HOUR: 3_600,
  DAY: 86_400,
};
/** Most tasks there may be. */
const MAX_TASKS = 100_000;
const SESSION_PREFIX = 'session.';

export const submitTask: Handler<'submit_task'> = async (statement, context) => {
  const { session, services } = context;
  const { catalog, config, clock } = services;
  const database = databaseOrCurrent(statement.name?.database, session);
  await catalog.databases.get(database);
  const prefix = statement.statement.kind === 'insert' ? 'insert' : 'ctas';
  const name = statement.name?.name ?? `${prefix}-${services.newUuid()}`;
  checkName('task', name);
  const properties = {
    ...taskProperties(propertyMap(statement.properties)),
    ...(await hintProperties(statement.hints, context)),
  };
  const nowMs = clock.nowMs();
  const everyMs = intervalMs(statement.schedule, config.int('task_min_schedule_interval_s'));
  const startMs =
    statement.schedule?.start === undefined || statement.schedule.start === null
      ? nowMs
      : startTime(statement.schedule.start, (await viewContext(context)).time);
  if ((await catalog.tasks.list()).length >= MAX_TASKS) {
    throw fail('LIMIT_EXCEEDED', {
      what: 'the number of tasks',
      actual: MAX_TASKS + 1,
      limit: MAX_TASKS,
      hint: 'DROP TASK those that are done with',
    });
  }
  const task: NewTask = {
    name,
    databaseName: database,
    definition: definitionOf(statement.statement.pos.start, context.text),
    properties,
    userName: session.principal.identity.name,
    userHost: session.principal.identity.host,
    everyMs,
    startMs: everyMs === null ? null : startMs,
    nextRunMs: everyMs === null ? nowMs : firstRun(startMs, everyMs, nowMs),
    expireMs: everyMs === null ? nowMs + config.int('task_ttl_second') * 1000 : null,
  };
  await analyse(task, context);
  await catalog.tasks.create(task);
  return textRows(['TaskName', 'Status'], [[name, 'SUBMITTED']]);
};

/** What no run could do is an error now: unknown tables, columns, functions, types that do not fit. */
async function analyse(task: NewTask, around: StatementContext): Promise<void> {
  const { services } = around;
  const session = taskSession(task, services);
  const statement = parseStatement(task.definition, parseOptions(session, services));
  const context = await withHints(statement, { ...around, session, text: task.definition });
  if (statement.kind === 'insert') await checkInsert(statement, context);
  else if (statement.kind === 'create_table') await checkCreateTable(statement, context);
  else throw analysisError('SUBMIT TASK takes INSERT and CREATE TABLE AS SELECT');
}

/** The session in which a task runs: one of its own, with all roles of its creator; no connection has it. */
export function taskSession(
  task: Pick<TaskRecord, 'userName' | 'userHost' | 'databaseName' | 'properties'>,
  { access, clock }: Services,
): Session {
  const identity = { name: task.userName, host: task.userHost };
  return {
    connectionId: 0,
    user: task.userName,
    host: 'localhost',
    principal: { identity, activeRoles: new Set(access.view.rolesOf(identity)) },
    connectedMs: clock.nowMs(),
    database: task.databaseName,
    variables: taskVariables(task.properties),
    userVariables: new Map(),
    prepared: new Map(),
    temporary: { used: false },
    counted: { questions: 0 },
    warnings: { left: [] },
    explicit: { transaction: null },
    running: null,
  };
}

/** The statement after AS, as the user wrote it. */
function definitionOf(start: number, text: string): string {
  return text.slice(start).replace(/[\s;]+$/, '');
}

function intervalMs(
  schedule: { readonly every: string; readonly unit: TaskUnit } | null,
  leastSeconds: number,
): number | null {
  if (schedule === null) return null;
  const seconds = Number(schedule.every) * UNIT_SECONDS[schedule.unit];
  if (!Number.isSafeInteger(seconds * 1000) || seconds < leastSeconds) {
    throw analysisError(
      `schedule interval is too small, the minimum value is ${leastSeconds} SECONDS`,
    );
  }
  return seconds * 1000;
}

/** A start in the past: the next multiple of the interval after now. */
export function firstRun(startMs: number, everyMs: number, nowMs: number): number {
  if (startMs >= nowMs) return startMs;
  return startMs + Math.ceil((nowMs - startMs) / everyMs) * everyMs;
}

const START = /^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?$/;

/** A local time of the session as ms. `local` prints an instant in its zone. Throws SQL_ANALYZE. */
export function startTime(text: string, local: (atMs: number) => string | null): number {
  const normal = text.trim().replace('T', ' ');
  const utcMs = START.test(text.trim()) ? Date.parse(`${normal.replace(' ', 'T')}Z`) : Number.NaN;
  if (Number.isNaN(utcMs)) throw analysisError(`Invalid date literal ${text} of START`);
  const offsetAt = (atMs: number): number =>
    Date.parse(`${(local(atMs) ?? '').replace(' ', 'T')}Z`) - Math.floor(atMs / 1000) * 1000;
  // Twice: the first guess may lie on the other side of a change of clocks.
  return utcMs - offsetAt(utcMs - offsetAt(utcMs));
}

/** Only session variables of the run can be set. Throws SQL_ANALYZE, UNKNOWN_VARIABLE. */
function taskProperties(given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      const lower = key.toLowerCase();
      if (!lower.startsWith(SESSION_PREFIX)) {
        throw analysisError(`Unknown property '${key}' of SUBMIT TASK, known: session.<variable>`);
      }
      return [lower, checkVariable(lower.slice(SESSION_PREFIX.length), value)];
    }),
  );
}

async function hintProperties(
  hints: readonly string[],
  context: StatementContext,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const hint of hints) {
    const text = `SELECT /*+ ${hint} */ 1`;
    for (const { kind, name, value } of hintItems(parseStatement(text), text)) {
      if (kind === 'user') throw analysisError('SUBMIT TASK takes no user variables');
      const given =
        value.kind === 'string'
          ? value.value
          : value.kind === 'column'
            ? value.path.join('.')
            : ((await constantValue(value, context)).text ?? '');
      found[`${SESSION_PREFIX}${name}`] = checkVariable(name, given);
    }
  }
  return found;
}

/** Variables of the session in which a task runs. */
export function taskVariables(properties: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(
    Object.entries(properties).map(([key, value]) => [key.slice(SESSION_PREFIX.length), value]),
  );
}

/** Own tasks; others' with OPERATE on SYSTEM. What runs goes on to its end. */
export const dropTask: Handler<'drop_task'> = async (statement, { session, services }) => {
  const { name } = statement.name;
  const task = await services.catalog.tasks.find(name);
  if (task === null) {
    if (statement.ifExists) return OK;
    throw fail('UNKNOWN_TASK', { task: name });
  }
  const { identity } = session.principal;
  if (task.userName !== identity.name || task.userHost !== identity.host) {
    await services.access.check(session.principal, [
      { anyOf: ['OPERATE'], on: { type: 'SYSTEM' } },
    ]);
  }
  await services.catalog.tasks.drop(name);
  return OK;
};
