// Who may come in: the same accounts, failures and delays for every door. The MySQL door proves a password
// by an exchange with its client, the HTTP door has it in clear text.
import type { AccessControl } from '../access/access-control.ts';
import { identityText, type Principal } from '../access/access-view.ts';
import { isLoopback } from '../access/host-pattern.ts';
import { LoginThrottle } from '../access/login-throttle.ts';
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { UserIdentity } from '../catalog/account-records.ts';
import type { Config } from '../config/load.ts';
import { checkPassword, NO_ONES_PASSWORD } from '../mysql/auth/digests.ts';
import type { Credential } from '../mysql/handler.ts';
import { credentialOf } from '../statements/accounts/passwords.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface LoginsOptions {
  readonly access: AccessControl;
  readonly config: Config;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** SET GLOBAL values: activate_all_roles_on_login is looked at. */
  readonly globals: ReadonlyMap<string, string>;
}

export class Logins {
  readonly #options: LoginsOptions;
  readonly #throttle: LoginThrottle;

  constructor(options: LoginsOptions) {
    this.#options = options;
    this.#throttle = new LoginThrottle(options.clock);
  }

  /** Lets `prove` check the client against the account's credential, null when there is none to check against. */
  async mysql(
    user: string,
    host: string,
    prove: (stored: Credential | null) => Promise<void>,
  ): Promise<void> {
    await this.#counted('mysql', () =>
      this.#throttle.run(user, host, () => prove(this.#credential(user, host))),
    );
  }

  /** Throws ACCESS_DENIED, TOO_MANY_LOGIN_FAILURES. */
  async http(user: string, host: string, password: string): Promise<Principal> {
    await this.#counted('http', () =>
      this.#throttle.run(user, host, async () => {
        const stored = this.#credential(user, host);
        if (checkPassword(stored ?? NO_ONES_PASSWORD, password) && stored !== null) return;
        const usingPassword = password === '' ? 'NO' : 'YES';
        throw fail('ACCESS_DENIED', { user, host, usingPassword });
      }),
    );
    return this.principal(user, host);
  }

  /** Who the client is, with the roles that are active after log-in. Throws USER_GONE. */
  principal(user: string, host: string): Principal {
    const account = this.#options.access.view.identify(user, host);
    // Dropped between the check of its password and now.
    if (account === undefined) {
      throw fail('USER_GONE', { user: identityText({ name: user, host }) });
    }
    const identity = { name: account.name, host: account.host };
    return { identity, activeRoles: this.defaultRoles(identity) };
  }

  /** The roles that are active after log-in. */
  defaultRoles(identity: UserIdentity): ReadonlySet<number> {
    const { access, globals } = this.#options;
    return access.view.defaultRoles(
      identity,
      globals.get('activate_all_roles_on_login') === 'true',
    );
  }

  #credential(user: string, host: string): Credential | null {
    const { access, config } = this.#options;
    const account = access.view.identify(user, host);
    if (account === undefined) return null;
    const credential = credentialOf(account);
    const isOpen = credential.kind === 'empty-password' && !isLoopback(host);
    return isOpen && !config.bool('allow_empty_password_from_network') ? null : credential;
  }

  async #counted(door: 'mysql' | 'http', attempt: () => Promise<void>): Promise<void> {
    try {
      await attempt();
    } catch (error) {
      this.#options.metrics.add('millrace_login_failures_total', 1, { door });
      throw error;
    }
  }
}
