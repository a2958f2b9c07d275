// The few things that Nest is given by token, because they have more than one implementation: time, randomness, and
// the drivers of the chains. Everything else is a concrete class and is its own token.

/** A `Clock` (src/core/clock.ts). */
export const CLOCK = Symbol('clock');
/** A `Randomness` (src/core/randomness.ts). */
export const RANDOMNESS = Symbol('randomness');
/** `readonly ChainDriver[]`, at most one a family (src/orchestrator/chains/chain-driver.ts). */
export const CHAIN_DRIVERS = Symbol('chain-drivers');
