// Decides a login: which plugin is used, whether the client must switch to it, whether its answer is right.
// An unknown user goes through the same steps as a known one, so that the two look alike from outside.
import { fail } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { AuthPlugin } from '../constants.ts';
import type { Credential } from '../handler.ts';
import type { PacketChannel } from '../packet-channel.ts';
import { writeAuthSwitch, writeFastAuthSuccess } from '../packets/auth-switch.ts';
import { checkCachingSha2 } from './caching-sha2.ts';
import { checkNativePassword } from './native-password.ts';
import { makeScramble } from './scramble.ts';

export interface LoginRequest {
  readonly user: string;
  readonly host: string;
  /** What the client computed with `plugin` and `scramble`. */
  readonly authResponse: Buffer;
  /** The plugin that the client used; null when it does not name one (then it is the native one). */
  readonly plugin: string | null;
  readonly scramble: Buffer;
  /** The plugin named together with `scramble`: only its answer can be right without a switch. */
  readonly offeredPlugin: AuthPlugin;
  readonly canSwitch: boolean;
  /** COM_CHANGE_USER: ask again in any case, clients differ in which scramble they use for it. */
  readonly mustSwitch: boolean;
}

/** Resolves when the login is right; throws ACCESS_DENIED otherwise, CANCELLED when the client leaves. */
export async function login(
  channel: PacketChannel,
  request: LoginRequest,
  stored: Credential | null,
  random: Random,
): Promise<void> {
  let token = withoutLoneZero(request.authResponse);
  const denied = (): Error =>
    fail('ACCESS_DENIED', {
      user: request.user,
      host: request.host,
      usingPassword: token.length > 0 ? 'YES' : 'NO',
    });
  const isOpen = stored?.kind === 'empty-password';
  if (isOpen && token.length === 0) return;
  // A password where there is none goes through the same steps as a wrong one.
  const credential = stored === null || stored.kind === 'empty-password' ? decoy(random) : stored;
  const used = request.plugin ?? 'mysql_native_password';
  const needed = choosePlugin(credential, used);
  let scramble = request.scramble;
  if (request.mustSwitch || used !== needed || request.offeredPlugin !== needed) {
    if (!request.canSwitch) throw denied();
    scramble = makeScramble(random);
    channel.write(writeAuthSwitch(needed, scramble));
    await channel.flush();
    const answer = await channel.read();
    if (answer === null) throw channel.closed.reason;
    token = withoutLoneZero(answer.payload);
  }
  if (!matches(credential, needed, token, scramble)) throw denied();
  if (needed === 'caching_sha2_password') channel.write(writeFastAuthSuccess());
}

type Digests = Extract<Credential, { kind: 'digests' }>;

function choosePlugin(credential: Digests, used: string): AuthPlugin {
  if (used === 'caching_sha2_password' && credential.sha256sha256 !== null) return used;
  return credential.sha1sha1 !== null ? 'mysql_native_password' : 'caching_sha2_password';
}

function matches(
  credential: Digests,
  plugin: AuthPlugin,
  token: Buffer,
  scramble: Buffer,
): boolean {
  if (plugin === 'mysql_native_password') {
    return (
      credential.sha1sha1 !== null && checkNativePassword(token, scramble, credential.sha1sha1)
    );
  }
  return (
    credential.sha256sha256 !== null && checkCachingSha2(token, scramble, credential.sha256sha256)
  );
}

/** caching_sha2_password clients send one zero byte for an empty password. */
function withoutLoneZero(token: Buffer): Buffer {
  return token.length === 1 && token[0] === 0 ? token.subarray(1) : token;
}

/** Digests that no password has. */
function decoy(random: Random): Digests {
  return { kind: 'digests', sha1sha1: random.bytes(20), sha256sha256: random.bytes(32) };
}
