// What the loads of one transaction staged, by table: the targets, the parts of each table in order, and the sums.
// Pure.
import { assert } from '../../base/assert.ts';
import type { TableId } from '../../base/ids.ts';
import type { DraftRows, StagedTable } from '../../model/load-plan.ts';
import type { StagedPart } from '../../model/staged-part.ts';

export interface GatheredTable {
  readonly tableId: TableId;
  /** In the order of the loads; those without rows are left out. */
  readonly parts: readonly StagedTable[];
}

export interface Gathered {
  /** Each table that was loaded, also where no row came, in the order of their first loads. */
  readonly targets: readonly { readonly tableId: TableId; readonly rewrittenVersion: number }[];
  /** The targets and the table of rejected rows, as far as they get rows. */
  readonly tables: readonly GatheredTable[];
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
  readonly rowsUnselected: number;
  readonly bodyBytes: number;
  readonly errorSamples: readonly string[];
  readonly times: Required<StagedPart>['times'];
}

/** Reasons of rejected rows that the transaction keeps. */
const SAMPLES = 3;

export function gatherLoads(loads: readonly StagedPart[]): Gathered {
  const targets = new Map<TableId, number>();
  for (const { targetId, rewrittenVersion } of loads) {
    // The older one is not what the table is now: the commit refuses it.
    const known = targets.get(targetId) ?? rewrittenVersion;
    targets.set(targetId, Math.min(known, rewrittenVersion));
  }
  const parts = loads.flatMap(({ tables }) => tables).filter(hasRows);
  const sum = (pick: (load: StagedPart) => number): number =>
    loads.reduce((total, load) => total + pick(load), 0);
  return {
    targets: [...targets].map(([tableId, rewrittenVersion]) => ({ tableId, rewrittenVersion })),
    tables: [...Map.groupBy(parts, ({ tableId }) => tableId)].map(([tableId, ofTable]) => ({
      tableId,
      parts: ofTable,
    })),
    rowsLoaded: sum((load) => load.rowsLoaded),
    rowsFiltered: sum((load) => load.rowsFiltered),
    rowsUnselected: sum((load) => load.rowsUnselected),
    bodyBytes: sum((load) => load.bodyBytes),
    times: {
      planMs: sum(({ times }) => times?.planMs ?? 0),
      readMs: sum(({ times }) => times?.readMs ?? 0),
      writeMs: sum(({ times }) => times?.writeMs ?? 0),
    },
    errorSamples: loads.flatMap(({ errorSamples }) => errorSamples).slice(0, SAMPLES),
  };
}

/** Runs of parts that meet old rows in one way. Parts are as their table calls its columns now. */
export function runsOf(parts: readonly StagedTable[]): readonly PartRun[] {
  const runs: { draft: Way; parts: StagedTable[] }[] = [];
  for (const part of parts) {
    const draft = wayOf(part);
    const last = runs.at(-1);
    // A part that only deletes goes with any other.
    if (last !== undefined && (draft === 'any' || isSame(last.draft, draft))) last.parts.push(part);
    else if (last?.draft === 'any') {
      last.draft = draft;
      last.parts.push(part);
    } else runs.push({ draft, parts: [part] });
  }
  return runs.map(({ draft, parts: ofRun }) => ({
    draft: draft === 'any' ? null : draft,
    parts: ofRun,
  }));
}

/** How rows meet the old rows of their keys; null = they take their place. */
type Meeting = Omit<DraftRows, 'file'> | null;
type Way = Meeting | 'any';

/** Parts that can be made one batch. */
export interface PartRun {
  readonly draft: Meeting;
  readonly parts: readonly StagedTable[];
}

function wayOf({ files, keyed }: StagedTable): Way {
  if (keyed?.draft === undefined) return files.length > 0 ? null : 'any';
  const { file: _, ...draft } = keyed.draft;
  return draft;
}

function isSame(one: Way, other: Way): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function hasRows({ files, keyed }: StagedTable): boolean {
  return files.length > 0 || keyed?.draft !== undefined || (keyed?.deletes ?? null) !== null;
}

/** Do rows of later parts take the place of earlier ones? Then a CN makes one batch of them. */
export function needsMerge({ parts }: GatheredTable): boolean {
  return parts.length > 1 && parts.some(({ keyed }) => keyed !== undefined);
}

/** Parts whose rows all stay, or the only one. */
export function putTogether({ tableId, parts }: GatheredTable): StagedTable {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return only;
  for (const { keyed, deletes, overlay } of parts) {
    const isPlain = keyed === undefined && deletes === undefined && overlay === undefined;
    assert(isPlain, 'rows that only add');
  }
  return { tableId, files: parts.flatMap(({ files }) => files) };
}
