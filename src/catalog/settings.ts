// Values by name, which outlive a restart: SET GLOBAL, ADMIN SET FRONTEND CONFIG.
import type { Settings } from './catalog.ts';
import type { CatalogContext } from './context.ts';

export class SettingStore implements Settings {
  readonly #context: CatalogContext;
  readonly #table: 'global_variables' | 'frontend_config';

  constructor(context: CatalogContext, table: 'global_variables' | 'frontend_config') {
    this.#context = context;
    this.#table = table;
  }

  async all(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#context.db.selectFrom(this.#table).selectAll().execute();
    return new Map(rows.map((row) => [row.name, row.value]));
  }

  async set(name: string, value: string): Promise<void> {
    await this.#context.db
      .insertInto(this.#table)
      .values({ name, value })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
      .execute();
  }
}
