// Hosts of accounts: `%` and `_` as in LIKE, `localhost` for the loopback addresses. Of several accounts
// of a name that fit, the most exact one is taken. SOURCE: MySQL docs, "Access Control, Stage 1".
import type { UserIdentity } from '../catalog/account-records.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/** Is it an address of this machine's own loop? */
export function isLoopback(address: string): boolean {
  return LOOPBACK.has(address) || address.startsWith('127.');
}

/** Does a client at `address` (an IP address without port) match? Letter case does not count. */
export function matchesHost(pattern: string, address: string): boolean {
  const wanted = pattern.toLowerCase();
  const given = address.toLowerCase();
  if (wanted === '%' || wanted === given) return true;
  if (wanted === 'localhost') return isLoopback(given);
  return isPattern(wanted) && matchesLike(wanted, given);
}

function isPattern(pattern: string): boolean {
  return pattern.includes('%') || pattern.includes('_');
}

/** LIKE without escapes, in time proportional to the product of the lengths: patterns come from users. */
function matchesLike(pattern: string, text: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let mark = 0;
  while (at < text.length) {
    const wanted = pattern[next];
    if (wanted === '%') {
      star = next;
      mark = at;
      next += 1;
    } else if (wanted === '_' || wanted === text[at]) {
      next += 1;
      at += 1;
    } else if (star >= 0) {
      next = star + 1;
      mark += 1;
      at = mark;
    } else {
      return false;
    }
  }
  while (pattern[next] === '%') next += 1;
  return next === pattern.length;
}

/** Smaller = more exact: no wildcard, then the longer the text before the first one, `%` last. */
function looseness(host: string): number {
  const wildcard = host.search(/[%_]/);
  return wildcard < 0 ? -1 : 1024 - Math.min(wildcard, 1023);
}

/** The account for a client, undefined when none of the name fits. */
export function chooseAccount<U extends UserIdentity>(
  accounts: readonly U[],
  address: string,
): U | undefined {
  let best: U | undefined;
  for (const account of accounts) {
    if (!matchesHost(account.host, address)) continue;
    const isBetter =
      best === undefined ||
      looseness(account.host) < looseness(best.host) ||
      (looseness(account.host) === looseness(best.host) && account.host < best.host);
    if (isBetter) best = account;
  }
  return best;
}
