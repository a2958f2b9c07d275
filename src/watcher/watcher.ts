// What the watcher can be asked about, by its configuration, and the facts that it has signed lately. Who asks gets the same
// fact for a few seconds; whoever asks at the same time waits for the same look at the sources.

import type { Clock } from '../core/clock.js';
import { type FactContent, type FactSubject, type SignedFact, subjectOf } from '../core/facts/fact.js';
import { type FactSigner, signFact } from '../core/facts/sign.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { isBaseUnits } from '../core/money/amount.js';
import type { NumberConfig, WatcherConfig } from './config.js';
import { seeBlock, seeConfirmations, seeContract } from './nodes.js';
import { seePrice } from './prices.js';
import { seeScreening } from './screenings.js';
import type { Sequence } from './sequence.js';
import { documentAt, type Fetching, type Seen, textAt, type WatcherRefusalCode } from './source.js';

export type Fact = Outcome<SignedFact, WatcherRefusalCode>;

interface Kept {
  readonly atMs: number;
  readonly fact: Promise<Fact>;
}

/** Addresses come from outside: what is kept of them is bounded. */
const MOST_KEPT = 10_000;

const NOT_WATCHED = refused('subject-not-watched' as const);

async function seeNumber(config: NumberConfig, fetching: Fetching): Promise<Seen> {
  const document = await documentAt(config.place, fetching);
  if (document.kind === 'refused') return document;
  const text = textAt(document.value, config.pointer);
  if (text.kind === 'refused') return text;
  const { chain, contract } = config;
  const malformed = refused('source-malformed' as const, { why: 'no whole number in its bounds' });
  if (!isBaseUnits(text.value)) return malformed;
  if (config.kind === 'balance')
    return accepted({ kind: 'balance', wallet: config.wallet, chain, contract, amount: text.value });
  const basisPoints = BigInt(text.value);
  return basisPoints <= 10_000n
    ? accepted({ kind: 'hot-share', chain, contract, basisPoints: Number(basisPoints) })
    : malformed;
}

export class Watcher {
  private readonly kept = new Map<string, Kept>();
  private readonly fetching: Fetching;

  constructor(
    private readonly config: WatcherConfig,
    private readonly signer: FactSigner,
    private readonly sequence: Sequence,
    private readonly clock: Clock,
  ) {
    this.fetching = { timeoutMs: config.timeoutMs };
  }

  /** A signed fact about this, or why there is none. */
  fact(about: FactSubject): Promise<Fact> {
    const subject = subjectOf(about);
    const nowMs = this.clock.nowMs();
    const known = this.kept.get(subject);
    if (known && nowMs >= known.atMs && nowMs - known.atMs <= this.config.keepMs) return known.fact;
    const fact = this.seen(about);
    this.kept.delete(subject);
    const [oldest] = this.kept.keys();
    if (this.kept.size >= MOST_KEPT && oldest !== undefined) this.kept.delete(oldest);
    this.kept.set(subject, { atMs: nowMs, fact });
    return fact;
  }

  private async seen(about: FactSubject): Promise<Fact> {
    // Seen no earlier than it was asked for: what the sources say may be a little newer than the fact says.
    const observedAtMs = this.clock.nowMs();
    const content = await this.look(about);
    return content.kind === 'refused' ? content : accepted(this.signed(content.value, observedAtMs));
  }

  private signed(content: FactContent, observedAtMs: number): SignedFact {
    return signFact(this.signer, content, this.sequence.next(), observedAtMs);
  }

  private async look(about: FactSubject): Promise<Seen> {
    const { prices, screenings, numbers, chains } = this.config;
    const subject = subjectOf(about);
    switch (about.kind) {
      case 'price': {
        const config = prices.find((one) => subjectOf({ kind: 'price', ...one }) === subject);
        return config ? seePrice(config, this.fetching) : NOT_WATCHED;
      }
      case 'screening': {
        const config = screenings.find((one) => one.chains.includes(about.chain));
        return config ? seeScreening(config, about.chain, about.address, this.fetching) : NOT_WATCHED;
      }
      case 'balance':
      case 'hot-share': {
        const config = numbers.find((one) => subjectOf(one) === subject);
        return config ? seeNumber(config, this.fetching) : NOT_WATCHED;
      }
      case 'block-header': {
        const node = chains.bitcoin[about.chain] ?? chains.ethereum[about.chain];
        return node ? seeBlock(about.chain, node, this.fetching) : NOT_WATCHED;
      }
      case 'confirmations': {
        const node = chains.bitcoin[about.chain] ?? chains.ethereum[about.chain];
        return node ? seeConfirmations(about.chain, about.transactionId, node, this.fetching) : NOT_WATCHED;
      }
      case 'code':
      case 'storage': {
        const node = chains.ethereum[about.chain];
        const isWatched = node?.contracts.some((contract) => contract.toLowerCase() === about.contract);
        return node && isWatched ? seeContract(about, node, this.fetching) : NOT_WATCHED;
      }
    }
  }
}
