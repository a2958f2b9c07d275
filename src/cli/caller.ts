// Who this command line speaks as: a backend with its request key, or an officer with a token.

import { sha256 } from '@noble/hashes/sha2.js';
import { Api, type Identity } from '../sdk/api.js';
import { needed } from './cli-config.js';
import type { Given } from './command-line.js';
import { type OpenToken, type TokenOptions, tokenFrom, withToken } from './officer-token.js';
import { readRequestKey } from './request-key.js';

export interface CallerOptions extends TokenOptions {
  readonly api?: string;
  readonly credential?: string;
  readonly key?: string;
}

export interface OfficerCall {
  readonly api: Api;
  readonly token: OpenToken;
  readonly credentialId: string;
  /** CKA_LABEL of the credential's key. */
  readonly keyLabel: string;
}

function apiFor(given: Given<CallerOptions>, identity: Identity): Api {
  const base = needed(given.options.api ?? given.config.api, 'api', '--api URL');
  return new Api(base, identity, given.clock, given.randomness);
}

/** Opens the officer's token for as long as `work` takes. */
export async function asOfficer<T>(
  given: Given<CallerOptions>,
  work: (call: OfficerCall) => Promise<T>,
): Promise<T> {
  const { config, options, terminal } = given;
  const credentialId = needed(
    options.credential ?? config.credential?.id,
    'credential.id',
    '--credential ID',
  );
  const keyLabel = needed(options.key ?? config.credential?.key, 'credential.key', '--key LABEL');
  return withToken(tokenFrom(config, options, terminal), async (token) => {
    const api = apiFor(given, {
      keyId: credentialId,
      alg: 'ecdsa-p256-sha256',
      sign: (bytes) => token.signDigest({ label: keyLabel }, sha256(bytes)),
    });
    return work({ api, token, credentialId, keyLabel });
  });
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
  return { api: apiFor(given, { keyId: id, alg: 'ed25519', sign }), keyId: id, requester, sign };
}
