// Users with their password digests, and SET GLOBAL values.
import type { UserRecord, Users, Variables } from './catalog.ts';
import type { CatalogContext } from './context.ts';

export class UserStore implements Users {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async list(): Promise<readonly UserRecord[]> {
    const rows = await this.#context.db
      .selectFrom('users')
      .selectAll()
      .orderBy('name')
      .orderBy('host')
      .execute();
    return rows.map(readUser);
  }

  async byName(name: string): Promise<readonly UserRecord[]> {
    const rows = await this.#context.db
      .selectFrom('users')
      .selectAll()
      .where('name', '=', name)
      .orderBy('host')
      .execute();
    return rows.map(readUser);
  }

  async put(user: UserRecord): Promise<void> {
    const digests = { sha1_digest: user.sha1Digest, sha256_digest: user.sha256Digest };
    await this.#context.db
      .insertInto('users')
      .values({ name: user.name, host: user.host, ...digests })
      .onConflict((conflict) => conflict.columns(['name', 'host']).doUpdateSet(digests))
      .execute();
  }
}

function readUser(row: {
  readonly name: string;
  readonly host: string;
  readonly sha1_digest: string;
  readonly sha256_digest: string;
}): UserRecord {
  return {
    name: row.name,
    host: row.host,
    sha1Digest: row.sha1_digest,
    sha256Digest: row.sha256_digest,
  };
}

export class VariableStore implements Variables {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async all(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#context.db.selectFrom('global_variables').selectAll().execute();
    return new Map(rows.map((row) => [row.name, row.value]));
  }

  async set(name: string, value: string): Promise<void> {
    await this.#context.db
      .insertInto('global_variables')
      .values({ name, value })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
      .execute();
  }
}
