// Errors of schema registries.
import { type ErrorRow, row } from './row.ts';

export const REGISTRY_ERRORS = {
  REGISTRY_URL: row(
    'user',
    "confluent.schema.registry.url is '{url}': {detail}",
    'write it as http[s]://[key:secret@]host[:port][/path]',
  ),
  REGISTRY_UNREACHABLE: row(
    'retry',
    'cannot reach the schema registry at {url} for {what}: {reason}',
    'check the address, the network and that the registry runs',
  ),
  REGISTRY_REFUSED: row(
    'user',
    'the schema registry at {url} refused {what}: HTTP {status}',
    'check the key and secret in confluent.schema.registry.url',
  ),
  REGISTRY_FAILED: row(
    'retry',
    'the schema registry at {url} failed for {what}: {reason}',
    'see the log of the registry',
  ),
} as const satisfies Record<string, ErrorRow>;
