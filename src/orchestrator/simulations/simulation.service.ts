// What would become of a transfer that nobody has asked for: the questions that a real one meets, put by the same code to the
// state as it is now. It writes nothing, reserves nothing and asks the signer nothing. So it is NOT a promise: the signer
// decides by counters and clock of its own, and what others ask for meanwhile counts.

import { excludedApprovers } from '../../core/authorization/approvals.js';
import { type ContentRefusalCode, knownContent } from '../../core/authorization/requests.js';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import type { PolicyDocument } from '../../core/governance/entry.js';
import { freezeOf } from '../../core/governance/state.js';
import { explainedViewOf } from '../../core/policy/explained.js';
import type { PolicyParseRefusalCode } from '../../core/policy/page.js';
import { parsePolicies } from '../../core/policy/parse.js';
import type { Governance } from '../governance/governance.service.js';
import {
  chargesFor,
  checkDestination,
  type DestinationRefusalCode,
  explained,
  factsWanted,
} from '../transfers/assess.js';
import { knowledgeOf } from '../transfers/knowledge.js';
import { Limits } from '../transfers/limit.store.js';
import type { PipelineParts } from '../transfers/pipeline.js';
import type { SimulationBody, SimulationView } from './simulation.dto.js';

export type SimulationRefusalCode =
  | ContentRefusalCode
  | PolicyParseRefusalCode
  | 'request-key-unknown'
  | 'requester-not-owner'
  | 'requester-removed'
  | DestinationRefusalCode
  | 'chain-not-served';

export class Simulations {
  constructor(
    private readonly parts: Pick<PipelineParts, 'database' | 'governance' | 'facts' | 'drivers' | 'clock'>,
  ) {}

  /**
   * Refuses what a request of this content would be refused for at the door, and `policy-malformed` for a draft that does not
   * hold together. Input is hostile. Throws what governance throws while it is not known.
   */
  async run({
    policies,
    ...content
  }: SimulationBody): Promise<Outcome<SimulationView, SimulationRefusalCode>> {
    const { database, governance, facts, drivers, clock } = this.parts;
    const under = withDraft(governance.now(), policies);
    if (under.kind === 'refused') return under;
    const { state, policies: asked } = under.value;
    const known = knownContent(state, content);
    if (known.kind === 'refused') return known;
    const { chain, wallet } = known.value;
    const destination = checkDestination(state, known.value);
    if (destination.kind === 'refused') return destination;
    if (!drivers.some((driver) => driver.family === chain.family)) {
      return refused('chain-not-served', { chain: chain.chain });
    }
    const subjects = factsWanted(under.value, known.value);
    // Network, outside of the database.
    await facts.gather(subjects);
    const nowMs = clock.nowMs();
    const { knowledge, limits } = await database.read(async (db) => {
      const knowledge = await knowledgeOf(db, this.parts, under.value, known.value, nowMs);
      return {
        knowledge,
        limits: await Limits.read(db, chargesFor(under.value, known.value, knowledge), nowMs),
      };
    });
    const frozen = freezeOf(state, wallet.walletId);
    return accepted({
      asOfMs: nowMs,
      governanceHead: state.head,
      policyHash: asked.hash,
      draft: asked.hash !== state.policyHash,
      ...explainedViewOf(explained(under.value, known.value, knowledge, limits.usage)),
      excluded: [...excludedApprovers(known.value)],
      wanted: subjects.map((subject) => ({ subject, said: [...(knowledge.facts.get(subject) ?? [])] })),
      frozen: frozen ? { scope: frozen.scope, why: frozen.why, sequence: frozen.sequence } : null,
    });
  }
}

/** Governance as it is, with a draft in place of its documents. */
function withDraft(
  now: Governance,
  draft: readonly PolicyDocument[] | undefined,
): Outcome<Governance, PolicyParseRefusalCode> {
  if (draft === undefined) return accepted(now);
  const parsed = parsePolicies(draft, now.state);
  return parsed.kind === 'refused' ? parsed : accepted({ state: now.state, policies: parsed.value });
}
