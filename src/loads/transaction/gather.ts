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

function hasRows({ files, keyed }: StagedTable): boolean {
  return files.length > 0 || keyed?.draft !== undefined || (keyed?.deletes ?? null) !== null;
}

/** Do rows of later parts take the place of earlier ones? Then a CN makes one batch of them. */
export function needsMerge({ parts }: GatheredTable): boolean {
  return parts.length > 1 && parts.some(({ keyed }) => keyed !== undefined);
}

/**
 * How rows of the parts meet the old rows of their keys; null = they take their place. 'mixed': not all of them in one
 * way, and what comes of them then depends on more than their order.
 */
export function draftOf({ parts }: GatheredTable): Omit<DraftRows, 'file'> | null | 'mixed' {
  const drafts = parts.flatMap(({ keyed }) => keyed?.draft ?? []);
  const [first, ...others] = drafts;
  if (first === undefined) return null;
  const { rule, given } = first;
  const wayOf = (draft: Omit<DraftRows, 'file'>): string =>
    JSON.stringify([draft.rule, draft.given]);
  const isSame = others.every((draft) => wayOf(draft) === wayOf({ rule, given }));
  const hasWhole = parts.some(({ files }) => files.length > 0);
  return isSame && !hasWhole ? { rule, given } : 'mixed';
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
