// The address of a schema registry, as jobs give it: `http[s]://[key:secret@]host[:port][/path]`. The
// credentials go into a header of their own, and are cut out of whatever is shown.
import { fail } from '../base/errors.ts';
import { maskSecrets } from '../base/secrets.ts';

export interface RegistryAddress {
  /** Without credentials and without a slash at the end. For messages, too. */
  readonly url: string;
  /** Value of the Authorization header; null = none. Secret. */
  readonly authorization: string | null;
}

/** Throws REGISTRY_URL. */
export function parseRegistryUrl(text: string): RegistryAddress {
  const given = text.trim();
  let url: URL;
  try {
    url = new URL(given);
  } catch (error) {
    throw fail('REGISTRY_URL', { url: maskSecrets(given), detail: 'it is no URL' }, error);
  }
  const refuse = (detail: string) => fail('REGISTRY_URL', { url: maskSecrets(given), detail });
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refuse('it does not begin with http:// or https://');
  if (url.search !== '' || url.hash !== '') throw refuse('it has a query or a fragment');
  const user = decoded(url.username);
  const password = decoded(url.password);
  if (user === null || password === null) throw refuse('its credentials are no valid text');
  url.username = '';
  url.password = '';
  const isPublic = user === '' && password === '';
  return {
    url: url.href.replace(/\/+$/, ''),
    authorization: isPublic
      ? null
      : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  };
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
