// From a signed HTTP request to a principal, or a refusal. Everything in the request is hostile.

import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import type { HttpMessage } from '../../core/http-message-signatures/signature-base.js';
import {
  type HttpSignatureRefusalCode,
  verifyHttpRequest,
} from '../../core/http-message-signatures/verify.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { GovernanceService } from '../governance/governance.service.js';
import { CLOCK } from '../tokens.js';
import { Authorities } from './authorities.js';
import { NonceStore } from './nonce.store.js';
import { type Principal, principalOf } from './principal.js';

export type AuthenticationRefusalCode = HttpSignatureRefusalCode | 'authority-unknown';

@Injectable()
export class Authenticator {
  constructor(
    private readonly governance: GovernanceService,
    private readonly nonces: NonceStore,
    private readonly authorities: Authorities,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** `body` as received, empty for none. Throws Fault `governance-unavailable` while nobody can be known. */
  async authenticate(
    message: HttpMessage,
    body: Uint8Array,
  ): Promise<Outcome<Principal, AuthenticationRefusalCode>> {
    // The Host header is the sender's own word: signing it means something only if it can be no one else's name.
    if (!this.authorities.include(message.authority)) {
      return refused('authority-unknown', { authority: message.authority.slice(0, 260) });
    }
    const state = this.governance.state();
    const signature = verifyHttpRequest(message, body, {
      lookUpKey: (keyId, alg) => principalOf(state, keyId, alg)?.publicKey,
      verifier: nativeVerifier,
      nowMs: this.clock.nowMs(),
    });
    if (signature.kind === 'refused') return signature;
    const { keyId, alg } = signature.value;
    const found = principalOf(state, keyId, alg);
    if (!found) return refused('signature-key-unknown', { keyId, alg });
    if (!(await this.nonces.use(signature.value))) return refused('signature-replayed', { keyId });
    return accepted(found.principal);
  }
}
