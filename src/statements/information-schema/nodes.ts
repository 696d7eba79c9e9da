// What runs on the nodes: be_* for the CN, fe_* for the FE. What StarRocks' engine has and Millrace's has
// not (tablets' replicas, bRPC, compaction threads) is empty.
import { isSecretName, MASK } from '../../base/secrets.ts';
import { CONFIG_ITEMS, type ConfigItem, type ConfigKey } from '../../config/items.ts';
import { listedTables } from './objects.ts';
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

/** Id of the one CN, below the ids of catalog objects. */
export const CN_ID = 10000;

async function cnConfig({ services }: ViewContext): Promise<readonly ViewRow[]> {
  return Object.entries<ConfigItem>(CONFIG_ITEMS)
    .filter(([, item]) => item.file === 'cn')
    .map(([key, item]) => ({
      BE_ID: CN_ID,
      NAME: key,
      VALUE: isSecretName(key) ? MASK : services.config.text(key as ConfigKey),
      TYPE: item.type,
      DEFAULT: item.default,
      MUTABLE: false,
    }));
}

async function tablets(context: ViewContext): Promise<readonly ViewRow[]> {
  return (await listedTables(context)).map(({ table, status }) => ({
    BE_ID: CN_ID,
    TABLE_ID: table.id,
    PARTITION_ID: table.id,
    TABLET_ID: table.id,
    NUM_VERSION: 1,
    MAX_VERSION: status.version,
    MIN_VERSION: status.version,
    NUM_ROWSET: status.fileCount,
    NUM_ROW: status.rowCount,
    DATA_SIZE: status.sizeBytes,
    CREATE_TIME: Math.floor(table.createdMs / 1000),
    STATE: 'RUNNING',
    TYPE: table.schema.keysType.replace(/_KEYS$/, '').replace('DUP', 'DUPLICATE'),
    DATA_DIR: table.prefix,
    NUM_SEGMENT: status.fileCount,
  }));
}

const METRIC_LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;

/** Labels name jobs of every database. */
async function metricRows({ services, visible }: ViewContext): Promise<readonly ViewRow[]> {
  if (!visible.system) return [];
  const lines = (await services.metricsText()).split('\n');
  return lines.flatMap((line) => {
    const match = METRIC_LINE.exec(line);
    if (match === null) return [];
    const [, name = '', labels = '', value = ''] = match;
    return [{ FE_ID: 'fe-1', NAME: name, LABELS: labels, VALUE: value }];
  });
}

export const NODE_VIEWS: ViewTable = {
  be_configs: {
    columns: viewColumns('long BE_ID, text NAME VALUE, v64 TYPE, text DEFAULT, bool MUTABLE'),
    doc: "the CN's configuration",
    rows: cnConfig,
  },
  be_tablets: {
    columns: viewColumns(
      'long BE_ID TABLE_ID PARTITION_ID TABLET_ID NUM_VERSION MAX_VERSION MIN_VERSION NUM_ROWSET NUM_ROW DATA_SIZE INDEX_MEM CREATE_TIME, ' +
        'v64 STATE TYPE, v1024 DATA_DIR, long SHARD_ID SCHEMA_HASH INDEX_DISK, v64 MEDIUM_TYPE, long NUM_SEGMENT',
    ),
    doc: 'one row per table: files are not cut into tablets',
    rows: tablets,
  },
  be_txns: {
    columns: viewColumns(
      'long BE_ID, v64 LOAD_ID, long TXN_ID PARTITION_ID TABLET_ID CREATE_TIME COMMIT_TIME PUBLISH_TIME, v64 ROWSET_ID, ' +
        'long NUM_SEGMENT NUM_DELFILE NUM_ROW DATA_SIZE VERSION',
    ),
    doc: 'transactions on nodes: empty, they are in SHOW TRANSACTION',
    rows: 'none',
  },
  be_metrics: {
    columns: viewColumns('long BE_ID, text NAME LABELS, long VALUE'),
    doc: 'empty: all metrics are in fe_metrics',
    rows: 'none',
  },
  be_threads: {
    columns: viewColumns(
      'long BE_ID, text GROUP NAME, long PTHREAD_ID TID, bool IDLE, long FINISHED_TASKS, text BOUND_CPUS',
    ),
    doc: 'empty',
    rows: 'none',
  },
  be_logs: {
    columns: viewColumns('long BE_ID, v1 LEVEL, long TIMESTAMP TID, text LOG'),
    doc: 'empty: logs are files',
    rows: 'none',
  },
  be_bvars: { columns: viewColumns('long BE_ID, text NAME VALUE'), doc: 'empty', rows: 'none' },
  be_compactions: {
    columns: viewColumns(
      'long BE_ID CANDIDATES_NUM BASE_COMPACTION_CONCURRENCY CUMULATIVE_COMPACTION_CONCURRENCY, ' +
        'double LATEST_COMPACTION_SCORE CANDIDATE_MAX_SCORE, long MANUAL_COMPACTION_CONCURRENCY MANUAL_COMPACTION_CANDIDATES_NUM',
    ),
    doc: 'empty: the FE plans compaction',
    rows: 'none',
  },
  be_datacache_metrics: {
    columns: viewColumns(
      'long BE_ID, v64 STATUS, long DISK_QUOTA_BYTES DISK_USED_BYTES MEM_QUOTA_BYTES MEM_USED_BYTES META_USED_BYTES, text DIR_SPACES USED_BYTES_DETAIL',
    ),
    doc: 'empty',
    rows: 'none',
  },
  fe_metrics: {
    columns: viewColumns('v64 FE_ID, text NAME LABELS, double VALUE'),
    doc: 'what /metrics serves',
    rows: metricRows,
  },
  fe_tablet_schedules: {
    columns: viewColumns(
      'long TABLET_ID TABLE_ID PARTITION_ID, v64 TYPE STATE, text SCHEDULE_REASON, v64 MEDIUM PRIORITY ORIG_PRIORITY, ' +
        'time LAST_PRIORITY_ADJUST_TIME, long VISIBLE_VERSION COMMITTED_VERSION SRC_BE_ID, text SRC_PATH, long DEST_BE_ID, text DEST_PATH, ' +
        'time CREATE_TIME SCHEDULE_TIME FINISH_TIME, long CLONE_BYTES, double CLONE_DURATION CLONE_RATE, int FAILED_SCHEDULE_COUNT FAILED_RUNNING_COUNT, text MSG',
    ),
    doc: 'empty: files have no replicas to move',
    rows: 'none',
  },
  warehouse_metrics: {
    columns: viewColumns(
      'v64 WAREHOUSE_ID WAREHOUSE_NAME QUEUE_PENDING_LENGTH QUEUE_RUNNING_LENGTH MAX_PENDING_LENGTH MAX_PENDING_TIME_SECOND ' +
        'EARLIEST_QUERY_WAIT_TIME MAX_REQUIRED_SLOTS SUM_REQUIRED_SLOTS REMAIN_SLOTS MAX_SLOTS, text EXTRA_MESSAGE',
    ),
    doc: 'empty: queries do not queue by warehouse',
    rows: 'none',
  },
};
