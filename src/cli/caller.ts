// Who this command line speaks as: a backend with its request key, or an officer with a token.

import { sha256 } from '@noble/hashes/sha2.js';
import type { CredentialClass } from '../core/governance/entry.js';
import { type GovernanceState, holderOf } from '../core/governance/state.js';
import { Api, type Identity } from '../sdk/api.js';
import { needed } from './cli-config.js';
import type { Given } from './command-line.js';
import { cliFault } from './exit.js';
import { type OpenToken, type TokenOptions, tokenFrom, withToken } from './officer-token.js';
import { readRequestKey } from './request-key.js';

export interface CallerOptions extends TokenOptions {
  readonly api?: string;
  readonly credential?: string;
  readonly key?: string;
}

/** An officer with their token. Without an API where none is configured: their machine may be kept apart. */
export interface OfficerHere {
  readonly api: Api | undefined;
  readonly token: OpenToken;
  readonly credentialId: string;
  /** CKA_LABEL of the credential's key. */
  readonly keyLabel: string;
}

export interface OfficerCall extends OfficerHere {
  readonly api: Api;
}

function apiOf(base: string, given: Given<CallerOptions>, identity: Identity): Api {
  return new Api(base, identity, given.clock, given.randomness);
}

/** Opens the officer's token for as long as `work` takes; with the API if there is one. */
export async function asOfficerHere<T>(
  given: Given<CallerOptions>,
  work: (here: OfficerHere) => Promise<T>,
): Promise<T> {
  const { config, options, terminal } = given;
  const credentialId = needed(
    options.credential ?? config.credential?.id,
    'credential.id',
    '--credential ID',
  );
  const keyLabel = needed(options.key ?? config.credential?.key, 'credential.key', '--key LABEL');
  const base = options.api ?? config.api;
  return withToken(tokenFrom(config, options, terminal), async (token) => {
    const identity: Identity = {
      keyId: credentialId,
      alg: 'ecdsa-p256-sha256',
      sign: (bytes) => token.signDigest({ label: keyLabel }, sha256(bytes)),
    };
    const api = base === undefined ? undefined : apiOf(base, given, identity);
    return work({ api, token, credentialId, keyLabel });
  });
}

/** As `asOfficerHere`, where nothing goes without the API. Faults `setting-missing` before the token is opened. */
export async function asOfficer<T>(
  given: Given<CallerOptions>,
  work: (call: OfficerCall) => Promise<T>,
): Promise<T> {
  const base = needed(given.options.api ?? given.config.api, 'api', '--api URL');
  return asOfficerHere({ ...given, options: { ...given.options, api: base } }, ({ api, ...here }) =>
    work({ ...here, api: needed(api, 'api', '--api URL') }),
  );
}

export interface OwnKey {
  readonly personId: string;
  readonly credentialClass: CredentialClass;
  /** SEC 1 uncompressed P-256 point, lower-case hex. */
  readonly publicKey: string;
}

/** The token's key must be the one that the roster has under this credential. Faults `key-mismatch`. */
export async function checkOwnKey(
  { token, credentialId, keyLabel }: OfficerHere,
  state: GovernanceState,
): Promise<OwnKey> {
  const holder = holderOf(state, credentialId);
  if (!holder)
    throw cliFault('key-mismatch', `the roster has no credential ${credentialId}`, { credentialId });
  const { publicKey } = await token.describeKey({ label: keyLabel });
  if (publicKey !== holder.credential.publicKey) {
    throw cliFault('key-mismatch', `key ${keyLabel} on this token is not ${credentialId}`, { credentialId });
  }
  return { personId: holder.person.personId, publicKey, credentialClass: holder.credential.credentialClass };
}

/** Reads as whoever is configured: the request key where there is one (it needs no PIN), else the officer. */
export async function asAnyone<T>(given: Given<CallerOptions>, work: (api: Api) => Promise<T>): Promise<T> {
  const { requestKey } = given.config;
  if (requestKey === undefined || given.options.credential !== undefined) {
    return asOfficer(given, ({ api }) => work(api));
  }
  return work(asBackend(given).api);
}

export interface BackendCall {
  readonly api: Api;
  readonly keyId: string;
  readonly requester: string | undefined;
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
}

export function asBackend(given: Given<CallerOptions>): BackendCall {
  const { id, file, requester } = needed(given.config.requestKey, 'requestKey', '--config FILE');
  const { sign } = readRequestKey(file);
  const base = needed(given.options.api ?? given.config.api, 'api', '--api URL');
  return { api: apiOf(base, given, { keyId: id, alg: 'ed25519', sign }), keyId: id, requester, sign };
}
