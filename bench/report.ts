// One shape for every benchmark: a JSON object per benchmark with minimum and median over its repeats.

export interface Run {
  readonly rows: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

export interface BenchResult {
  readonly name: string;
  readonly rows: number;
  /** Medians over the repeats, and minima. */
  readonly seconds: number;
  readonly secondsMin: number;
  readonly cpuSeconds: number;
  readonly cpuSecondsMin: number;
  readonly rowsPerCpuSecond: number;
  readonly rowsPerCpuSecondBest: number;
  readonly rowsPerSecond: number;
  /** What the ratio is against, and its rows per CPU-second in the same run; null where there is none. */
  readonly baseline: string | null;
  readonly baselineRowsPerCpuSecond: number | null;
  readonly ratio: number | null;
  readonly peakRssBytes: number;
  readonly runs: number;
  /** Further figures, by name. */
  readonly figures: Readonly<Record<string, number>>;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function summarize(
  name: string,
  runs: readonly Run[],
  baseline: { readonly name: string; readonly runs: readonly Run[] } | null = null,
  figures: Readonly<Record<string, number>> = {},
): BenchResult {
  const rate = (run: Run): number => run.rows / run.cpuSeconds;
  const mine = median(runs.map(rate));
  const other = baseline === null ? null : median(baseline.runs.map(rate));
  return {
    name,
    rows: runs[0]?.rows ?? 0,
    seconds: round(median(runs.map((run) => run.seconds))),
    secondsMin: round(Math.min(...runs.map((run) => run.seconds))),
    cpuSeconds: round(median(runs.map((run) => run.cpuSeconds))),
    cpuSecondsMin: round(Math.min(...runs.map((run) => run.cpuSeconds))),
    rowsPerCpuSecond: Math.round(mine),
    rowsPerCpuSecondBest: Math.round(Math.max(...runs.map(rate))),
    rowsPerSecond: Math.round(median(runs.map((run) => run.rows / run.seconds))),
    baseline: baseline?.name ?? null,
    baselineRowsPerCpuSecond: other === null ? null : Math.round(other),
    ratio: other === null ? null : round(mine / other),
    peakRssBytes: Math.max(...runs.map((run) => run.peakRssBytes)),
    runs: runs.length,
    figures,
  };
}

export function round(value: number): number {
  return Number(value.toFixed(3));
}

const million = (value: number): string => `${(value / 1e6).toFixed(2)} M`;

/** One line for people. */
export function printResult(result: BenchResult): string {
  const figures = Object.entries(result.figures).map(([name, value]) => `${name} ${value}`);
  const parts = [
    result.name.padEnd(24),
    `${million(result.rowsPerCpuSecond)} rows/CPU-s`,
    `${million(result.rowsPerSecond)} rows/s`,
    `peak ${(result.peakRssBytes / 1e6).toFixed(0)} MB`,
    ...(result.ratio === null ? [] : [`${result.ratio} x ${result.baseline}`]),
    ...figures,
  ];
  return parts.join('  ');
}

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

/**
 * `text` (README.md) with these results in the table between its two markers; rows of other benchmarks stay. Throws
 * where a marker is missing.
 */
export function withBenchTable(
  text: string,
  results: readonly BenchResult[],
  machine: string,
): string {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) throw new Error(`README.md has no ${BEGIN} ... ${END}`);
  const head = text.slice(0, from + BEGIN.length);
  const names = new Set(results.map(({ name }) => `\`${name}\``));
  const others = text
    .slice(head.length, to)
    .split('\n')
    .filter((line) => line.startsWith('| `') && !names.has(line.split('|')[1]?.trim() ?? ''));
  return `${head}\n${benchTable(results, machine, others)}\n${text.slice(to)}`;
}

function benchTable(
  results: readonly BenchResult[],
  machine: string,
  others: readonly string[],
): string {
  const rows = results.map((result) => {
    const figures = Object.entries(result.figures).map(([name, value]) => `${name} ${value}`);
    return [
      `\`${result.name}\``,
      result.rows.toLocaleString('en-US'),
      million(result.rowsPerSecond),
      million(result.rowsPerCpuSecond),
      result.ratio === null ? '' : `${result.ratio} x ${result.baseline}`,
      `${(result.peakRssBytes / 1e6).toFixed(0)} MB`,
      figures.join(', '),
    ];
  });
  const head = [
    'Benchmark',
    'Rows',
    'Rows/s',
    'Rows per CPU-second',
    'Compared',
    'Peak memory',
    '',
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `Medians of 5 runs at most, on ${machine}:`,
    '',
    line(head),
    `|${head.map(() => '---').join('|')}|`,
    ...[...others, ...rows.map(line)],
  ].join('\n');
}
