// What the watcher can be asked about, by its configuration, and the facts that it has signed lately. Who asks gets the same
// fact for a few seconds; whoever asks at the same time waits for the same look at the sources. Of two facts about one thing
// the one with the higher number was looked for later: looks at one thing never overlap, however slow a source is.

import type { Clock } from '../core/clock.js';
import { type FactSubject, type SignedFact, subjectOf } from '../core/facts/fact.js';
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

type Look = () => Promise<Seen>;

interface Kept {
  readonly atMs: number;
  readonly fact: Fact;
}

/** Addresses come from outside: what is kept of them is bounded. */
const MOST_KEPT = 10_000;

/** Looks under way at once: each may hold an answer of some megabytes. */
const MOST_LOOKS = 512;

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
  /** By subject: the look that is under way. */
  private readonly looking = new Map<string, Promise<Fact>>();
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
  async fact(about: FactSubject): Promise<Fact> {
    const subject = subjectOf(about);
    const underWay = this.looking.get(subject);
    if (underWay) return underWay;
    const nowMs = this.clock.nowMs();
    const known = this.kept.get(subject);
    if (known && nowMs >= known.atMs && nowMs - known.atMs <= this.config.keepMs) return known.fact;
    const look = this.lookAt(about);
    if (!look) return NOT_WATCHED;
    if (this.looking.size >= MOST_LOOKS) return refused('looks-too-many', { looks: this.looking.size });
    const seen = this.seen(look, subject, nowMs).finally(() => this.looking.delete(subject));
    this.looking.set(subject, seen);
    return seen;
  }

  private async seen(look: Look, subject: string, atMs: number): Promise<Fact> {
    // Number and time are those of when the look begins: what sources say may be newer than that, and never is older.
    const sequence = this.sequence.next();
    const content = await look();
    const fact =
      content.kind === 'refused' ? content : accepted(signFact(this.signer, content.value, sequence, atMs));
    this.kept.delete(subject);
    const [oldest] = this.kept.keys();
    if (this.kept.size >= MOST_KEPT && oldest !== undefined) this.kept.delete(oldest);
    this.kept.set(subject, { atMs, fact });
    return fact;
  }

  /** How to see what is asked about; undefined for what nothing is configured for. */
  private lookAt(about: FactSubject): Look | undefined {
    const { fetching } = this;
    const { prices, screenings, numbers, chains } = this.config;
    const subject = subjectOf(about);
    switch (about.kind) {
      case 'price': {
        const config = prices.find((one) => subjectOf({ kind: 'price', ...one }) === subject);
        return config && (() => seePrice(config, fetching));
      }
      case 'screening': {
        const config = screenings.find((one) => one.chains.includes(about.chain));
        return config && (() => seeScreening(config, about.chain, about.address, fetching));
      }
      case 'balance':
      case 'hot-share': {
        const config = numbers.find((one) => subjectOf(one) === subject);
        return config && (() => seeNumber(config, fetching));
      }
      case 'block-header': {
        const node = chains.bitcoin[about.chain] ?? chains.ethereum[about.chain];
        return node && (() => seeBlock(about.chain, node, fetching));
      }
      case 'confirmations': {
        const node = chains.bitcoin[about.chain] ?? chains.ethereum[about.chain];
        return node && (() => seeConfirmations(about.chain, about.transactionId, node, fetching));
      }
      case 'code':
      case 'storage': {
        const node = chains.ethereum[about.chain];
        const isWatched = node?.contracts.some((contract) => contract.toLowerCase() === about.contract);
        return node && isWatched ? () => seeContract(about, node, fetching) : undefined;
      }
    }
  }
}
