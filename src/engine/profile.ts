// DuckDB's profile of a finished statement (EXPLAIN ANALYZE as JSON) -> lines of text: operators with their
// time and rows. Shows no generated SQL and no local path.

interface Operator {
  readonly name: string;
  readonly type: string;
  readonly seconds: number;
  readonly rows: number;
  readonly info: Readonly<Record<string, string>>;
  readonly children: readonly Operator[];
}

/** What an operator tells about itself and people can use. SOURCE: the `extra_info` keys of DuckDB's profiler. */
const SHOWN_INFO = [
  'Join Type',
  'Conditions',
  'Filters',
  'Dynamic Filters',
  'Expression',
  'Groups',
  'Aggregates',
  'Order By',
  'Top',
  'Scanning Files',
  'Total Files Read',
] as const;

/** Longest text of one detail. */
const MAX_INFO = 400;

/** @param json the value of EXPLAIN (ANALYZE, FORMAT JSON). Throws SyntaxError when it is no JSON. */
export function profileLines(json: string): readonly string[] {
  const root = asRecord(JSON.parse(json));
  const operators = childrenOf(root).flatMap((top) =>
    top.type === 'EXPLAIN_ANALYZE' ? top.children : [top],
  );
  const total = operators.reduce((sum, operator) => sum + secondsBelow(operator), 0);
  const lines = [
    'Summary',
    `    TotalTime: ${milliseconds(asNumber(root['latency']))}`,
    `    OperatorTime: ${milliseconds(total)}`,
    `    PeakMemory: ${asNumber(root['system_peak_buffer_memory'])} bytes`,
    `    ScanRows: ${operators.reduce((sum, operator) => sum + scanRows(operator), 0)}`,
    `    ResultRows: ${operators.reduce((sum, operator) => sum + operator.rows, 0)}`,
    'Operators',
  ];
  for (const operator of operators) addOperator(operator, 1, total, lines);
  return lines;
}

function addOperator(operator: Operator, depth: number, total: number, lines: string[]): void {
  const space = '    '.repeat(depth);
  const percent = total > 0 ? Math.round((100 * operator.seconds) / total) : 0;
  const time = `${milliseconds(operator.seconds)} (${percent}%)`;
  lines.push(`${space}${operator.name} [rows: ${operator.rows}, time: ${time}]`);
  for (const key of SHOWN_INFO) {
    const value = operator.info[key];
    if (value !== undefined) lines.push(`${space}  ${key}: ${value.slice(0, MAX_INFO)}`);
  }
  for (const child of operator.children) addOperator(child, depth + 1, total, lines);
}

const milliseconds = (seconds: number): string => `${(seconds * 1000).toFixed(3)}ms`;

function secondsBelow(operator: Operator): number {
  return operator.children.reduce((sum, child) => sum + secondsBelow(child), operator.seconds);
}

/** Rows that the scans gave. DuckDB's own counter of scanned rows adds up what it had expected before. */
function scanRows(operator: Operator): number {
  if (operator.type === 'TABLE_SCAN') return operator.rows;
  return operator.children.reduce((sum, child) => sum + scanRows(child), 0);
}

function childrenOf(record: Readonly<Record<string, unknown>>): readonly Operator[] {
  const { children } = record;
  return Array.isArray(children) ? children.map((child) => operatorOf(asRecord(child))) : [];
}

function operatorOf(record: Readonly<Record<string, unknown>>): Operator {
  const info: Record<string, string> = {};
  for (const [key, value] of Object.entries(asRecord(record['extra_info']))) {
    info[key] = (Array.isArray(value) ? value : [value]).map(String).join(', ');
  }
  const type = String(record['operator_type'] ?? '');
  return {
    name: String(record['operator_name'] ?? type).trim(),
    type,
    seconds: asNumber(record['operator_timing']),
    rows: asNumber(record['operator_cardinality']),
    info,
    children: childrenOf(record),
  };
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const asNumber = (value: unknown): number => (typeof value === 'number' ? value : 0);
