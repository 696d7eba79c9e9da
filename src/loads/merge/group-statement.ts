// Which INSERTs are for groups, which of them may share one, and the plan of several. Pure.
import { computedDefault } from '../../model/column-default.ts';
import type { InsertOutput, InsertPart, InsertPlan } from '../../model/insert-plan.ts';
import type { ColumnSchema } from '../../model/table.ts';
import type { InsertRequest } from '../insert/service.ts';

/** Statements above these go alone: they are no small ones. */
const MOST_ROWS_OF_ONE = 1_000;
const MOST_CHARACTERS_OF_ONE = 256 * 1024;

type RowsPart = Extract<InsertPart, { kind: 'rows' }>;

export interface GroupStatement {
  /** Those that have the same one differ in nothing but their rows. */
  readonly key: string;
  /** What else of its plan a group needs: which partitions and volumes there are, the newest plan knows best. */
  readonly plan: InsertPlan;
  readonly part: RowsPart;
  readonly characters: number;
}

/** Null where groups are not for it. */
export function groupStatement(request: InsertRequest): GroupStatement | null {
  const sole = soleRows(request);
  if (sole === null || sole.rows.length > MOST_ROWS_OF_ONE) return null;
  const { outputs, part } = withOwnTimes(request.plan.outputs, sole);
  const characters = charactersOf(part);
  if (characters > MOST_CHARACTERS_OF_ONE) return null;
  const plan = { ...request.plan, outputs };
  return { key: keyOf(plan, part), plan, part, characters };
}

/** The plan of several statements that have one key; `plan`: of the newest. */
export function groupPlan({ plan, part }: GroupStatement, parts: readonly RowsPart[]): InsertPlan {
  const rows = parts.flatMap((each) => each.rows);
  const ordinals = rows.map((_, index) => index);
  return {
    ...plan,
    parts: [{ ...part, rows, ordinals }],
    group: parts.map((each) => each.rows.length),
  };
}

/** The rows of a statement that groups are for; null for every other one. */
function soleRows({ mayJoin, label, overwrite, plan }: InsertRequest): RowsPart | null {
  if (mayJoin !== true || label !== null || overwrite === true) return null;
  const [part, ...others] = plan.parts;
  if (others.length > 0) return null;
  return part?.kind === 'rows' && part.ordinals === undefined ? part : null;
}

/** Where the time of the statement is a column's default it is a value of its rows: else no two would be alike. */
function withOwnTimes(
  outputs: readonly InsertOutput[],
  part: RowsPart,
): { readonly outputs: readonly InsertOutput[]; readonly part: RowsPart } {
  const isTime = ({ column, from }: InsertOutput): boolean =>
    from.kind === 'constant' && computedDefault(column)?.kind === 'now';
  if (!outputs.some(isTime)) return { outputs, part };
  const types = [...part.types];
  const times: (string | null)[] = [];
  const moved = outputs.map((output): InsertOutput => {
    const { column, from } = output;
    if (from.kind !== 'constant' || !isTime(output)) return output;
    times.push(from.text);
    return { column, from: { kind: 'source', index: types.push(column.type) - 1 } };
  });
  const rows = part.rows.map((row) => [...row, ...times]);
  return { outputs: moved, part: { ...part, types, rows } };
}

function charactersOf({ rows }: RowsPart): number {
  let characters = 0;
  for (const row of rows) for (const value of row) characters += value?.length ?? 0;
  return characters;
}

function keyOf(
  {
    target,
    userName,
    outputs,
    operation,
    update,
    strictMode,
    maxFilterRatio,
    timeoutMs,
  }: InsertPlan,
  { types }: RowsPart,
): string {
  const { tableId, rewrittenVersion } = target;
  const rules = [tableId, rewrittenVersion, userName, strictMode, maxFilterRatio, timeoutMs];
  const shape = JSON.stringify([...rules, operation, types, update]);
  return outputs.reduce((key, output) => `${key}\n${outputText(output)}`, shape);
}

function outputText({ column, from }: InsertOutput): string {
  switch (from.kind) {
    case 'source':
      return `${from.index} ${columnText(column)}`;
    case 'constant':
      return `= ${JSON.stringify(from.text)} ${columnText(column)}`;
    case 'uuid':
    case 'uuid_numeric':
      return `${from.kind} ${columnText(column)}`;
    case 'generated':
      return `AS ${JSON.stringify(from.duckdbSql)} ${columnText(column)}`;
  }
}

/** Definitions of tables are read once and shared by all statements until they change. */
const COLUMN_TEXTS = new WeakMap<ColumnSchema, string>();

function columnText(column: ColumnSchema): string {
  const known = COLUMN_TEXTS.get(column);
  if (known !== undefined) return known;
  const text = JSON.stringify(column);
  COLUMN_TEXTS.set(column, text);
  return text;
}
