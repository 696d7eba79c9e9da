// CREATE FILE as the FE's configuration bounds it.
import type { Clock } from '../base/clock.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/load.ts';
import { SmallFileService } from '../loads/small-files.ts';

export function makeSmallFiles(options: {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly config: Config;
}): SmallFileService {
  const { catalog, clock, config } = options;
  const limits = () => ({
    maxFiles: config.int('max_small_file_number'),
    maxBytes: config.int('max_small_file_size_bytes'),
    directory: config.text('small_file_dir'),
  });
  return new SmallFileService({ catalog, clock, limits });
}
