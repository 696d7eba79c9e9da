// The open MySQL connections, as statements see them: sessions of the product joined with what the wire counts.
import type { MysqlServer } from '../mysql/server.ts';
import type { Connections, Session } from '../statements/types.ts';

/** Counted by the door, shown by SHOW STATUS. */
export interface DoorCounts {
  /** Statements that clients sent since the start. */
  questions: number;
}

/** `server` is asked later only: it is made after the statements that use this. */
export function openConnections(
  sessions: ReadonlyMap<number, Session>,
  server: () => MysqlServer,
  counts: Readonly<DoorCounts>,
): Connections {
  return {
    list: () => [...sessions.values()],
    kill: (connectionId, queryOnly) => server().kill(connectionId, queryOnly),
    wire: (connectionId) => {
      const open = server().connection(connectionId);
      if (open === null) return null;
      const { traffic, isCompressed, info } = open;
      return { ...traffic, isCompressed, tls: info?.tls ?? null };
    },
    totals: () => {
      const { connections, maxUsed, traffic } = server().totals();
      return { connections, maxUsed, questions: counts.questions, ...traffic };
    },
  };
}
