// The server's random challenge. Never reused for a second login on a connection.
import type { Random } from '../../base/random.ts';
import { SCRAMBLE_BYTES } from '../constants.ts';

/**
 * 20 random bytes that clients can read as 7-bit text: without zero (ends the text) and without '$' (a
 * separator in stored hashes). Connector/J refuses every login when a byte has its high bit set.
 */
export function makeScramble(random: Random): Buffer {
  const scramble = Buffer.from(random.bytes(SCRAMBLE_BYTES));
  for (let i = 0; i < scramble.length; i++) {
    const byte = (scramble[i] ?? 0) & 0x7f;
    scramble[i] = byte === 0 || byte === 0x24 ? byte + 1 : byte;
  }
  return scramble;
}
