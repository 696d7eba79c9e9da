// COM_CHANGE_USER after its command byte: `user 0 | u8 length, auth response | database 0 | u16 charset |
// plugin 0 | attributes`. SOURCE: MySQL source docs, "COM_CHANGE_USER".
import { CAPABILITY } from '../constants.ts';
import { readAttributes } from './handshake-response.ts';
import type { PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

export interface ChangeUser {
  readonly user: string;
  /** Made with the connection's first scramble; the server asks again with a new one. */
  readonly authResponse: Buffer;
  readonly database: string | null;
  readonly plugin: string | null;
  readonly attributes: ReadonlyMap<string, string>;
}

export function readChangeUser(reader: PayloadReader, capabilities: number): ChangeUser {
  const user = reader.zeroText();
  const authResponse = reader.bytes(reader.u8());
  const database = reader.zeroText();
  if (reader.remaining >= 2) reader.skip(2);
  const has = (flag: number): boolean => (capabilities & flag) !== 0 && reader.remaining > 0;
  const plugin = has(CAPABILITY.pluginAuth) ? reader.zeroText() : null;
  const attributes = has(CAPABILITY.connectAttributes) ? readAttributes(reader) : new Map();
  return {
    user,
    authResponse,
    database: database === '' ? null : database,
    plugin,
    attributes,
  };
}

/** With every optional field, as a client with plugin-auth and attributes sends it. */
export function writeChangeUser(change: ChangeUser, charset: number): Buffer {
  const attributes = new PayloadWriter();
  for (const [key, value] of change.attributes) attributes.lengthText(key).lengthText(value);
  return new PayloadWriter(128)
    .zeroText(change.user)
    .u8(change.authResponse.length)
    .bytes(change.authResponse)
    .zeroText(change.database ?? '')
    .u16(charset)
    .zeroText(change.plugin ?? '')
    .lengthBytes(attributes.finish())
    .finish();
}
