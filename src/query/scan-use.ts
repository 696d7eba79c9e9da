// What a typed query reads of its scans: the columns, and the simple filters that hold for every row it
// can use. Feeds column lists and the pruning of files; never changes the query.
import { type ComparisonExpression, childrenOf, type TypedExpression } from './expression.ts';
import { rejectsNulls } from './may-match.ts';
import type { BodyNode, QueryNode, RelationNode } from './query-node.ts';

/** A comparison of a scan's column with a constant, the column on the left. */
export interface ScanFilter {
  readonly column: string;
  readonly op: '=' | '<' | '<=' | '>' | '>=';
  readonly constant: string;
}

export interface ScanUse {
  /** Column names by scan alias. */
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>;
  /** Filters that every row used must pass, by scan alias. */
  readonly filters: ReadonlyMap<string, readonly ScanFilter[]>;
  /** Conditions of any kind that every row used makes TRUE, by scan alias. */
  readonly conditions: ReadonlyMap<string, readonly TypedExpression[]>;
}

const FLIPPED = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;

export function collectScanUse(query: QueryNode): ScanUse {
  const columns = new Map<string, Set<string>>();
  const filters = new Map<string, ScanFilter[]>();
  const conditions = new Map<string, TypedExpression[]>();
  const walk = new Walk(columns, filters, conditions);
  walk.query(query);
  return { columns, filters, conditions };
}

class Walk {
  readonly #columns: Map<string, Set<string>>;
  readonly #filters: Map<string, ScanFilter[]>;
  readonly #conditions: Map<string, TypedExpression[]>;

  constructor(
    columns: Map<string, Set<string>>,
    filters: Map<string, ScanFilter[]>,
    conditions: Map<string, TypedExpression[]>,
  ) {
    this.#columns = columns;
    this.#filters = filters;
    this.#conditions = conditions;
  }

  query(query: QueryNode): void {
    for (const cte of query.ctes) this.query(cte.query);
    this.#body(query.body);
    for (const item of query.orderBy) {
      if (item.kind === 'expression') this.#expression(item.key.expression);
    }
  }

  #body(body: BodyNode): void {
    switch (body.kind) {
      case 'nested':
      case 'converted':
        this.query(body.query);
        return;
      case 'set':
        this.#body(body.left.body);
        this.#body(body.right.body);
        return;
      case 'values':
        for (const item of body.rows.flat()) this.#expression(item);
        return;
      case 'select': {
        for (const item of body.items) this.#expression(item);
        if (body.from !== null) this.#relation(body.from);
        const groups =
          body.groupBy === null
            ? []
            : body.groupBy.kind === 'grouping_sets'
              ? body.groupBy.sets.flat()
              : body.groupBy.items;
        for (const item of [...groups, body.where, body.having, body.qualify]) {
          if (item !== null) this.#expression(item);
        }
        if (body.where !== null && body.from !== null) {
          const own = scanAliases(body.from);
          this.#collectFilters(body.where, own);
          this.#collectConditions(body.where, own, filledAliases(body.from));
        }
      }
    }
  }

  #relation(relation: RelationNode): void {
    switch (relation.kind) {
      case 'derived':
        this.query(relation.query);
        return;
      case 'table_function':
        for (const arg of relation.call.args) this.#expression(arg);
        return;
      case 'join':
        this.#relation(relation.left);
        this.#relation(relation.right);
        if (relation.on !== null) this.#expression(relation.on);
        return;
      default:
        return;
    }
  }

  #expression(expression: TypedExpression): void {
    if (expression.kind === 'column') {
      const known = this.#columns.get(expression.relation) ?? new Set();
      known.add(expression.column);
      this.#columns.set(expression.relation, known);
    }
    if (
      expression.kind === 'exists' ||
      expression.kind === 'scalar_subquery' ||
      expression.kind === 'in_subquery'
    ) {
      this.query(expression.query);
    }
    for (const child of childrenOf(expression)) this.#expression(child);
  }

  /**
   * A relation that an outer join fills up with NULLs may only lose rows where those NULLs are not wanted either:
   * without its match a row of the other side would turn up with them.
   */
  #collectConditions(
    where: TypedExpression,
    own: ReadonlySet<string>,
    filled: ReadonlySet<string>,
  ): void {
    if (where.kind === 'logical' && where.op === 'AND') {
      this.#collectConditions(where.left, own, filled);
      this.#collectConditions(where.right, own, filled);
      return;
    }
    for (const alias of own) {
      if (filled.has(alias) && !rejectsNulls(where, alias)) continue;
      const known = this.#conditions.get(alias) ?? [];
      known.push(where);
      this.#conditions.set(alias, known);
    }
  }

  /**
   * WHERE decides for all rows of its own FROM, also of outer joins: a NULL-extended row fails the
   * comparison as well. A column of the query around it (correlation) must not be taken for one of these.
   */
  #collectFilters(where: TypedExpression, own: ReadonlySet<string>): void {
    if (where.kind === 'logical' && where.op === 'AND') {
      this.#collectFilters(where.left, own);
      this.#collectFilters(where.right, own);
    } else if (where.kind === 'comparison') {
      this.#collectComparison(where, own);
    }
  }

  #collectComparison({ op, left, right }: ComparisonExpression, own: ReadonlySet<string>): void {
    if (op === '<>' || op === '<=>') return;
    const flipped = left.kind === 'literal';
    const [column, constant] = flipped ? [right, left] : [left, right];
    if (column.kind !== 'column' || constant.kind !== 'literal' || constant.text === null) return;
    if (!own.has(column.relation)) return;
    const known = this.#filters.get(column.relation) ?? [];
    known.push({ column: column.column, op: flipped ? FLIPPED[op] : op, constant: constant.text });
    this.#filters.set(column.relation, known);
  }
}

/** Aliases of the scans that stand directly in a FROM. */
function scanAliases(relation: RelationNode): ReadonlySet<string> {
  if (relation.kind === 'join') {
    return new Set([...scanAliases(relation.left), ...scanAliases(relation.right)]);
  }
  return new Set(relation.kind === 'scan' ? [relation.alias] : []);
}

/** Aliases of the scans for which an outer join may put in NULLs. */
function filledAliases(relation: RelationNode): ReadonlySet<string> {
  if (relation.kind !== 'join') return new Set();
  const { type, left, right } = relation;
  return new Set([
    ...(type === 'RIGHT' || type === 'FULL' ? scanAliases(left) : filledAliases(left)),
    ...(type === 'LEFT' || type === 'FULL' ? scanAliases(right) : filledAliases(right)),
  ]);
}
