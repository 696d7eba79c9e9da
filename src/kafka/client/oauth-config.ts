// What the OAUTHBEARER properties say, checked: which tokens to get, from where, and what goes with them.
// SOURCE: librdkafka CONFIGURATION.md (sasl.oauthbearer.*), RFC 7628 (extensions), RFC 7515 A.5.
import { fail } from '../../base/errors.ts';
import type { KafkaSettings } from './properties.ts';

export type OauthConfig = UnsecuredConfig | OidcConfig;

/** Tokens that nobody signs: for development. */
export interface UnsecuredConfig {
  readonly method: 'unsecured';
  readonly principal: string;
  readonly principalClaim: string;
  readonly scope: readonly string[];
  readonly scopeClaim: string;
  readonly lifeSeconds: number;
  readonly extensions: Readonly<Record<string, string>>;
}

/** Tokens of an identity provider, by client credentials. */
export interface OidcConfig {
  readonly method: 'oidc';
  readonly url: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | null;
  readonly extensions: Readonly<Record<string, string>>;
}

const DEFAULT_LIFE_SECONDS = 3600;
const MAX_LIFE_SECONDS = 10 * 365 * 86_400;
const EXTENSION_KEY = /^[A-Za-z]+$/;
/** Printable ASCII, blanks, tabs and line ends. */
const EXTENSION_VALUE = /^[\x21-\x7e \t\r\n]+$/;

/** Null for another mechanism. Throws KAFKA_PROPERTY_CONFLICT, KAFKA_PROPERTY_INVALID (user). */
export function oauthConfig(settings: KafkaSettings): OauthConfig | null {
  if (settings['sasl.mechanism'] !== 'OAUTHBEARER') return null;
  return settings['sasl.oauthbearer.method'] === 'oidc' ? oidc(settings) : unsecured(settings);
}

/** How a token's owner is named in errors. */
export function oauthName(config: OauthConfig): string {
  return config.method === 'oidc' ? config.clientId : config.principal;
}

function oidc(settings: KafkaSettings): OidcConfig {
  const needed = (
    name:
      | 'sasl.oauthbearer.token.endpoint.url'
      | 'sasl.oauthbearer.client.id'
      | 'sasl.oauthbearer.client.secret',
  ): string => {
    const value = settings[name];
    if (value === null) throw conflict(`sasl.oauthbearer.method oidc needs ${name}`);
    return value;
  };
  const text = needed('sasl.oauthbearer.token.endpoint.url');
  const url = URL.canParse(text) ? new URL(text) : null;
  const isUsable = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url === null || !isUsable || url.username !== '' || url.password !== '')
    throw fail('KAFKA_PROPERTY_INVALID', {
      name: 'sasl.oauthbearer.token.endpoint.url',
      value: '******',
      expected: 'an http or https URL without user and password',
    });
  return {
    method: 'oidc',
    url,
    clientId: needed('sasl.oauthbearer.client.id'),
    clientSecret: needed('sasl.oauthbearer.client.secret'),
    scope: settings['sasl.oauthbearer.scope'],
    extensions: readExtensions(settings['sasl.oauthbearer.extensions'] ?? ''),
  };
}

/** `key=value,key=value`. */
function readExtensions(text: string): Record<string, string> {
  const entries = text.split(',').filter((entry) => entry.trim() !== '');
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      return extension(
        'sasl.oauthbearer.extensions',
        entry.slice(0, at).trim(),
        entry.slice(at + 1),
      );
    }),
  );
}

function extension(property: string, key: string, value: string): [string, string] {
  // `auth` is the token itself.
  if (EXTENSION_KEY.test(key) && key !== 'auth' && EXTENSION_VALUE.test(value)) return [key, value];
  throw fail('KAFKA_PROPERTY_INVALID', {
    name: property,
    value: `${key}=...`,
    expected: 'extensions key=value with letters in the key and printable characters in the value',
  });
}

/** `name=value name=value`, as librdkafka's own handler of unsecured tokens reads it. */
function unsecured(settings: KafkaSettings): UnsecuredConfig {
  if (!settings['enable.sasl.oauthbearer.unsecure.jwt'])
    throw conflict(
      'OAUTHBEARER needs sasl.oauthbearer.method oidc, or for development enable.sasl.oauthbearer.unsecure.jwt',
    );
  const name = 'sasl.oauthbearer.config';
  const invalid = (value: string, expected: string): Error =>
    fail('KAFKA_PROPERTY_INVALID', { name, value, expected });
  const given = new Map<string, string>();
  const extensions: Record<string, string> = {};
  for (const entry of (settings[name] ?? '').split(' ').filter((part) => part !== '')) {
    const at = entry.indexOf('=');
    const key = entry.slice(0, at);
    const value = entry.slice(at + 1);
    if (key.startsWith('extension_')) {
      const [extensionKey, extensionValue] = extension(name, key.slice('extension_'.length), value);
      extensions[extensionKey] = extensionValue;
    } else if (at > 0 && value !== '' && UNSECURED_KEYS.includes(key)) given.set(key, value);
    else throw invalid(entry, `name=value with a name of ${UNSECURED_KEYS.join(', ')}`);
  }
  const principal = given.get('principal');
  if (principal === undefined) throw invalid(settings[name] ?? '', 'at least principal=name');
  const life = given.get('lifeSeconds') ?? String(DEFAULT_LIFE_SECONDS);
  const lifeSeconds = /^\d{1,9}$/.test(life) ? Number(life) : 0;
  if (lifeSeconds < 1 || lifeSeconds > MAX_LIFE_SECONDS)
    throw invalid(`lifeSeconds=${life}`, `1 to ${MAX_LIFE_SECONDS} seconds`);
  return {
    method: 'unsecured',
    principal,
    principalClaim: given.get('principalClaimName') ?? 'sub',
    scope: (given.get('scope') ?? '').split(',').filter((part) => part !== ''),
    scopeClaim: given.get('scopeClaimName') ?? 'scope',
    lifeSeconds,
    extensions,
  };
}

const UNSECURED_KEYS = [
  'principalClaimName',
  'principal',
  'scopeClaimName',
  'scope',
  'lifeSeconds',
];

const conflict = (detail: string): Error => fail('KAFKA_PROPERTY_CONFLICT', { detail });
