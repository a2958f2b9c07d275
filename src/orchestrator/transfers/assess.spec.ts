// What the orchestrator says is needed, against what the signer decides on the bytes: both ask the same modules, and this
// shows that they come to the same answer, whatever the amount, the counters, the approvals and the statement are.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { authorize } from '../../core/authorization/authorize.js';
import { decodeOrder } from '../../core/authorization/decode-order.js';
import type { SigningOrder } from '../../core/authorization/signing-order.js';
import { NO_FACTS } from '../../core/facts/verify.js';
import { Fault } from '../../core/fault.js';
import { replayLog } from '../../core/governance/replay.js';
import type { GovernanceState } from '../../core/governance/state.js';
import { addressOfPublicKey } from '../../core/intents/ethereum/address.js';
import { approvalWords } from '../../core/policy/approvals.js';
import { parsePolicies } from '../../core/policy/parse.js';
import type { Known, LimitUsage } from '../../core/policy/types.js';
import { statementOf } from '../../core/statements/approval.js';
import type { SignedRequest } from '../../core/statements/request.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { unsignedHex } from '../chains/ethereum/plan.js';
import type { Governance } from '../governance/governance.service.js';
import { assess, chargesFor, type Held, verifyTransfer } from './assess.js';
import { Cast, ETHEREUM, type OfficerId, START_MS } from './cast.fixture.js';
import { certain } from './stage.fixture.js';

const ETHER = 10n ** 18n;
const NOW_MS = START_MS + 60_000;

const cast = new Cast();
const genesis = certain(replayLog(cast.entries, nativeVerifier));
/** About an entry that all of the logs here have. */
const word = cast.head('alice', NOW_MS);
cast.amend(
  cast.policiesWith(
    '[ { group: treasury, quorum: 2 } ]',
    '{ any-of: [[{ group: treasury, quorum: 2 }], [{ group: governors, quorum: 1, except: [alice] }]] }',
  ),
);
const withAlternatives = certain(replayLog(cast.entries, nativeVerifier));
cast.amend(
  cast.policiesWith(
    '"1 ETH" }',
    '"1 ETH" }\n    limits: [{ id: day, per: rule, asset: ETH, window: 24h, max: "9 ETH" }]',
  ),
);
const withLimitsOfRules = certain(replayLog(cast.entries, nativeVerifier));

cast.amend(
  cast.policiesWith(
    '  - id: small',
    '  - { id: poisoned, when: { any-of: [{ look-alike: yes }, { first-use: yes, amount-above: "0.5 ETH", asset: ETH }] }, then: refuse }\n  - id: small',
  ),
);
const withKnowledge = certain(replayLog(cast.entries, nativeVerifier));

const AMOUNTS = [ETHER / 10n, ETHER, ETHER + 1n, 5n * ETHER, 5n * ETHER + 1n];
const DAY_USED = [0n, 5n * ETHER - 1n, 5n * ETHER, 5n * ETHER + 1n, 9n * ETHER, 10n * ETHER];
const HOUR_USED = [0n, 59n, 60n];

const WELL_KNOWN: Known = { atMs: NOW_MS, firstUse: false, lookAlikeOf: undefined, whitelist: undefined };
/** Two of which a rule of the last policy refuses, and none, under which it cannot be asked; more often what it lets pass. */
const KNOWN: readonly (Known | undefined)[] = [
  ...Array.from({ length: 6 }, () => WELL_KNOWN),
  { atMs: NOW_MS, firstUse: true, lookAlikeOf: undefined, whitelist: undefined },
  { atMs: NOW_MS, firstUse: false, lookAlikeOf: '0xdead', whitelist: undefined },
  undefined,
];

interface Statement {
  readonly expiresAtMs: number;
  readonly policyHash: string;
}
const statementsUnder = ({ policyHash }: GovernanceState): readonly Statement[] => [
  { expiresAtMs: NOW_MS + 1, policyHash },
  { expiresAtMs: NOW_MS, policyHash },
  { expiresAtMs: NOW_MS + 1, policyHash: '0'.repeat(64) },
];

function heldFor(
  request: SignedRequest,
  statement: Statement,
  officers: readonly OfficerId[],
  { head }: GovernanceState,
): Held {
  const signed = statementOf(request.statement, { ...statement, governanceHead: head });
  const approvals = officers.map((personId) => ({ ...cast.verdict(personId, signed), personId }));
  return { statement: signed, approvals };
}

function wallet() {
  const found = genesis.wallets.get('hot-eth');
  if (!found) throw new Fault('fixture', 'no wallet');
  return found;
}

/** The order that the pipeline would send for it. */
function orderFor({ statement }: SignedRequest, transfers: SigningOrder['transfers']): SigningOrder {
  const hex = unsignedHex({
    version: 1,
    chain: ETHEREUM,
    from: addressOfPublicKey(wallet().keys[0]?.publicKey ?? ''),
    nonce: 0,
    movement: { kind: 'native', to: statement.destination, amountWei: BigInt(statement.amount) },
    transferId: `tr-${'0'.repeat(40)}`,
    gasLimit: 21_000n,
    maxFeePerGasWei: 2_000_000_000n,
    maxPriorityFeePerGasWei: 1_000_000_000n,
    feeBoundWei: BigInt(statement.feeCeiling),
    plannedAtHeight: 0,
  });
  const transaction = { kind: 'eip1559', hex } as const;
  return { wallet: 'hot-eth', transaction, transfers, head: word };
}

function signerSays(
  order: SigningOrder,
  usage: LimitUsage,
  governance: Governance,
  known: Known | undefined,
) {
  return authorize(order, certain(decodeOrder(order, governance.state)), {
    ...governance,
    verifier: nativeVerifier,
    nowMs: NOW_MS,
    usage,
    pastOf: () => 'unseen',
    knowing: () => known,
    heldMs: () => undefined,
    cancelled: () => undefined,
  });
}

describe('what the orchestrator says is needed', () => {
  it.each([
    ['the shipped policy', genesis],
    ['one with alternatives', withAlternatives],
    ['one with limits of rules', withLimitsOfRules],
    ['one that asks what is known', withKnowledge],
  ])('is what the signer decides under %s', (_what, state) => {
    const governance = { state, policies: certain(parsePolicies(state.policies, state)) };
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.constantFrom(...AMOUNTS),
        fc.constantFrom(...DAY_USED),
        fc.constantFrom(...HOUR_USED),
        fc.constantFrom(...statementsUnder(state)),
        fc.subarray<OfficerId>(['alice', 'bob', 'carol']),
        fc.constantFrom('exchange', 'carol'),
        fc.constantFrom(...KNOWN),
        (amount, dayUsed, hourUsed, statement, officers, requester, known) => {
          const request = cast.request(amount.toString(), { requester });
          const verified = certain(verifyTransfer(governance, request, nativeVerifier, NOW_MS));
          // Only what is asked for before the decision can be used in it; both ask for nothing else.
          const read = new Set(
            chargesFor(governance, verified, { known, facts: NO_FACTS }).map(
              ({ limitId, key }) => `${limitId} ${key}`,
            ),
          );
          const usage: LimitUsage = ({ limitId, key }) => {
            if (!read.has(`${limitId} ${key}`)) throw new Fault('fixture', 'a counter that was not read');
            return limitId.startsWith('everything') ? hourUsed : dayUsed;
          };
          const held = heldFor(request, statement, officers, state);
          const assessed = assess(
            governance,
            verified,
            held,
            { known, facts: NO_FACTS },
            usage,
            nativeVerifier,
            NOW_MS,
          );

          if (assessed.kind === 'refused') {
            const order = orderFor(request, [{ request, statement: null, approvals: [] }]);
            expect(signerSays(order, usage, governance, known)).toMatchObject({
              kind: 'refused',
              code: assessed.code,
            });
            seen.add(assessed.code);
            return;
          }
          const { decision, statementInForce, missing, approvals } = assessed.value;
          const order = orderFor(request, [
            {
              request,
              statement: decision.kind === 'approve' ? held.statement : null,
              approvals: approvals.map(({ credentialId, verdict, signature }) => ({
                credentialId,
                verdict,
                signature,
              })),
            },
          ]);
          const said = signerSays(order, usage, governance, known);
          if (!statementInForce) {
            const code = statement.expiresAtMs <= NOW_MS ? 'approval-expired' : 'policy-not-in-force';
            expect(said).toMatchObject({ kind: 'refused', code });
            seen.add(code);
          } else if (missing.length > 0) {
            expect(said).toMatchObject({
              kind: 'refused',
              code: 'approvals-insufficient',
              facts: { rule: decision.rule, missing: approvalWords(missing) },
            });
            seen.add('approvals-insufficient');
          } else {
            expect(said).toMatchObject({ kind: 'accepted', value: { transfers: [{ decision }] } });
            seen.add(decision.kind);
          }
        },
      ),
      { numRuns: 900 },
    );
    expect([...seen].toSorted()).toEqual([
      'allow',
      'approval-expired',
      'approvals-insufficient',
      'approve',
      'limit-exceeded',
      // Only where somebody has to know, and does not.
      ...(state === withKnowledge ? ['policy-error'] : []),
      'policy-not-in-force',
      'policy-refused',
    ]);
  });
});
