// The plan of a typed query as a tree of operators for EXPLAIN: scans with the predicates and joins with the
// conditions that WHERE gives them, as the engine will place them. Texts only; nothing is run.
import { unreachable } from '../base/assert.ts';
import { explainExpression, sortText } from './explain-expression.ts';
import { type ColumnExpression, childrenOf, type TypedExpression } from './expression.ts';
import type {
  BodyNode,
  CteNode,
  GroupNode,
  JoinNode,
  OrderNode,
  QueryNode,
  RelationNode,
  SelectNode,
} from './query-node.ts';
import { containsAggregate, containsWindow } from './walk.ts';

/** One operator; the children are what it reads. */
export interface PlanNode {
  readonly title: string;
  readonly details: readonly string[];
  readonly children: readonly PlanNode[];
  /** Rows expected, by rules of thumb; null = no idea. */
  readonly rows: number | null;
}

/** A part of the plan with a name of its own: a WITH table, or a subquery inside an expression. */
export interface PlanPart {
  readonly name: string;
  readonly root: PlanNode;
}

export interface ExplainScan {
  readonly title: string;
  readonly details: readonly string[];
  /** Rows of the files that are read. */
  readonly rows: number;
}

export interface ExplainTree {
  readonly root: PlanNode;
  readonly parts: readonly PlanPart[];
}

/** What the tree is told about the tables. */
export interface ExplainFacts {
  /** What is known of a scan (by placeholder), given the predicates that fall to it. */
  readonly scanOf: (placeholder: string, predicates: readonly string[]) => ExplainScan;
  /** How a column is called. */
  readonly columnName: (column: ColumnExpression) => string;
}

export function explainTree(query: QueryNode, facts: ExplainFacts): ExplainTree {
  const builder = new TreeBuilder(facts);
  const root = builder.query(query);
  return { root, parts: builder.parts };
}

/** Share of rows that pass a predicate, by its form. Rules of thumb: no statistics of distinct values are kept. */
function selectivity(predicate: TypedExpression): number {
  if (predicate.kind === 'comparison') return predicate.op === '=' ? 0.1 : 0.33;
  return 0.5;
}

/** Rows of a grouped result as a share of its input. */
const GROUPED_SHARE = 0.1;

interface Placed {
  readonly node: PlanNode;
  /** Predicates that found no place below. */
  readonly left: readonly TypedExpression[];
}

class TreeBuilder {
  readonly parts: PlanPart[] = [];
  readonly #facts: ExplainFacts;
  readonly #ctes = new Map<string, string>();
  #subqueries = 0;

  constructor(facts: ExplainFacts) {
    this.#facts = facts;
  }

  query(query: QueryNode): PlanNode {
    for (const cte of query.ctes) this.#cte(cte);
    const body = this.#body(query.body);
    return this.#limited(query, this.#ordered(query, body));
  }

  #cte({ name, label, query }: CteNode): void {
    this.#ctes.set(name, label);
    this.parts.push({ name: `CTE ${label}`, root: this.query(query) });
  }

  readonly #text = (expression: TypedExpression): string =>
    explainExpression(expression, {
      column: this.#facts.columnName,
      subquery: ({ query }) => {
        this.#subqueries += 1;
        const number = this.#subqueries;
        this.parts.push({ name: `SUBQUERY ${number}`, root: this.query(query) });
        return `subquery ${number}`;
      },
    });

  #ordered(query: QueryNode, child: PlanNode): PlanNode {
    if (query.orderBy.length === 0) return child;
    const keys = query.orderBy.map((item) => this.#orderText(item, query));
    const title = query.limit === null ? 'SORT' : 'TOP-N';
    return { ...over(child, title, [`order by: ${keys.join(', ')}`]), rows: child.rows };
  }

  #orderText(item: OrderNode, query: QueryNode): string {
    if (item.kind === 'expression') {
      return sortText(this.#text(item.key.expression), item.key);
    }
    return sortText(query.columns[item.index]?.name ?? `${item.index + 1}`, item);
  }

  #limited({ limit }: QueryNode, node: PlanNode): PlanNode {
    if (limit === null) return node;
    const offset = limit.offset === 0n ? [] : [`offset: ${limit.offset}`];
    const count = Number(limit.count);
    return {
      ...node,
      details: [...node.details, ...offset, `limit: ${limit.count}`],
      rows: node.rows === null ? count : Math.min(node.rows, count),
    };
  }

  #body(body: BodyNode): PlanNode {
    switch (body.kind) {
      case 'select':
        return this.#select(body);
      case 'nested':
      case 'converted':
        return this.query(body.query);
      case 'values':
        return leaf('VALUES', [`rows: ${body.rows.length}`], body.rows.length);
      case 'set': {
        const children = [this.#body(body.left.body), this.#body(body.right.body)];
        const rows = children.every((child) => child.rows !== null)
          ? children.reduce((sum, child) => sum + (child.rows ?? 0), 0)
          : null;
        return { title: `${body.op}${body.all ? ' ALL' : ''}`, details: [], children, rows };
      }
      default:
        return unreachable(body, 'body');
    }
  }

  #select(select: SelectNode): PlanNode {
    const { node, left } = this.#from(select);
    let top = this.#filtered(node, left);
    top = this.#aggregated(select, top);
    const windows = select.items.flatMap((item) => windowsIn(item));
    if (windows.length > 0) {
      top = over(top, 'ANALYTIC', [`functions: ${windows.map(this.#text).join(', ')}`]);
    }
    if (select.qualify !== null) top = this.#filtered(top, conjuncts(select.qualify));
    if (select.distinct) top = { ...over(top, 'AGGREGATE', ['distinct']), rows: share(top.rows) };
    return top;
  }

  #from(select: SelectNode): Placed {
    const predicates = select.where === null ? [] : conjuncts(select.where);
    if (select.from === null) return { node: leaf('VALUES', ['rows: 1'], 1), left: predicates };
    return this.#relation(select.from, predicates);
  }

  #filtered(node: PlanNode, predicates: readonly TypedExpression[]): PlanNode {
    if (predicates.length === 0) return node;
    const details = [`predicates: ${predicates.map(this.#text).join(', ')}`];
    const rows = node.rows === null ? null : reduced(node.rows, predicates);
    return { ...over(node, 'SELECT', details), rows };
  }

  #aggregated(select: SelectNode, child: PlanNode): PlanNode {
    const aggregates = unique(
      [...select.items, ...(select.having === null ? [] : [select.having])]
        .flatMap(aggregatesIn)
        .map(this.#text),
    );
    if (select.groupBy === null && aggregates.length === 0) return child;
    const details: string[] = [];
    if (aggregates.length > 0) details.push(`output: ${aggregates.join(', ')}`);
    if (select.groupBy !== null) details.push(`group by: ${this.#groupText(select.groupBy)}`);
    if (select.having !== null) details.push(`having: ${this.#text(select.having)}`);
    const rows = select.groupBy === null ? 1 : share(child.rows);
    return { ...over(child, 'AGGREGATE', details), rows };
  }

  #groupText(groupBy: GroupNode): string {
    const list = (items: readonly TypedExpression[]): string => items.map(this.#text).join(', ');
    switch (groupBy.kind) {
      case 'simple':
        return list(groupBy.items);
      case 'rollup':
      case 'cube':
        return `${groupBy.kind.toUpperCase()} (${list(groupBy.items)})`;
      case 'grouping_sets':
        return `GROUPING SETS (${groupBy.sets.map((set) => `(${list(set)})`).join(', ')})`;
    }
  }

  #relation(relation: RelationNode, predicates: readonly TypedExpression[]): Placed {
    switch (relation.kind) {
      case 'scan':
        return this.#scan(relation, predicates);
      case 'cte': {
        const label = this.#ctes.get(relation.name) ?? relation.name;
        return { node: leaf('CTE SCAN', [`CTE: ${label}`], null), left: predicates };
      }
      case 'derived':
        return { node: this.query(relation.query), left: predicates };
      case 'table_function': {
        const { entry, args } = relation.call;
        const details = [`function: ${entry.names[0]}(${args.map(this.#text).join(', ')})`];
        return { node: leaf('TABLE FUNCTION', details, null), left: predicates };
      }
      case 'join':
        return this.#join(relation, predicates);
    }
  }

  #scan(
    { placeholder, alias }: Extract<RelationNode, { kind: 'scan' }>,
    predicates: readonly TypedExpression[],
  ): Placed {
    const [own, left] = split(predicates, (item) => isAbout(item, new Set([alias])));
    const { title, details, rows } = this.#facts.scanOf(placeholder, own.map(this.#text));
    return { node: leaf(title, details, reduced(rows, own)), left };
  }

  #join(join: JoinNode, predicates: readonly TypedExpression[]): Placed {
    const isInner = join.type === 'INNER' || join.type === 'CROSS';
    const sides = [aliasesOf(join.left), aliasesOf(join.right)] as const;
    const both = new Set([...sides[0], ...sides[1]]);
    const keepsLeft = isInner || ['LEFT', 'SEMI', 'ANTI'].includes(join.type);
    const [forLeft, rest] = split(predicates, (item) => keepsLeft && isAbout(item, sides[0]));
    const keepsRight = isInner || join.type === 'RIGHT';
    const [forRight, others] = split(rest, (item) => keepsRight && isAbout(item, sides[1]));
    const [own, left] = split(others, (item) => isInner && isAbout(item, both));
    const a = this.#relation(join.left, forLeft);
    const b = this.#relation(join.right, forRight);
    const conditions = [...(join.on === null ? [] : conjuncts(join.on)), ...own];
    const [equal, other] = split(conditions, (item) => isEquality(item, sides));
    const type = join.type === 'CROSS' && conditions.length > 0 ? 'INNER' : join.type;
    const details = [`join op: ${type} JOIN`];
    for (const item of equal) details.push(`equal join conjunct: ${this.#text(item)}`);
    if (other.length > 0)
      details.push(`other join predicates: ${other.map(this.#text).join(', ')}`);
    const node: PlanNode = {
      title: equal.length > 0 ? 'HASH JOIN' : 'NESTLOOP JOIN',
      details,
      children: [a.node, b.node],
      rows: joinRows(type, a.node.rows, b.node.rows, conditions.length > 0),
    };
    return { node, left: [...a.left, ...b.left, ...left] };
  }
}

function leaf(title: string, details: readonly string[], rows: number | null): PlanNode {
  return { title, details, children: [], rows };
}

function over(child: PlanNode, title: string, details: readonly string[]): PlanNode {
  return { title, details, children: [child], rows: child.rows };
}

const share = (rows: number | null): number | null =>
  rows === null ? null : Math.max(1, Math.round(rows * GROUPED_SHARE));

function reduced(rows: number, predicates: readonly TypedExpression[]): number {
  if (rows === 0) return 0;
  const passing = predicates.reduce((left, item) => left * selectivity(item), rows);
  return Math.max(1, Math.round(passing));
}

function joinRows(
  type: JoinNode['type'],
  left: number | null,
  right: number | null,
  conditional: boolean,
): number | null {
  if (left === null || right === null) return null;
  if (type === 'SEMI' || type === 'ANTI') return Math.max(1, Math.round(left / 2));
  return conditional ? Math.max(left, right) : left * right;
}

function conjuncts(expression: TypedExpression): readonly TypedExpression[] {
  if (expression.kind !== 'logical' || expression.op !== 'AND') return [expression];
  return [...conjuncts(expression.left), ...conjuncts(expression.right)];
}

function split<T>(items: readonly T[], test: (item: T) => boolean): readonly [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}

function aliasesOf(relation: RelationNode): ReadonlySet<string> {
  if (relation.kind !== 'join') return new Set([relation.alias]);
  return new Set([...aliasesOf(relation.left), ...aliasesOf(relation.right)]);
}

/** Does it read only these relations, and no subquery? */
function isAbout(expression: TypedExpression, aliases: ReadonlySet<string>): boolean {
  let columns = 0;
  const visit = (part: TypedExpression): boolean => {
    if (part.kind === 'column') {
      columns += 1;
      return aliases.has(part.relation);
    }
    const isSubquery = ['exists', 'scalar_subquery', 'in_subquery'].includes(part.kind);
    return !isSubquery && childrenOf(part).every(visit);
  };
  return visit(expression) && columns > 0;
}

function isEquality(
  expression: TypedExpression,
  [left, right]: readonly [ReadonlySet<string>, ReadonlySet<string>],
): boolean {
  if (expression.kind !== 'comparison' || (expression.op !== '=' && expression.op !== '<=>'))
    return false;
  const { left: a, right: b } = expression;
  return (isAbout(a, left) && isAbout(b, right)) || (isAbout(a, right) && isAbout(b, left));
}

function aggregatesIn(expression: TypedExpression): readonly TypedExpression[] {
  if (!containsAggregate(expression)) return [];
  if (expression.kind === 'aggregate') return [expression];
  return childrenOf(expression).flatMap(aggregatesIn);
}

function windowsIn(expression: TypedExpression): readonly TypedExpression[] {
  if (!containsWindow(expression)) return [];
  if (expression.kind === 'window') return [expression];
  return childrenOf(expression).flatMap(windowsIn);
}

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];
