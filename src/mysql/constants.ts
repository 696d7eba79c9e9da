// Numbers of the MySQL protocol: capability and status flags, command bytes, type codes. Data only.
// SOURCE: MySQL source docs, "Capabilities Flags", "Server Status Flags", "Command Phase", "Column types".

export const CAPABILITY = {
  longPassword: 1,
  foundRows: 1 << 1,
  longFlag: 1 << 2,
  connectWithDatabase: 1 << 3,
  compress: 1 << 5,
  ignoreSpace: 1 << 8,
  protocol41: 1 << 9,
  interactive: 1 << 10,
  tls: 1 << 11,
  transactions: 1 << 13,
  secureConnection: 1 << 15,
  multiStatements: 1 << 16,
  multiResults: 1 << 17,
  psMultiResults: 1 << 18,
  pluginAuth: 1 << 19,
  connectAttributes: 1 << 20,
  pluginAuthLengthEncoded: 1 << 21,
  deprecateEof: 1 << 24,
  queryAttributes: 1 << 27,
} as const;

/** What the server offers, TLS apart. Local files and session tracking are left out on purpose. */
export const SERVER_CAPABILITIES =
  CAPABILITY.longPassword |
  CAPABILITY.foundRows |
  CAPABILITY.longFlag |
  CAPABILITY.connectWithDatabase |
  CAPABILITY.compress |
  CAPABILITY.ignoreSpace |
  CAPABILITY.protocol41 |
  CAPABILITY.interactive |
  CAPABILITY.transactions |
  CAPABILITY.secureConnection |
  CAPABILITY.multiStatements |
  CAPABILITY.multiResults |
  CAPABILITY.psMultiResults |
  CAPABILITY.pluginAuth |
  CAPABILITY.connectAttributes |
  CAPABILITY.pluginAuthLengthEncoded |
  CAPABILITY.deprecateEof |
  CAPABILITY.queryAttributes;

export const STATUS = {
  inTransaction: 1,
  autocommit: 1 << 1,
  moreResultsExist: 1 << 3,
  cursorExists: 1 << 6,
  lastRowSent: 1 << 7,
} as const;

export const COMMAND = {
  quit: 0x01,
  initDb: 0x02,
  query: 0x03,
  fieldList: 0x04,
  statistics: 0x09,
  processKill: 0x0c,
  ping: 0x0e,
  changeUser: 0x11,
  stmtPrepare: 0x16,
  stmtExecute: 0x17,
  stmtSendLongData: 0x18,
  stmtClose: 0x19,
  stmtReset: 0x1a,
  setOption: 0x1b,
  stmtFetch: 0x1c,
  resetConnection: 0x1f,
} as const;

export const TYPE = {
  decimal: 0x00,
  tiny: 0x01,
  short: 0x02,
  long: 0x03,
  float: 0x04,
  double: 0x05,
  null: 0x06,
  timestamp: 0x07,
  longlong: 0x08,
  int24: 0x09,
  date: 0x0a,
  time: 0x0b,
  datetime: 0x0c,
  year: 0x0d,
  varchar: 0x0f,
  bit: 0x10,
  json: 0xf5,
  newDecimal: 0xf6,
  enum: 0xf7,
  set: 0xf8,
  tinyBlob: 0xf9,
  mediumBlob: 0xfa,
  longBlob: 0xfb,
  blob: 0xfc,
  varString: 0xfd,
  string: 0xfe,
  geometry: 0xff,
} as const;

/** utf8mb4_general_ci. Not 33 (utf8mb3): mysql2 decodes that as CESU-8 and breaks characters beyond the BMP. */
export const CHARSET_UTF8MB4 = 45;
/** The charset of everything that is not text. */
export const CHARSET_BINARY = 63;

/** Length of a scramble, the server's random challenge. */
export const SCRAMBLE_BYTES = 20;

export type AuthPlugin = 'mysql_native_password' | 'caching_sha2_password';
