// The FE and the CN as SHOW FRONTENDS and SHOW COMPUTE NODES list them, and what runs on them.
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import { redactStatement } from '../../sql/redact.ts';
import { CN_ID } from '../information-schema/nodes.ts';
import { listedTables } from '../information-schema/objects.ts';
import { PRODUCT_VERSION, variableText } from '../variables.ts';
import {
  emptyList,
  type ListContext,
  type ListDefinition,
  type ListRow,
} from './list-definition.ts';

const FE_NAME = 'fe-1';
const WAREHOUSE = 'default_warehouse';

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

function frontends({ services, time }: ListContext): readonly ListRow[] {
  const { config, clock, nodes } = services;
  const fe = nodes.frontend();
  return [
    [
      1,
      FE_NAME,
      fe.host,
      config.text('edit_log_port'),
      fe.httpPort,
      fe.queryPort,
      config.text('rpc_port'),
      'LEADER',
      1,
      'true',
      'true',
      services.catalog.leaderEpoch,
      time(clock.nowMs()),
      'true',
      '',
      time(fe.startedMs),
      PRODUCT_VERSION,
    ],
  ];
}

async function computeNodes(context: ListContext): Promise<readonly ListRow[]> {
  const { services, time } = context;
  const { config, clock, nodes, connections } = services;
  const { host, startedMs } = nodes.frontend();
  const parts = Object.entries(await nodes.processes());
  const dead = parts.filter(([, state]) => state !== 'ok');
  const cores = availableParallelism();
  const running = connections.list().filter((session) => session.running !== null).length;
  return [
    [
      CN_ID,
      host,
      config.text('heartbeat_service_port'),
      config.text('be_port'),
      nodes.computeNode().httpPort,
      config.text('brpc_port'),
      time(startedMs),
      time(clock.nowMs()),
      String(dead.length === 0),
      'false',
      'false',
      dead.map(([part, state]) => `${part}: ${state}`).join(', '),
      PRODUCT_VERSION,
      cores,
      running,
      percent(1 - freemem() / totalmem()),
      percent(Math.min(1, (loadavg()[0] ?? 0) / cores)),
      'true',
      config.text('starlet_port'),
      1,
      WAREHOUSE,
      (await listedTables(context)).length,
    ],
  ];
}

function warehouses({ services, time }: ListContext): readonly ListRow[] {
  const { connections, nodes } = services;
  const started = time(nodes.frontend().startedMs);
  const running = connections.list().filter((session) => session.running !== null).length;
  return [[0, WAREHOUSE, 'AVAILABLE', 1, 1, 1, 1, running, 0, started, started, started, '{}', '']];
}

/** Statements that run now. The id is that of the connection: KILL QUERY takes it. */
function runningQueries({ services, time, session }: ListContext): readonly ListRow[] {
  const { connections, globals, nodes } = services;
  return connections.list().flatMap((entry) => {
    if (entry.running === null || entry === session) return [];
    const { startedMs } = entry.running;
    const timeoutSeconds = Number(variableText('query_timeout', 'session', entry, globals));
    return [
      [
        entry.connectionId,
        '-',
        time(startedMs),
        null,
        time(startedMs + timeoutSeconds * 1000),
        'RUNNING',
        1,
        1,
        availableParallelism(),
        FE_NAME,
        time(nodes.frontend().startedMs),
      ],
    ];
  });
}

export const NODE_LISTS = {
  FRONTENDS: {
    columns:
      'Id Name IP EditLogPort HttpPort QueryPort RpcPort Role ClusterId Join Alive ReplayedJournalId LastHeartbeat IsHelper ErrMsg StartTime Version'.split(
        ' ',
      ),
    rows: frontends,
    like: 'Name',
  },
  'COMPUTE NODES': {
    columns:
      'ComputeNodeId IP HeartbeatPort BePort HttpPort BrpcPort LastStartTime LastHeartbeat Alive SystemDecommissioned ClusterDecommissioned ErrMsg Version CpuCores NumRunningQueries MemUsedPct CpuUsedPct HasStoragePath StarletPort WorkerId WarehouseName TabletNum'.split(
        ' ',
      ),
    rows: computeNodes,
  },
  // Shared data: what computes is a compute node.
  BACKENDS: emptyList(
    'BackendId, IP, HeartbeatPort, BePort, HttpPort, BrpcPort, LastStartTime, LastHeartbeat, Alive, SystemDecommissioned, ClusterDecommissioned, TabletNum, DataUsedCapacity, AvailCapacity, TotalCapacity, UsedPct, MaxDiskUsedPct, ErrMsg, Version, Status, DataTotalCapacity, DataUsedPct, CpuCores, MemLimit, NumRunningQueries, MemUsedPct, CpuUsedPct, DataCacheMetrics, Location, StatusCode, StarletPort, WorkerId, WarehouseName',
  ),
  WAREHOUSES: {
    columns:
      'Id Name State NodeCount CurrentClusterCount MaxClusterCount StartedClusters RunningSql QueuedSql CreatedOn ResumedOn UpdatedOn Property Comment'.split(
        ' ',
      ),
    rows: warehouses,
    like: 'Name',
  },
  'RUNNING QUERIES': {
    columns:
      'QueryId ResourceGroupId StartTime PendingTimeout QueryTimeout State Slots Fragments DOP Frontend FeStartTime'.split(
        ' ',
      ),
    rows: runningQueries,
  },
} as const satisfies Record<string, ListDefinition>;

/** Rows of SHOW PROC '/current_queries'. */
export const CURRENT_QUERIES: ListDefinition = {
  columns: [
    'StartTime',
    'QueryId',
    'ConnectionId',
    'Database',
    'User',
    'ScanBytes',
    'ScanRows',
    'MemoryUsage',
    'DiskSpillSize',
    'CPUTime',
    'ExecTime',
    'Warehouse',
    'SQL',
  ],
  rows: ({ services, session, time, visible }) => {
    const nowMs = services.clock.nowMs();
    return services.connections.list().flatMap((entry) => {
      if (entry.running === null || entry === session || !visible.connection(entry)) return [];
      const { sql, startedMs } = entry.running;
      const seconds = `${((nowMs - startedMs) / 1000).toFixed(3)} s`;
      const unknown = [null, null, null, null, null];
      return [
        [
          time(startedMs),
          entry.connectionId,
          entry.connectionId,
          entry.database,
          entry.principal.identity.name,
          ...unknown,
          seconds,
          WAREHOUSE,
          redactStatement(sql),
        ],
      ];
    });
  },
};
