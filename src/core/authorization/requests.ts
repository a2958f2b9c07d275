// Is this really the request of a registered key, for this deployment, still alive, and about things that governance
// knows? Says nothing about policy, approvals or bytes.

import { hexToBytes } from '@noble/hashes/utils.js';
import { accepted, type Outcome, refused } from '../fault.js';
import type { Chain, RequestKey, Wallet } from '../governance/entry.js';
import { type GovernanceState, tokenKey } from '../governance/state.js';
import type { Asset } from '../statements/fields.js';
import {
  type RequestStatement,
  requestBytes,
  requestDigest,
  type SignedRequest,
  transferIdOf,
} from '../statements/request.js';
import type { SignatureVerifier } from '../statements/signature.js';

/** Longer-lived requests are refused: a request that lies around is one that somebody may find. */
export const MAX_REQUEST_LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;
/** How far a backend's clock may be ahead. */
export const MAX_CLOCK_SKEW_MS = 5 * 60 * 1000;

export type RequestRefusalCode =
  | RequestOriginCode
  | 'request-lifetime'
  | 'request-from-the-future'
  | 'request-expired'
  | RequesterRefusalCode
  | ContentRefusalCode;

/** What a request says that does not make it one: who signs it, under which id, and when. */
export type RequestContent = Omit<
  RequestStatement,
  'type' | 'deploymentId' | 'requestId' | 'createdAtMs' | 'expiresAtMs'
>;

/** What governance knows of a content: enough to ask policy about it, whether anybody has signed it or not. */
export interface KnownContent {
  readonly statement: RequestContent;
  readonly key: RequestKey;
  readonly wallet: Wallet;
  readonly chain: Chain;
}

export interface VerifiedRequest extends KnownContent {
  readonly transferId: string;
  readonly digest: string;
  readonly statement: RequestStatement;
}

/** True when the asset, as written out in a statement, is exactly what governance registered for the chain. */
function registered(state: GovernanceState, chain: Chain, asset: Asset): boolean {
  if (asset.kind === 'native')
    return asset.symbol === chain.coin.symbol && asset.decimals === chain.coin.decimals;
  const token = state.tokens.get(tokenKey(chain.chain, asset.contract));
  return (
    token !== undefined &&
    token.contract === asset.contract &&
    token.symbol === asset.symbol &&
    token.decimals === asset.decimals
  );
}

export type RequestOriginCode =
  | 'request-other-deployment'
  | 'request-key-unknown'
  | 'request-signature-invalid';

/** The key that signed a request for this deployment, among those given. Input is hostile; says nothing of time or content. */
export function verifyOrigin(
  { statement, signature }: SignedRequest,
  deploymentId: string,
  keys: ReadonlyMap<string, RequestKey>,
  verifier: SignatureVerifier,
): Outcome<RequestKey, RequestOriginCode> {
  const { keyId } = statement;
  if (statement.deploymentId !== deploymentId) return refused('request-other-deployment');
  const key = keys.get(keyId);
  if (!key) return refused('request-key-unknown', { keyId });
  return verifier.ed25519(hexToBytes(key.publicKey), requestBytes(statement), hexToBytes(signature))
    ? accepted(key)
    : refused('request-signature-invalid', { keyId });
}

export type ContentRefusalCode = 'wallet-unknown' | 'chain-mismatch' | 'asset-not-registered';

/** Is what it is about registered, and does it fit together? Says nothing of who asks. */
function knownThings(
  state: GovernanceState,
  statement: RequestContent,
): Outcome<Pick<KnownContent, 'wallet' | 'chain'>, ContentRefusalCode> {
  const wallet = state.wallets.get(statement.wallet);
  if (!wallet) return refused('wallet-unknown', { wallet: statement.wallet });
  const chain = state.chains.get(wallet.chain);
  if (!chain || statement.chain !== wallet.chain)
    return refused('chain-mismatch', { chain: statement.chain });
  if (!registered(state, chain, statement.asset))
    return refused('asset-not-registered', { symbol: statement.asset.symbol });
  return accepted({ wallet, chain });
}

export type RequesterRefusalCode =
  | 'requester-not-owner'
  /** A person whom governance has removed. */
  | 'requester-removed';

/** May the key ask on behalf of this requester? A service was never on the roster, so it cannot have left it. */
function checkRequester(
  { everRegistered, persons }: GovernanceState,
  { owners }: RequestKey,
  requester: string,
): Outcome<undefined, RequesterRefusalCode> {
  if (!owners.includes(requester)) return refused('requester-not-owner', { requester });
  const wasEverThere = everRegistered.has(`person:${requester}`);
  const wasRemoved = wasEverThere && !persons.has(requester);
  return wasRemoved ? refused('requester-removed', { requester }) : accepted(undefined);
}

/** What a request of this content would be found to be about, if its key signed it now. Input is hostile. */
export function knownContent(
  state: GovernanceState,
  statement: RequestContent,
): Outcome<KnownContent, ContentRefusalCode | RequesterRefusalCode | 'request-key-unknown'> {
  const { keyId, requester } = statement;
  const key = state.requestKeys.get(keyId);
  if (!key) return refused('request-key-unknown', { keyId });
  const may = checkRequester(state, key, requester);
  if (may.kind === 'refused') return may;
  const things = knownThings(state, statement);
  return things.kind === 'refused' ? things : accepted({ statement, key, ...things.value });
}

/**
 * Verifies one signed request. Input is hostile; `nowMs` is the verifier's own time. `isSigned` tells of a transfer that it
 * has a signed transaction already: expiry would not make that one less spendable, so its replacement outlives it.
 */
export function verifyRequest(
  state: GovernanceState,
  request: SignedRequest,
  verifier: SignatureVerifier,
  nowMs: number,
  isSigned: (transferId: string) => boolean = () => false,
): Outcome<VerifiedRequest, RequestRefusalCode> {
  const { statement } = request;
  const digest = requestDigest(statement);
  const transferId = transferIdOf(digest);
  const no = (code: RequestRefusalCode, facts = {}) => refused(code, { transferId, ...facts });

  const origin = verifyOrigin(request, state.deploymentId, state.requestKeys, verifier);
  if (origin.kind === 'refused') return no(origin.code, origin.facts);
  const key = origin.value;
  const may = checkRequester(state, key, statement.requester);
  if (may.kind === 'refused') return no(may.code, may.facts);

  const lifetimeMs = statement.expiresAtMs - statement.createdAtMs;
  if (lifetimeMs <= 0 || lifetimeMs > MAX_REQUEST_LIFETIME_MS) return no('request-lifetime', { lifetimeMs });
  if (statement.createdAtMs > nowMs + MAX_CLOCK_SKEW_MS) return no('request-from-the-future', { nowMs });
  if (statement.expiresAtMs <= nowMs && !isSigned(transferId)) {
    return no('request-expired', { expiresAtMs: statement.expiresAtMs, nowMs });
  }

  const things = knownThings(state, statement);
  if (things.kind === 'refused') return no(things.code, things.facts);
  return accepted({ transferId, digest, statement, key, ...things.value });
}
