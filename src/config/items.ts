// The one table of configuration items: keys of fe.conf and cn.conf, with type, default and meaning.
// Feeds reading, checks, ADMIN SHOW and SET FRONTEND CONFIG, and docs/reference/config.md.
import { ACCEPTED_FE_ITEMS } from './accepted-items.ts';

export interface ConfigItem {
  readonly file: 'fe' | 'cn';
  readonly type: 'string' | 'int' | 'bool';
  /** As text, '' = unset. */
  readonly default: string;
  /** 'used' = acted upon; 'accepted' = a StarRocks key that has no meaning here and is ignored. */
  readonly effect: 'used' | 'accepted';
  readonly help: string;
  /** ADMIN SET FRONTEND CONFIG may change it while the server runs. */
  readonly mutable?: true;
}

const used = (
  file: 'fe' | 'cn',
  type: ConfigItem['type'],
  value: string,
  help: string,
): ConfigItem => ({ file, type, default: value, effect: 'used', help });
const accepted = (file: 'fe' | 'cn', type: ConfigItem['type'], value: string): ConfigItem => ({
  file,
  type,
  default: value,
  effect: 'accepted',
  help: 'accepted for compatibility, no effect',
});

const mutable = (item: ConfigItem): ConfigItem => ({ ...item, mutable: true });

export const CONFIG_ITEMS = {
  // -- fe.conf
  query_port: used('fe', 'int', '9030', 'MySQL protocol port'),
  http_port: used('fe', 'int', '8030', 'HTTP port'),
  bind_host: used(
    'fe',
    'string',
    '127.0.0.1',
    'address that the MySQL, HTTP and broker ports listen on',
  ),
  allow_empty_password_from_network: used(
    'fe',
    'bool',
    'false',
    'users without a password may log in from other machines, too (root has none until you set one)',
  ),
  metrics_require_login: used('fe', 'bool', 'false', '/metrics asks for a user and a password'),
  broker_port: used('fe', 'int', '9092', 'port of the embedded Kafka-protocol broker'),
  kafka_broker_list: used(
    'fe',
    'string',
    '',
    'a real Kafka (host:port, ...): the embedded broker then stays off, and the demo uses this one',
  ),
  run_mode: used('fe', 'string', 'shared_data', 'only shared_data is supported'),
  cloud_native_storage_type: used(
    'fe',
    'string',
    'S3',
    'type of the storage volume made from this file: S3',
  ),
  aws_s3_path: used('fe', 'string', '', 'bucket, or bucket/prefix, of builtin_storage_volume'),
  aws_s3_endpoint: used('fe', 'string', '', 'S3 endpoint, host:port or URL'),
  aws_s3_region: used('fe', 'string', '', 'S3 region'),
  aws_s3_access_key: used('fe', 'string', '', 'S3 access key'),
  aws_s3_secret_key: used('fe', 'string', '', 'S3 secret key'),
  aws_s3_use_instance_profile: used(
    'fe',
    'bool',
    'false',
    'take credentials from the instance profile',
  ),
  aws_s3_use_aws_sdk_default_behavior: used(
    'fe',
    'bool',
    'false',
    'take credentials as the AWS SDK does by default',
  ),
  enable_load_volume_from_conf: used(
    'fe',
    'bool',
    'false',
    'make builtin_storage_volume from the keys above',
  ),
  max_small_file_number: mutable(
    used('fe', 'int', '100', 'most files of CREATE FILE, over all databases'),
  ),
  max_small_file_size_bytes: mutable(
    used('fe', 'int', '1048576', 'largest file of CREATE FILE, in bytes'),
  ),
  small_file_dir: used(
    'fe',
    'string',
    '',
    'directory that CREATE FILE may read from by file: URLs; none when empty',
  ),
  max_routine_load_task_concurrent_num: used(
    'fe',
    'int',
    '5',
    'most tasks of one Routine Load job',
  ),
  routine_load_scheduler_interval_millisecond: used(
    'fe',
    'int',
    '10000',
    'how often new partitions are looked for',
  ),
  routine_load_freshness_millisecond: used(
    'fe',
    'int',
    '1000',
    'how long rows may wait for a commit; max_batch_interval is the upper bound',
  ),
  routine_load_unstable_threshold_second: mutable(
    used(
      'fe',
      'int',
      '3600',
      'a running Routine Load job whose last loaded message is older than this, while more wait, is shown as UNSTABLE',
    ),
  ),
  routine_load_stall_second: mutable(
    used(
      'fe',
      'int',
      '120',
      'messages may wait so long without a commit, and Kafka may be silent so long (30 s at least), before a Routine Load job is shown as UNSTABLE and its tasks are started anew',
    ),
  ),
  routine_load_retention_check_second: used(
    'fe',
    'int',
    '60',
    'how often Routine Load looks how long Kafka will keep messages that were not read yet',
  ),
  routine_load_retention_warning_second: mutable(
    used(
      'fe',
      'int',
      '14400',
      'a Routine Load job is warned when Kafka may delete unread messages sooner than this, or within a quarter of retention.ms',
    ),
  ),
  routine_load_max_message_bytes: used(
    'fe',
    'int',
    '67108864',
    'largest message that is loaded; a larger one is rejected',
  ),
  rejected_records_retained_days: mutable(
    used('fe', 'int', '7', 'how long rejected rows are kept'),
  ),
  rejected_message_max_bytes: mutable(
    used(
      'fe',
      'int',
      '23068672',
      'so much of a rejected message is kept whole; of a larger one the first bytes are, and REPLAY leaves it',
    ),
  ),
  task_min_schedule_interval_s: mutable(
    used('fe', 'int', '10', 'shortest interval of SUBMIT TASK ... SCHEDULE'),
  ),
  task_runs_ttl_second: mutable(
    used('fe', 'int', '604800', 'how long the runs of tasks are kept in task_runs'),
  ),
  task_runs_max_history_number: mutable(
    used('fe', 'int', '10000', 'most runs of tasks that are kept'),
  ),
  task_runs_concurrency: mutable(used('fe', 'int', '4', 'most tasks that run at once')),
  task_ttl_second: mutable(used('fe', 'int', '86400', 'how long a task that ran once is kept')),
  rejected_records_max_bytes: used(
    'fe',
    'int',
    '1073741824',
    'bytes of rejected rows that are kept; jobs pause when they are used up',
  ),
  qe_max_connection: used('fe', 'int', '4096', 'most MySQL connections'),
  ssl_keystore_location: used(
    'fe',
    'string',
    '',
    'PKCS#12 file with the key and certificate of the MySQL port',
  ),
  ssl_keystore_password: used('fe', 'string', '', 'password of that file'),
  ssl_certificate_file: used(
    'fe',
    'string',
    '',
    'PEM certificate chain of the MySQL port, in place of a key store',
  ),
  ssl_key_file: used('fe', 'string', '', 'PEM key of that certificate'),
  ssl_key_password: used('fe', 'string', '', 'password of an encrypted ssl_key_file'),
  ssl_self_signed_certificate: used(
    'fe',
    'bool',
    'true',
    'make a self-signed certificate in the data directory when no other is given; false = no TLS then',
  ),
  ssl_force_secure_transport: used('fe', 'bool', 'false', 'refuse MySQL connections without TLS'),
  query_timeout_second: used(
    'fe',
    'int',
    '300',
    'hard time limit of a query, unless all its tables keep versions for longer; SET query_timeout sets a shorter one',
  ),
  label_keep_max_second: mutable(
    used('fe', 'int', '259200', 'how long labels of ended loads are kept'),
  ),
  label_keep_max_num: mutable(
    used(
      'fe',
      'int',
      '1000',
      'most ended loads of a database whose labels are kept, beside those of the last hour',
    ),
  ),
  version_retention_second: mutable(
    used(
      'fe',
      'int',
      '86400',
      'how long replaced versions of tables can be read; the table property of this name goes before it',
    ),
  ),
  catalog_trash_expire_second: mutable(
    used(
      'fe',
      'int',
      '86400',
      'how long dropped databases, tables and partitions can be recovered',
    ),
  ),
  lake_compaction_default_timeout_second: mutable(
    used('fe', 'int', '300', 'how long one compaction may take before it is given up'),
  ),
  lake_enable_ingest_slowdown: mutable(
    used('fe', 'bool', 'true', 'loads wait where their table has too many small files'),
  ),
  lake_ingest_slowdown_threshold: mutable(
    used('fe', 'int', '100', 'small files of a table from which on its loads are slowed down'),
  ),
  lake_compaction_score_upper_bound: mutable(
    used(
      'fe',
      'int',
      '2000',
      'small files of a table at which its loads wait until some are merged',
    ),
  ),
  lake_autovacuum_partition_naptime_seconds: used(
    'fe',
    'int',
    '60',
    'how often files that nothing names any more are looked for and deleted',
  ),
  rpc_timeout_millisecond: used(
    'fe',
    'int',
    '10000',
    'how long an answer between two processes may take before its state is asked for',
  ),
  sys_log_level: used('fe', 'string', 'INFO', 'DEBUG, INFO, WARN or ERROR'),
  // -- cn.conf
  mem_limit_bytes: used('cn', 'int', '402653184', 'memory of the query engine in bytes'),
  loader_mem_limit_bytes: used('cn', 'int', '268435456', 'memory of the loader engine in bytes'),
  cache_max_bytes: used('cn', 'int', '10737418240', 'bytes of the disk cache for remote objects'),
  look_up_cache_bytes: used(
    'cn',
    'int',
    '134217728',
    'memory for rows that look-ups by key ask for again and again, beside the query engine; 0 = none',
  ),
  key_index_max_bytes: used(
    'cn',
    'int',
    '10737418240',
    'bytes on disk of the key index of PRIMARY KEY and UNIQUE KEY tables; 0 = none',
  ),
  key_index_memory_bytes: used(
    'cn',
    'int',
    '134217728',
    'memory for the key index, beside the query engine; what does not fit is read from its files',
  ),
  key_index_min_rows: used(
    'cn',
    'int',
    '1000000',
    'rows of a table from which on keys are looked up through the key index, in its files of 200,000 rows and more (or so many, if that is less)',
  ),
  be_http_port: used('cn', 'int', '8040', 'HTTP port of the compute node: bodies of loads'),
  stream_load_redirect: used(
    'fe',
    'bool',
    'false',
    "PUT .../_stream_load at the front end is answered 307 with the compute node's address, as StarRocks does, instead of being passed on",
  ),
  stream_load_default_timeout_second: mutable(
    used('fe', 'int', '600', 'how long a Stream Load may take that has no header timeout'),
  ),
  stream_load_idle_timeout_second: mutable(
    used('fe', 'int', '120', 'a body of which nothing comes for as long is given up'),
  ),
  stream_load_max_concurrent: used(
    'cn',
    'int',
    '1024',
    'Stream Loads at once; more are refused with the words to try again',
  ),
  stream_load_max_txn_num_per_be: mutable(
    used(
      'fe',
      'int',
      '-1',
      'Stream Loads, and transactions of them, that may run at once on a compute node; more are refused; negative = any number',
    ),
  ),
  max_running_txn_num_per_db: mutable(
    used(
      'fe',
      'int',
      '1000',
      'transactions of a database that may run at once; more are refused; tasks of Routine Load and compactions do not count',
    ),
  ),
  streaming_load_max_mb: used('cn', 'int', '102400', 'largest body of a load in MB, also expanded'),
  streaming_load_max_batch_size_mb: used(
    'cn',
    'int',
    '100',
    'largest JSON body, or JSON document, of a load in MB without the header ignore_json_size',
  ),
  empty_load_as_error: mutable(
    used('fe', 'bool', 'true', 'a Stream Load that loads no row at all fails'),
  ),
  // -- known to StarRocks, without meaning here
  be_port: accepted('cn', 'int', '9060'),
  heartbeat_service_port: accepted('cn', 'int', '9050'),
  brpc_port: accepted('cn', 'int', '8060'),
  starlet_port: accepted('cn', 'int', '9070'),
  rpc_port: accepted('fe', 'int', '9020'),
  edit_log_port: accepted('fe', 'int', '9010'),
  cloud_native_meta_port: accepted('fe', 'int', '6090'),
  mysql_service_nio_enabled: accepted('fe', 'bool', 'true'),
  priority_networks: accepted('fe', 'string', ''),
  meta_dir: accepted('fe', 'string', ''),
  storage_root_path: accepted('cn', 'string', ''),
  sys_log_dir: accepted('fe', 'string', ''),
  LOG_DIR: accepted('fe', 'string', ''),
  DATE: accepted('fe', 'string', ''),
  JAVA_OPTS: accepted('fe', 'string', ''),
  JAVA_HOME: accepted('fe', 'string', ''),
  default_replication_num: accepted('fe', 'int', '1'),
  ...ACCEPTED_FE_ITEMS,
} as const satisfies Record<string, ConfigItem>;

export type ConfigKey = keyof typeof CONFIG_ITEMS;

/** What a value must be beyond its type; where a key is not listed, its type is all. */
export interface ConfigLimit {
  readonly min?: number;
  readonly max?: number;
  /** The allowed values, in any case. */
  readonly words?: readonly string[];
}

const PORT: ConfigLimit = { max: 65_535 };
/** Timers of the runtime reach no further, about 24 days. */
const MILLISECONDS: ConfigLimit = { min: 10, max: 2_000_000_000 };
const SECONDS: ConfigLimit = { min: 1, max: 2_000_000 };
const ENGINE_BYTES: ConfigLimit = { min: 64 * 1024 * 1024 };

export const CONFIG_LIMITS: Readonly<Partial<Record<ConfigKey, ConfigLimit>>> = {
  query_port: PORT,
  http_port: PORT,
  broker_port: PORT,
  run_mode: { words: ['shared_data'] },
  cloud_native_storage_type: { words: ['S3'] },
  task_min_schedule_interval_s: { min: 1, max: 2_000_000 },
  task_runs_ttl_second: SECONDS,
  task_ttl_second: SECONDS,
  task_runs_max_history_number: { min: 1, max: 1_000_000 },
  task_runs_concurrency: { min: 1, max: 128 },
  label_keep_max_second: SECONDS,
  label_keep_max_num: { min: 1, max: 1_000_000 },
  version_retention_second: { min: 0, max: 315_360_000 },
  catalog_trash_expire_second: { min: 0, max: 315_360_000 },
  // Links to rejected rows are good for 48 hours. SOURCE: StarRocks, load_error_log_reserve_hours.
  rejected_records_retained_days: { min: 2, max: 36_500 },
  rejected_message_max_bytes: { min: 1, max: 256 * 1024 * 1024 },
  sys_log_level: { words: ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] },
  max_small_file_number: { min: 0, max: 10_000 },
  max_small_file_size_bytes: { min: 1, max: 16 * 1024 * 1024 },
  max_routine_load_task_concurrent_num: { min: 1 },
  routine_load_scheduler_interval_millisecond: MILLISECONDS,
  routine_load_freshness_millisecond: MILLISECONDS,
  routine_load_unstable_threshold_second: SECONDS,
  routine_load_stall_second: SECONDS,
  routine_load_retention_check_second: SECONDS,
  routine_load_retention_warning_second: SECONDS,
  routine_load_max_message_bytes: { min: 1024, max: 1024 ** 3 },
  qe_max_connection: { min: 1, max: 1_000_000 },
  query_timeout_second: SECONDS,
  lake_compaction_default_timeout_second: SECONDS,
  lake_ingest_slowdown_threshold: { min: 1, max: 1_000_000 },
  lake_compaction_score_upper_bound: { min: 1, max: 1_000_000 },
  lake_autovacuum_partition_naptime_seconds: SECONDS,
  rpc_timeout_millisecond: MILLISECONDS,
  stream_load_default_timeout_second: { min: 1, max: 259_200 },
  stream_load_idle_timeout_second: { min: 1, max: 86_400 },
  stream_load_max_concurrent: { min: 1, max: 8192 },
  streaming_load_max_mb: { min: 1, max: 100_000_000 },
  streaming_load_max_batch_size_mb: { min: 1, max: 1023 },
  mem_limit_bytes: ENGINE_BYTES,
  loader_mem_limit_bytes: ENGINE_BYTES,
  key_index_min_rows: { min: 1 },
};
