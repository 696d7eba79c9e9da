// The file that holds the key index of one data file: a header, then the parts, each a filter and its records. It is
// written under another name, made durable, and renamed, so that it is whole or not there; checksums tell the rest.
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { present } from '../../base/assert.ts';
import { failpoint } from '../../base/failpoints.ts';
import {
  type Division,
  divisionOf,
  filterBytes,
  PartBuilder,
  partOf,
  recordBytes,
} from './part.ts';

/** Layout of the file. Others are not read: they are built anew. */
const FORMAT = 1;
const MAGIC = 0x4d524b49;
/** Magic, format, bytes of the header's text, checksum of them. */
const PRELUDE_BYTES = 16;
/** Room in the header beside its parts, and for each part. */
const HEADER_BYTES = 4096;
const PART_HEADER_BYTES = 64;
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

/** What the index is of: all of it must fit. */
export interface SidecarOf {
  /** The data file: incarnation of the metadata, volume, key, size. */
  readonly file: string;
  /** KeyDigest.id. */
  readonly digest: string;
  readonly isExact: boolean;
  readonly rowCount: number;
}

interface PartPlace {
  readonly entries: number;
  readonly offset: number;
  readonly filterCrc: number;
  readonly recordsCrc: number;
}

export interface SidecarHeader extends SidecarOf, Division {
  readonly parts: readonly PartPlace[];
  readonly sizeBytes: number;
}

/** Takes entries in the order of their digests and writes the file part by part: no more than one is in memory. */
export class SidecarWriter {
  readonly #of: SidecarOf;
  readonly #division: Division;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #parts: PartPlace[] = [];
  #builder: PartBuilder;
  #offset: number;
  #last = -1;

  private constructor(of: SidecarOf, path: string, file: FileHandle) {
    this.#of = of;
    this.#path = path;
    this.#file = file;
    this.#division = divisionOf(of.rowCount);
    this.#builder = new PartBuilder(this.#division, of.isExact);
    this.#offset = headerBytes(this.#division);
  }

  /** Begins a file under a temporary name. Throws what the file system says. */
  static async open(of: SidecarOf, path: string): Promise<SidecarWriter> {
    return new SidecarWriter(of, path, await open(temporaryName(path), 'w', 0o600));
  }

  /**
   * `hi` and `lo` as pairs of words, the low one first; `rows` the row of each. Throws when they do not come in order.
   */
  async add(hi: Uint32Array, lo: Uint32Array, rows: Uint32Array): Promise<void> {
    for (let index = 0; index < rows.length; index += 1) {
      const high = hi[index * 2 + 1] ?? 0;
      if (high < this.#last) throw new Error('digests out of order');
      this.#last = high;
      // A part's end is where the next one's first digest is.
      while (partOf(high, this.#division) > this.#parts.length) await this.#endPart();
      this.#builder.add(
        high,
        hi[index * 2] ?? 0,
        lo[index * 2 + 1] ?? 0,
        lo[index * 2] ?? 0,
        rows[index] ?? 0,
      );
    }
  }

  async #endPart(): Promise<void> {
    const entries = this.#builder.count;
    const { filter, records } = this.#builder.finish();
    await writeAt(this.#file, filter, this.#offset);
    failpoint('key-index.half-built');
    await writeAt(this.#file, records, this.#offset + filter.byteLength);
    this.#parts.push({
      entries,
      offset: this.#offset,
      filterCrc: crc32(filter),
      recordsCrc: crc32(records),
    });
    this.#offset += filter.byteLength + records.byteLength;
    this.#builder = new PartBuilder(this.#division, this.#of.isExact);
  }

  /** Makes the file durable and gives it its name. Throws when there are more or fewer rows than the data file's. */
  async finish(): Promise<SidecarHeader> {
    const partCount = 2 ** this.#division.partBits;
    while (this.#parts.length < partCount) await this.#endPart();
    const entries = this.#parts.reduce((sum, part) => sum + part.entries, 0);
    if (entries !== this.#of.rowCount) {
      throw new Error(`${entries} keys were read of ${this.#of.rowCount} rows`);
    }
    const header = {
      ...this.#of,
      ...this.#division,
      parts: this.#parts,
      sizeBytes: this.#offset,
    };
    const text = Buffer.from(JSON.stringify(header));
    if (PRELUDE_BYTES + text.length > headerBytes(this.#division)) {
      throw new Error(`the header of a key index has ${text.length} bytes`);
    }
    const prelude = Buffer.alloc(PRELUDE_BYTES);
    for (const [index, word] of [MAGIC, FORMAT, text.length, crc32(text)].entries()) {
      prelude.writeUInt32LE(word, index * 4);
    }
    await writeAt(this.#file, Buffer.concat([prelude, text]), 0);
    await this.#file.datasync();
    await this.#file.close();
    failpoint('key-index.before-rename');
    await rename(temporaryName(this.#path), this.#path);
    return header;
  }

  /** Removes what was written of a file that will not be finished. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(temporaryName(this.#path), { force: true });
  }
}

/** What is written under this name is not whole. */
export function temporaryName(path: string): string {
  return `${path}.tmp`;
}

/** Bytes that the file of an index over so many rows takes, give or take some thousand. */
export function sidecarBytes(rowCount: number, isExact: boolean): number {
  const division = divisionOf(rowCount);
  const partCount = 2 ** division.partBits;
  const filters = filterBytes(division, Math.ceil(rowCount / partCount)) * partCount;
  return headerBytes(division) + filters + recordBytes(isExact, rowCount);
}

function headerBytes({ partBits }: Division): number {
  return HEADER_BYTES + 2 ** partBits * PART_HEADER_BYTES * 2;
}

async function writeAt(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, offset + done);
    done += bytesWritten;
  }
}

/** Fills `bytes` from the file. Throws when it ends before. */
export async function readAt(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesRead } = await file.read(bytes, done, bytes.byteLength - done, offset + done);
    if (bytesRead === 0) throw new SidecarDamaged('the file is too short');
    done += bytesRead;
  }
}

/** The file is not what was written: it is built anew, and the data file read meanwhile. */
export class SidecarDamaged extends Error {}

/** The header of a file. Throws SidecarDamaged, and what the file system says. */
export async function readHeader(file: FileHandle): Promise<SidecarHeader> {
  const prelude = Buffer.alloc(PRELUDE_BYTES);
  await readAt(file, prelude, 0);
  const [magic, format, length = 0, crc] = [0, 4, 8, 12].map((at) => prelude.readUInt32LE(at));
  if (magic !== MAGIC || format !== FORMAT || length > MAX_HEADER_BYTES) {
    throw new SidecarDamaged('no key index of this format');
  }
  const text = Buffer.alloc(length);
  await readAt(file, text, PRELUDE_BYTES);
  if (crc32(text) !== crc) throw new SidecarDamaged('the header is damaged');
  const header = readHeaderText(text.toString());
  const { size } = await file.stat();
  if (size !== header.sizeBytes) {
    throw new SidecarDamaged(`${size} bytes instead of ${header.sizeBytes}`);
  }
  return header;
}

/** What this program wrote, by its checksum. */
function readHeaderText(text: string): SidecarHeader {
  const header: SidecarHeader = JSON.parse(text);
  return header;
}

/** The bytes of a part's filter. Throws SidecarDamaged. */
export async function readFilterBytes(
  file: FileHandle,
  header: SidecarHeader,
  part: number,
): Promise<Uint8Array> {
  const { offset, entries, filterCrc } = present(header.parts[part], 'a part of the key index');
  const bytes = new Uint8Array(filterBytes(header, entries));
  await readAt(file, bytes, offset);
  if (crc32(bytes) !== filterCrc) throw new SidecarDamaged(`the filter of part ${part} is damaged`);
  return bytes;
}

/** Where the records of a part begin. */
export function recordsOffset(header: SidecarHeader, part: number): number {
  const { offset, entries } = present(header.parts[part], 'a part of the key index');
  return offset + filterBytes(header, entries);
}

/** Reads the whole file against its checksums. Throws SidecarDamaged. */
export async function verify(file: FileHandle, header: SidecarHeader): Promise<void> {
  const chunk = new Uint8Array(VERIFY_BYTES);
  for (const [part, { entries, recordsCrc }] of header.parts.entries()) {
    await readFilterBytes(file, header, part);
    const from = recordsOffset(header, part);
    const total = recordBytes(header.isExact, entries);
    let crc = 0;
    for (let done = 0; done < total; done += VERIFY_BYTES) {
      const bytes = chunk.subarray(0, Math.min(VERIFY_BYTES, total - done));
      await readAt(file, bytes, from + done);
      crc = crc32(bytes, crc);
    }
    if (crc !== recordsCrc) throw new SidecarDamaged(`the records of part ${part} are damaged`);
  }
}

const VERIFY_BYTES = 1024 * 1024;
