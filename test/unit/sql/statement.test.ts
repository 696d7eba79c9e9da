import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../../src/base/errors.ts';
import type { Statement } from '../../../src/sql/ast/statement.ts';
import { parseStatement } from '../../../src/sql/parse.ts';
import { printStatement } from '../../../src/sql/print-statement.ts';
import { REFUSED_STATEMENTS } from '../../../src/sql/refused.ts';
import { identifier, name, names, pos, sqlType, text, trees } from './arbitrary.ts';
import { withoutPositions } from './tree.ts';

/** Statements as the seed documents print them, odd spacing and all. */
const SEEDS: readonly string[] = [
  'SHOW STORAGE VOLUMES;',
  'DESC STORAGE VOLUME builtin_storage_volume',
  'CREATE DATABASE quickstart;',
  'USE quickstart;',
  `CREATE TABLE site_clicks (
    \`uid\` bigint NOT NULL COMMENT "uid",
    \`site\` string NOT NULL COMMENT "site url",
    \`vtime\` bigint NOT NULL COMMENT "vtime"
)
DISTRIBUTED BY HASH(\`uid\`)
PROPERTIES("replication_num"="1");`,
  `CREATE ROUTINE LOAD quickstart.clicks ON site_clicks
PROPERTIES
(
    "format" = "JSON",
    "jsonpaths" ="[\\"$.uid\\",\\"$.site\\",\\"$.vtime\\"]"
)
FROM KAFKA
(     
    "kafka_broker_list" = "redpanda:29092",
    "kafka_topic" = "test2",
    "kafka_partitions" = "0",
    "kafka_offsets" = "OFFSET_BEGINNING"
);`,
  'SHOW ROUTINE LOAD',
  'SELECT * FROM site_clicks;',
  `CREATE STORAGE VOLUME s3_volume
    TYPE = S3
    LOCATIONS = ("s3://my-starrocks-bucket/")
    PROPERTIES
    (
         "enabled" = "true",
         "aws.s3.endpoint" = "minio:9000",
         "aws.s3.use_instance_profile" = "false"
     );`,
  'SET s3_volume AS DEFAULT STORAGE VOLUME;',
  'create database automq_db;',
  `create table users (
  id bigint NOT NULL,
  name string NOT NULL,
  timestamp string NULL,
  status string NULL
) PRIMARY KEY (id)
DISTRIBUTED BY HASH(id)
PROPERTIES (
  "replication_num" = "1",
  "enable_persistent_index" = "true"
);`,
  `CREATE ROUTINE LOAD automq_example_load ON users
COLUMNS(id, name, timestamp, status)
PROPERTIES
(
  "desired_concurrent_number" = "5",
  "format" = "json",
  "jsonpaths" = "[\\"$.id\\",\\"$.name\\",\\"$.timestamp\\",\\"$.status\\"]"
)
FROM KAFKA
(
  "kafka_broker_list" = "10.0.96.4:9092",
  "kafka_topic" = "example_topic",
  "kafka_partitions" = "0",
  "property.kafka_default_offsets" = "OFFSET_BEGINNING"
);`,
  'show routine load;',
  `CREATE FILE "ca.pem" IN d PROPERTIES ("url" = "http://x/y", "catalog" = "kafka")`,
  `DROP FILE "ca.pem" PROPERTIES ("catalog" = "kafka")`,
];

/** Statements that are their own canonical print. */
const CANONICAL: readonly string[] = [
  "CREATE STORAGE VOLUME IF NOT EXISTS v TYPE = HDFS LOCATIONS = ('a', 'b') COMMENT 'c'",
  "ALTER STORAGE VOLUME v COMMENT 'c' SET ('enabled' = 'false')",
  'DROP STORAGE VOLUME IF EXISTS v',
  "SHOW STORAGE VOLUMES LIKE '%local%'",
  "CREATE DATABASE IF NOT EXISTS c.d COMMENT 'x' PROPERTIES ('storage_volume' = 'v')",
  'DROP DATABASE IF EXISTS d FORCE',
  'SHOW CREATE DATABASE d',
  'USE c.d',
  'DROP TABLE IF EXISTS d.t FORCE',
  'DROP TEMPORARY TABLE t',
  'TRUNCATE TABLE t PARTITION (a, b)',
  'CREATE TABLE IF NOT EXISTS a LIKE b.c',
  'CREATE TABLE t AS SELECT 1',
  "CREATE TABLE t (d varchar(20)) PARTITION BY RANGE (str2date(d, '%Y-%m-%d')) ()",
  'SHOW CREATE ROUTINE LOAD d.j',
  "DESC KAFKA ('kafka_topic' = 't', 'format' = 'json')",
  "CREATE TABLE IF NOT EXISTS t PRIMARY KEY (a) ORDER BY (b) PROPERTIES ('x' = 'y') FROM KAFKA TOPIC 't' PROPERTIES ('format' = 'json')",
  "CREATE TABLE t (a, b) FROM KAFKA TOPIC 't' PROPERTIES ('format' = 'csv')",
  "EXPLAIN CREATE TABLE t FROM KAFKA TOPIC 't' PROPERTIES ('format' = 'json')",
  "SHOW ROUTINE LOAD TASK FROM d WHERE JobName = 'j'",
  "SHOW ALL ROUTINE LOAD FOR d.j FROM e WHERE STATE = 'RUNNING' ORDER BY Name DESC LIMIT 2 OFFSET 1",
  'PAUSE ROUTINE LOAD FOR d.j',
  'RESUME ROUTINE LOAD FOR j',
  'STOP ROUTINE LOAD FOR j',
  'REPLAY ROUTINE LOAD FOR j',
  'CHECK ROUTINE LOAD FOR d.j',
  'CHECK ROUTINE LOAD FOR j LIMIT 10',
  "REPLAY ROUTINE LOAD FOR d.j WHERE error_code = 'NULL_VALUE' LIMIT 5",
  "ALTER ROUTINE LOAD FOR d.j COLUMNS (a, b = upper(a)) PROPERTIES ('max_error_number' = '5') FROM KAFKA ('kafka_partitions' = '0', 'kafka_offsets' = '7')",
  'SHOW DATABASES',
  "SHOW DATABASES FROM c LIKE 'a%'",
  "SHOW FULL TABLES FROM c.d WHERE Table_type = 'VIEW'",
  "SHOW TABLES LIKE 'x'",
  "SHOW TABLE STATUS FROM d LIKE 'x'",
  'SHOW CREATE TABLE d.t',
  'SHOW CREATE VIEW v',
  'SHOW CREATE CATALOG c',
  'DESC d.t ALL',
  "SHOW FULL COLUMNS FROM d.t LIKE 'x'",
  'SHOW INDEX FROM t',
  "SHOW VARIABLES LIKE 'sql_mode'",
  'SHOW GLOBAL VARIABLES',
  "SHOW SESSION STATUS LIKE 'Ssl_cipher'",
  'SHOW WARNINGS LIMIT 5',
  'SHOW ERRORS',
  'SHOW FULL PROCESSLIST',
  'SHOW GRANTS',
  "SHOW GRANTS FOR 'u'@'%'",
  'SHOW ENGINES',
  'SHOW PLUGINS',
  "SHOW CHARSET LIKE 'utf8%'",
  "SHOW COLLATION WHERE Charset = 'utf8mb4'",
  'SHOW PROCEDURE STATUS',
  'SHOW TRIGGERS FROM d',
  'SHOW OPEN TABLES',
  'SHOW FRONTENDS',
  'SHOW COMPUTE NODES',
  "SHOW PROC '/routine_loads'",
  'SHOW COUNT(*) WARNINGS',
  'SHOW COUNT(*) ERRORS',
  "SHOW VERBOSE VARIABLES LIKE 'x'",
  "SHOW PARTITIONS FROM d.t WHERE PartitionName = 'p' ORDER BY PartitionId DESC LIMIT 1",
  'SHOW TEMPORARY PARTITIONS FROM t',
  'SHOW TABLET FROM t LIMIT 2',
  'SHOW DATA',
  'SHOW DATA FROM d.t',
  "SHOW PROPERTY FOR 'u' LIKE 'max%'",
  "SHOW FULL BUILTIN FUNCTIONS FROM d LIKE 'abs%'",
  'SHOW FUNCTIONS',
  'SHOW TRANSACTION FROM d WHERE id = 5',
  "SHOW LOAD FROM d WHERE LABEL = 'l' ORDER BY CreateTime DESC LIMIT 3",
  'SHOW ALTER TABLE COLUMN FROM d',
  'SHOW MATERIALIZED VIEWS',
  'SHOW RUNNING QUERIES LIMIT 10',
  'ANALYZE TABLE d.t (a, b)',
  'SYNC',
  "SUBMIT TASK d.t SCHEDULE START('2024-01-01 00:00:00') EVERY(INTERVAL 5 MINUTE) PROPERTIES ('session.a' = '1') AS INSERT INTO t SELECT 1",
  'SUBMIT /*+ SET_VAR(a = 1) */ TASK AS INSERT INTO t (a) VALUES (1)',
  'DROP TASK IF EXISTS t FORCE',
  "HELP 'select'",
  'LOCK TABLES t READ, d.u WRITE',
  'UNLOCK TABLES',
  'SET CATALOG default_catalog',
  "ADMIN SHOW FRONTEND CONFIG LIKE 'max%'",
  "ADMIN SET FRONTEND CONFIG ('a' = 'b')",
  'KILL QUERY 5',
  'KILL CONNECTION 5',
  "KILL QUERY 'b7d1'",
  'BEGIN WITH LABEL l',
  'COMMIT',
  'ROLLBACK',
  'EXPLAIN SELECT 1',
  'EXPLAIN VERBOSE INSERT INTO t SELECT 1',
  "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_general_ci'",
  'SET NAMES DEFAULT',
  "SET CHARACTER SET 'utf8'",
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY',
  "SET GLOBAL a = 1, b = 'OFF', @c = 1 + 2, names = 3, transaction = DEFAULT",
  'INSERT INTO d.t PARTITION (p) WITH LABEL l (a, b) VALUES (1, DEFAULT), (-2, NULL)',
  "INSERT OVERWRITE t PROPERTIES ('strict_mode' = 'true') SELECT 1 UNION SELECT 2",
];

/** Text -> canonical print. */
const REWRITTEN: readonly (readonly [string, string])[] = [
  ['show schemas', 'SHOW DATABASES'],
  [
    'create schema if not exists x default character set = utf8 collate utf8_bin',
    'CREATE DATABASE IF NOT EXISTS x',
  ],
  ['drop schema x', 'DROP DATABASE x'],
  ['show create schema x', 'SHOW CREATE DATABASE x'],
  ['describe t', 'DESC t'],
  ['explain t', 'DESC t'],
  ['desc storage', 'DESC storage'],
  ['desc verbose', 'DESC verbose'],
  ['desc select 1', 'EXPLAIN SELECT 1'],
  ['explain costs (select 1)', 'EXPLAIN COSTS SELECT 1'],
  ['show fields in t in d', 'SHOW COLUMNS FROM d.t'],
  ['show keys from t from d', 'SHOW INDEX FROM d.t'],
  ['show character set', 'SHOW CHARSET'],
  ['show storage engines', 'SHOW ENGINES'],
  ['show char set', 'SHOW CHARSET'],
  ['show analyze', 'SHOW ANALYZE STATUS'],
  ['show all stream load', 'SHOW ALL STREAM LOAD'],
  ['show stream load for d.l from e limit 3', 'SHOW STREAM LOAD FOR l FROM d LIMIT 3'],
  ['show stream load from e where state = 1', 'SHOW STREAM LOAD FROM e WHERE state = 1'],
  ['show resource groups all', 'SHOW RESOURCE GROUPS'],
  [
    'analyze full table t update histogram on a, b with async mode with 64 buckets',
    'ANALYZE TABLE t (a, b)',
  ],
  ['analyze sample table t all columns with sync mode properties ("a" = "b")', 'ANALYZE TABLE t'],
  ['help create table', "HELP 'create table'"],
  ['lock table t as x low_priority write, u read local', 'LOCK TABLES t WRITE, u READ'],
  [
    'admin set frontend config ("a" = "b") with persistent',
    "ADMIN SET FRONTEND CONFIG ('a' = 'b')",
  ],
  ['show local variables', 'SHOW SESSION VARIABLES'],
  ["show grants for 'u'", "SHOW GRANTS FOR 'u'@'%'"],
  ["show grants for u@'1.2.3.4'", "SHOW GRANTS FOR 'u'@'1.2.3.4'"],
  ['kill 7', 'KILL CONNECTION 7'],
  ["prepare P from 'select ?'", "PREPARE P FROM 'select ?'"],
  ['prepare p from @Sql', 'PREPARE p FROM @sql'],
  ['prepare p from select a from t limit ?', 'PREPARE p FROM SELECT a FROM t LIMIT ?'],
  ['execute p', 'EXECUTE p'],
  ['execute p using @a, @B', 'EXECUTE p USING @a, @b'],
  ['deallocate prepare p', 'DEALLOCATE PREPARE p'],
  ['drop prepare p', 'DEALLOCATE PREPARE p'],
  ['start transaction with consistent snapshot', 'BEGIN'],
  ['begin work', 'BEGIN'],
  ['commit work and no chain no release', 'COMMIT'],
  ['rollback', 'ROLLBACK'],
  ['set @@session.autocommit = OFF', "SET SESSION autocommit = 'OFF'"],
  ['set @@x := on, local y = all', "SET x = 'on', SESSION y = 'all'"],
  ['SET character_set_results = NULL', 'SET character_set_results = NULL'],
  ['set charset utf8', "SET CHARACTER SET 'utf8'"],
  ['set transaction read write', 'SET TRANSACTION READ WRITE'],
  ['set sql_mode = "a,b"', "SET sql_mode = 'a,b'"],
  [
    'ALTER STORAGE VOLUME v COMMENT = "c", SET ("a" = "b"), SET ("c" = "d")',
    "ALTER STORAGE VOLUME v COMMENT 'c' SET ('a' = 'b', 'c' = 'd')",
  ],
  [
    'insert into t by name with label l select 1 as a',
    'INSERT INTO t WITH LABEL l BY NAME SELECT 1 AS a',
  ],
  ['insert into t (select 1) union all select 2', 'INSERT INTO t SELECT 1 UNION ALL SELECT 2'],
  [
    'insert into t with a as (select 1) select * from a',
    'INSERT INTO t WITH a AS (SELECT 1) SELECT * FROM a',
  ],
  ['/* ApplicationName=x */ SELECT 1 # end', 'SELECT 1'],
  [';; select 1 ;; -- x', 'SELECT 1'],
  [
    'create routine load d.j on t columns terminated by "|", rows terminated by "\\n" , columns (a, `b`, c = a + 1,d=f(b)) where a > 1 and b < 2023-06-31 partitions (p1, p2) from kafka ("a"="b")',
    "CREATE ROUTINE LOAD d.j ON t COLUMNS TERMINATED BY '|', ROWS TERMINATED BY '\\n', COLUMNS (a, b, c = a + 1, d = f(b)), PARTITION (p1, p2), WHERE a > 1 AND b < 2023 - 06 - 31 FROM KAFKA ('a' = 'b')",
  ],
  [
    'create routine load j on t , columns(a) , , temporary partition (p) , from kafka ("a"="b")',
    "CREATE ROUTINE LOAD j ON t COLUMNS (a), TEMPORARY PARTITION (p) FROM KAFKA ('a' = 'b')",
  ],
  [
    'alter routine load for j where a < 1 partition (p)',
    'ALTER ROUTINE LOAD FOR j PARTITION (p), WHERE a < 1',
  ],
  [
    `create external table if not exists d.t (
       k1 int(11) key, v1 largeint sum default "0", v2 hll hll_union, v3 varchar(20) character set utf8 replace null default null,
       ts datetime default current_timestamp comment 'c', u varchar(36) default (uuid()), n int default -5,
       id bigint auto_increment, g int as (k1 + 1), index i (k1) using bitmap comment 'ix'
     ) engine = olap aggregate key (k1) comment "t" partition by range (k1) (
       partition p1 values less than ("10"), partition if not exists p2 values [("10"), ("20")), partition p3 values less than maxvalue
     ) distributed by hash(k1) buckets 8 order by (v1) properties ("a" = "b")`,
    "CREATE EXTERNAL TABLE IF NOT EXISTS d.t (k1 int(11) KEY, v1 largeint(40) SUM DEFAULT '0', v2 hll HLL_UNION, v3 varchar(20) REPLACE NULL DEFAULT NULL, " +
      "ts datetime DEFAULT (current_timestamp()) COMMENT 'c', u varchar(36) DEFAULT (uuid()), n int(11) DEFAULT '-5', id bigint(20) AUTO_INCREMENT, " +
      "g int(11) AS k1 + 1, INDEX i (k1) USING BITMAP COMMENT 'ix') ENGINE = olap AGGREGATE KEY (k1) COMMENT 't' PARTITION BY RANGE (k1) " +
      "(PARTITION p1 VALUES LESS THAN ('10'), PARTITION IF NOT EXISTS p2 VALUES [('10'), ('20')), PARTITION p3 VALUES LESS THAN MAXVALUE) " +
      "DISTRIBUTED BY HASH (k1) BUCKETS 8 ORDER BY (v1) PROPERTIES ('a' = 'b')",
  ],
  [
    `create table t (a date) partition by range(a) (start ("2021-01-01") end ("2021-01-04") every (interval 1 day), start ("1") end ("5") every (1)) distributed by random buckets 3`,
    "CREATE TABLE t (a date) PARTITION BY RANGE (a) (START ('2021-01-01') END ('2021-01-04') EVERY (INTERVAL 1 DAY), START ('1') END ('5') EVERY (1)) DISTRIBUTED BY RANDOM BUCKETS 3",
  ],
  [
    `create table t (a int) partition by list (a, b) (partition p values in (("1", "x"), ("2", null)), partition q values in ("3", "4"))`,
    "CREATE TABLE t (a int(11)) PARTITION BY LIST (a, b) (PARTITION p VALUES IN (('1', 'x'), ('2', NULL)), PARTITION q VALUES IN (('3'), ('4')))",
  ],
  [
    "create table t (a int) partition by date_trunc('day', a), b",
    "CREATE TABLE t (a int(11)) PARTITION BY (date_trunc('day', a), b)",
  ],
  [
    `create table t (a int) partition by date_trunc('day', a) (start ("1") end ("2") every (interval 1 day)) distributed by hash(a)`,
    "CREATE TABLE t (a int(11)) PARTITION BY (date_trunc('day', a)) (START ('1') END ('2') EVERY (INTERVAL 1 DAY)) DISTRIBUTED BY HASH (a)",
  ],
];

const sameTree = (left: string, right: string): void =>
  assert.deepEqual(
    withoutPositions(parseStatement(left)),
    withoutPositions(parseStatement(right)),
    `${left}\n${right}`,
  );

for (const statement of SEEDS) {
  test(`seed: ${statement.slice(0, 60)}`, () => {
    sameTree(printStatement(parseStatement(statement)), statement);
  });
}

for (const statement of CANONICAL) {
  test(statement, () => assert.equal(printStatement(parseStatement(statement)), statement));
}

for (const [statement, expected] of REWRITTEN) {
  test(`rewritten: ${statement.slice(0, 80)}`, () => {
    assert.equal(printStatement(parseStatement(statement)), expected);
    sameTree(expected, statement);
  });
}

test("the seed's escaped jsonpaths arrive as JSON", () => {
  const statement = parseStatement(SEEDS[5] ?? '');
  assert.equal(statement.kind, 'create_routine_load');
  if (statement.kind !== 'create_routine_load') return;
  const property = statement.properties.find(({ key }) => key === 'jsonpaths');
  assert.deepEqual(JSON.parse(property?.value ?? ''), ['$.uid', '$.site', '$.vtime']);
  assert.deepEqual(statement.name, {
    pos: { start: 20, line: 1, column: 20 },
    database: 'quickstart',
    name: 'clicks',
  });
  assert.equal(property?.pos.line, 5);
});

for (const [clause, what] of [
  ['columns terminated by "a"', 'column separator'],
  ['rows terminated by "a"', 'row delimiter'],
  ['columns (a)', 'columns info'],
  ['where a', 'where predicate'],
  ['partition (a)', 'partition names'],
] as const) {
  test(`a second ${what} is refused`, () => {
    assert.throws(
      () => parseStatement(`create routine load j on t ${clause}, ${clause} from kafka ("a"="b")`),
      {
        code: 'SQL_ANALYZE',
        message: `Getting analyzing error. Detail message: repeat setting of ${what}.`,
      },
    );
  });
}

test('StarRocks statements that are not here say so, and what to use', () => {
  for (const { words, state } of REFUSED_STATEMENTS) {
    const code = state === 'later' ? 'STATEMENT_NOT_YET' : 'STATEMENT_OUT_OF_SCOPE';
    for (const text of [`${words} x`, `/* c */ ${words.toLowerCase()} 'x' 1`]) {
      assert.throws(
        () => parseStatement(text),
        (error) =>
          error instanceof AppError && error.code === code && error.fields['what'] === words,
        text,
      );
    }
  }
});

test('a refused statement is none that has a rule of its own', () => {
  for (const text of [...SEEDS, ...CANONICAL]) parseStatement(text);
  // Longer words win: the row of CREATE EXTERNAL RESOURCE is not that of CREATE EXTERNAL TABLE.
  parseStatement('create external table t (a int)');
  const seen = REFUSED_STATEMENTS.map(({ words }) => words);
  assert.deepEqual(seen.length, new Set(seen).size, 'no row twice');
});

const property = fc.record({ pos: fc.constant(pos), key: text, value: text });
const properties = fc.array(property, { maxLength: 2 });
const jobName = fc.record({ pos: fc.constant(pos), database: fc.option(name), name });
const tableName = fc.record({
  pos: fc.constant(pos),
  catalog: fc.constant(null),
  database: fc.option(name),
  name,
});
const partitions = fc.option(fc.record({ pos: fc.constant(pos), temporary: fc.boolean(), names }));
const filled = fc.array(property, { minLength: 1, maxLength: 2 });

const createRoutineLoad = fc.record({
  kind: fc.constant('create_routine_load' as const),
  pos: fc.constant(pos),
  name: jobName,
  table: tableName,
  furtherTables: fc.array(tableName, { maxLength: 2 }),
  load: fc.record({
    columnSeparator: fc.option(text),
    rowDelimiter: fc.option(text),
    columns: fc.option(
      fc.array(
        fc.record({ pos: fc.constant(pos), name, expression: fc.option(trees.expression) }),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
    ),
    where: fc.option(trees.expression),
    partitions,
  }),
  properties,
  source: fc.record({
    pos: fc.constant(pos),
    type: fc.constantFrom('KAFKA', 'PULSAR'),
    properties: filled,
  }),
});

const column = fc.record({
  pos: fc.constant(pos),
  name,
  type: sqlType,
  isKey: fc.boolean(),
  aggregate: fc.constantFrom(null, 'SUM', 'REPLACE'),
  nullable: fc.constantFrom(null, true, false),
  defaultValue: fc.option(fc.record({ kind: fc.constant('text'), value: text })),
  autoIncrement: fc.boolean(),
  generated: fc.option(trees.expression),
  comment: fc.option(text),
});

const createTable = fc.record({
  kind: fc.constant('create_table' as const),
  pos: fc.constant(pos),
  temporary: fc.constant(false),
  external: fc.boolean(),
  ifNotExists: fc.boolean(),
  name: tableName,
  columns: fc.array(column, { minLength: 1, maxLength: 3 }),
  columnNames: fc.constant([]),
  indexes: fc.array(
    fc.record({
      pos: fc.constant(pos),
      name,
      columns: names,
      type: fc.constantFrom(null, 'BITMAP'),
      comment: fc.option(text),
    }),
    { maxLength: 1 },
  ),
  engine: fc.option(name),
  keys: fc.option(fc.record({ type: fc.constantFrom('DUPLICATE', 'PRIMARY'), columns: names })),
  comment: fc.option(text),
  partitionBy: fc.option(
    fc.record({
      kind: fc.constant('expression'),
      items: fc.array(trees.expression, { minLength: 1, maxLength: 2 }),
      partitions: fc.constant([]),
    }),
  ),
  distributedBy: fc.option(
    fc.record({ kind: fc.constant('hash'), columns: names, buckets: fc.option(fc.nat()) }),
  ),
  orderBy: fc.oneof(fc.constant([]), names),
  properties,
  query: fc.option(trees.query),
});

const volume = fc.record({
  kind: fc.constant('create_storage_volume' as const),
  pos: fc.constant(pos),
  ifNotExists: fc.boolean(),
  name: identifier,
  type: fc.constantFrom('S3', 'LOCAL'),
  locations: fc.array(text, { minLength: 1, maxLength: 2 }),
  comment: fc.option(text),
  properties,
});

const insert = fc
  .record({
    kind: fc.constant('insert' as const),
    pos: fc.constant(pos),
    overwrite: fc.boolean(),
    table: tableName,
    partitions,
    label: fc.option(name),
    columns: fc.option(names),
    byName: fc.boolean(),
    properties,
    query: trees.query,
  })
  .map((tree) => ({ ...tree, byName: tree.byName && tree.columns === null }));

/** CREATE TABLE AS SELECT: the columns are the query's. */
const createTableAs = fc
  .record({ table: createTable, columnNames: fc.oneof(fc.constant([]), names), query: trees.query })
  .map(({ table, ...rest }) => ({ ...table, ...rest, columns: [], indexes: [] }));

const viewColumns = fc.array(fc.record({ pos: fc.constant(pos), name, comment: fc.option(text) }), {
  maxLength: 2,
});

const createView = fc.record({
  kind: fc.constant('create_view' as const),
  pos: fc.constant(pos),
  orReplace: fc.boolean(),
  ifNotExists: fc.boolean(),
  name: tableName,
  columns: viewColumns,
  comment: fc.option(text),
  security: fc.constantFrom(null, 'NONE', 'INVOKER'),
  query: trees.query,
});

const alterView = fc.oneof(
  fc.record({
    kind: fc.constant('alter_view' as const),
    pos: fc.constant(pos),
    name: tableName,
    columns: viewColumns,
    query: trees.query,
    security: fc.constant(null),
  }),
  fc.record({
    kind: fc.constant('alter_view' as const),
    pos: fc.constant(pos),
    name: tableName,
    columns: fc.constant([]),
    query: fc.constant(null),
    security: fc.constantFrom('NONE', 'INVOKER'),
  }),
);

const position = fc.option(
  fc.oneof(
    fc.record({ kind: fc.constant('first') }),
    fc.record({ kind: fc.constant('after'), column: name }),
  ),
);

const columnClause = fc.oneof(
  fc.record({ kind: fc.constant('add_column'), column, position, properties }),
  fc.record({
    kind: fc.constant('add_columns'),
    columns: fc.array(column, { minLength: 1, maxLength: 2 }),
    properties,
  }),
  fc.record({ kind: fc.constant('drop_column'), name, properties }),
  fc.record({ kind: fc.constant('modify_column'), column, position, properties }),
  fc.record({ kind: fc.constant('comment_column'), name, comment: text }),
  fc.record({ kind: fc.constant('rename_column'), name, to: name }),
  fc.record({ kind: fc.constant('order_by'), columns: names, properties }),
);

const range = fc.oneof(
  fc.record({
    kind: fc.constant('less_than'),
    name,
    ifNotExists: fc.boolean(),
    bound: fc.option(fc.array(fc.option(text), { minLength: 1, maxLength: 2 })),
    properties,
  }),
  fc.record({
    kind: fc.constant('fixed'),
    name,
    ifNotExists: fc.boolean(),
    lower: fc.array(text, { minLength: 1, maxLength: 2 }),
    upper: fc.array(fc.option(text), { minLength: 1, maxLength: 2 }),
    properties,
  }),
  fc.record({
    kind: fc.constant('list'),
    name,
    ifNotExists: fc.boolean(),
    values: fc.array(fc.array(fc.option(text), { minLength: 1, maxLength: 2 }), {
      minLength: 1,
      maxLength: 2,
    }),
    properties,
  }),
);

const partitionClause = fc.oneof(
  fc.record({
    kind: fc.constant('add_partition'),
    temporary: fc.boolean(),
    partition: range,
    distributedBy: fc.constant(null),
    properties,
  }),
  fc.record({
    kind: fc.constant('drop_partition'),
    temporary: fc.boolean(),
    ifExists: fc.boolean(),
    what: names,
    force: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('rename_partition'), name, to: name }),
  fc.record({ kind: fc.constant('replace_partition'), names, by: names, properties }),
  fc.record({
    kind: fc.constant('modify_partition'),
    names: fc.option(names),
    properties: filled,
  }),
);

const cancelAlter = fc.record({
  kind: fc.constant('cancel_alter_table' as const),
  pos: fc.constant(pos),
  what: fc.constantFrom('COLUMN', 'ROLLUP', 'OPTIMIZE'),
  name: tableName,
  jobIds: fc.array(fc.nat().map(String), { maxLength: 2 }),
});

const alterTable = fc.record({
  kind: fc.constant('alter_table' as const),
  pos: fc.constant(pos),
  name: tableName,
  clauses: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('rename'), name }),
      fc.record({ kind: fc.constant('comment'), comment: text }),
      fc.record({ kind: fc.constant('set'), properties: filled }),
      fc.record({ kind: fc.constant('swap'), name }),
      columnClause,
      partitionClause,
    ),
    { minLength: 1, maxLength: 3 },
  ),
});

const alterDatabase = fc.record({
  kind: fc.constant('alter_database' as const),
  pos: fc.constant(pos),
  name: fc.record({ pos: fc.constant(pos), catalog: fc.constant(null), name }),
  change: fc.oneof(
    fc.record({ kind: fc.constant('rename'), name }),
    fc.record({ kind: fc.constant('set'), properties: filled }),
    fc.record({ kind: fc.constant('data_quota'), quota: fc.constantFrom('100GB', '1T', '17') }),
    fc.record({ kind: fc.constant('replica_quota'), quota: fc.constantFrom('1024') }),
  ),
});

for (const [label, arbitrary] of Object.entries({
  createRoutineLoad,
  createTable,
  createTableAs,
  createView,
  alterView,
  alterTable,
  cancelAlter,
  alterDatabase,
  volume,
  insert,
})) {
  test(`${label}: parse(print(tree)) is the tree`, () => {
    fc.assert(
      fc.property(arbitrary, (tree) => {
        const printed = printStatement(tree as unknown as Statement);
        assert.deepEqual(
          withoutPositions(parseStatement(printed)),
          withoutPositions(tree),
          printed,
        );
      }),
      { numRuns: Number(process.env['FC_RUNS'] ?? 60) },
    );
  });
}
