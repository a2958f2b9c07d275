// The policies of the end-to-end tests: the shipped ones, with a rule more for each of the tokens that do not behave.

import { shippedPolicies } from '../../devnet/deployment.js';
import type { PolicyDocument } from '../../src/core/governance/entry.js';

export async function policiesWithOddTokens(): Promise<readonly PolicyDocument[]> {
  const rule = (symbol: string) => [
    `  - id: ${symbol.toLowerCase()}`,
    `    when: { asset: ${symbol}, amount-at-most: "1000 ${symbol}" }`,
    '    then: allow',
  ];
  return (await shippedPolicies()).map((document) => {
    if (document.name !== 'hot-ethereum') return document;
    const last = document.lines.indexOf('  - id: large');
    const lines = document.lines.toSpliced(last, 0, ...rule('LIES'), ...rule('SKIM'));
    return { ...document, lines };
  });
}

/** The same documents, with one text in one of them replaced. */
export function withChange(
  policies: readonly PolicyDocument[],
  name: string,
  from: string,
  to: string,
): PolicyDocument[] {
  return policies.map((document) =>
    document.name === name
      ? { ...document, lines: document.lines.map((line) => line.replace(from, to)) }
      : document,
  );
}
