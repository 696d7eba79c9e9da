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
    case 'json': {
      const names = distinct(result.columns);
      return JSON.stringify(
        result.rows.map((row) =>
          Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])),
        ),
        null,
        2,
      );
    }
  }
}

/** Names made distinct, `a_2` for a second `a`: an object could hold only one of them. */
function distinct(columns: readonly string[]): string[] {
  const seen = new Set<string>();
  return columns.map((column) => {
    let name = column;
    for (let count = 2; seen.has(name); count += 1) name = `${column}_${count}`;
    seen.add(name);
    return name;
  });
}

function printTable({ columns, rows }: TextResult): string {
  const shown = rows.map((row) => columns.map((_, index) => oneLine(row[index] ?? 'NULL')));
  const widths = columns.map((name, index) =>
    shown.reduce((most, row) => Math.max(most, width(row[index] ?? '')), width(name)),
  );
  const rule = `+${widths.map((size) => '-'.repeat(size + 2)).join('+')}+`;
  const line = (cells: readonly string[]): string =>
    `|${cells.map((cell, index) => ` ${pad(cell, widths[index] ?? 0)} `).join('|')}|`;
  return [rule, line(columns), rule, ...shown.map(line), rule].join('\n');
}

/** Control characters as escapes: a value must neither break the frame nor command the terminal. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (letter) => {
    const escaped = JSON.stringify(letter).slice(1, -1);
    const code = letter.codePointAt(0) ?? 0;
    return escaped.length === 2 ? escaped : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns that a terminal takes for the text. */
function width(text: string): number {
  let columns = 0;
  for (const letter of text) {
    if (!/\p{M}/u.test(letter)) columns += WIDE.test(letter) ? 2 : 1;
  }
  return columns;
}

function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
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
