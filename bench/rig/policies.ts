// Policies of the benchmarks: of the same shape as the shipped ones, so that deciding costs the same, with limits that no
// benchmark ever reaches.

import { shippedPolicies } from '../../devnet/deployment.js';
import type { PolicyDocument } from '../../src/core/governance/entry.js';

const WIDER: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/max: "[0-9]+ (BTC|ETH|USDX)"/, 'max: "100000000 $1"'],
  [/max-count: [0-9]+/, 'max-count: 1000000'],
];

export async function widePolicies(): Promise<readonly PolicyDocument[]> {
  return (await shippedPolicies()).map((document) => ({
    ...document,
    lines: document.lines.map((line) =>
      WIDER.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line),
    ),
  }));
}
