// AuthSwitchRequest (`fe | plugin 0 | scramble 0`) and AuthMoreData (`01 | data`).
// SOURCE: MySQL source docs, "Protocol::AuthSwitchRequest", "caching_sha2_password information".
import { type AuthPlugin, SCRAMBLE_BYTES } from '../constants.ts';
import { malformed, type PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

export function writeAuthSwitch(plugin: AuthPlugin, scramble: Buffer): Buffer {
  return new PayloadWriter().u8(0xfe).zeroText(plugin).bytes(scramble).u8(0).finish();
}

export function readAuthSwitch(reader: PayloadReader): { plugin: string; scramble: Buffer } {
  if (reader.u8() !== 0xfe) throw malformed('not an authentication switch');
  return { plugin: reader.zeroText(), scramble: reader.bytes(SCRAMBLE_BYTES) };
}

/** caching_sha2_password: the stored digest matched, an OK follows. */
export function writeFastAuthSuccess(): Buffer {
  return Buffer.of(0x01, 0x03);
}
