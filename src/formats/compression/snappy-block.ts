// Expands one raw Snappy block into a given place. Own code for the same reasons as lz4-block.ts.
// SOURCE: Snappy compressed format description (google/snappy, format_description.txt).

/** Longest run that is copied byte by byte; a call costs more below this. */
const BYTEWISE_MAX = 24;

/**
 * Writes the elements `input[from, end)` to `output[start, outputEnd)`; copies reach back to `start` only.
 * True when the elements are sound and fill that space exactly.
 */
export function expandSnappyElements(
  input: Buffer,
  from: number,
  end: number,
  output: Buffer,
  start: number,
  outputEnd: number,
): boolean {
  let at = from;
  let to = start;
  while (at < end) {
    const tag = input[at++] ?? 0;
    const kind = tag & 3;
    if (kind === 0) {
      let length = tag >> 2;
      if (length >= 60) {
        const lengthBytes = length - 59;
        if (at + lengthBytes > end) return false;
        length = input.readUIntLE(at, lengthBytes);
        at += lengthBytes;
      }
      length += 1;
      if (at + length > end || to + length > outputEnd) return false;
      if (length <= BYTEWISE_MAX) {
        for (const stop = at + length; at < stop; ) output[to++] = input[at++] ?? 0;
      } else {
        input.copy(output, to, at, at + length);
        at += length;
        to += length;
      }
      continue;
    }
    let length = (tag >> 2) + 1;
    let distance: number;
    if (kind === 1) {
      length = ((tag >> 2) & 7) + 4;
      distance = ((tag >> 5) << 8) | (input[at] ?? 0);
      at += 1;
    } else if (kind === 2) {
      distance = (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
      at += 2;
    } else {
      if (at + 4 > end) return false;
      distance = input.readUInt32LE(at);
      at += 4;
    }
    let match = to - distance;
    if (at > end || distance === 0 || match < start || to + length > outputEnd) return false;
    if (length <= BYTEWISE_MAX || distance < length) {
      for (const stop = to + length; to < stop; ) output[to++] = output[match++] ?? 0;
    } else {
      output.copyWithin(to, match, match + length);
      to += length;
    }
  }
  return to === outputEnd;
}
