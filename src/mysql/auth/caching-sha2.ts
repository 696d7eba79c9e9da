// caching_sha2_password, fast path only: the client sends SHA256(password) XOR
// SHA256(SHA256(SHA256(password)), scramble). With the stored digest it always suffices, so the full
// exchange (RSA or clear text) is never asked for. SOURCE: MySQL source docs, "Caching_sha2_password".
import { timingSafeEqual } from 'node:crypto';
import { sha256 } from './digests.ts';
import { xor } from './native-password.ts';

const TOKEN_BYTES = 32;

export function checkCachingSha2(token: Buffer, scramble: Buffer, sha256sha256: Buffer): boolean {
  if (token.length !== TOKEN_BYTES) return false;
  return timingSafeEqual(sha256(xor(token, sha256(sha256sha256, scramble))), sha256sha256);
}

/** The client's side. */
export function cachingSha2Token(password: string, scramble: Buffer): Buffer {
  if (password === '') return Buffer.alloc(0);
  const once = sha256(Buffer.from(password, 'utf8'));
  return xor(once, sha256(sha256(once), scramble));
}
