// Governance over HTTP: a window on the mirrored log, and the way in for entries, which the signer judges.

import { Controller } from '@nestjs/common';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import { entryHash } from '../../core/governance/entry.js';
import type { GovernanceState } from '../../core/governance/state.js';
import { Input, type InputOf, Serves } from '../http/endpoint.js';
import { isProblemCode } from '../http/problem.js';
import {
  appendEntry,
  type GovernancePage,
  type GovernanceSummary,
  getGovernance,
} from './governance.endpoints.js';
import { GovernanceService } from './governance.service.js';

@Controller()
export class GovernanceController {
  constructor(private readonly governance: GovernanceService) {}

  @Serves(getGovernance)
  async read(@Input() { query }: InputOf<typeof getGovernance>): Promise<Outcome<GovernancePage>> {
    const state = this.governance.state();
    const from = query.from ?? 0;
    const entries = await this.governance.entries(from);
    const next = from + entries.length;
    return accepted({
      summary: summaryOf(state),
      entries: [...entries],
      nextFrom: entries.length > 0 && next <= state.sequence ? next : null,
    });
  }

  @Serves(appendEntry)
  async append(@Input() { body }: InputOf<typeof appendEntry>): Promise<Outcome<GovernanceSummary>> {
    const known = this.governance.state();
    if (known.history[body.body.sequence] === entryHash(body.body)) return accepted(summaryOf(known));
    const state = await this.governance.append(body);
    if (state.kind === 'accepted') return accepted(summaryOf(state.value));
    // The signer may be newer than this program and have codes that no list here has.
    return isProblemCode(state.code)
      ? state
      : refused('signer-refused', { signerCode: state.code, ...state.facts });
  }
}

function summaryOf(state: GovernanceState): GovernanceSummary {
  return {
    deploymentId: state.deploymentId,
    sequence: state.sequence,
    head: state.head,
    policyHash: state.policyHash,
    policies: state.policies.map((policy) => policy.name),
    quorum: state.quorum,
    persons: [...state.persons.values()].map(({ personId, name, credentials }) => ({
      personId,
      name,
      credentialIds: credentials.map((credential) => credential.credentialId),
    })),
    groups: [...state.groups].map(([groupId, members]) => ({ groupId, members: [...members] })),
    frozen: [...state.frozen.values()],
    requestKeys: [...state.requestKeys.values()],
    chains: [...state.chains.values()],
    wallets: [...state.wallets.values()].map(({ walletId, chain, tier, token }) => ({
      walletId,
      chain,
      tier,
      token,
    })),
    tokens: [...state.tokens.values()],
    bands: [...state.bands.values()],
    retired: [...state.retired.values()],
  };
}
