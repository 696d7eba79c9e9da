// ALTER TABLE and ALTER DATABASE: columns, names, comments, properties, quotas. SOURCE: StarRocks docs, ALTER
// TABLE, ALTER DATABASE, CANCEL ALTER TABLE (3.3).
import { fail } from '../base/errors.ts';
import type { PartitionId } from '../base/ids.ts';
import { NeedsRewrite } from '../commit/schema-commit.ts';
import { analysisError } from '../loads/properties.ts';
import { partitionColumns } from '../model/partition-routing.ts';
import type { TableInfo } from '../model/table.ts';
import { partitionsNamed } from '../query/partition-names.ts';
import type { AlterColumnClause, AlterPartitionClause, AlterTableClause } from '../sql/ast/ddl.ts';
import type { TimeTravel } from '../sql/ast/query.ts';
import { alteredColumns } from './alter-columns.ts';
import { isColumnClause } from './alter-jobs.ts';
import { databaseOf } from './databases.ts';
import { checkName } from './names.ts';
import { alteredPartitions } from './partitions/alter.ts';
import { partitionsWhere } from './partitions/drop-where.ts';
import { checkClockRules } from './partitions/dynamic-properties.ts';
import { keepPartitions } from './partitions/keep.ts';
import { propertyMap } from './properties.ts';
import { constantValue, queryContext } from './query.ts';
import { alteredTableProperties } from './table-properties.ts';
import { findTable } from './tables.ts';
import { pointOf } from './time-travel.ts';
import { type Handler, OK, type StatementContext } from './types.ts';
import { variableText } from './variables.ts';

export const alterTable: Handler<'alter_table'> = async (statement, context) => {
  const table = await findTable(statement.name, context);
  const { clauses } = statement;
  const aboutColumns = clauses.filter(isColumnClause);
  const [first] = aboutColumns;
  if (first !== undefined) {
    const other = clauses.find((clause) => !isColumnClause(clause));
    if (other !== undefined) {
      throw analysisError(
        `Alter operation ${operation(other)} conflicts with operation ${operation(first)}: give them as two statements`,
      );
    }
    const { timeZone, nowMs } = queryContext(context).session;
    try {
      await context.services.changeSchema(table.id, (now, nextFieldId) =>
        alteredColumns(now, nextFieldId, aboutColumns, { timeZone, nowMs }),
      );
    } catch (error) {
      if (!(error instanceof NeedsRewrite)) throw error;
      await context.services.alterJobs.submit(error.table, statement, { timeZone, nowMs });
    }
    return OK;
  }
  const aboutPartitions = clauses.find(isPartitionClause);
  if (aboutPartitions !== undefined) {
    const other = clauses.find((clause) => clause !== aboutPartitions);
    if (other !== undefined) {
      throw analysisError(
        `Alter operation ${operation(other)} conflicts with operation ${operation(aboutPartitions)}: give them as two statements`,
      );
    }
    const dropped = await droppedWhere(aboutPartitions, table, context);
    await context.services.changePartitions(table.id, (now, partitions) => {
      if (dropped === null) return alteredPartitions(aboutPartitions, now, partitions);
      const drop = partitions.map(({ id }) => id).filter((id) => dropped.ids.includes(id));
      return drop.length === 0 ? null : { drop, force: dropped.force };
    });
    return OK;
  }
  for (const clause of clauses) {
    if (!isColumnClause(clause) && !isPartitionClause(clause)) await apply(clause, table, context);
  }
  return OK;
};

/** What DROP PARTITIONS WHERE means at this moment; null for another clause. */
async function droppedWhere(
  clause: AlterPartitionClause,
  table: TableInfo,
  context: StatementContext,
): Promise<{ readonly ids: readonly PartitionId[]; readonly force: boolean } | null> {
  if (clause.kind !== 'drop_partition') return null;
  const { what, temporary, force } = clause;
  if (!('kind' in what) || what.kind !== 'where') return null;
  return { ids: await partitionsWhere(table, what.condition, temporary, context), force };
}

function isPartitionClause(clause: AlterTableClause): clause is AlterPartitionClause {
  return clause.kind.endsWith('_partition');
}

const operation = ({ kind }: AlterTableClause): string => kind.toUpperCase();

/** Ends a change of columns that runs in the background; all others are done when their statement is. */
export const cancelAlterTable: Handler<'cancel_alter_table'> = async (statement, context) => {
  const table = await findTable(statement.name, context);
  const ids = statement.jobIds.map(Number);
  const isColumn = statement.what === 'COLUMN';
  if (isColumn && (await context.services.alterJobs.cancel(table.id, ids))) return OK;
  const state = { COLUMN: 'SCHEMA_CHANGE', ROLLUP: 'ROLLUP', OPTIMIZE: 'OPTIMIZE' };
  throw analysisError(`Table[${table.name}] is not under ${state[statement.what]}`);
};

async function apply(
  clause: Exclude<AlterTableClause, AlterColumnClause | AlterPartitionClause>,
  table: TableInfo,
  context: StatementContext,
): Promise<void> {
  const { services } = context;
  const { tables } = services.catalog;
  switch (clause.kind) {
    case 'rename':
      checkName('table', clause.name);
      if (clause.name === table.name) throw analysisError(`Same table name ${clause.name}`);
      await tables.alter(table.id, { name: clause.name });
      return;
    case 'comment':
      await tables.alter(table.id, { comment: clause.comment });
      return;
    case 'set': {
      if (clause.properties.some(({ key }) => key.toLowerCase() === 'storage_volume')) {
        throw fail('NOT_SUPPORTED', {
          what: 'moving a table to another storage volume',
          hint: 'CREATE TABLE ... AS SELECT with the other volume',
        });
      }
      const properties = alteredTableProperties(clause.properties, table.schema);
      const { partitioning } = table;
      const columns =
        partitioning === undefined ? [] : partitionColumns(partitioning, table.schema.columns);
      checkClockRules(
        { ...table.properties, ...properties },
        partitioning ?? null,
        columns.map(({ type }) => type),
      );
      await tables.alter(table.id, { properties });
      await keepPartitions(
        { ...table, properties: { ...table.properties, ...properties } },
        services,
      );
      return;
    }
    case 'rollback':
      await rollback(clause.to, table, context);
      return;
    case 'swap': {
      const other = await tables.get(table.databaseName, clause.name);
      if (other.id === table.id) throw analysisError(`Same table name ${clause.name}`);
      await tables.swap(table.id, other.id);
      return;
    }
    case 'compact': {
      const isWhole = table.partitioning === undefined;
      const partitions = isWhole ? null : await services.catalog.partitions.list(table.id);
      const named = { tableName: table.name, partitions };
      const chosen = partitionsNamed(named, clause.partitions, false);
      const ids = clause.partitions.length === 0 ? undefined : chosen?.map(({ id }) => id);
      services.compactions.request(table.id, ids ?? null);
    }
  }
}

/** The rows are those of an older version again; columns, properties and positions of loads stay as they are. */
async function rollback(
  to: TimeTravel,
  table: TableInfo,
  context: StatementContext,
): Promise<void> {
  const { session, services } = context;
  const database = await services.catalog.databases.byId(table.databaseId);
  if (database?.isSystem === true) {
    throw fail('SYSTEM_OBJECT', { what: 'table', name: table.name });
  }
  const zone = variableText('time_zone', 'session', session, services.globals) ?? 'UTC';
  const point = await pointOf(to, (expression) => constantValue(expression, context), zone);
  await services.rollback(table.id, point);
}

const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  B: 1n,
  K: 1n << 10n,
  KB: 1n << 10n,
  M: 1n << 20n,
  MB: 1n << 20n,
  G: 1n << 30n,
  GB: 1n << 30n,
  T: 1n << 40n,
  TB: 1n << 40n,
  P: 1n << 50n,
  PB: 1n << 50n,
};

export const alterDatabase: Handler<'alter_database'> = async (
  statement,
  { session, services },
) => {
  const name = databaseOf(statement.name);
  const { databases } = services.catalog;
  const { change } = statement;
  switch (change.kind) {
    case 'rename':
      checkName('database', change.name);
      await databases.alter(name, { name: change.name });
      if (session.database === name) session.database = change.name;
      return OK;
    case 'set': {
      const { storage_volume: volumeName, ...others } = propertyMap(change.properties);
      const unknown = Object.keys(others)[0];
      if (unknown !== undefined || volumeName === undefined) {
        throw analysisError(
          `Unknown property '${unknown ?? ''}' of ALTER DATABASE, known: storage_volume`,
        );
      }
      await databases.alter(name, { volumeName });
      return OK;
    }
    case 'data_quota':
      await databases.alter(name, { properties: { data_quota: quotaBytes(change.quota) } });
      return OK;
    case 'replica_quota':
      await databases.alter(name, { properties: { replica_quota: replicaQuota(change.quota) } });
      return OK;
  }
};

/** As the data quota: kept and shown. */
function replicaQuota(text: string): string {
  const replicas = BigInt(text);
  if (replicas <= 0n || replicas >= 1n << 63n) throw analysisError(`Invalid quota '${text}'`);
  return String(replicas);
}

/** `100GB` in bytes. Kept and shown; storage has no quota of ours. */
function quotaBytes(text: string): string {
  const match = /^(\d{1,18})([A-Z]*)$/.exec(text);
  const unit = UNITS[match?.[2] ?? 'none'];
  if (match === null || unit === undefined) {
    throw analysisError(`Invalid quota '${text}': a number and one of B, KB, MB, GB, TB, PB`);
  }
  const bytes = BigInt(match[1] ?? '0') * unit;
  if (bytes <= 0n || bytes >= 1n << 63n) throw analysisError(`Invalid quota '${text}'`);
  return String(bytes);
}
