// Rows as text for people and scripts: table, vertical, csv, json.

export type RowFormat = 'table' | 'vertical' | 'csv' | 'json';
export const ROW_FORMATS: readonly RowFormat[] = ['table', 'vertical', 'csv', 'json'];

export interface TextResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

export function printRows(result: TextResult, format: RowFormat): string {
  switch (format) {
    case 'table':
      return printTable(result);
    case 'vertical':
      return printVertical(result);
    case 'csv':
      return [result.columns, ...result.rows].map((row) => row.map(csvField).join(',')).join('\n');
    case 'json':
      return JSON.stringify(
        result.rows.map((row) =>
          Object.fromEntries(result.columns.map((name, index) => [name, row[index] ?? null])),
        ),
        null,
        2,
      );
  }
}

function printTable({ columns, rows }: TextResult): string {
  const widths = columns.map((name, index) =>
    rows.reduce((most, row) => Math.max(most, (row[index] ?? 'NULL').length), name.length),
  );
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const line = (cells: readonly (string | null)[]): string =>
    `|${cells.map((cell, index) => ` ${(cell ?? 'NULL').padEnd(widths[index] ?? 0)} `).join('|')}|`;
  return [rule, line(columns), rule, ...rows.map(line), rule].join('\n');
}

function printVertical({ columns, rows }: TextResult): string {
  const width = Math.max(0, ...columns.map((name) => name.length));
  return rows
    .flatMap((row, index) => [
      `${'*'.repeat(27)} ${index + 1}. row ${'*'.repeat(27)}`,
      ...columns.map((name, column) => `${name.padStart(width)}: ${row[column] ?? 'NULL'}`),
    ])
    .join('\n');
}

function csvField(value: string | null): string {
  if (value === null) return '\\N';
  return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
