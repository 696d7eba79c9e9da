// Compaction on the CN: reads the input files, writes one Parquet file with their rows in the order of the table's
// sort key, those of one key merged in AGGREGATE KEY tables, and stages it under the transaction's key. Nothing becomes
// visible here, and no input is touched.
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import { bloomFilterOptions } from '../model/bloom-filter.ts';
import { quoteLiteral } from '../model/duckdb-text.ts';
import { dataFileKey, mergedFileKey } from '../model/file-key.ts';
import {
  parquetCopyOptions,
  stagedFileFromStats,
  storeSelectList,
} from '../model/parquet-layout.ts';
import { sortColumns, sortItemsSql } from '../model/sort-key.ts';
import type { StagedFile, TableSchema } from '../model/table.ts';
import { mergeSql } from '../query/merge-sql.ts';
import {
  type CompactionOrder,
  type CompactionServices,
  type OrderedInputs,
  withOrderedInputs,
} from './compaction-inputs.ts';
import { keepMap } from './position-map.ts';

/**
 * Merges the inputs without their deleted rows; gives the staged output, or nothing when they hold no rows. Throws
 * engine and storage errors, INTERNAL when rows would be lost, and leaves no temporary file but the map of positions,
 * which `forgetMap` removes. What a crash leaves in the volume carries the transaction's id in its key.
 */
export async function runCompaction(
  order: CompactionOrder,
  services: CompactionServices,
  signal: AbortSignal,
): Promise<readonly StagedFile[]> {
  const { table, transactionId } = order;
  const { schema } = table;
  const uuid = services.random.uuid();
  const key =
    schema.keysType === 'AGG_KEYS'
      ? mergedFileKey(table.prefix, transactionId, uuid, keyFields(schema))
      : dataFileKey(table.prefix, transactionId, uuid);
  const output = join(services.tempDirectory, `compact-${uuid}.parquet`);
  const copies = [output];
  try {
    const [stats] = await services.engine.withConnection((connection) =>
      withOrderedInputs(
        order,
        services,
        { connection, copies, signal },
        schema.columns.map(({ name }) => name),
        async (inputs) => {
          const { withClause } = inputs;
          if (isLikelyToBeDeletedFrom(order)) {
            await keepMap(order, services, { ...inputs, connection, signal });
          }
          return connection.objects(
            `COPY (${withClause}${rowsSql(schema, inputs)}) TO ${quoteLiteral(output)} (${parquetCopyOptions(schema, table.properties['compression'])}${bloomFilterOptions(table.properties)})`,
            { signal },
          );
        },
      ),
    );
    const target = { volumeId: order.volume.id, key, schema };
    const staged = stagedFileFromStats(present(stats, 'statistics of the COPY'), target);
    await checkOutput(order, staged, output);
    if (staged.rowCount === 0) return [];
    signal.throwIfAborted();
    failpoint('compaction.before-put');
    await (await services.stores(order.volume)).putFile(key, output);
    failpoint('compaction.after-put');
    // Inputs are of one partition, or of a table without any.
    const partition = order.inputs[0]?.partition;
    return [partition === undefined ? staged : { ...staged, partition }];
  } finally {
    for (const path of copies) await rm(path, { force: true });
  }
}

function keyFields({ columns }: TableSchema): readonly number[] {
  return columns.filter(({ isKey }) => isKey).map(({ fieldId }) => fieldId);
}

/** The rows as they are, or those of one key merged into one, in the order of the sort key. */
function rowsSql(schema: TableSchema, { relation, fromSql }: OrderedInputs): string {
  const list = storeSelectList(schema);
  if (schema.keysType !== 'AGG_KEYS') return `SELECT ${list} FROM ${fromSql}`;
  const keys = schema.columns.filter((column) => column.isKey);
  const merged = mergeSql(schema.columns, keys, `SELECT * FROM ${relation}`);
  const order = sortColumns(schema).map(({ name }) => name);
  return `SELECT ${list} FROM (${merged}) AS merged ORDER BY ${sortItemsSql(order, 'merged')}`;
}

/** Making the map costs less while the inputs are at hand; elsewhere it is made when it is needed. */
function isLikelyToBeDeletedFrom({ table, inputs }: CompactionOrder): boolean {
  const { keysType } = table.schema;
  const isUpserted = keysType === 'PRIMARY_KEYS' || keysType === 'UNIQUE_KEYS';
  return isUpserted || inputs.some((file) => file.deletes.length > 0);
}

async function checkOutput(
  order: CompactionOrder,
  staged: StagedFile,
  path: string,
): Promise<void> {
  const inputRows = order.inputs.reduce((sum, file) => sum + file.rowCount - file.deletedRows, 0);
  const isMerged = order.table.schema.keysType === 'AGG_KEYS';
  const isRight = isMerged ? staged.rowCount <= inputRows : staged.rowCount === inputRows;
  if (!isRight || (staged.rowCount === 0 && inputRows > 0))
    throw fail('INTERNAL', {
      detail: `compaction of ${inputRows} rows wrote ${staged.rowCount}`,
    });
  const { size } = await stat(path);
  if (size !== staged.sizeBytes)
    throw fail('OBJECT_SIZE_MISMATCH', {
      key: staged.key,
      actual: size,
      expected: staged.sizeBytes,
    });
}
