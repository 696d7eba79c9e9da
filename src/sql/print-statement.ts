// Statements -> StarRocks SQL. For logs, audit and tests; SHOW CREATE has layouts of its own in
// statements/. Properties are printed in clear text: whoever logs them must mask secrets first.
import type { AccountStatement } from './ast/account.ts';
import type { AdminStatement } from './ast/admin.ts';
import type { FileStatement } from './ast/file.ts';
import type { Identifier, Property } from './ast/node.ts';
import type { RoutineLoadStatement } from './ast/routine-load.ts';
import type { PrepareSource, SessionStatement, SetItem } from './ast/session.ts';
import type { ShowStatement } from './ast/show.ts';
import type { Statement } from './ast/statement.ts';
import type { TaskStatement } from './ast/task.ts';
import type { VolumeStatement } from './ast/volume.ts';
import { printExpression, printLimit, printOrderBy, printQuery } from './print.ts';
import { printAccount } from './print-account.ts';
import { printAdmin } from './print-admin.ts';
import { printChange } from './print-change.ts';
import { printDatabase, printDdl } from './print-ddl.ts';
import { printPartitionNames } from './print-query.ts';
import { printShow } from './print-show.ts';
import { printTask } from './print-task.ts';
import { printIdentifier, printName, printPropertyList, printString, words } from './print-text.ts';

/** One statement as SQL, without `;`. Parsing it gives the same tree. */
export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'query':
      return printQuery(statement);
    case 'create_database':
    case 'drop_database':
    case 'create_table':
    case 'create_table_like':
    case 'drop_table':
    case 'recover':
    case 'truncate_table':
    case 'alter_table':
    case 'cancel_alter_table':
    case 'alter_database':
    case 'create_view':
    case 'alter_view':
    case 'drop_view':
    case 'insert':
      return printDdl(statement);
    case 'delete':
    case 'update':
      return printChange(statement);
    case 'create_routine_load':
    case 'alter_routine_load':
    case 'pause_routine_load':
    case 'resume_routine_load':
    case 'stop_routine_load':
    case 'replay_routine_load':
    case 'check_routine_load':
    case 'show_routine_load':
    case 'show_routine_load_task':
    case 'show_create_routine_load':
    case 'describe_kafka':
      return printRoutineLoad(statement);
    case 'create_storage_volume':
    case 'alter_storage_volume':
    case 'drop_storage_volume':
    case 'show_storage_volumes':
    case 'describe_storage_volume':
    case 'set_default_storage_volume':
      return printVolume(statement);
    case 'create_file':
    case 'drop_file':
      return printFile(statement);
    case 'use_database':
    case 'set_variables':
    case 'kill':
    case 'begin':
    case 'commit':
    case 'rollback':
    case 'admin_set_config':
    case 'explain':
    case 'prepare':
    case 'execute':
    case 'deallocate':
      return printSession(statement);
    default:
      return printServer(statement);
  }
}

type Server = AccountStatement | AdminStatement | ShowStatement | TaskStatement;

/** What is about the server and who may use it. */
function printServer(statement: Server): string {
  switch (statement.kind) {
    case 'create_user':
    case 'alter_user':
    case 'drop_user':
    case 'set_password':
    case 'set_property':
    case 'execute_as':
    case 'create_role':
    case 'alter_role':
    case 'drop_role':
    case 'set_role':
    case 'set_default_role':
    case 'grant_privileges':
    case 'revoke_privileges':
    case 'grant_roles':
    case 'revoke_roles':
    case 'show_users':
    case 'show_authentication':
    case 'show_create_user':
    case 'show_property':
    case 'show_roles':
    case 'show_grants':
    case 'show_privileges':
      return printAccount(statement);
    case 'analyze_table':
    case 'check_table':
    case 'admin_sweep':
    case 'sync':
    case 'help':
    case 'lock_tables':
    case 'unlock_tables':
    case 'set_catalog':
      return printAdmin(statement);
    case 'submit_task':
    case 'drop_task':
      return printTask(statement);
    default:
      return printShow(statement);
  }
}

const name = (identifier: Identifier): string => printIdentifier(identifier.name);

function printVolume(statement: VolumeStatement): string {
  switch (statement.kind) {
    case 'create_storage_volume':
      return words(
        'CREATE STORAGE VOLUME',
        statement.ifNotExists && 'IF NOT EXISTS',
        name(statement.name),
        `TYPE = ${printIdentifier(statement.type)}`,
        `LOCATIONS = (${statement.locations.map(printString).join(', ')})`,
        statement.comment !== null && `COMMENT ${printString(statement.comment)}`,
        printProperties(statement.properties),
      );
    case 'alter_storage_volume':
      return words(
        'ALTER STORAGE VOLUME',
        name(statement.name),
        statement.comment !== null && `COMMENT ${printString(statement.comment)}`,
        statement.properties.length > 0 && `SET ${printPropertyList(statement.properties)}`,
      );
    case 'drop_storage_volume':
      return words('DROP STORAGE VOLUME', statement.ifExists && 'IF EXISTS', name(statement.name));
    case 'show_storage_volumes':
      return words(
        'SHOW STORAGE VOLUMES',
        statement.like !== null && `LIKE ${printString(statement.like)}`,
      );
    case 'describe_storage_volume':
      return `DESC STORAGE VOLUME ${name(statement.name)}`;
    case 'set_default_storage_volume':
      return `SET ${name(statement.name)} AS DEFAULT STORAGE VOLUME`;
  }
}

const printProperties = (properties: readonly Property[]): string =>
  properties.length === 0 ? '' : `PROPERTIES ${printPropertyList(properties)}`;

function printFile({ kind, name: file, database, properties }: FileStatement): string {
  return words(
    kind === 'create_file' ? 'CREATE FILE' : 'DROP FILE',
    printString(file),
    database !== null && `FROM ${printDatabase(database)}`,
    printProperties(properties),
  );
}

type Loads = Extract<RoutineLoadStatement, { kind: 'create_routine_load' | 'alter_routine_load' }>;

const jobName = ({ database, name: job }: Loads['name']): string =>
  database === null ? printIdentifier(job) : `${printIdentifier(database)}.${printIdentifier(job)}`;

function printRoutineLoad(statement: RoutineLoadStatement): string {
  switch (statement.kind) {
    case 'create_routine_load': {
      const head = `CREATE ROUTINE LOAD ${jobName(statement.name)} ON ${[statement.table, ...statement.furtherTables].map(printName).join(', ')}`;
      return words(head, printLoad(statement));
    }
    case 'alter_routine_load':
      return words(`ALTER ROUTINE LOAD FOR ${jobName(statement.name)}`, printLoad(statement));
    case 'pause_routine_load':
      return `PAUSE ROUTINE LOAD FOR ${jobName(statement.name)}`;
    case 'resume_routine_load':
      return `RESUME ROUTINE LOAD FOR ${jobName(statement.name)}`;
    case 'stop_routine_load':
      return `STOP ROUTINE LOAD FOR ${jobName(statement.name)}`;
    case 'replay_routine_load':
      return words(
        `REPLAY ROUTINE LOAD FOR ${jobName(statement.name)}`,
        statement.where !== null && `WHERE ${printExpression(statement.where)}`,
        printLimit(statement.limit),
      );
    case 'check_routine_load':
      return words(
        `CHECK ROUTINE LOAD FOR ${jobName(statement.name)}`,
        printLimit(statement.limit),
      );
    case 'show_routine_load':
      return words(
        statement.all ? 'SHOW ALL ROUTINE LOAD' : 'SHOW ROUTINE LOAD',
        statement.name !== null && `FOR ${jobName(statement.name)}`,
        statement.database !== null && `FROM ${name(statement.database)}`,
        statement.where !== null && `WHERE ${printExpression(statement.where)}`,
        printOrderBy(statement.orderBy),
        printLimit(statement.limit),
      );
    case 'show_routine_load_task':
      return words(
        'SHOW ROUTINE LOAD TASK',
        statement.database !== null && `FROM ${name(statement.database)}`,
        statement.where !== null && `WHERE ${printExpression(statement.where)}`,
      );
    case 'show_create_routine_load':
      return `SHOW CREATE ROUTINE LOAD ${jobName(statement.name)}`;
    case 'describe_kafka':
      return `DESC KAFKA ${printPropertyList(statement.properties)}`;
  }
}

function printLoad({ load, properties, source }: Loads): string {
  const columns = load.columns?.map((column) =>
    column.expression === null
      ? printIdentifier(column.name)
      : `${printIdentifier(column.name)} = ${printExpression(column.expression)}`,
  );
  const clauses = [
    load.columnSeparator !== null && `COLUMNS TERMINATED BY ${printString(load.columnSeparator)}`,
    load.rowDelimiter !== null && `ROWS TERMINATED BY ${printString(load.rowDelimiter)}`,
    columns !== undefined && `COLUMNS (${columns.join(', ')})`,
    printPartitionNames(load.partitions),
    load.where !== null && `WHERE ${printExpression(load.where)}`,
  ].filter((clause) => clause !== false && clause !== '');
  return words(
    clauses.join(', '),
    printProperties(properties),
    source !== null && `FROM ${source.type} ${printPropertyList(source.properties)}`,
  );
}

function printSession(statement: SessionStatement): string {
  switch (statement.kind) {
    case 'use_database': {
      const { catalog, name: database } = statement.name;
      return words(
        'USE',
        (catalog === null ? [database] : [catalog, database]).map(printIdentifier).join('.'),
      );
    }
    case 'set_variables':
      return `SET ${statement.items.map(printSetItem).join(', ')}`;
    case 'kill': {
      const id = /^[0-9]+$/.test(statement.id) ? statement.id : printString(statement.id);
      return `KILL ${statement.target} ${id}`;
    }
    case 'begin':
      return words(
        'BEGIN',
        statement.label !== null && `WITH LABEL ${printIdentifier(statement.label)}`,
      );
    case 'commit':
      return 'COMMIT';
    case 'rollback':
      return 'ROLLBACK';
    case 'admin_set_config':
      return `ADMIN SET FRONTEND CONFIG ${printPropertyList(statement.properties)}`;
    case 'explain': {
      const level = statement.level === 'NORMAL' ? '' : statement.level;
      return words('EXPLAIN', level, printStatement(statement.statement));
    }
    case 'prepare':
      return `PREPARE ${name(statement.name)} FROM ${printPrepareSource(statement.source)}`;
    case 'execute':
      return words(
        `EXECUTE ${name(statement.name)}`,
        statement.using.length > 0 && `USING ${statement.using.map(printVariable).join(', ')}`,
      );
    case 'deallocate':
      return `DEALLOCATE PREPARE ${name(statement.name)}`;
  }
}

const printVariable = (variable: string): string => `@${printIdentifier(variable)}`;

function printPrepareSource(source: PrepareSource): string {
  switch (source.kind) {
    case 'text':
      return printString(source.text);
    case 'variable':
      return printVariable(source.name);
    case 'statement':
      return printStatement(source.statement);
  }
}

function printSetItem(item: SetItem): string {
  switch (item.kind) {
    case 'system':
      return `${words(item.scope, printIdentifier(item.name))} = ${printExpression(item.value)}`;
    case 'user':
      return `@${printIdentifier(item.name)} = ${printExpression(item.value)}`;
    case 'names':
      return words(
        `NAMES ${item.charset === null ? 'DEFAULT' : printString(item.charset)}`,
        item.collation !== null && `COLLATE ${printString(item.collation)}`,
      );
    case 'character_set':
      return `CHARACTER SET ${item.charset === null ? 'DEFAULT' : printString(item.charset)}`;
    case 'transaction': {
      const isolation = item.isolation === null ? null : `ISOLATION LEVEL ${item.isolation}`;
      const parts = [isolation, item.access].filter((part) => part !== null);
      return words(item.scope, 'TRANSACTION', parts.join(', '));
    }
  }
}
