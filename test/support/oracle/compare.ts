// Runs the cases on both servers, many to a statement, and tells where the answers differ. Each case is
// asked twice: over a table of values (what the engine computes) and with the values written in the
// statement (what the planner may have folded).
import type { Comparison, OracleCase } from './cases.ts';
import { filled, placesOf } from './cases.ts';
import type { Draws, OracleValue } from './values.ts';

/** One side: a statement to rows of texts; throws what the server says. */
export type Ask = (sql: string) => Promise<readonly (readonly (string | null)[])[]>;

export interface Sides {
  readonly millrace: Ask;
  readonly mariadb: Ask;
}

export interface Compared {
  readonly name: string;
  readonly form: 'column' | 'literal';
  /** The expression with its values, as Millrace got it. */
  readonly sql: string;
  /** Values by place, in Millrace's SQL. */
  readonly values: Readonly<Record<string, string>>;
  /** `error: ...` where the server refused. */
  readonly millrace: string | null;
  readonly mariadb: string | null;
  readonly equal: boolean;
}

type Row = ReadonlyMap<string, OracleValue>;

/** `rows` comparisons of each form. */
export async function compareCase(
  item: OracleCase,
  sides: Sides,
  draws: Draws,
  rows: number,
): Promise<readonly Compared[]> {
  const places = placesOf(item);
  const drawn: Row[] = Array.from(
    { length: places.length === 0 ? 1 : rows },
    () => new Map(places.map((place) => [place.name, draws.value(place.kind)])),
  );
  const columns = places.length === 0 ? [] : await answers(item, 'column', drawn, sides);
  return [...columns, ...(await answers(item, 'literal', drawn, sides))];
}

/** One comparison with the values given as SQL that both sides understand. */
export async function compareOne(
  item: OracleCase,
  sides: Sides,
  values: Readonly<Record<string, string>>,
): Promise<Compared> {
  const row = new Map(
    Object.entries(values).map(([name, sql]) => [name, { millrace: sql, mariadb: sql }]),
  );
  const [found] = await answers(item, 'literal', [row], sides);
  if (found === undefined) throw new Error(`no answer to ${item.millrace}`);
  return found;
}

async function answers(
  item: OracleCase,
  form: 'column' | 'literal',
  rows: readonly Row[],
  sides: Sides,
): Promise<readonly Compared[]> {
  const build = form === 'column' ? columnStatement : literalStatement;
  const [mine, theirs] = await Promise.all([
    ask(sides.millrace, (part) => build(item, 'millrace', part), rows),
    ask(sides.mariadb, (part) => build(item, 'mariadb', part), rows),
  ]);
  return rows.map((row, i) => {
    const millrace = mine[i] ?? null;
    const mariadb = theirs[i] ?? null;
    return {
      name: item.name,
      form,
      sql: filled(item.millrace, (name) => row.get(name)?.millrace ?? ''),
      values: Object.fromEntries([...row].map(([name, value]) => [name, value.millrace])),
      millrace,
      mariadb,
      equal: isEqual(item.compare, millrace, mariadb),
    };
  });
}

/** One answer per row; when the whole statement is refused, each row on its own, the refusal as its answer. */
async function ask(
  side: Ask,
  build: (rows: readonly Row[]) => string,
  rows: readonly Row[],
): Promise<readonly (string | null)[]> {
  try {
    const found = await side(build(rows));
    // Literals come as one row of many columns, columns as many rows of one (behind their number).
    const first = found[0] ?? [];
    return found.length === rows.length && rows.length > 1
      ? found.map((row) => row[1] ?? null)
      : first.length === rows.length + 1
        ? first.slice(1)
        : found.map((row) => row[1] ?? null);
  } catch (error) {
    if (rows.length === 1)
      return [`error: ${error instanceof Error ? error.message : String(error)}`];
    const each: (string | null)[] = [];
    for (const row of rows) each.push(...(await ask(side, build, [row])));
    return each;
  }
}

function columnStatement(
  item: OracleCase,
  side: 'millrace' | 'mariadb',
  rows: readonly Row[],
): string {
  const selects = rows.map((row, i) => {
    const cells = [...row].map(([name, value]) => `${value[side]} AS v_${name}`);
    return `SELECT ${[`${i} AS id`, ...cells].join(', ')}`;
  });
  const expression = filled(item[side], (name) => `v_${name}`);
  return `SELECT id, ${expression} AS r FROM (${selects.join(' UNION ALL ')}) t ORDER BY id`;
}

function literalStatement(
  item: OracleCase,
  side: 'millrace' | 'mariadb',
  rows: readonly Row[],
): string {
  const cells = rows.map((row) => filled(item[side], (name) => row.get(name)?.[side] ?? ''));
  return `SELECT 0, ${cells.map((cell) => `(${cell})`).join(', ')}`;
}

function isEqual(compare: Comparison, mine: string | null, given: string | null): boolean {
  if (mine === given) return true;
  // MySQL shows the six digits of a DATETIME(6) also where they are zeros; StarRocks does not.
  const theirs = given?.replace(/(\d)\.0{6}$/, '$1') ?? null;
  if (mine === theirs) return true;
  if (mine === null || theirs === null) return false;
  const refused = [mine, theirs].map((answer) => answer.startsWith('error:'));
  if (refused[0] === true && refused[1] === true) return true;
  if (compare === 'text') return false;
  const [a, b] = [Number(mine), Number(theirs)];
  if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
  const close = Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
  if (compare === 'number' || close) return close || (Math.abs(a) < 1e-15 && Math.abs(b) < 1e-15);
  const digits = Math.min(fractionDigits(mine), fractionDigits(theirs));
  // MariaDB cuts what it does not show, we round: one unit of the last digit.
  return Math.abs(a - b) <= 1.0000001 * 10 ** -digits;
}

function fractionDigits(text: string): number {
  return /\.(\d+)$/.exec(text)?.[1]?.length ?? 0;
}
