// What the contract of a token has to be: the code that officers saw when they registered it, and, where that runs other code, the
// storage that names it. Watchers state what is there now. No rule asks for this: what is not as it was registered is not paid in.

import { type FactContent, subjectOf } from '../facts/fact.js';
import type { KnownFacts } from '../facts/verify.js';
import type { GovernanceState } from '../governance/state.js';
import { tokenKey } from '../governance/state.js';

export interface Pin {
  /** Of the fact that states it. */
  readonly subject: string;
  /** What it has to be: a hash of code, or a word of storage. Hex. */
  readonly expected: string;
  /** Governance has a rule for facts of this kind: then nothing goes on without one. */
  readonly required: boolean;
}

const NONE: readonly Pin[] = [];

/** None of a chain's own coin. `contract`: `native`, or in lower case. */
export function pinsOf(
  { tokens, factRules }: Pick<GovernanceState, 'tokens' | 'factRules'>,
  chain: string,
  contract: string,
): readonly Pin[] {
  const token = contract === 'native' ? undefined : tokens.get(tokenKey(chain, contract));
  if (!token) return NONE;
  return [
    {
      subject: subjectOf({ kind: 'code', chain, contract }),
      expected: token.codeHash,
      required: factRules.has('code'),
    },
    ...(token.storage ?? []).map(({ slot, value }) => ({
      subject: subjectOf({ kind: 'storage', chain, contract, slot }),
      expected: value,
      required: factRules.has('storage'),
    })),
  ];
}

function statedBy(content: FactContent): string | undefined {
  switch (content.kind) {
    case 'code':
      return content.codeHash;
    case 'storage':
      return content.value;
    default:
      return undefined;
  }
}

export interface PinFlaw {
  readonly code: 'token-changed' | 'fact-missing' | 'facts-disagree';
  readonly subject: string;
}

/** The first that is not as it was registered, as far as anybody says; or that has to be known, and is not. */
export function flawOfPins(pins: readonly Pin[], known: KnownFacts | undefined): PinFlaw | undefined {
  for (const { subject, expected, required } of pins) {
    const stated = known?.get(subject);
    if (!stated) {
      if (required) return { code: 'fact-missing', subject };
      continue;
    }
    const same = stated.filter((content) => statedBy(content) === expected).length;
    if (same < stated.length) return { code: same === 0 ? 'token-changed' : 'facts-disagree', subject };
  }
  return undefined;
}
