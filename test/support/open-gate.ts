// A gate for loads with limits that a test chooses; without any it lets everything through.
import type { Clock } from '../../src/base/clock.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { IngestGate, type IngestLimits } from '../../src/commit/ingest-gate.ts';

const NO_LIMITS: IngestLimits = { isEnabled: false, slowFiles: 1, mostFiles: 1 };

export function openGate(catalog: Catalog, clock: Clock, limits = NO_LIMITS): IngestGate {
  return new IngestGate({ catalog, clock, limits: () => limits });
}
