// Facts that somebody imagines on the command line, as if watchers stated them: each value as one source, apart by commas. So
// governance's own rule on how many have to agree holds for them too. Nobody signs them, and nothing but an explanation rests on them.

import { z } from 'zod';
import { type FactContent, factContent, subjectOf } from '../core/facts/fact.js';
import { type KnownFacts, knownFacts, NO_FACTS } from '../core/facts/verify.js';
import { spelledAddress } from '../core/governance/known-addresses.js';
import { type GovernanceState, tokenKey } from '../core/governance/state.js';
import { parseUnits } from '../core/money/amount.js';
import type { Situation } from '../core/policy/types.js';
import { otherArgument } from './imagined-transfer.js';

export const factsShape = {
  price: z.string().max(400).exactOptional(),
  screening: z.string().max(400).exactOptional(),
  balance: z.string().max(400).exactOptional(),
  hotShare: z.string().max(400).exactOptional(),
};
type FactOptions = z.infer<z.ZodObject<typeof factsShape>>;

const PERCENT = /^([0-9]{1,3}(?:\.[0-9]{1,2})?)%$/;
const RISK = /^[0-9]{1,3}$/;

type About = Pick<Situation, 'wallet' | 'chain' | 'contract' | 'destination'> & {
  /** Of what moves, which is what a balance is of. */
  readonly symbol: string;
  readonly decimals: number;
};

function aboutOf(
  situation: Situation,
  { chains, tokens }: Pick<GovernanceState, 'chains' | 'tokens'>,
): About {
  const { wallet, chain, destination } = situation;
  const contract = situation.contract.toLowerCase();
  const asset = contract === 'native' ? chains.get(chain)?.coin : tokens.get(tokenKey(chain, contract));
  if (!asset) return otherArgument('governance knows no such asset', { contract });
  return { wallet, chain, destination, contract, symbol: asset.symbol, decimals: asset.decimals };
}

/** What each option would be stated as; checked as a watcher's own statement is. */
const STATED: Readonly<Record<keyof FactOptions, (text: string, about: About) => unknown>> = {
  price: (text, { chain, contract }) => {
    const [price, currency] = text.split(' ');
    return { kind: 'price', chain, contract, currency, price, sources: 1 };
  },
  screening: (text, { chain, destination }) => {
    const [result, risk = ''] = text.split(' ');
    const riskScore = RISK.test(risk) ? Number(risk) : undefined;
    return { kind: 'screening', chain, address: spelledAddress(chain, destination), result, riskScore };
  },
  balance: (text, { wallet, chain, contract, symbol, decimals }) => {
    const [number = '', unit] = text.split(' ');
    const amount = unit === symbol ? parseUnits(number, decimals).toString() : undefined;
    return { kind: 'balance', wallet, chain, contract, amount };
  },
  hotShare: (text, { chain, contract }) => {
    const [, percent] = PERCENT.exec(text) ?? [];
    const basisPoints = percent === undefined ? undefined : Number(parseUnits(percent, 2));
    return { kind: 'hot-share', chain, contract, basisPoints };
  },
};

const WRITTEN: Readonly<Record<keyof FactOptions, string>> = {
  price: 'a price is written like "60000 USD"',
  screening: 'a screening is written like "clear 3": the result, and the risk from 0 to 100',
  balance: 'a balance is written like "12.5 BTC", in the asset that moves',
  hotShare: 'a share is written like "4.5%"',
};

/** What is imagined to be known. Faults `arguments-invalid`. */
export function imaginedFacts(
  options: FactOptions,
  state: Pick<GovernanceState, 'factRules' | 'chains' | 'tokens'>,
  situation: Situation,
): KnownFacts {
  const names = (['price', 'screening', 'balance', 'hotShare'] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (names.length === 0) return NO_FACTS;
  const about = aboutOf(situation, state);
  const stated = names.flatMap((name) =>
    (options[name]?.split(',') ?? []).map((written, at): { content: FactContent; at: number } => {
      const text = written.trim();
      const content = factContent.safeParse(STATED[name](text, about));
      return content.success ? { content: content.data, at } : otherArgument(WRITTEN[name], { said: text });
    }),
  );
  const verified = stated.map(({ content, at }) => ({
    subject: subjectOf(content),
    key: { source: `imagined-${at}` },
    content,
  }));
  return knownFacts(state, verified, undefined);
}
