// SHOW [SESSION | GLOBAL] STATUS: the figures of MySQL's that are known here, with their real values. Those of its
// storage engine are not listed. SOURCE: MySQL manual, Server Status Variables.
import { filterRows } from './show-filter.ts';
import { type Handler, type StatementContext, textRows } from './types.ts';

export const showStatus: Handler<'show_status'> = async (statement, context) => {
  const names = ['Variable_name', 'Value'];
  const figures = {
    ...serverFigures(context),
    ...(statement.scope === 'GLOBAL' ? globalFigures(context) : sessionFigures(context)),
  };
  const rows = Object.entries(figures)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [name, String(value)]);
  return textRows(names, filterRows(names, rows, statement));
};

type Figures = Readonly<Record<string, string | number>>;

/** Those that have no value of a session; both scopes show them. */
function serverFigures({ services }: StatementContext): Figures {
  const sessions = services.connections.list();
  const { connections, maxUsed } = services.connections.totals();
  const uptimeMs = services.clock.nowMs() - services.nodes.frontend().startedMs;
  const uptime = Math.floor(uptimeMs / 1000);
  return {
    Connections: connections,
    Max_used_connections: maxUsed,
    // A connection has no thread of its own: each one counts as one that was made.
    Threads_cached: 0,
    Threads_connected: sessions.length,
    Threads_created: connections,
    Threads_running: sessions.filter(({ running }) => running !== null).length,
    Uptime: uptime,
    Uptime_since_flush_status: uptime,
  };
}

/** TLS is a matter of one connection: empty, as in MySQL. */
function globalFigures({ services }: StatementContext): Figures {
  const { questions, receivedBytes, sentBytes } = services.connections.totals();
  return {
    Bytes_received: receivedBytes,
    Bytes_sent: sentBytes,
    Compression: 'OFF',
    Queries: questions,
    Questions: questions,
    Ssl_cipher: '',
    Ssl_version: '',
  };
}

function sessionFigures({ session, services }: StatementContext): Figures {
  const wire = services.connections.wire(session.connectionId);
  return {
    Bytes_received: wire?.receivedBytes ?? 0,
    Bytes_sent: wire?.sentBytes ?? 0,
    Compression: wire?.isCompressed === true ? 'ON' : 'OFF',
    Queries: services.connections.totals().questions,
    Questions: session.counted.questions,
    Ssl_cipher: wire?.tls?.cipher ?? '',
    Ssl_version: wire?.tls?.version ?? '',
  };
}
