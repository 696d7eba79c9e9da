// Lines of JSON, gathered into pieces that are worth handing on.

import { LineWriter } from '../json/line-writer.ts';
import type { WantedFields } from './wanted.ts';

/** What readers of files are told. */
export interface LinesOptions {
  readonly wanted: WantedFields;
  /** Where moments are shown: IANA name or offset. */
  readonly timeZone: string;
  /** The longest line. */
  readonly maxLineBytes: number;
}

const NEWLINE = 0x0a;
const PIECE_BYTES = 256 * 1024;

export class LinePieces {
  /** A row is written here, without a line break. */
  readonly out: LineWriter;

  constructor(maxLineBytes: number) {
    this.out = new LineWriter(maxLineBytes + PIECE_BYTES);
  }

  /** A row is done; gives the piece that it filled. */
  endLine(): Buffer | null {
    this.out.byte(NEWLINE);
    return this.out.length < PIECE_BYTES ? null : this.rest();
  }

  /** What is not handed on yet. */
  rest(): Buffer | null {
    const { out } = this;
    if (out.length === 0) return null;
    const piece = Buffer.from(out.bytes.subarray(0, out.length));
    out.length = 0;
    return piece;
  }
}
