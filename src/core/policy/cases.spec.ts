import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { currency, type FactContent, factContent, screeningResult, subjectOf } from '../facts/fact.js';
import type { KnownFacts } from '../facts/verify.js';
import { tier } from '../governance/entry.js';
import { transferKind } from '../statements/fields.js';
import { classCounts } from '../governance/credential-class.js';
import { classesHeld } from '../governance/state.js';
import { parseUnits } from '../money/amount.js';
import { FIAT_DECIMALS } from '../money/fiat.js';
import { approvalWords, missingApprovals } from './approvals.js';
import { decide } from './decide.js';
import { policySchemaText, QUOTED_KEYS } from './document.js';
import { parsePolicies } from './parse.js';
import {
  BITCOIN,
  documentOf,
  ETHEREUM,
  EXAMPLES,
  namesIn,
  POLICIES,
  SHIPPED_CONTEXT,
  shippedDocuments,
  USDX,
  valueFrom,
} from './shipped.fixture.js';
import { readYaml } from './strict-yaml.js';
import type { Decision, Known, Limit, Policy, Situation } from './types.js';

const caseFile = z.strictObject({
  cases: z
    .array(
      z.strictObject({
        name: z.string(),
        transfer: z.strictObject({
          wallet: z.string(),
          asset: z.enum(['BTC', 'ETH', 'USDX']),
          amount: z.string(),
          /** A withdrawal where it is not said. */
          kind: transferKind.optional(),
          /** The whole fee ceiling; 0 where it is not said. */
          fee: z.string().optional(),
          /** A Wednesday at noon where it is not said. */
          at: z.iso.datetime({ offset: true }).optional(),
          to: z.string().optional(),
          'to-tier': tier.optional(),
          'first-use': z.literal('yes').optional(),
          'look-alike-of': z.string().optional(),
          whitelist: z.strictObject({ entry: z.string(), label: z.string(), hours: z.int() }).optional(),
        }),
        /** One value for each source that speaks. */
        facts: z
          .strictObject({
            price: z.array(z.string()).optional(),
            screening: z.array(z.strictObject({ result: screeningResult, risk: z.int() })).optional(),
            balance: z.array(z.string()).optional(),
            'hot-share': z.array(z.string()).optional(),
          })
          .optional(),
        /** In the order in which they approve: each follows all before. */
        approved: z.array(z.string()).optional(),
        used: z.record(z.string(), z.union([z.string(), z.int()])).optional(),
        expect: z.strictObject({
          decision: z.enum(['allow', 'approve', 'refuse']),
          rule: z.string().optional(),
          code: z.string().optional(),
          limit: z.string().optional(),
          needs: z
            .array(
              z.strictObject({
                group: z.string(),
                quorum: z.int(),
                with: classCounts.optional(),
                step: z.int().optional(),
              }),
            )
            .optional(),
          /** In minutes. */
          hold: z.int().optional(),
          missing: z.string().optional(),
        }),
      }),
    )
    .min(1),
});
type Case = z.infer<typeof caseFile>['cases'][number];

const ASSETS = {
  BTC: { chain: BITCOIN, contract: 'native', decimals: 8 },
  ETH: { chain: ETHEREUM, contract: 'native', decimals: 18 },
  USDX: { chain: ETHEREUM, contract: USDX.toLowerCase(), decimals: 18 },
};

const DESTINATION = '0x000000000000000000000000000000000000dead';

function factsOf({ transfer, facts = {} }: Case): KnownFacts {
  const { chain, contract, decimals } = ASSETS[transfer.asset];
  const { wallet } = transfer;
  const number = (text: string) => text.split(' ')[0] ?? '';
  const said: readonly FactContent[] = [
    ...(facts.price ?? []).map((text) => ({
      kind: 'price' as const,
      chain,
      contract,
      currency: currency.parse(text.split(' ')[1]),
      price: number(text),
      sources: 1,
    })),
    ...(facts.screening ?? []).map(({ result, risk }) => ({
      kind: 'screening' as const,
      chain,
      address: DESTINATION,
      result,
      riskScore: risk,
    })),
    ...(facts.balance ?? []).map((text) => ({
      kind: 'balance' as const,
      wallet,
      chain,
      contract,
      amount: parseUnits(number(text), decimals).toString(),
    })),
    ...(facts['hot-share'] ?? []).map((text) => ({
      kind: 'hot-share' as const,
      chain,
      contract,
      basisPoints: Number(parseUnits(text.slice(0, -1), 2)),
    })),
  ];
  return Map.groupBy(
    said.map((one) => factContent.parse(one)),
    subjectOf,
  );
}

function knownOf({ at, whitelist, ...transfer }: Case['transfer']): Known {
  return {
    atMs: Date.parse(at ?? '2026-03-04T12:00:00Z'),
    firstUse: transfer['first-use'] === 'yes',
    lookAlikeOf: transfer['look-alike-of'],
    whitelist: whitelist && {
      entryId: whitelist.entry,
      label: whitelist.label,
      ageMs: whitelist.hours * 3_600_000,
    },
  };
}

function situationOf(one: Case): Situation {
  const { transfer } = one;
  const { chain, contract, decimals } = ASSETS[transfer.asset];
  const coin = chain === BITCOIN ? ASSETS.BTC : ASSETS.ETH;
  return {
    wallet: transfer.wallet,
    tier: SHIPPED_CONTEXT.wallets.get(transfer.wallet)?.tier ?? 'warm',
    chain,
    contract,
    amount: parseUnits(transfer.amount.split(' ')[0] ?? '', decimals),
    destination: transfer.to ?? DESTINATION,
    requester: 'payouts',
    customer: 'customer-1',
    kind: transfer.kind ?? 'withdrawal',
    feeCeiling: transfer.fee ? parseUnits(transfer.fee.split(' ')[0] ?? '', coin.decimals) : 0n,
    toTier: transfer['to-tier'],
    known: knownOf(transfer),
    facts: factsOf(one),
  };
}

function used(given: Case['used'], limit: Limit | undefined): bigint {
  const value = given?.[limit?.id ?? ''];
  if (value === undefined || !limit) return 0n;
  const { measure } = limit;
  if (measure.kind === 'count') return BigInt(value);
  const decimals = measure.kind === 'value' ? FIAT_DECIMALS : measure.asset.decimals;
  return parseUnits(String(value).split(' ')[0] ?? '', decimals);
}

/** What is missing when these have approved; undefined where the case says nothing of approvals, or nothing is. */
function missingOf({ approved }: Case, decision: Decision): string | undefined {
  if (approved === undefined || decision.kind !== 'approve') return undefined;
  const excluded = new Set(['payouts']);
  const { requirements } = decision;
  const missing = missingApprovals(
    requirements,
    new Set(approved),
    SHIPPED_CONTEXT.groups,
    excluded,
    classesHeld(SHIPPED_CONTEXT),
    new Map(approved.map((person, index) => [person, new Set(approved.slice(0, index))])),
  );
  return missing.length === 0 ? undefined : approvalWords(missing);
}

const limitsOf = ({ limits, rules }: Policy) => [
  ...limits,
  ...rules.flatMap(({ limits: ofRule = [] }) => ofRule),
];

describe.each([
  ['the shipped policies', POLICIES],
  ['the examples', EXAMPLES],
  ['the examples with facts', join(EXAMPLES, 'facts')],
])('%s', (_what, folder) => {
  const set = valueFrom(parsePolicies(shippedDocuments(folder), SHIPPED_CONTEXT));
  const limits = new Map(set.policies.flatMap(limitsOf).map((limit) => [limit.id, limit]));
  const rules = set.policies.flatMap(({ name, rules }) => rules.map(({ id }) => `${name}/${id}`));
  const seen = new Set<string>();
  const full = new Set<unknown>();

  for (const name of namesIn(folder, '.cases.yaml')) {
    const text = readFileSync(join(folder, `${name}.cases.yaml`), 'utf8');
    for (const one of caseFile.parse(valueFrom(readYaml(text, new Set(['amount', 'fee', 'at']))).value)
      .cases) {
      it(`${name}: ${one.name}`, () => {
        for (const id of Object.keys(one.used ?? {})) expect([...limits.keys()]).toContain(id);
        const decision = decide(set, situationOf(one), (charge) =>
          used(one.used, limits.get(charge.limitId)),
        );
        if (decision.rule !== undefined) seen.add(decision.rule);
        if (decision.kind === 'refuse' && decision.code === 'limit-exceeded') full.add(decision.facts.limit);
        const missing = missingOf(one, decision);
        expect({
          decision: decision.kind,
          ...(decision.rule !== undefined && { rule: decision.rule }),
          ...(decision.kind === 'refuse' && { code: decision.code }),
          ...(decision.kind === 'refuse' &&
            decision.code === 'limit-exceeded' && { limit: decision.facts.limit }),
          ...(decision.kind === 'approve' && one.approved === undefined && { needs: decision.requirements }),
          ...(decision.kind !== 'refuse' &&
            decision.holdMs !== undefined && { hold: decision.holdMs / 60_000 }),
          ...(missing !== undefined && { missing }),
        }).toEqual(one.expect);
      });
    }
  }

  it('have a case for every rule', () => {
    expect(rules.filter((rule) => !seen.has(rule))).toEqual([]);
  });

  it('have a case for every limit where it refuses', () => {
    expect([...limits.keys()].filter((limit) => !full.has(limit))).toEqual([]);
  });
});

describe('the bad samples', () => {
  const folder = join(POLICIES, 'bad');
  // For one of them a tier that no wallet has.
  const wallets = new Map([...SHIPPED_CONTEXT.wallets].filter(([, one]) => one.tier !== 'deposit'));
  const context = { ...SHIPPED_CONTEXT, wallets };
  for (const name of namesIn(folder, '.yaml')) {
    const text = readFileSync(join(folder, `${name}.yaml`), 'utf8');
    const expected = /^# refused at ([0-9]+):([0-9]+): (.+)$/m.exec(text);
    it(`${name}: ${expected?.[3] ?? 'says nowhere why it is refused'}`, () => {
      const outcome = parsePolicies([documentOf('sample', text)], context);
      expect(outcome).toMatchObject({ kind: 'refused', code: 'policy-malformed' });
      if (outcome.kind === 'refused') {
        const { document, line, column, text: shown, why } = outcome.facts;
        const standing = text.split('\n')[Number(line) - 1]?.slice(Number(column) - 1, Number(column) + 19);
        expect(shown).toContain(standing);
        expect({ document, at: `${line}:${column}`, why }).toEqual({
          document: 'sample',
          at: `${expected?.[1]}:${expected?.[2]}`,
          why: expected?.[3],
        });
      }
    });
  }

  it('are many', () => {
    expect(namesIn(folder, '.yaml').length).toBeGreaterThan(30);
  });
});

describe('policy.schema.json', () => {
  const text = readFileSync(join(POLICIES, 'policy.schema.json'), 'utf8');
  // As an editor does: by the file alone, without the parser's own schema.
  const editor = z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]);
  const contentOf = (document: string) => valueFrom(readYaml(document, QUOTED_KEYS)).value;
  const isTaken = (document: string) => editor.safeParse(contentOf(document)).success;
  const [hotBitcoin = ''] = shippedDocuments()
    .filter(({ name }) => name === 'hot-bitcoin')
    .map(({ lines }) => lines.join('\n'));

  it('is what the parser takes (to make it again: docs/policies.md)', () => {
    expect(text).toBe(policySchemaText());
  });

  it.each(
    [POLICIES, EXAMPLES, join(EXAMPLES, 'facts')].flatMap((folder) =>
      shippedDocuments(folder).map(({ name, lines }) => [name, folder, lines] as const),
    ),
  )('takes %s of %s, which names it for editors', (_name, folder, lines) => {
    expect(isTaken(lines.join('\n'))).toBe(true);
    const [, path = ''] = /^# yaml-language-server: \$schema=(.+)$/.exec(lines[0] ?? '') ?? [];
    expect(join(folder, path)).toBe(join(POLICIES, 'policy.schema.json'));
  });

  it.each([
    ['no name', /^policy: .*$/m, ''],
    ['a key that it does not know', /^limits:$/m, 'limit:'],
    ['a condition that it does not know', 'amount-at-most', 'amount-up-to'],
    ['a decision that is none', 'then: allow', 'then: permit'],
    ['a rule without a decision', '    then: allow\n', ''],
    ['a rule without conditions', '    when: anything\n', ''],
    ['an amount without its unit', '"2 BTC"', '"2"'],
    ['a window without its unit', 'window: 24h', 'window: 24'],
    ['a share that is no percentage', '"5%"', '"5"'],
    ['a quorum in words', 'quorum: 2', 'quorum: two'],
    ['a quorum of nobody', 'quorum: 2', 'quorum: 0'],
    ['a group without a quorum', ', quorum: 2', ''],
    ['a tier that is none', '{ wallets: [hot-btc] }', '{ tier: lukewarm }'],
    ['an empty list', '[hot-btc]', '[]'],
  ])('refuses %s', (_what, from, to) => {
    const changed = hotBitcoin.replace(from, to);
    expect(changed).not.toBe(hotBitcoin);
    expect(isTaken(changed)).toBe(false);
  });
});
