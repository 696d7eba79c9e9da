// Ties the MySQL protocol to statements: sessions, credentials, outcomes into results. The protocol
// knows no SQL, the statements no packets; this file is the only place that knows both.
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { orAborted } from '../base/queue.ts';
import type { QueryPlan } from '../model/query-plan.ts';
import type {
  ConnectionInfo,
  MysqlHandler,
  MysqlSessionHandler,
  PreparedStatement,
  QueryRequest,
  ResultWriter,
  SessionLimits,
} from '../mysql/handler.ts';
import { splitStatements } from '../sql/parse.ts';
import { applyProperties } from '../statements/accounts/user-properties.ts';
import { databaseOf, useDatabase } from '../statements/databases.ts';
import { executeParsed, executeStatement, statementContext } from '../statements/execute.ts';
import { mysqlColumn } from '../statements/mysql-columns.ts';
import { parseOptions } from '../statements/parse-options.ts';
import {
  bindWire,
  checkPrepared,
  type Prepared,
  preparedColumns,
  prepareText,
} from '../statements/prepared.ts';
import { killConnection } from '../statements/session.ts';
import { dropTemporaryTables } from '../statements/temporary.ts';
import { leaveTransaction } from '../statements/transaction.ts';
import type { Outcome, Services, Session } from '../statements/types.ts';
import { variableText } from '../statements/variables.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Logins } from './logins.ts';
import type { DoorCounts } from './open-connections.ts';

/** Runs a plan on a CN; chunks are MySQL row packets numbered from `firstSequence`. */
export type RunQuery = (
  plan: QueryPlan,
  firstSequence: number,
  signal: AbortSignal,
  onChunk: (chunk: Buffer) => Promise<void>,
) => Promise<{ readonly rowCount: number; readonly nextSequence: number }>;

export interface MysqlDoorOptions {
  readonly services: Services;
  readonly logins: Logins;
  readonly sessions: Map<number, Session>;
  readonly runQuery: RunQuery;
  readonly counts: DoorCounts;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

export function mysqlHandler(options: MysqlDoorOptions): MysqlHandler {
  return {
    authenticate: (user, host, prove) => options.logins.mysql(user, host, prove),
    connect: (info) => connect(options, info),
  };
}

async function connect(
  options: MysqlDoorOptions,
  info: ConnectionInfo,
): Promise<MysqlSessionHandler> {
  const { services, sessions, clock } = options;
  const session: Session = {
    connectionId: info.connectionId,
    user: info.user,
    host: info.host,
    principal: options.logins.principal(info.user, info.host),
    connectedMs: clock.nowMs(),
    database: null,
    variables: new Map(),
    userVariables: new Map(),
    prepared: new Map(),
    temporary: { used: false },
    counted: { questions: 0 },
    warnings: { left: [] },
    explicit: { transaction: null },
    running: null,
  };
  admit(options, session);
  applyProperties(services.access.view, session);
  if (info.database !== null && info.database !== '') {
    await useDatabase(wireDatabase(info.database), { session, services });
  }
  /** Open statements of the binary protocol. */
  const open = new Set<Prepared>();
  sessions.set(info.connectionId, session);
  options.metrics.set('millrace_mysql_connections', sessions.size);
  return {
    status: () => ({
      autocommit: session.variables.get('autocommit') !== 'false',
      inTransaction: session.explicit.transaction !== null,
    }),
    limits: () => sessionLimits(session, services, info.interactive),
    query: (request, out) => runText(options, session, request, out),
    initDb: async (database) => useDatabase(wireDatabase(database), { session, services }),
    reset: async () => {
      await leaveTransaction({ session, services }, SESSION_ENDED);
      await dropTemporaryTables(session, services);
      session.variables.clear();
      const { identity } = session.principal;
      session.principal = { identity, activeRoles: options.logins.defaultRoles(identity) };
      session.userVariables.clear();
      session.prepared.clear();
    },
    kill: (connectionId) => killConnection(String(connectionId), false, { session, services }),
    fieldList: async (table) => {
      if (session.database === null) throw fail('NO_DATABASE');
      const { database } = session;
      const on = { type: 'TABLE', database, name: table } as const;
      await services.access.check(session.principal, [{ anyOf: 'ANY', on }]);
      const found = await services.catalog.tables.get(database, table);
      return found.schema.columns.map(mysqlColumn);
    },
    statistics: async () => statisticsOf(options),
    prepare: (sql) => prepareOne(options, session, open, sql),
    close: () => {
      endSession(options, session);
      sessions.delete(info.connectionId);
      options.metrics.set('millrace_mysql_connections', sessions.size);
    },
  };
}

/** The line that the `status` of the mysql CLI shows. SOURCE: MySQL, COM_STATISTICS, as far as it is known here. */
function statisticsOf({ services, sessions, counts, clock }: MysqlDoorOptions): string {
  const uptime = Math.floor((clock.nowMs() - services.nodes.frontend().startedMs) / 1000);
  const perSecond = (counts.questions / Math.max(uptime, 1)).toFixed(3);
  return `Uptime: ${uptime}  Threads: ${sessions.size}  Questions: ${counts.questions}  Queries per second avg: ${perSecond}`;
}

/** Why a transaction that was left open is rolled back. */
const SESSION_ENDED = 'its session ended';

/** The end of a connection waits for nobody: what is not ended now ends at the next start. */
function endSession({ services, log }: MysqlDoorOptions, session: Session): void {
  const end = async (): Promise<void> => {
    await leaveTransaction({ session, services }, SESSION_ENDED);
    await dropTemporaryTables(session, services);
  };
  void end().catch((error: unknown) =>
    log.warn('what a session left behind was not ended', {
      connection: session.connectionId,
      error,
    }),
  );
}

/** `db` or `catalog.db`, as dbt names it at connect. Throws as `USE catalog.db` does for other catalogs. */
function wireDatabase(name: string): string {
  const point = name.indexOf('.');
  if (point < 0) return name;
  const pos = { start: 0, line: 1, column: 0 };
  return databaseOf({ pos, catalog: name.slice(0, point), name: name.slice(point + 1) });
}

/** As in MySQL, interactive clients begin with interactive_timeout where they set no wait_timeout of their own. */
function sessionLimits(
  session: Session,
  { globals }: Services,
  interactive: boolean,
): SessionLimits {
  const ms = (name: string): number =>
    Number(variableText(name, 'session', session, globals)) * 1000;
  const idle =
    interactive && !session.variables.has('wait_timeout') ? 'interactive_timeout' : 'wait_timeout';
  return { idleMs: ms(idle), readMs: ms('net_read_timeout'), writeMs: ms('net_write_timeout') };
}

/** Throws TOO_MANY_USER_CONNECTIONS. */
function admit({ services, sessions }: MysqlDoorOptions, { principal }: Session): void {
  const { name } = principal.identity;
  const limit = services.access.view.maxConnections(name);
  let open = 0;
  for (const session of sessions.values()) {
    if (session.principal.identity.name === name) open += 1;
  }
  if (open >= limit) throw fail('TOO_MANY_USER_CONNECTIONS', { user: name, limit });
}

async function runText(
  options: MysqlDoorOptions,
  session: Session,
  request: QueryRequest,
  out: ResultWriter,
): Promise<void> {
  const texts = splitStatements(request.sql);
  if (texts.length > 1 && !request.multiStatements) {
    throw fail('NOT_SUPPORTED', {
      what: 'more than one statement in a text of this connection',
      hint: 'switch multi statements on in the client, or send them one by one',
    });
  }
  if (texts.length === 0) {
    throw fail('SQL_ANALYZE', { detail: 'the statement is empty' });
  }
  for (const { text } of texts) {
    // KILL and a client that left end the rest of the text, too.
    request.signal.throwIfAborted();
    await runOne(options, session, request.signal, out, {
      text,
      start: () => executeStatement(text, session, options.services, request.signal),
    });
  }
}

/** COM_STMT_PREPARE: exactly one statement. */
/** Preparing runs nothing that could be stopped. */
const NEVER = new AbortController().signal;

async function prepareOne(
  options: MysqlDoorOptions,
  session: Session,
  open: Set<Prepared>,
  sql: string,
): Promise<PreparedStatement> {
  const { services } = options;
  checkPrepared(sql, session, services.globals, open);
  const prepared = prepareText(sql, parseOptions(session, services));
  const columns = await preparedColumns(prepared, statementContext(sql, session, services, NEVER));
  open.add(prepared);
  return {
    parameterCount: prepared.parameterCount,
    columns: columns.map(mysqlColumn),
    execute: ({ parameters, signal }, out) =>
      runOne(options, session, signal, out, {
        text: sql,
        start: () => executeParsed(bindWire(prepared, parameters), sql, session, services, signal),
      }),
    close: () => open.delete(prepared),
  };
}

async function runOne(
  options: MysqlDoorOptions,
  session: Session,
  signal: AbortSignal,
  out: ResultWriter,
  { text, start }: { readonly text: string; readonly start: () => Promise<Outcome> },
): Promise<void> {
  const { clock, metrics } = options;
  const startedMs = clock.monotonicMs();
  session.counted.questions += 1;
  options.counts.questions += 1;
  session.running = { sql: text.slice(0, 4096), startedMs: clock.nowMs() };
  try {
    // A statement that waits for Kafka or a bucket must not keep KILL or the end of the server waiting.
    const outcome = await orAborted(start(), signal);
    await writeOutcome(options, outcome, signal, out);
    metrics.add('millrace_queries_total', 1, { result: 'ok' });
  } catch (error) {
    metrics.add('millrace_queries_total', 1, { result: 'error' });
    throw error;
  } finally {
    session.running = null;
    metrics.observe('millrace_query_seconds', (clock.monotonicMs() - startedMs) / 1000);
  }
}

async function writeOutcome(
  { runQuery }: MysqlDoorOptions,
  outcome: Outcome,
  signal: AbortSignal,
  out: ResultWriter,
): Promise<void> {
  switch (outcome.kind) {
    case 'ok':
      await out.ok({
        affectedRows: outcome.affectedRows ?? 0,
        warnings: (outcome.warnings ?? 0) + (outcome.remarks?.length ?? 0),
        info: outcome.info ?? '',
      });
      return;
    case 'rows':
      await out.beginRows(outcome.columns.map(mysqlColumn));
      for (const row of outcome.rows) await out.row(row);
      await out.endRows();
      return;
    case 'query': {
      const { firstSequence } = await out.beginRows(outcome.plan.columns.map(mysqlColumn));
      const { nextSequence } = await runQuery(outcome.plan, firstSequence, signal, (chunk) =>
        out.raw(chunk),
      );
      await out.endRows({ nextSequence });
      return;
    }
  }
}
