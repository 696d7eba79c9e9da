// Searches one key index for a sorted batch of digests: filters from memory, or from the file where they do not fit,
// then only those records that the filter names, in reads that lie close together made into one.
import { type FileHandle, open } from 'node:fs/promises';
import type { Digests } from './digest.ts';
import {
  type Candidates,
  type PartFilter,
  partOf,
  probe,
  readFilter,
  recordWords,
  rowOfRecord,
} from './part.ts';
import {
  readAt,
  readFilterBytes,
  recordsOffset,
  SidecarDamaged,
  type SidecarHeader,
} from './sidecar.ts';

const WORD_BYTES = 4;
/** Reading this much more costs less than one more read. */
const GAP_BYTES = 32 * 1024;
const READ_BYTES = 1024 * 1024;

/** Filters that are kept in memory, the longest unused dropped first; a part that does not fit is read every time. */
export class FilterCache {
  readonly #maxBytes: number;
  readonly #filters = new Map<string, { readonly filter: PartFilter; readonly bytes: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(id: string): PartFilter | null {
    const found = this.#filters.get(id);
    if (found === undefined) return null;
    this.#filters.delete(id);
    this.#filters.set(id, found);
    return found.filter;
  }

  set(id: string, filter: PartFilter, bytes: number): void {
    if (bytes > this.#maxBytes) return;
    this.delete(id);
    for (const oldest of this.#filters.keys()) {
      if (this.#bytes + bytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
    this.#filters.set(id, { filter, bytes });
    this.#bytes += bytes;
  }

  delete(id: string): void {
    const found = this.#filters.get(id);
    if (found === undefined) return;
    this.#filters.delete(id);
    this.#bytes -= found.bytes;
  }
}

/** Room for one read, used again and again; by one search at a time. */
export interface Scratch {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
}

export function makeScratch(): Scratch {
  const words = new Uint32Array(READ_BYTES / WORD_BYTES);
  return { words, bytes: new Uint8Array(words.buffer) };
}

/** An index that may be searched. */
export interface SearchedIndex {
  readonly path: string;
  readonly header: SidecarHeader;
}

/** Name of a part in the cache. */
export function partId(path: string, part: number): string {
  return `${path}/${part}`;
}

/**
 * The rows of the data file that have one of the digests, in no order. Throws SidecarDamaged, what the file system
 * says, and the signal's reason.
 */
export async function findRows(
  index: SearchedIndex,
  wanted: Digests,
  cache: FilterCache,
  scratch: Scratch,
  signal: AbortSignal,
): Promise<Uint32Array> {
  const file = await open(index.path, 'r');
  try {
    const found: number[] = [];
    for (let from = 0; from < wanted.count; ) {
      signal.throwIfAborted();
      const part = partOf(wanted.high[from] ?? 0, index.header);
      const to = endOfPart(wanted, from, part, index.header);
      const filter = await filterOf(file, index, part, cache);
      const candidates = probe(filter, index.header, wanted, from, to);
      await readRecords(file, index.header, part, candidates, wanted, scratch, found);
      from = to;
    }
    return Uint32Array.from(found);
  } finally {
    await file.close();
  }
}

function endOfPart(wanted: Digests, from: number, part: number, header: SidecarHeader): number {
  let [low, high] = [from, wanted.count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (partOf(wanted.high[middle] ?? 0, header) > part) high = middle;
    else low = middle + 1;
  }
  return low;
}

async function filterOf(
  file: FileHandle,
  { path, header }: SearchedIndex,
  part: number,
  cache: FilterCache,
): Promise<PartFilter> {
  const id = partId(path, part);
  const known = cache.get(id);
  if (known !== null) return known;
  const bytes = await readFilterBytes(file, header, part);
  const filter = readFilter(bytes, header, header.parts[part]?.entries ?? 0);
  cache.set(id, filter, bytes.byteLength);
  return filter;
}

async function readRecords(
  file: FileHandle,
  header: SidecarHeader,
  part: number,
  { count, digests, entries }: Candidates,
  wanted: Digests,
  scratch: Scratch,
  found: number[],
): Promise<void> {
  const perRecord = recordWords(header.isExact);
  const offset = recordsOffset(header, part);
  const gap = Math.floor(GAP_BYTES / (perRecord * WORD_BYTES));
  const most = Math.floor(READ_BYTES / (perRecord * WORD_BYTES));
  for (let next = 0; next < count; ) {
    const first = entries[next] ?? 0;
    let last = first;
    let end = next + 1;
    for (; end < count; end += 1) {
      const entry = entries[end] ?? 0;
      if (entry < first || entry - last > gap || entry - first >= most) break;
      if (entry > last) last = entry;
    }
    const bytes = scratch.bytes.subarray(0, (last - first + 1) * perRecord * WORD_BYTES);
    await readAt(file, bytes, offset + first * perRecord * WORD_BYTES);
    for (; next < end; next += 1) {
      const at = ((entries[next] ?? 0) - first) * perRecord;
      const row = rowOfRecord(scratch.words, at, header.isExact, wanted, digests[next] ?? 0);
      if (row < 0) continue;
      if (row >= header.rowCount) throw new SidecarDamaged(`there is no row ${row}`);
      found.push(row);
    }
  }
}
