// mysql_native_password: the client sends SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password))).
// SOURCE: MySQL source docs, "Native Authentication".
import { timingSafeEqual } from 'node:crypto';
import { sha1 } from './digests.ts';

const TOKEN_BYTES = 20;

export function checkNativePassword(token: Buffer, scramble: Buffer, sha1sha1: Buffer): boolean {
  if (token.length !== TOKEN_BYTES) return false;
  return timingSafeEqual(sha1(xor(token, sha1(scramble, sha1sha1))), sha1sha1);
}

/** The client's side. */
export function nativePasswordToken(password: string, scramble: Buffer): Buffer {
  if (password === '') return Buffer.alloc(0);
  const once = sha1(Buffer.from(password, 'utf8'));
  return xor(once, sha1(scramble, sha1(once)));
}

/** Bytes of equal length, combined. */
export function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((byte, i) => byte ^ (right[i] ?? 0)));
}
