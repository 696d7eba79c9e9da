// Broken input for the MySQL port, case by case from a seed: a plan says what is sent on a fresh or a logged-in
// connection, and how it ends. Pure: the same seed gives the same bytes.
import type { Random } from '../../src/base/random.ts';
import { CAPABILITY, COMMAND } from '../../src/mysql/constants.ts';
import { writeChangeUser } from '../../src/mysql/packets/change-user.ts';
import { compressLast } from '../../src/mysql/packets/compressed.ts';
import { framePayload } from '../../src/mysql/packets/framing.ts';
import { PayloadWriter } from '../../src/mysql/packets/payload-writer.ts';
import { writeStmtExecute } from '../../src/mysql/packets/stmt-execute.ts';
import { PLAIN_CAPABILITIES } from './mysql-raw.ts';

export interface WirePlan {
  /** `greeted`: before the login. The others are logged in, with these capabilities. */
  readonly start: 'greeted' | 'plain' | 'compressed' | 'attributes';
  /** One entry a case. `login` is a right login (its scramble is known only when it is sent), to be broken. */
  readonly sends: readonly WireSend[];
  /** How the client leaves: closes at once, closes its side, or says COM_QUIT and waits a little. */
  readonly end: 'destroy' | 'half-close' | 'quit';
}

export type WireSend =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | {
      readonly kind: 'login';
      readonly capabilities: number;
      readonly breakIt: (whole: Buffer) => Buffer;
    };

const CAPABILITIES = {
  plain: PLAIN_CAPABILITIES,
  compressed: PLAIN_CAPABILITIES | CAPABILITY.compress,
  attributes: PLAIN_CAPABILITIES | CAPABILITY.queryAttributes,
} as const;

/** The capabilities of a plan that is logged in. */
export function capabilitiesOf(start: 'plain' | 'compressed' | 'attributes'): number {
  return CAPABILITIES[start];
}

/** Texts that are harmless when they arrive whole. */
const TEXTS = [
  'SELECT 1',
  "SELECT 'text', ?, NULL",
  'SELECT * FROM information_schema.schemata WHERE schema_name = ? LIMIT ?',
  'SET @a = 1',
  'SHOW VARIABLES LIKE "a%"',
  'SELECT 1; SELECT 2',
  'PREPARE p FROM "SELECT ?"',
  'EXECUTE p USING @a',
  'USE information_schema',
  'KILL QUERY 4294967295',
  'SELEC',
  '',
  ';;;',
  "SELECT 'never closed",
  `SELECT ${'('.repeat(2000)}1`,
] as const;

const PARAMETERS = [
  { kind: 'null' },
  { kind: 'integer', value: -5n },
  { kind: 'double', value: 1.5 },
  { kind: 'decimal', value: '12.50' },
  { kind: 'string', value: 'grüße' },
  { kind: 'bytes', value: Buffer.from([0, 255]) },
  { kind: 'date', value: '2024-02-29' },
  { kind: 'datetime', value: '2024-02-29 01:02:03.000004' },
  { kind: 'time', value: '-26:05:06' },
] as const;

export class WireCases {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  plan(): WirePlan {
    const start = this.#pick(['greeted', 'plain', 'plain', 'compressed', 'attributes'] as const);
    const end = this.#pick(['destroy', 'half-close', 'quit', 'quit'] as const);
    if (start === 'greeted') return { start, end, sends: [this.#beforeLogin()] };
    const count = 1 + this.#below(16);
    return { start, end, sends: Array.from({ length: count }, () => this.#command(start)) };
  }

  #beforeLogin(): WireSend {
    switch (this.#below(5)) {
      case 0:
        return bytes(this.#random.bytes(this.#below(300)));
      case 1: {
        // A request for TLS, then something that is no hello.
        const request = Buffer.alloc(32);
        request.writeUInt32LE(PLAIN_CAPABILITIES | CAPABILITY.tls, 0);
        return bytes(Buffer.concat([packet(request, 1), this.#random.bytes(this.#below(200))]));
      }
      case 2:
        return bytes(this.#header(this.#below(0x1000000), this.#below(256), this.#below(100)));
      default:
        return {
          kind: 'login',
          capabilities: this.#below(3) === 0 ? this.#below(0xffffffff) : PLAIN_CAPABILITIES,
          breakIt: (whole) => this.#mutated(whole),
        };
    }
  }

  #command(start: 'plain' | 'compressed' | 'attributes'): WireSend {
    if (start === 'compressed') return bytes(this.#compressed());
    const whole = this.#anyCommand();
    const payload = this.#below(3) === 0 ? whole : this.#mutated(whole);
    switch (this.#below(12)) {
      case 0:
        return bytes(packet(payload, this.#below(256)));
      case 1:
        // A length that lies, now and then with only a piece of the payload.
        return bytes(
          Buffer.concat([
            this.#header(Math.max(0, payload.length + this.#below(9) - 4), 0, 0),
            payload,
          ]),
        );
      case 2:
        return bytes(packet(payload, 0).subarray(0, this.#below(payload.length + 4)));
      case 3:
        return bytes(this.#random.bytes(this.#below(64)));
      default:
        return bytes(packet(payload, 0));
    }
  }

  #anyCommand(): Buffer {
    const r = this.#below(10);
    if (r === 0) return command(this.#below(256), this.#random.bytes(this.#below(40)));
    if (r === 1) return command(COMMAND.changeUser, this.#changeUser());
    if (r <= 3) return command(COMMAND.query, this.#pick(TEXTS));
    if (r === 4) return command(COMMAND.stmtPrepare, this.#pick(TEXTS));
    if (r <= 6) {
      const parameters = Array.from({ length: this.#below(6) }, () => this.#pick(PARAMETERS));
      return command(COMMAND.stmtExecute, writeStmtExecute(this.#statementId(), parameters));
    }
    if (r === 7) {
      const data = this.#random.bytes(this.#below(100));
      const body = new PayloadWriter().u32(this.#statementId()).u16(this.#below(4)).bytes(data);
      return command(COMMAND.stmtSendLongData, body.finish());
    }
    const id = new PayloadWriter().u32(this.#statementId()).finish();
    const code = this.#pick([
      COMMAND.stmtClose,
      COMMAND.stmtReset,
      COMMAND.ping,
      COMMAND.initDb,
      COMMAND.fieldList,
      COMMAND.statistics,
      COMMAND.setOption,
      COMMAND.resetConnection,
      0x1c,
    ]);
    return command(code, id);
  }

  #changeUser(): Buffer {
    return writeChangeUser(
      {
        // Never a real account: wrong passwords of it would be slowed down.
        user: `nobody${this.#below(1_000_000)}`,
        authResponse: this.#random.bytes(this.#below(40)),
        database: this.#pick([null, 'information_schema', 'nowhere']),
        plugin: this.#pick(['mysql_native_password', 'caching_sha2_password', 'dialog']),
        attributes: new Map([['a', 'b']]),
      },
      45,
    );
  }

  #compressed(): Buffer {
    const inner = packet(this.#anyCommand(), 0);
    const outer = compressLast(this.#below(3) === 0 ? this.#mutated(inner) : inner, this.#below(3));
    return this.#below(2) === 0 ? this.#mutated(outer) : outer;
  }

  /** Small numbers, which statements of the connection have, and others. */
  #statementId(): number {
    return this.#below(4) === 0 ? this.#below(0xffffffff) : 1 + this.#below(4);
  }

  /** Bits flipped, bytes cut out, doubled, put in, overwritten with extreme lengths, or the end cut off. */
  #mutated(whole: Buffer): Buffer {
    let result = Buffer.from(whole);
    for (let rounds = 1 + this.#below(3); rounds > 0 && result.length > 0; rounds -= 1) {
      const at = this.#below(result.length);
      switch (this.#below(6)) {
        case 0:
          result.writeUInt8(result.readUInt8(at) ^ (1 << this.#below(8)), at);
          break;
        case 1:
          result = Buffer.concat([
            result.subarray(0, at),
            result.subarray(at + 1 + this.#below(8)),
          ]);
          break;
        case 2:
          result = Buffer.concat([result.subarray(0, at), result.subarray(at >> 1)]);
          break;
        case 3: {
          const extra = this.#random.bytes(1 + this.#below(8));
          result = Buffer.concat([result.subarray(0, at), extra, result.subarray(at)]);
          break;
        }
        case 4: {
          const extreme = this.#pick([
            'fb',
            'fcffff',
            'fdffffff',
            'feffffffffffffffff',
            '00',
            'ff',
          ]);
          Buffer.from(extreme, 'hex').copy(result, at);
          break;
        }
        default:
          result = result.subarray(0, at);
      }
    }
    return result;
  }

  #header(length: number, sequence: number, extraBytes: number): Buffer {
    const header = Buffer.alloc(4);
    header.writeUIntLE(length, 0, 3);
    header.writeUInt8(sequence, 3);
    return Buffer.concat([header, this.#random.bytes(extraBytes)]);
  }

  #below(below: number): number {
    return this.#random.below(below);
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[this.#below(from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}

function bytes(value: Buffer): WireSend {
  return { kind: 'bytes', bytes: value };
}

function packet(payload: Buffer, sequence: number): Buffer {
  return Buffer.concat(framePayload(payload, sequence).parts);
}

function command(code: number, body: Buffer | string): Buffer {
  return Buffer.concat([Buffer.of(code), Buffer.from(body)]);
}
