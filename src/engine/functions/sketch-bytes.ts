// Between bytes in the engine and sketches: bytes that are no sketch become a problem that the user reads.
import type { Bitmap } from '../../formats/sketches/bitmap.ts';
import { decodeBitmap } from '../../formats/sketches/bitmap-codec.ts';
import { MalformedSketch } from '../../formats/sketches/bytes.ts';
import { ValueProblem } from './define.ts';

/** Runs a decoder. @throws ValueProblem where the bytes are of another kind. */
export function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (thrown) {
    if (thrown instanceof MalformedSketch) throw new ValueProblem(thrown.message);
    throw thrown;
  }
}

export function readBitmap(bytes: Uint8Array): Bitmap {
  return decoded(() => decodeBitmap(bytes));
}
