// Opens the catalog of a data directory: lock, key, schema, built-in objects, and a new leader epoch that
// fences everything an earlier process began.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely } from 'kysely';
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { asId, type Epoch, type TableId } from '../base/ids.ts';
import { tablePrefix } from '../model/file-key.ts';
import {
  REJECTED_RECORDS_SCHEMA,
  REJECTED_RECORDS_TABLE,
  STATISTICS_DATABASE,
} from '../model/system-tables.ts';
import { AccountStore } from './accounts.ts';
import { AlterJobStore } from './alter-job-store.ts';
import { AuditStore } from './audit-store.ts';
import { BeginStore } from './begin-store.ts';
import {
  type Catalog,
  type CatalogOptions,
  type CatalogScope,
  EACH_FILE_ITS_OWN_VOLUME,
  INFORMATION_SCHEMA,
  type Snapshot,
  SYS,
  type TableRef,
} from './catalog.ts';
import { CommitStore } from './commit-store.ts';
import { type CatalogContext, IdBlocks, insideTransaction } from './context.ts';
import { DatabaseStore } from './databases.ts';
import { DeleteStore } from './delete-store.ts';
import { SqliteClient, SqliteLocked } from './driver/sqlite-client.ts';
import { sqliteDialect } from './driver/sqlite-dialect.ts';
import { TaskLeaseStore } from './lease-store.ts';
import { LedgerStore } from './ledger.ts';
import { LoadJobStore } from './load-job-store.ts';
import { PartitionFileStore } from './partition-files.ts';
import { PartitionStore } from './partition-store.ts';
import { ReadCache } from './read-cache.ts';
import { RecycleBin } from './recycle-bin.ts';
import { RetentionStore } from './retention-store.ts';
import { migrate, readMigrations } from './schema/migrate.ts';
import type { MetadataTables } from './schema/tables.ts';
import { SchemaStore } from './schema-store.ts';
import { openKeyFile, type Sealer } from './secrets.ts';
import { SettingStore } from './settings.ts';
import { SmallFileStore } from './small-files.ts';
import { readTableSnapshot } from './snapshots.ts';
import { steadyTime } from './steady-time.ts';
import { emptyTable, TableStore } from './tables.ts';
import { TaskStore } from './task-store.ts';
import { TransactionChannelStore } from './transaction-channels.ts';
import { TransactionLoadStore } from './transaction-loads.ts';
import { TransactionStore } from './transactions.ts';
import { readSnapshot } from './travel.ts';
import { TurnStore } from './turn-store.ts';
import { VersionStore } from './version-store.ts';
import { ViewStore } from './views.ts';
import { VolumeStore } from './volumes.ts';

const DATABASE_FILE = 'metadata.db';
const KEY_FILE = 'metadata.key';
const PID_FILE = 'millrace.pid';
const KEY_CHECK = 'millrace';
/** Catalog objects that users make begin here, as StarRocks' do. */
const FIRST_OBJECT_ID = 10001;
const INFORMATION_SCHEMA_ID = 1;
const STATISTICS_ID = 2;
const REJECTED_RECORDS_ID = 3;
const SYS_ID = 4;
/** As in StarRocks; what the role may do is in access/. */
const ROOT_ROLE_ID = -1;

/**
 * Throws DATA_DIR_LOCKED, METADATA_TOO_NEW, METADATA_DAMAGED, METADATA_KEY_MISSING,
 * METADATA_KEY_WRONG, DISK_FULL, DATA_DIR_UNUSABLE.
 */
export async function openCatalog(options: CatalogOptions): Promise<Catalog> {
  const { dataDir, clock, random } = options;
  makeDirectory(dataDir);
  const path = join(dataDir, DATABASE_FILE);
  const pidPath = join(dataDir, PID_FILE);
  const client = await openLocked(path, options, pidPath);
  const dialect = sqliteDialect(client);
  const db = new Kysely<MetadataTables>({ dialect });
  // The connection belongs to the Kysely only once something ran on it; until then close the client.
  try {
    writeFileSync(pidPath, `${process.pid}\n`);
    const nowMs = steadyTime(clock);
    await migrate(db, path, readMigrations(), nowMs());
    const known = await db.selectFrom('incarnation').selectAll().executeTakeFirst();
    const keyPath = join(dataDir, KEY_FILE);
    const sealer = openKeyFile(keyPath, known === undefined, random);
    if (known !== undefined && sealer.unseal('key-check', known.key_check) !== KEY_CHECK) {
      throw fail('METADATA_KEY_WRONG', { path: keyPath });
    }
    const ids = new IdBlocks(db);
    const contextOf = (leaderEpoch: Epoch): CatalogContext => {
      const outside: CatalogContext = {
        db,
        atomically: (work) =>
          db
            .transaction()
            .execute((transaction) =>
              dialect.runInside(() => work(insideTransaction(outside, transaction))),
            ),
        sealer,
        random,
        nowMs,
        leaderEpoch,
        ids,
      };
      return outside;
    };
    // Nothing commits before the bootstrap has made this process the leader.
    const before = contextOf(asId<Epoch>(0));
    const leader = await before.atomically((context) => bootstrap(context, sealer));
    return new SqlCatalog(contextOf(leader.epoch), leader.incarnation, {
      reads: new ReadCache(() => client.writesSent),
      definitions: new ReadCache(() => client.definitionWritesSent),
      afterClose: () => rmSync(pidPath, { force: true }),
    });
  } catch (error) {
    await client.close();
    rmSync(pidPath, { force: true });
    throw isDiskFull(error) ? fail('DISK_FULL', { path: dataDir }, error) : error;
  }
}

function makeDirectory(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    if (isDiskFull(error)) throw fail('DISK_FULL', { path: dataDir }, error);
    const detail = error instanceof Error ? error.message : String(error);
    throw fail('DATA_DIR_UNUSABLE', { dataDir, detail }, error);
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC';
}

async function openLocked(
  path: string,
  { dataDir, onLost }: CatalogOptions,
  pidPath: string,
): Promise<SqliteClient> {
  try {
    return await SqliteClient.open(path, onLost === undefined ? {} : { onLost });
  } catch (error) {
    if (!(error instanceof SqliteLocked)) throw error;
    const pid = existsSync(pidPath) ? readFileSync(pidPath, 'utf8').trim() : '';
    throw fail('DATA_DIR_LOCKED', { dataDir, pid: pid === '' ? 'unknown' : pid }, error);
  }
}

/** Makes what every catalog has, once, and takes leadership: a new epoch, all leases and open transactions end. */
async function bootstrap(
  context: CatalogContext,
  sealer: Sealer,
): Promise<{ readonly epoch: Epoch; readonly incarnation: string }> {
  const { db, random, nowMs } = context;
  const known = await db.selectFrom('incarnation').select('id').executeTakeFirst();
  if (known === undefined) {
    const made = { uuid: random.uuid(), key_check: sealer.seal('key-check', KEY_CHECK) };
    await db
      .insertInto('incarnation')
      .values({ id: 1, created_ms: nowMs(), leader_epoch: 0, ...made })
      .execute();
    await db
      .insertInto('counters')
      .values([
        { name: 'object', next_value: FIRST_OBJECT_ID },
        { name: 'transaction', next_value: 1 },
        { name: 'file', next_value: 1 },
        { name: 'epoch', next_value: 1 },
        { name: 'ticket', next_value: 1 },
      ])
      .execute();
  }
  await putSystemObjects(context);
  await putRoot(context);
  const leader = await db
    .updateTable('incarnation')
    .set((eb) => ({ leader_epoch: eb('leader_epoch', '+', 1) }))
    .returning(['leader_epoch', 'uuid'])
    .executeTakeFirst();
  const reason = 'the front end was started again';
  await new TaskLeaseStore(context).revokeAll(reason);
  await db.deleteFrom('table_turns').execute();
  // PREPARED ones were promised to their clients and stay; what was staged of several loads is durable.
  await db
    .updateTable('transactions')
    .set({ state: 'ABORTED', finish_ms: nowMs(), reason })
    .where('state', '=', 'PREPARE')
    .where('scope', '<>', 'CLIENT')
    .execute();
  await new TransactionLoadStore(context).forgetRunning();
  await new TransactionChannelStore(context).forgetRunning();
  // Their sessions are gone.
  await db
    .updateTable('tables')
    .set({ dropped_ms: nowMs(), drop_kind: 'FORCE' })
    .where('session_id', '<>', '')
    .where('dropped_ms', 'is', null)
    .execute();
  const { leader_epoch, uuid } = present(leader, 'the incarnation row');
  return { epoch: asId<Epoch>(leader_epoch), incarnation: uuid };
}

/** The user root with the role root; made without a password, kept as it is afterwards. */
async function putRoot(context: CatalogContext): Promise<void> {
  const accounts = new AccountStore(context);
  const root = { name: 'root', host: '%' };
  await accounts.createUser({
    ...root,
    sha1Digest: '',
    sha256Digest: '',
    plugin: 'mysql_native_password',
    allRolesDefault: true,
  });
  await accounts.grantRole(ROOT_ROLE_ID, { type: 'USER', ...root });
  await accounts.purge();
}

/** Databases and tables that come with the program; their definitions follow the code. */
async function putSystemObjects({ db, nowMs }: CatalogContext): Promise<void> {
  const database = {
    volume_id: null,
    is_system: 1,
    properties_json: '{}',
    created_ms: nowMs(),
    dropped_ms: null,
    drop_kind: '' as const,
  };
  await db
    .insertInto('databases')
    .values([
      { id: INFORMATION_SCHEMA_ID, name: INFORMATION_SCHEMA, ...database },
      { id: STATISTICS_ID, name: STATISTICS_DATABASE, ...database },
      { id: SYS_ID, name: SYS, ...database },
    ])
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  const definition = emptyTable(REJECTED_RECORDS_SCHEMA);
  await db
    .insertInto('tables')
    .values({
      id: REJECTED_RECORDS_ID,
      database_id: STATISTICS_ID,
      name: REJECTED_RECORDS_TABLE,
      ...definition,
      volume_id: EACH_FILE_ITS_OWN_VOLUME,
      prefix: tablePrefix(STATISTICS_DATABASE, REJECTED_RECORDS_TABLE, REJECTED_RECORDS_ID),
      comment: '',
      distributed_by_json: '[]',
      buckets: null,
      properties_json: '{}',
      created_ms: nowMs(),
    })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({
        schema_json: definition.schema_json,
        next_field_id: definition.next_field_id,
      }),
    )
    .execute();
}

class Scope implements CatalogScope {
  readonly volumes: VolumeStore;
  readonly databases: DatabaseStore;
  readonly tables: TableStore;
  readonly views: ViewStore;
  readonly accounts: AccountStore;
  readonly tasks: TaskStore;
  readonly alterJobs: AlterJobStore;
  readonly variables: SettingStore;
  readonly frontendConfig: SettingStore;
  readonly loadJobs: LoadJobStore;
  readonly leases: TaskLeaseStore;
  readonly transactions: TransactionStore;
  readonly ledger: LedgerStore;
  readonly transactionLoads: TransactionLoadStore;
  readonly transactionChannels: TransactionChannelStore;
  readonly begins: BeginStore;
  readonly commits: CommitStore;
  readonly deletes: DeleteStore;
  readonly partitions: PartitionStore;
  readonly partitionFiles: PartitionFileStore;
  readonly schemas: SchemaStore;
  readonly turns: TurnStore;
  readonly retention: RetentionStore;
  readonly versions: VersionStore;
  readonly audit: AuditStore;
  readonly recycleBin: RecycleBin;
  readonly smallFiles: SmallFileStore;

  constructor(context: CatalogContext) {
    this.volumes = new VolumeStore(context);
    this.databases = new DatabaseStore(context);
    this.tables = new TableStore(context);
    this.views = new ViewStore(context);
    this.accounts = new AccountStore(context);
    this.tasks = new TaskStore(context);
    this.alterJobs = new AlterJobStore(context);
    this.variables = new SettingStore(context, 'global_variables');
    this.frontendConfig = new SettingStore(context, 'frontend_config');
    this.loadJobs = new LoadJobStore(context);
    this.leases = new TaskLeaseStore(context);
    this.transactions = new TransactionStore(context);
    this.ledger = new LedgerStore(context);
    this.transactionLoads = new TransactionLoadStore(context);
    this.transactionChannels = new TransactionChannelStore(context);
    this.begins = new BeginStore(context);
    this.commits = new CommitStore(context);
    this.deletes = new DeleteStore(context);
    this.partitions = new PartitionStore(context);
    this.partitionFiles = new PartitionFileStore(context);
    this.schemas = new SchemaStore(context);
    this.turns = new TurnStore(context);
    this.retention = new RetentionStore(context);
    this.versions = new VersionStore(context);
    this.audit = new AuditStore(context);
    this.recycleBin = new RecycleBin(context);
    this.smallFiles = new SmallFileStore(context);
  }
}

class SqlCatalog extends Scope implements Catalog {
  readonly incarnation: string;
  readonly #context: CatalogContext;
  readonly #reads: ReadCache;
  readonly #definitions: ReadCache;
  readonly #afterClose: () => void;

  constructor(
    context: CatalogContext,
    incarnation: string,
    {
      reads,
      definitions,
      afterClose,
    }: {
      readonly reads: ReadCache;
      readonly definitions: ReadCache;
      readonly afterClose: () => void;
    },
  ) {
    super(context);
    this.#context = context;
    this.incarnation = incarnation;
    this.#reads = reads;
    this.#definitions = definitions;
    this.#afterClose = afterClose;
  }

  get leaderEpoch(): Epoch {
    return this.#context.leaderEpoch;
  }

  token(text: string): string {
    return this.#context.sealer.token(text);
  }

  nowMs(): number {
    return this.#context.nowMs();
  }

  transaction<T>(work: (scope: CatalogScope) => Promise<T>): Promise<T> {
    return this.#context.atomically((context) => work(new Scope(context)));
  }

  snapshot(refs: readonly TableRef[]): Promise<Snapshot> {
    // What a table was goes by the clock, too: versions end.
    if (refs.some(({ at }) => at !== undefined)) return readSnapshot(this.#context, refs);
    const parts = refs.flatMap((ref) => [ref.databaseName, ref.tableName, ref.sessionId ?? '']);
    return this.#reads.get(
      JSON.stringify(['snapshot', ...parts]),
      () => readSnapshot(this.#context, refs),
      ({ tables }) => {
        const files = tables.flatMap((table) => table?.files ?? []);
        return files.reduce((sum, { deletes }) => sum + 1 + deletes.length, 0);
      },
    );
  }

  remember<T>(key: readonly string[], read: () => Promise<T>): Promise<T> {
    return this.#reads.get(JSON.stringify(['other', ...key]), read, () => 0);
  }

  rememberDefinition<T>(key: readonly string[], read: () => Promise<T>): Promise<T> {
    return this.#definitions.get(JSON.stringify(key), read, () => 0);
  }

  snapshotOf(id: TableId): ReturnType<Catalog['snapshotOf']> {
    return readTableSnapshot(this.#context, id);
  }

  async close(): Promise<void> {
    await this.#context.db.destroy();
    this.#afterClose();
  }
}
