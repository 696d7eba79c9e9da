// State of one statement's analysis: generated names, the scans and inline tables found so far, and the
// session. One instance per statement, thrown away with it.
import { fail } from '../base/errors.ts';
import type { InlineTable } from '../model/query-plan.ts';
import type { DataFile, TableSchema, VolumeSpec } from '../model/table.ts';
import type { TablePoint } from '../model/table-point.ts';
import type { QualifiedName } from '../sql/ast/node.ts';
import type { StarItem } from '../sql/ast/query.ts';
import type { QueryCatalog, QuerySession, QueryTable } from './catalog.ts';
import type { FunctionTable } from './functions/entry.ts';
import { FUNCTION_TABLE } from './functions/table.ts';
import { MAX_SUBQUERY_DEPTH } from './limits.ts';
import type { ScanPartitions } from './prune-partitions.ts';

/** A scan while it is collected: columns are added as names resolve to them. */
export interface ScanDraft {
  readonly placeholder: string;
  readonly alias: string;
  readonly schema: TableSchema;
  readonly files: readonly DataFile[];
  readonly volumes: readonly VolumeSpec[];
  /** The relation has `__file` and `__row` too: see QueryScan. */
  readonly positions?: true;
  /** Those that the files may be of; absent in a table without partitions. */
  readonly partitions?: ScanPartitions;
}

/** Most tables, subqueries and functions in one statement: a bound on work, far above what people write. */
const MAX_RELATIONS = 1000;

export interface AnalysisInput {
  readonly catalog: QueryCatalog;
  readonly session: QuerySession;
  /** The statement's own text, for the names of unnamed columns; '' when not known. */
  readonly text: string;
  /** Load expressions run later than they are planned: now() then stays a call. */
  readonly evaluateLater: boolean;
}

export class Analysis {
  readonly catalog: QueryCatalog;
  readonly session: QuerySession;
  readonly text: string;
  readonly evaluateLater: boolean;
  readonly functions: FunctionTable = FUNCTION_TABLE;
  /** What each `*` stands for, as paths: for views, which keep the columns they were made with. */
  readonly stars = new Map<StarItem, readonly (readonly string[])[]>();
  readonly scans: ScanDraft[] = [];
  readonly inlineTables: InlineTable[] = [];
  /** Full names of the tables behind scans, by placeholder: for people to read. */
  readonly tableNames = new Map<string, string>();
  /** What relations are called, by their generated alias: for people to read. */
  readonly relationNames = new Map<string, string>();
  /** How many relations a WITH table adds to a join that reads it, by generated name. */
  readonly cteWidths = new Map<string, number>();
  #subqueryDepth = 0;
  #relations = 0;
  #names = 0;

  constructor(input: AnalysisInput) {
    this.catalog = input.catalog;
    this.session = input.session;
    this.text = input.text;
    this.evaluateLater = input.evaluateLater;
  }

  /** A relation alias that nothing else in the statement has. @throws LIMIT_EXCEEDED beyond 1000 relations. */
  nextAlias(): string {
    if (this.#relations >= MAX_RELATIONS) {
      throw fail('LIMIT_EXCEEDED', {
        what: 'the number of tables and subqueries in a statement',
        actual: this.#relations + 1,
        limit: MAX_RELATIONS,
      });
    }
    return `t${this.#relations++}`;
  }

  /** Analyses a subquery inside an expression. @throws LIMIT_EXCEEDED when too many stand one in another. */
  inSubquery<T>(work: () => T): T {
    if (this.#subqueryDepth >= MAX_SUBQUERY_DEPTH) {
      throw fail('LIMIT_EXCEEDED', {
        what: 'the nesting depth of subqueries inside expressions',
        actual: this.#subqueryDepth + 1,
        limit: MAX_SUBQUERY_DEPTH,
        hint: 'use WITH, or join',
      });
    }
    this.#subqueryDepth += 1;
    try {
      return work();
    } finally {
      this.#subqueryDepth -= 1;
    }
  }

  /** A name for a WITH table or a lambda parameter. */
  nextName(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  /** The table of a reference, and its full name. @throws NO_DATABASE, UNKNOWN_DATABASE, UNKNOWN_TABLE. */
  lookUpTable(
    name: QualifiedName,
    at?: TablePoint,
  ): { readonly table: QueryTable; readonly database: string } {
    if (name.catalog !== null && name.catalog.toLowerCase() !== 'default_catalog') {
      throw fail('SQL_ANALYZE', { detail: `Unknown catalog '${name.catalog}'` });
    }
    const database = name.database ?? this.session.currentDatabase;
    if (database === null) throw fail('NO_DATABASE');
    if (!this.catalog.hasDatabase(database)) throw fail('UNKNOWN_DATABASE', { database });
    const table = this.catalog.table(database, name.name, at);
    if (table === undefined) throw fail('UNKNOWN_TABLE', { table: `${database}.${name.name}` });
    return { table, database };
  }
}
