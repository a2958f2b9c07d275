// The least work that a block must show before it is believed, where that is known: on Bitcoin's main network. It is NOT
// a check of the difficulty rules: the node does that. It makes blocks that only look like blocks as dear as real ones.

/** CAIP-2. */
const MAINNET = 'bip122:000000000019d6689c085ae165831e93';
/** July 2023. Before it the difficulty was lower, down to one; no deployment's coins are from then. */
const FROM_HEIGHT = 800_000;
/** The difficulty was 5.3e13 at that height, and has been above it since. */
const LEAST_DIFFICULTY = 10_000_000_000_000n;
/** Target of difficulty one: `nBits` 0x1d00ffff. */
const TARGET_OF_ONE = 0xffffn << 208n;

/** The easiest target that a block at this height may state; undefined where any is believed: test networks, old blocks. */
export function easiestTargetAt(chain: string, height: number): bigint | undefined {
  return chain === MAINNET && height >= FROM_HEIGHT ? TARGET_OF_ONE / LEAST_DIFFICULTY : undefined;
}
