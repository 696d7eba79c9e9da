// EXPLAIN: what a query's plan looks like, as lines of text in the manner of StarRocks. Which files each scan
// reads and leaves out comes from the same pruning that running it uses.

import { printSqlType } from '../model/sql-type.ts';
import type { DataFile } from '../model/table.ts';
import type { Query } from '../sql/ast/query.ts';
import type { Analysis } from './analysis.ts';
import type { QueryContext } from './catalog.ts';
import { type ExplainScan, explainTree, type PlanNode } from './explain-tree.ts';
import { analysePlan, type PlannedScan } from './plan-query.ts';
import { columnRange } from './prune-files.ts';
import type { QueryNode } from './query-node.ts';

/** How much is shown: VERBOSE adds files, columns and types, COSTS estimates and column ranges. */
export type ExplainDetail = 'NORMAL' | 'LOGICAL' | 'VERBOSE' | 'COSTS';

/** Files named for each scan under VERBOSE; the others are counted. */
const MAX_FILES_SHOWN = 50;

/**
 * The lines of EXPLAIN. `sink` is what takes the rows: `RESULT SINK`, or the lines of a table's sink.
 * @throws as planQuery does.
 */
export function explainQuery(
  query: Query,
  text: string,
  context: QueryContext,
  detail: ExplainDetail,
  sink: readonly string[] = ['RESULT SINK'],
): readonly string[] {
  const { node, analysis, scans } = analysePlan(query, text, context);
  const byPlaceholder = new Map(scans.map((scan) => [scan.placeholder, scan]));
  const several = analysis.relationNames.size > 1;
  const tree = explainTree(node, {
    scanOf: (placeholder, predicates) => {
      const scan = byPlaceholder.get(placeholder);
      return scan === undefined
        ? inlineScan(placeholder, predicates, analysis)
        : storedScan(scan, predicates, detail);
    },
    columnName: ({ relation, display }) => {
      const name = several ? analysis.relationNames.get(relation) : undefined;
      return name === undefined ? display : `${name}.${display}`;
    },
  });
  const render = new Renderer(detail);
  if (detail === 'LOGICAL') {
    const parts = tree.parts.flatMap(({ name, root }) => [`- ${name}`, ...render.logical(root, 0)]);
    return [outputLine(node, detail), ...render.logical(tree.root, 0), ...parts];
  }
  const lines = ['PLAN FRAGMENT 0', ` OUTPUT EXPRS: ${outputLine(node, detail)}`, ''];
  lines.push(...sink.map((line) => `  ${line}`), '', ...indented(render.physical(tree.root)));
  for (const part of tree.parts) {
    lines.push('', `  ${part.name}`, '', ...indented(render.physical(part.root)));
  }
  return lines;
}

const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

function outputLine(node: QueryNode, detail: ExplainDetail): string {
  const shown = node.columns.map(({ name, type }) =>
    detail === 'VERBOSE' ? `${name} [${printSqlType(type)}]` : name,
  );
  return detail === 'LOGICAL' ? `- Output => [${shown.join(', ')}]` : shown.join(' | ');
}

function inlineScan(
  placeholder: string,
  predicates: readonly string[],
  analysis: Analysis,
): ExplainScan {
  const table = analysis.inlineTables.find((inline) => inline.placeholder === placeholder);
  const details = [`TABLE: ${analysis.tableNames.get(placeholder) ?? placeholder}`];
  if (predicates.length > 0) details.push(`PREDICATES: ${predicates.join(', ')}`);
  return { title: 'SCHEMA SCAN', details, rows: table?.rows.length ?? 0 };
}

function storedScan(
  scan: PlannedScan,
  predicates: readonly string[],
  detail: ExplainDetail,
): ExplainScan {
  const { files, allFiles, schema, columns } = scan;
  const pruned = allFiles.length - files.length;
  const rows = sum(files, (file) => file.rowCount - file.deletedRows);
  const details = [`TABLE: ${scan.tableName}`];
  if (predicates.length > 0) details.push(`PREDICATES: ${predicates.join(', ')}`);
  const { partitionCounts } = scan;
  if (partitionCounts !== null) {
    details.push(`partitions=${partitionCounts.read}/${partitionCounts.all}`);
  }
  details.push(`files=${files.length}/${allFiles.length} (${pruned} pruned)`);
  // Are rows of one key merged by the query itself, or before it? As StarRocks says it.
  if (schema.keysType === 'AGG_KEYS') {
    details.push(`PREAGGREGATION: ${scan.unmerged === true ? 'ON' : 'OFF'}`);
  }
  details.push(`rows=${rows}, bytes=${sum(files, (file) => file.sizeBytes)}`);
  const read = schema.columns.filter((column) => columns.includes(column.name));
  if (detail === 'VERBOSE') {
    const typed = read.map(({ name, type }) => `${name} [${printSqlType(type)}]`);
    details.push(`columns: ${typed.length === 0 ? 'none' : typed.join(', ')}`);
    details.push(...files.slice(0, MAX_FILES_SHOWN).map(fileLine));
    if (files.length > MAX_FILES_SHOWN) {
      details.push(`  ... ${files.length - MAX_FILES_SHOWN} more files`);
    }
  } else if (read.length < schema.columns.length) {
    details.push(`columns=${read.length}/${schema.columns.length}`);
  }
  if (detail === 'COSTS') {
    details.push('column ranges:');
    for (const column of read) {
      const range = columnRange(column, files);
      details.push(`  * ${column.name}-->${range}`);
    }
  }
  return { title: 'OlapScanNode', details, rows };
}

function fileLine({ key, rowCount, sizeBytes }: DataFile): string {
  return `  file: ${key} (rows=${rowCount}, bytes=${sizeBytes})`;
}

function sum(files: readonly DataFile[], value: (file: DataFile) => number): number {
  return files.reduce((total, file) => total + value(file), 0);
}

class Renderer {
  readonly #detail: ExplainDetail;
  #next = 0;

  constructor(detail: ExplainDetail) {
    this.#detail = detail;
  }

  /** `id:TITLE` with its details, then what it reads; ids count from the leaves. */
  physical(node: PlanNode): readonly string[] {
    const [main, ...others] = node.children;
    const below = main === undefined ? [] : this.physical(main);
    const beside = others.map((child) => this.physical(child));
    const id = this.#next++;
    const pipe = main === undefined ? '   ' : '|  ';
    const lines = [`${id}:${node.title}`];
    lines.push(...this.#details(node).map((line) => `${pipe}${line}`));
    if (main === undefined) return lines;
    for (const child of beside) {
      const [first = '', ...rest] = child;
      lines.push('|', `|----${first}`, ...rest.map((line) => `|    ${line}`));
    }
    return [...lines, '|', ...below];
  }

  /** One operator a line, what it reads below it, further in. */
  logical(node: PlanNode, depth: number): readonly string[] {
    const space = '    '.repeat(depth + 1);
    const lines = [`${space}- ${node.title}`];
    lines.push(...this.#details(node).map((line) => `${space}        ${line}`));
    for (const child of node.children) lines.push(...this.logical(child, depth + 1));
    return lines;
  }

  #details(node: PlanNode): readonly string[] {
    if (this.#detail === 'NORMAL' || this.#detail === 'VERBOSE') return node.details;
    return [...node.details, `cardinality: ${node.rows ?? 'unknown'}`];
  }
}
