// Which files of a table are worth merging: size-tiered, pure, from the file list alone. Small streaming
// files merge in steps, each row is rewritten once per tier, large files never. Reads nothing, moves nothing.
import type { DataFile } from './table.ts';

const KB = 1024;
const MB = 1024 * KB;
/**
 * Upper bounds of the tiers in bytes, eight times apart, so that a merge of eight files goes up a tier
 * and a row is rewritten about once for each. A file above the last one is left alone.
 */
const TIER_BYTES = [32 * KB, 256 * KB, 2 * MB, 16 * MB, 128 * MB];
/** Files of a tier that make a merge worth it; also how many a reader meets per tier at most, about. */
const MIN_FILES = 8;
/** Most files of one merge: bounds its time and its SQL text. */
const MAX_FILES = 128;
/** Most input bytes of one merge: bounds what a lost turn wastes. */
const MAX_BYTES = 512 * MB;

/**
 * Disjoint groups of live files to merge, one output each, smallest tier first. Within a tier the oldest
 * files come first; files of different volumes are never mixed. Empty when nothing needs doing.
 */
export function planCompaction(files: readonly DataFile[]): readonly (readonly DataFile[])[] {
  const tiers = new Map<string, DataFile[]>();
  for (const file of files) {
    const tier = TIER_BYTES.findIndex((bound) => file.sizeBytes < bound);
    if (tier < 0) continue;
    const name = `${tier} ${file.volumeId}`;
    const members = tiers.get(name);
    if (members === undefined) tiers.set(name, [file]);
    else members.push(file);
  }
  return [...tiers.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, members]) => boundedGroup(members))
    .filter((group) => group.length >= MIN_FILES);
}

/**
 * The same for tables where the order of rows counts: only files that lie side by side in commit order (as
 * `files` is), and only what lies before and after them in that order stays so. Runs of small files first.
 */
export function planNeighbours(files: readonly DataFile[]): readonly (readonly DataFile[])[] {
  for (const bound of TIER_BYTES) {
    const groups = runsBelow(files, bound)
      .map((run) => boundedRun(run))
      .filter((group) => group.length >= MIN_FILES);
    if (groups.length > 0) return groups;
  }
  return [];
}

/** The longest stretches of files below a size, of one volume each. */
function runsBelow(files: readonly DataFile[], bound: number): readonly (readonly DataFile[])[] {
  const runs: DataFile[][] = [];
  let open: DataFile[] | null = null;
  for (const file of files) {
    const fits = file.sizeBytes < bound;
    if (fits && open !== null && open[0]?.volumeId === file.volumeId) {
      open.push(file);
    } else {
      open = fits ? [file] : null;
      if (open !== null) runs.push(open);
    }
  }
  return runs;
}

function boundedRun(run: readonly DataFile[]): readonly DataFile[] {
  const group: DataFile[] = [];
  let bytes = 0;
  for (const file of run) {
    if (group.length === MAX_FILES || bytes + file.sizeBytes > MAX_BYTES) break;
    group.push(file);
    bytes += file.sizeBytes;
  }
  return group;
}

function boundedGroup(members: readonly DataFile[]): readonly DataFile[] {
  return boundedRun(members.toSorted((a, b) => a.id - b.id));
}
