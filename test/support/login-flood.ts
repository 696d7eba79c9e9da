// Wrong passwords in a loop, on many connections at once, as someone who guesses would send them; and what the
// server did with them.
import { systemClock } from '../../src/base/clock.ts';
import { RawClient } from './mysql-raw.ts';

export interface FloodCounts {
  /** Refused after the password was looked at. */
  wrong: number;
  /** Refused unheard: others of the same user and address waited already. */
  unheard: number;
}

export interface FloodOptions {
  readonly port: number;
  readonly connections: number;
  /** The user name of the n-th attempt, from 0. */
  readonly user: (attempt: number) => string;
  /** No new attempt is begun once this holds. */
  readonly isOver: (counts: FloodCounts) => boolean;
}

/** Tries until it is over. Throws where an attempt is let in or gets another answer than a refusal. */
export async function floodLogins(options: FloodOptions): Promise<FloodCounts> {
  const counts: FloodCounts = { wrong: 0, unheard: 0 };
  let attempts = 0;
  const guess = async (): Promise<void> => {
    while (!options.isOver(counts)) {
      const number = attempts;
      attempts += 1;
      const answer = await refusalOf(options.port, options.user(number), `guess ${number}`);
      if (answer.includes('too many failed log-ins')) counts.unheard += 1;
      else if (answer.includes('using password: YES')) counts.wrong += 1;
      else throw new Error(`a wrong password was answered with: ${answer}`);
    }
  };
  await Promise.all(Array.from({ length: options.connections }, guess));
  return counts;
}

async function refusalOf(port: number, user: string, password: string): Promise<string> {
  try {
    const client = await RawClient.loggedIn(port, { user, password });
    client.destroy();
    return 'let in';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** How long a right log-in takes, with its connection, in ms. Throws when it is refused. */
export async function loginMs(port: number, user: string, password: string): Promise<number> {
  const startMs = systemClock.monotonicMs();
  const client = await RawClient.loggedIn(port, { user, password });
  const tookMs = systemClock.monotonicMs() - startMs;
  client.destroy();
  return tookMs;
}
