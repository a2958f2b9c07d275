// What one run is like: how long, how bad the day is, who attacks. All of it follows from the seed; a test may turn single knobs.

import { bitcoinSettings } from '../../src/orchestrator/chains/bitcoin/settings.js';
import { ethereumSettings } from '../../src/orchestrator/chains/ethereum/settings.js';
import type { PipelineSettings } from '../../src/orchestrator/transfers/pipeline.js';
import { type Scene, sceneOf, TARGETS } from './boundaries.js';
import type { Chance } from './chance.js';
import type { OrchestratorKnobs } from './orchestrator-host.js';
import type { Knobs } from './scheduler.js';
import type { SignerKnobs } from './signer-host.js';

export interface Settings {
  /** Turns of the world before the faults stop. */
  readonly steps: number;
  readonly transfers: number;
  /**
   * `honest`: the orchestrators are what they should be, and a thief may send again what was heard. `rogue`: a thief owns
   * the way to the signer and makes orders of his own; only what the signer promises is judged then.
   */
  readonly attack: 'honest' | 'rogue';
  /** Three nodes of which two must agree, one of them lying; or a single one that is believed. */
  readonly ethereumNodes: readonly string[];
  readonly bitcoinNodes: readonly string[];
  readonly knobs: Knobs & SignerKnobs & OrchestratorKnobs;
  /** In so many of 1,000 messages to or from the signer. */
  readonly network: { readonly lose: number; readonly double: number };
  /** Blocks that a reorganisation takes at most; more than `FINAL` now and then. */
  readonly reorgDepth: number;
  readonly clockJumps: boolean;
  /** The Bitcoin wallet's coins are few, so that it spends change that nobody has confirmed. */
  readonly fewCoins: boolean;
  /** What this run is to come to, beside all that happens by itself. */
  readonly scene: Scene;
  /** A boundary at which somebody dies once, whatever the odds. */
  readonly target: string | undefined;
}

const SHARES = [
  { scene: 'none', weight: 75 },
  { scene: 'restore', weight: 12 },
  { scene: 'burial', weight: 13 },
] as const;

/** Turns of a run before the faults stop, unless somebody wants more. */
export const DEFAULT_STEPS = 180;

/** Confirmations that count as final on both chains. */
export const FINAL = 3;
/** Deeper ones are not followed; none is made here. */
export const FOLLOWED = 8;

export function settingsOf(chance: Chance, steps: number): Settings {
  const calm = chance.hit(80);
  const bad = (perMille: number, share = 700) => (calm || !chance.hit(share) ? 0 : perMille);
  const scene = chance.weighted(SHARES)?.scene ?? 'none';
  // Where something is to happen that needs people, mostly nobody owns the orchestrators.
  const attack = chance.hit(scene === 'none' ? 250 : 80) ? 'rogue' : 'honest';
  return {
    steps,
    transfers: chance.between(4, 10),
    attack,
    ethereumNodes: chance.hit(400) ? ['eth-a', 'eth-b', 'eth-c'] : ['eth-a'],
    bitcoinNodes: chance.hit(300) ? ['btc-a', 'btc-b'] : ['btc-a'],
    knobs: {
      crash: bad(3),
      signerCrash: bad(25),
      park: 120,
      faultBefore: bad(20),
      faultAfter: bad(15),
      highS: 500,
      diskFull: bad(40, 300),
      tailLost: bad(300, 300),
      recordLost: bad(300, 300),
      databaseFails: bad(8),
      commitLost: bad(4, 400),
    },
    network: { lose: bad(60), double: bad(80) },
    reorgDepth: chance.hit(150) ? FINAL + 2 : 2,
    clockJumps: !calm && chance.hit(400),
    fewCoins: chance.hit(350),
    scene,
    target: calm || chance.hit(scene === 'none' ? 300 : 50) ? undefined : chance.pick(TARGETS[scene]),
  };
}

/** Runs of a kind in which somebody is to die at a boundary. */
export function targeting(target: string): (settings: Settings) => Settings {
  return (settings) => ({ ...settings, attack: 'honest', scene: sceneOf(target), target });
}

export const PIPELINE: Partial<PipelineSettings> = {
  leaseMs: 30_000,
  approvalTtlMs: 2 * 3_600_000,
  silenceMs: 600_000,
  followMs: { bitcoin: 8_000, ethereum: 5_000 },
  bumpAfterMs: { bitcoin: 600_000, ethereum: 120_000 },
};

export function ethereumSettingsOf(nodes: readonly string[]) {
  return ethereumSettings.parse({
    providers: nodes.map((name) => ({ name, url: `http://${name}/` })),
    confirmations: { by: 'depth', depth: FINAL },
    reorgDepth: FOLLOWED,
  });
}

export function bitcoinSettingsOf(nodes: readonly string[]) {
  return bitcoinSettings.parse({
    nodes: nodes.map((name) => ({ url: `http://${name}/` })),
    startHeight: 1,
    reorgDepth: FOLLOWED,
    finalConfirmations: FINAL,
    fallbackFeeRate: '2000',
    ceilingFeeRate: '60000',
    maxBatch: 4,
    maxLagBlocks: 1,
  });
}
