// Approvals over HTTP. An officer brings their own verdict; whether it counts is the service's, and then the signer's, to say.

import { Controller } from '@nestjs/common';
import { type Outcome, refused } from '../../core/fault.js';
import { holderOf } from '../../core/governance/state.js';
import { GovernanceService } from '../governance/governance.service.js';
import type { KeyedEffect } from '../http/call.js';
import { Caller, Effect, Input, type InputOf, Serves } from '../http/endpoint.js';
import type { Principal } from '../identity/principal.js';
import { TransferService } from '../transfers/transfer.service.js';
import type { TransferView } from '../transfers/transfer.view.js';
import { getStatement, submitApproval } from './approval.endpoints.js';
import {
  ApprovalService,
  type ApprovalServiceRefusalCode,
  type StatementToSign,
} from './approval.service.js';

@Controller()
export class ApprovalController {
  constructor(
    private readonly approvals: ApprovalService,
    private readonly transfers: TransferService,
    private readonly governance: GovernanceService,
  ) {}

  @Serves(getStatement)
  async statement(
    @Input() { params }: InputOf<typeof getStatement>,
  ): Promise<Outcome<StatementToSign, ApprovalServiceRefusalCode>> {
    return this.approvals.statementFor(params.transferId);
  }

  @Serves(submitApproval)
  async submit(
    @Input() { params, body }: InputOf<typeof submitApproval>,
    @Caller() caller: Principal,
    @Effect() effect: KeyedEffect,
  ): Promise<Outcome<TransferView, ApprovalServiceRefusalCode | 'approval-of-another-person'>> {
    const holder = holderOf(this.governance.state(), body.credentialId);
    // An unknown credential is the service's to refuse, with its own code.
    if (holder && (caller.kind !== 'officer' || holder.person.personId !== caller.personId)) {
      return refused('approval-of-another-person', { credentialId: body.credentialId });
    }
    if (effect.alreadyDone) return this.transfers.get(params.transferId);
    return this.approvals.submit(params.transferId, body, effect.alongside);
  }
}
