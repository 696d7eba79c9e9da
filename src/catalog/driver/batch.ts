// Several queries in one hop, all or nothing, whatever the database behind Kysely.
import type { Compilable, CompiledQuery, DatabaseConnection, Kysely } from 'kysely';
import { assert } from '../../base/assert.ts';
import type { MetadataTables } from '../schema/tables.ts';

export interface BatchConnection extends DatabaseConnection {
  /** Rows per query. Outside a transaction the batch is one by itself. */
  executeBatch(
    queries: readonly CompiledQuery[],
  ): Promise<readonly (readonly Record<string, unknown>[])[]>;
}

/** A Kysely or a transaction of it. */
export type MetadataDb = Kysely<MetadataTables>;

type RowsOf<Q> = Q extends Compilable<infer Row> ? readonly Row[] : never;

/**
 * Runs the queries in order and gives each one's rows. Inside a transaction they belong to it;
 * otherwise they are one. Updates give rows only by RETURNING.
 */
export async function runBatch<const Queries extends readonly Compilable[]>(
  db: MetadataDb,
  queries: Queries,
): Promise<{ -readonly [Index in keyof Queries]: RowsOf<Queries[Index]> }> {
  const compiled = queries.map((query) => query.compile());
  const rows = await db.getExecutor().provideConnection(async (connection) => {
    assert(isBatchConnection(connection), 'a driver of ours');
    return await connection.executeBatch(compiled);
  });
  assert(rows.length === queries.length, 'one result per query');
  // The rows come from the queries' own texts: the types that Kysely inferred for them hold.
  return rows as { -readonly [Index in keyof Queries]: RowsOf<Queries[Index]> };
}

type Group = Compilable | readonly Compilable[];
type GroupRows<G> = G extends Compilable
  ? RowsOf<G>
  : G extends readonly (infer Query)[]
    ? readonly RowsOf<Query>[]
    : never;

/** Like runBatch, with names: a group is one query or a list of queries, run in the order written. */
export async function runNamedBatch<const Groups extends Readonly<Record<string, Group>>>(
  db: MetadataDb,
  groups: Groups,
): Promise<{ -readonly [Name in keyof Groups]: GroupRows<Groups[Name]> }> {
  const entries = Object.entries(groups);
  const isList = (group: Group): group is readonly Compilable[] => Array.isArray(group);
  const results = await runBatch(
    db,
    entries.flatMap(([, group]) => (isList(group) ? group : [group])),
  );
  let next = 0;
  const named = entries.map(([name, group]) => {
    const count = isList(group) ? group.length : 1;
    const rows = results.slice(next, next + count);
    next += count;
    return [name, isList(group) ? rows : rows[0]];
  });
  // Built from the same entries in the same order: each name has its own query's rows.
  return Object.fromEntries(named) as { -readonly [Name in keyof Groups]: GroupRows<Groups[Name]> };
}

function isBatchConnection(connection: DatabaseConnection): connection is BatchConnection {
  return 'executeBatch' in connection;
}
