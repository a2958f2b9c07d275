// Who this command line speaks as: a backend with its request key, or an officer with a token, and perhaps a Ledger.

import { sha256 } from '@noble/hashes/sha2.js';
import type { CredentialClass } from '../core/governance/credential-class.js';
import { type GovernanceState, holderOf } from '../core/governance/state.js';
import { Api, type Identity } from '../sdk/api.js';
import { needed } from './cli-config.js';
import type { Given } from './command-line.js';
import { cliFault } from './exit.js';
import { type TokenOptions, tokenFrom, withToken } from './officer-token.js';
import { ledgerPenFrom, type Pen, type PenOptions, signsWithLedger, tokenPen } from './pen.js';
import { readRequestKey } from './request-key.js';

export interface CallerOptions extends TokenOptions, PenOptions {
  readonly api?: string;
  readonly credential?: string;
  readonly key?: string;
}

/** An officer with what they sign with. Without an API where none is configured: their machine may be kept apart. */
export interface OfficerHere {
  readonly api: Api | undefined;
  readonly pen: Pen;
  /** Of the pen, which is the token's or a Ledger's. */
  readonly credentialId: string;
}

export interface OfficerCall extends OfficerHere {
  readonly api: Api;
}

function apiOf(base: string, given: Given<CallerOptions>, identity: Identity): Api {
  return new Api(base, identity, given.clock, given.randomness);
}

interface Identified {
  readonly pen: Pen;
  /** Of the token; undefined where a Ledger signs and nobody calls the API. */
  readonly identity: Identity | undefined;
}

/** Opens what the officer signs with; with `calls`, their token in any case, since it signs calls of the API. */
async function withIdentity<T>(
  given: Given<CallerOptions>,
  calls: boolean,
  work: (identified: Identified) => Promise<T>,
): Promise<T> {
  const { config, options, terminal } = given;
  const device = signsWithLedger(config, options) ? ledgerPenFrom(config, terminal) : undefined;
  if (device && !calls) return work({ pen: device, identity: undefined });
  const keyId = needed(options.credential ?? config.credential?.id, 'credential.id', '--credential ID');
  const label = needed(options.key ?? config.credential?.key, 'credential.key', '--key LABEL');
  return withToken(tokenFrom(config, options, terminal), (token) => {
    const sign = (bytes: Uint8Array) => token.signDigest({ label }, sha256(bytes));
    const pen = device ?? tokenPen(token, keyId, label);
    return work({ pen, identity: { keyId, alg: 'ecdsa-p256-sha256', sign } });
  });
}

/** What the officer signs with, and no API. */
export function withPen<T>(given: Given<CallerOptions>, work: (pen: Pen) => Promise<T>): Promise<T> {
  return withIdentity(given, false, ({ pen }) => work(pen));
}

/** Opens what the officer has for as long as `work` takes; with the API if there is one, whose calls their token signs. */
export async function asOfficerHere<T>(
  given: Given<CallerOptions>,
  work: (here: OfficerHere) => Promise<T>,
): Promise<T> {
  const base = given.options.api ?? given.config.api;
  return withIdentity(given, base !== undefined, ({ pen, identity }) => {
    const api = base === undefined || !identity ? undefined : apiOf(base, given, identity);
    return work({ api, pen, credentialId: pen.credentialId });
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

/** An officer's own credential, found in the roster and in their hand. */
export interface OwnKey {
  readonly personId: string;
  readonly credentialClass: CredentialClass;
  /** Signs bytes with it, in the way of its class; hex. A Ledger shows them first. Faults `key-mismatch`, `device-refused`. */
  readonly sign: (bytes: Uint8Array) => Promise<string>;
}

/** What the officer signs with must be what the roster has under this credential. Faults `key-mismatch`. */
export async function checkOwnKey(
  { pen, credentialId }: OfficerHere,
  state: GovernanceState,
): Promise<OwnKey> {
  const holder = holderOf(state, credentialId);
  if (!holder)
    throw cliFault('key-mismatch', `the roster has no credential ${credentialId}`, { credentialId });
  const { person, credential } = holder;
  await pen.check(credential);
  return {
    personId: person.personId,
    credentialClass: credential.credentialClass,
    sign: (bytes) => pen.sign(credential, bytes),
  };
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
