// SET GLOBAL values, which outlive a restart.
import type { Variables } from './catalog.ts';
import type { CatalogContext } from './context.ts';

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
