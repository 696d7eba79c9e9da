// ERR: `ff | u16 errno | '#' | 5 characters SQLSTATE | message`. The one place where a row of the error
// table becomes bytes. SOURCE: MySQL source docs, "ERR_Packet".
import type { AppError } from '../../base/errors.ts';
import { malformed, type PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

/** Longest message sent, in characters; clients keep 512 bytes, logs have all of it. */
const MAX_MESSAGE_CHARACTERS = 8192;

export function writeError(error: AppError): Buffer {
  const { mysqlErrno, sqlState } = error.row;
  return new PayloadWriter(256)
    .u8(0xff)
    .u16(mysqlErrno)
    .text(`#${sqlState}`)
    .text(error.fullMessage.slice(0, MAX_MESSAGE_CHARACTERS))
    .finish();
}

export function readError(reader: PayloadReader): {
  errno: number;
  sqlState: string;
  message: string;
} {
  if (reader.u8() !== 0xff) throw malformed('not an error packet');
  const errno = reader.u16();
  reader.skip(1);
  return { errno, sqlState: reader.text(5), message: reader.restText() };
}
