// Which files of a table are worth merging: size-tiered, pure, from the file list alone. Small streaming files
// merge in steps, each row is rewritten about once per tier, large files never. Reads nothing, moves nothing.
import { MAX_OVERLAYS } from './overlay.ts';
import { type DataFile, overlaidRows, type TableSchema } from './table.ts';

const KB = 1024;
const MB = 1024 * KB;

interface Tier {
  /** Files below this, and not below the tier before, are of the tier. */
  readonly belowBytes: number;
  /** So many files are merged once they are large enough together to leave the tier. */
  readonly minFiles: number;
  /** So many are merged in any case: what a reader meets of the tier at most, about. */
  readonly manyFiles: number;
}

/**
 * A merge waits until its output leaves the tier: that is what keeps a byte from being rewritten twice in one.
 * The first tier merges early, since a query pays for each file and rewriting so little costs nearly nothing.
 */
const TIERS: readonly Tier[] = [
  { belowBytes: 64 * KB, minFiles: 8, manyFiles: 16 },
  { belowBytes: MB, minFiles: 8, manyFiles: 24 },
  { belowBytes: 16 * MB, minFiles: 6, manyFiles: 24 },
  { belowBytes: 128 * MB, minFiles: 2, manyFiles: 16 },
];
/** A file from this size on is left alone: more in one file makes no query faster. */
export const COMPACTED_BYTES = 128 * MB;
/** Most files of one merge: bounds its time and its SQL text. */
const MAX_FILES = 128;
/** Most input bytes and rows of one merge: bound its memory, its time, and what a lost turn wastes. */
const MAX_BYTES = 256 * MB;
const MAX_ROWS = 30_000_000;
/** A file that has lost this part of its rows is rewritten without them. */
const MANY_DELETED = 0.3;
/** A file with so many overlays, or with newer values for this part of its rows, is written anew with them in it. */
const MANY_OVERLAYS = MAX_OVERLAYS / 2;
const MANY_OVERLAID = 0.3;
/** Below this it waits until nothing is loaded for a while: its tier merges it soon enough. */
const WORN_BYTES = MB;
/** A table that nothing was loaded into for a while is tidied up from this many files on. */
const QUIET_FILES = 6;

/** Files from here on are no burden to a query by the dozen: while they come one after the other they can wait. */
const HEAVY_BYTES = MB;

/**
 * `stream`: what a table needs while it is loaded. `busy`: while much is loaded at once, as from a backlog: the merge
 * of files of one to 16 megabytes waits until there are many. `quiet`: nothing came for a while, so what is left over
 * in the tiers is merged, too. `whole`: a person asked for it (ALTER TABLE ... COMPACT).
 */
export type CompactionMode = 'stream' | 'busy' | 'quiet' | 'whole';

/**
 * How a table is to be kept in shape that is being loaded; `files` in commit order. Where rows have keys nothing waits:
 * each batch looks its keys up in every file (upserts took 1.4 times the CPU), and where only neighbours can be
 * merged, what is nearly large enough would be left alone between large ones.
 */
export function loadingMode(
  files: readonly Pick<DataFile, 'sizeBytes'>[],
  keysType: TableSchema['keysType'],
): 'stream' | 'busy' {
  const isHeavy = (files.at(-1)?.sizeBytes ?? 0) >= HEAVY_BYTES;
  return isHeavy && keysType === 'DUP_KEYS' ? 'busy' : 'stream';
}

/**
 * Disjoint groups of live files (given in commit order) to merge, one output each, the smallest first. Files of
 * different places are never mixed. Where the order of rows decides about values (AGGREGATE KEY), a group has only
 * neighbours in commit order. Empty when nothing needs doing.
 */
export function planCompaction(
  files: readonly DataFile[],
  keysType: TableSchema['keysType'],
  mode: CompactionMode = 'stream',
): readonly (readonly DataFile[])[] {
  const isOrdered = keysType === 'AGG_KEYS';
  const places = Map.groupBy(files, placeOf);
  return [...places.values()]
    .flatMap((members) => planPlace(members, isOrdered, mode))
    .toSorted((a, b) => bytesOf(a) - bytesOf(b));
}

/** Files that are small enough to be merged: what counts against a table that is loaded faster than it is kept in shape. */
export function compactionScore(files: readonly Pick<DataFile, 'sizeBytes'>[]): number {
  return files.filter(({ sizeBytes }) => sizeBytes < COMPACTED_BYTES).length;
}

function placeOf({ volumeId, partition }: DataFile): string {
  return `${volumeId} ${partition?.kind === 'id' ? partition.id : 0}`;
}

function planPlace(
  files: readonly DataFile[],
  isOrdered: boolean,
  mode: CompactionMode,
): readonly (readonly DataFile[])[] {
  if (mode === 'whole') return wholeGroups(files, isOrdered);
  const groups: (readonly DataFile[])[] = [];
  const taken = new Set<DataFile>();
  const take = (group: readonly DataFile[]): void => {
    groups.push(group);
    for (const file of group) taken.add(file);
  };
  for (const [index, tier] of TIERS.entries()) {
    const fromBytes = TIERS[index - 1]?.belowBytes ?? 0;
    const fits = ({ sizeBytes }: DataFile): boolean =>
      sizeBytes < tier.belowBytes && (isOrdered || sizeBytes >= fromBytes);
    for (const run of runsOf(files, (file) => !taken.has(file) && fits(file), isOrdered)) {
      const group = boundedGroup(run);
      // Smaller ones that lie between go along, but are no reason to rewrite what is large already.
      const members = group.filter(({ sizeBytes }) => sizeBytes >= fromBytes).length;
      const waits = mode === 'busy' && fromBytes === HEAVY_BYTES;
      const isGrown = !waits && members >= tier.minFiles && bytesOf(group) >= tier.belowBytes;
      if (isGrown || members >= tier.manyFiles) take(group);
    }
  }
  const isWorn = (file: DataFile): boolean =>
    !taken.has(file) &&
    ((file.deletedRows >= Math.max(1, file.rowCount * MANY_DELETED) &&
      (mode === 'quiet' || file.sizeBytes >= WORN_BYTES)) ||
      isOverlaid(file, mode));
  for (const run of runsOf(files, isWorn, isOrdered)) take(boundedGroup(run));
  if (groups.length === 0 && mode === 'quiet') {
    const group = quietGroup(files, isOrdered);
    if (group.length >= QUIET_FILES) take(group);
  }
  return groups;
}

/** Do the overlays of the file cost its readers more than writing it anew? */
function isOverlaid(file: DataFile, mode: Exclude<CompactionMode, 'whole'>): boolean {
  const { overlays = [], rowCount, sizeBytes } = file;
  if (overlays.length === 0) return false;
  if (overlays.length >= MANY_OVERLAYS) return true;
  if (mode === 'quiet' && sizeBytes < COMPACTED_BYTES) return true;
  return (
    overlaidRows(file) >= rowCount * MANY_OVERLAID && (mode === 'quiet' || sizeBytes >= WORN_BYTES)
  );
}

/** The files that are wanted, in order; where order counts, only those without another one between them. */
function runsOf(
  files: readonly DataFile[],
  isWanted: (file: DataFile) => boolean,
  isOrdered: boolean,
): readonly (readonly DataFile[])[] {
  const runs: DataFile[][] = [[]];
  for (const file of files) {
    if (isWanted(file)) runs.at(-1)?.push(file);
    else if (isOrdered && runs.at(-1)?.length !== 0) runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

/** From the smallest file (or the newest) on, as long as the next one is no larger than all before it together. */
function quietGroup(files: readonly DataFile[], isOrdered: boolean): readonly DataFile[] {
  const order = isOrdered
    ? files.toReversed()
    : files.toSorted((a, b) => a.sizeBytes - b.sizeBytes || a.id - b.id);
  const group: DataFile[] = [];
  let bytes = 0;
  for (const file of order) {
    const isSmall = file.sizeBytes <= Math.max(bytes, 64 * KB);
    if (!isSmall || file.sizeBytes >= COMPACTED_BYTES) break;
    group.push(file);
    bytes += file.sizeBytes;
  }
  const chosen = new Set(group);
  return boundedGroup(files.filter((file) => chosen.has(file)));
}

function wholeGroups(
  files: readonly DataFile[],
  isOrdered: boolean,
): readonly (readonly DataFile[])[] {
  const isChanged = ({ deletedRows, overlays = [] }: DataFile): boolean =>
    deletedRows > 0 || overlays.length > 0;
  const isWanted = (file: DataFile): boolean => file.sizeBytes < COMPACTED_BYTES || isChanged(file);
  return runsOf(files, isWanted, isOrdered).flatMap((run) => {
    const groups: (readonly DataFile[])[] = [];
    for (let rest = run; rest.length > 0; ) {
      const group = boundedGroup(rest);
      groups.push(group);
      rest = rest.slice(group.length);
    }
    return groups.filter((group) => group.length > 1 || group.some(isChanged));
  });
}

/** As many files from the front as one merge may have; at least one. */
function boundedGroup(files: readonly DataFile[]): readonly DataFile[] {
  const group: DataFile[] = [];
  let bytes = 0;
  let rows = 0;
  for (const file of files) {
    bytes += file.sizeBytes;
    rows += file.rowCount;
    const isFull = group.length === MAX_FILES || bytes > MAX_BYTES || rows > MAX_ROWS;
    if (isFull && group.length > 0) break;
    group.push(file);
  }
  return group;
}

function bytesOf(files: readonly DataFile[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}
