// Proposals over HTTP. It says who calls; what may be done is the service's, and in the end the signer's, to say.

import { Controller } from '@nestjs/common';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import { holderOf } from '../../core/governance/state.js';
import type { KeyedEffect } from '../http/call.js';
import { Caller, Effect, Input, type InputOf, Serves } from '../http/endpoint.js';
import type { Principal } from '../identity/principal.js';
import { GovernanceService } from './governance.service.js';
import type { ProposalPage, ProposalView, WaitingEntry } from './proposal.dto.js';
import {
  cancelProposal,
  draftProposal,
  getProposal,
  listProposals,
  listWaiting,
  redraftProposal,
  signProposal,
} from './proposal.endpoints.js';
import type { ProposalRefusalCode } from './proposal.errors.js';
import { Proposals } from './proposal.service.js';
import { Waiting } from './waiting.js';

type Result = Outcome<ProposalView, ProposalRefusalCode>;

@Controller()
export class ProposalController {
  constructor(
    private readonly proposals: Proposals,
    private readonly governance: GovernanceService,
    private readonly waiting: Waiting,
  ) {}

  @Serves(draftProposal)
  draft(
    @Input() { body }: InputOf<typeof draftProposal>,
    @Caller() caller: Principal,
    @Effect() { alongside, alreadyDone }: KeyedEffect,
  ): Promise<Result> {
    const personId = personOf(caller);
    return alreadyDone
      ? this.proposals.drafted(body.change, personId)
      : this.proposals.draft(body.change, personId, { alongside });
  }

  @Serves(listProposals)
  async list(@Input() { query }: InputOf<typeof listProposals>): Promise<Outcome<ProposalPage>> {
    return accepted(await this.proposals.list(query.which ?? 'open', query.before));
  }

  @Serves(getProposal)
  show(@Input() { params }: InputOf<typeof getProposal>): Promise<Result> {
    return this.proposals.show(params.proposalId);
  }

  @Serves(signProposal)
  async sign(
    @Input() { params, body }: InputOf<typeof signProposal>,
    @Caller() caller: Principal,
  ): Promise<Outcome<ProposalView, ProposalRefusalCode | 'approval-of-another-person'>> {
    const holder = holderOf(this.governance.state(), body.credentialId);
    // An unknown credential is the service's to refuse, with its own code.
    if (holder && holder.person.personId !== personOf(caller)) {
      return refused('approval-of-another-person', { credentialId: body.credentialId });
    }
    return this.proposals.sign(params.proposalId, body);
  }

  @Serves(cancelProposal)
  cancel(@Input() { params }: InputOf<typeof cancelProposal>, @Caller() caller: Principal): Promise<Result> {
    return this.proposals.cancel(params.proposalId, personOf(caller));
  }

  @Serves(redraftProposal)
  async redraft(
    @Input() { params: { proposalId } }: InputOf<typeof redraftProposal>,
    @Caller() caller: Principal,
    @Effect() { alongside, alreadyDone }: KeyedEffect,
  ): Promise<Result> {
    const change = alreadyDone ? await this.proposals.changeOf(proposalId) : undefined;
    return change
      ? this.proposals.drafted(change, personOf(caller))
      : this.proposals.redraft(proposalId, personOf(caller), alongside);
  }

  @Serves(listWaiting)
  async listWaiting(): Promise<Outcome<{ items: WaitingEntry[] }>> {
    return accepted({ items: await this.waiting.list() });
  }
}

/** These endpoints are for officers alone, which is checked before they are reached. */
function personOf(caller: Principal): string {
  if (caller.kind === 'officer') return caller.personId;
  throw new Fault('caller-unknown', 'a request key was let in where officers alone are');
}
