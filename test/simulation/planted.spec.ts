// The judge sees: each of these worlds has one check taken out of the real programs, and the simulation finds what follows
// from that within a few seeds. Without this, a thousand silent seeds would say nothing.

import { afterEach, describe, expect, it } from '@jest/globals';
import type { RestoreStatement } from '../../src/core/recovery/restore.js';
import { Anchor } from '../../src/signer/anchor.js';
import type { SignerUp } from '../../src/signer/start.js';
import { SignerStore } from '../../src/signer/store.js';
import type { Drill } from './drill.js';
import type { ViolationCode } from './judge.js';
import type { OrchestratorLife } from './orchestrator-host.js';
import { DEFAULT_STEPS, type Settings } from './settings.js';
import { simulate } from './simulation.js';

const SEEDS = 80;
const TIMEOUT_MS = 600_000;

interface Plant {
  readonly without: string;
  readonly finds: ViolationCode;
  readonly attack: Settings['attack'];
  readonly scene?: Settings['scene'];
  /** More than usual, where many have to come together. */
  readonly transfers?: number;
  readonly signer?: (up: SignerUp) => void;
  readonly orchestrator?: (life: OrchestratorLife) => void;
  readonly drill?: (drill: Drill) => void;
}

const PLANTS: readonly Plant[] = [
  {
    without: 'the look for other transactions of a transfer',
    finds: 'two-transactions-for-one-transfer',
    attack: 'rogue',
    signer: ({ store: { ledger } }) => {
      ledger.transactionsOf = () => [];
      ledger.cancelsOf = () => [];
    },
  },
  {
    without: 'the look for who has used an outpoint or nonce',
    finds: 'spend-used-twice',
    attack: 'rogue',
    signer: ({ store: { ledger } }) => {
      ledger.usersOf = () => [];
    },
  },
  {
    without: 'what a limit has been used for',
    finds: 'limit-exceeded',
    attack: 'rogue',
    transfers: 20,
    signer: ({ store: { ledger } }) => {
      ledger.usage = () => 0n;
    },
  },
  {
    without: 'a reservation on the disk',
    finds: 'signed-without-reservation',
    attack: 'honest',
    signer: ({ store }) => {
      const append = store.appendSoon.bind(store);
      store.appendSoon = (body, text) =>
        body.kind === 'reserved' ? { sequence: store.head().sequence, hash: '', body } : append(body, text);
    },
  },
  {
    without: "waiting for the token's record",
    finds: 'left-before-covered',
    attack: 'honest',
    signer: () => {
      Anchor.prototype.cover = () => Promise.resolve();
    },
  },
  {
    without: 'waiting for a block before a payment counts as settled',
    finds: 'settled-and-not-paid',
    attack: 'honest',
    scene: 'burial',
    orchestrator: ({ bitcoin }) => {
      const observe = bitcoin.observe.bind(bitcoin);
      bitcoin.observe = async (transaction) => {
        const seen = await observe(transaction);
        if (seen.kind !== 'pending') return seen;
        const block = { blockHash: 'ab'.repeat(32), blockHeight: 9, feePaid: 1n };
        return { kind: 'mined', ...block, confirmations: 9, final: true, buried: true };
      };
    },
  },
  {
    without: 'the sending of what is signed',
    finds: 'stuck',
    attack: 'honest',
    orchestrator: ({ ethereum }) => {
      ethereum.broadcast = () => Promise.resolve({ kind: 'accepted' });
    },
  },
  {
    without: 'a wei of the fee in the books',
    finds: 'books-and-chain-differ',
    attack: 'honest',
    orchestrator: ({ ethereum }) => {
      const observe = ethereum.observe.bind(ethereum);
      ethereum.observe = async (transaction) => {
        const seen = await observe(transaction);
        return seen.kind === 'mined' ? { ...seen, feePaid: seen.feePaid - 1n } : seen;
      };
    },
  },
  {
    without: 'the limits that a restore exhausts',
    finds: 'limit-exceeded',
    attack: 'honest',
    scene: 'restore',
    signer: ({ store: { ledger } }) => {
      const restoredAt: unknown = Reflect.get(ledger, 'restoredAt');
      if (typeof restoredAt !== 'object' || restoredAt === null) return;
      Reflect.set(restoredAt, 'measuredMs', Number.NEGATIVE_INFINITY);
    },
  },
  {
    without: 'the death of what was asked for before a restore',
    finds: 'signed-though-dead',
    attack: 'honest',
    scene: 'restore',
    signer: ({ store: { ledger } }) => {
      ledger.cutoffMs = () => undefined;
    },
  },
  {
    without: 'the coins and nonces that a restore leaves to be used up',
    finds: 'stuck',
    attack: 'honest',
    scene: 'restore',
    signer: ({ store: { ledger } }) => {
      ledger.restoredSpend = () => undefined;
    },
  },
  {
    without: 'using up the old coins before anybody is paid anew',
    finds: 'paid-twice',
    attack: 'honest',
    scene: 'restore',
    drill: (drill) => {
      const nonces = ({ wallets }: RestoreStatement) => wallets.filter(({ family }) => family === 'ethereum');
      Reflect.set(drill, 'toUseUp', nonces);
    },
  },
  {
    without: 'comparing the store with the record',
    finds: 'lost-what-had-left',
    attack: 'honest',
    scene: 'restore',
    signer: () => {
      SignerStore.prototype.requireAnchor = () => undefined;
    },
  },
  {
    without: 'the look whether what is buried conflicts with what lies in the chain',
    finds: 'buried-though-spendable',
    attack: 'rogue',
    scene: 'burial',
    signer: ({ signer, store: { ledger } }) => {
      const spendsOf = ledger.spendsOf.bind(ledger);
      const bury = signer.bury.bind(signer);
      signer.bury = (burial) => {
        ledger.spendsOf = () => ['the same'];
        const buried = bury(burial);
        ledger.spendsOf = spendsOf;
        return buried;
      };
    },
  },
  {
    without: 'the look for what a burial leaves out',
    finds: 'buried-though-spendable',
    attack: 'rogue',
    scene: 'none',
    signer: ({ signer, store: { ledger } }) => {
      const livingOf = ledger.livingOf.bind(ledger);
      const bury = signer.bury.bind(signer);
      signer.bury = (burial) => {
        const { dead } = burial.statement;
        ledger.livingOf = (id) => livingOf(id).filter(({ transactionKey }) => dead.includes(transactionKey));
        const buried = bury(burial);
        ledger.livingOf = livingOf;
        return buried;
      };
    },
  },
];

const covering = Object.getOwnPropertyDescriptor(Anchor.prototype, 'cover');
const anchoring = Object.getOwnPropertyDescriptor(SignerStore.prototype, 'requireAnchor');
afterEach(() => {
  if (covering) Object.defineProperty(Anchor.prototype, 'cover', covering);
  if (anchoring) Object.defineProperty(SignerStore.prototype, 'requireAnchor', anchoring);
});

describe('a world', () => {
  it.each(PLANTS)(
    'without $without: $finds',
    async ({ finds, attack, scene, transfers, signer, orchestrator, drill }) => {
      const found = new Set<string>();
      const sabotage = {
        ...(signer ? { signer } : {}),
        ...(orchestrator ? { orchestrator } : {}),
        ...(drill ? { drill } : {}),
      };
      const change = (settings: Settings) => ({
        ...settings,
        attack,
        scene: scene ?? settings.scene,
        transfers: transfers ?? settings.transfers,
      });
      for (let seed = 1; seed <= SEEDS && !found.has(finds); seed += 1) {
        const { violations } = await simulate({ seed, steps: DEFAULT_STEPS, change, sabotage });
        for (const { code } of violations) found.add(code);
      }
      expect([...found]).toContain(finds);
    },
    TIMEOUT_MS,
  );
});
