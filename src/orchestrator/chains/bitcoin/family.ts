// How the wallet's own unconfirmed transactions hang together: which of them may be built upon, what conflicts with one,
// and how many must be carried along. Pure; the store reads, the driver decides.

/** A coin as the scanned chain and the own transactions show it. */
export interface CoinState {
  readonly outpoint: string;
  readonly txid: string;
  readonly amountSats: bigint;
  readonly height: number | undefined;
  readonly spentHeight: number | undefined;
  readonly spentBy: string | undefined;
}

/** A transaction that was signed. */
export interface SignedByUs {
  readonly txid: string;
  readonly family: string;
  /** Outpoints. */
  readonly inputs: readonly string[];
}

/** What is known of the own signed transactions and of the coins that they spend. */
export interface OwnTransactions {
  /** By txid. */
  readonly signed: ReadonlyMap<string, SignedByUs>;
  /** Families in which another plan is signed or waits to be: any of them may be the one that gets mined. */
  readonly contested: ReadonlySet<string>;
  /** By outpoint; at least the inputs of `signed`. */
  readonly coins: ReadonlyMap<string, CoinState>;
}

export type Standing =
  | { readonly kind: 'mined'; readonly height: number }
  /** A transaction that is not this one has spent an input, or an input of an unconfirmed one that this hangs on. */
  | { readonly kind: 'conflicted'; readonly by: string; readonly height: number }
  | { readonly kind: 'unconfirmed' };

/** More than nodes relay in one chain; a bound for recursion. */
const MAX_DEPTH = 30;

/** Where a signed transaction stands in the scanned chain. */
export function standingOf(transaction: SignedByUs, own: OwnTransactions, depth = 0): Standing {
  for (const outpoint of transaction.inputs) {
    const coin = own.coins.get(outpoint);
    if (coin?.spentHeight === undefined || coin.spentBy === undefined) continue;
    return coin.spentBy === transaction.txid
      ? { kind: 'mined', height: coin.spentHeight }
      : { kind: 'conflicted', by: coin.spentBy, height: coin.spentHeight };
  }
  if (depth >= MAX_DEPTH) return { kind: 'unconfirmed' };
  for (const parent of unconfirmedParents(transaction, own)) {
    const standing = standingOf(parent, own, depth + 1);
    if (standing.kind === 'conflicted') return standing;
  }
  return { kind: 'unconfirmed' };
}

/**
 * Txids of the unconfirmed transactions that spending an output of `transaction` carries along, itself among them;
 * undefined when it must not be built upon: it may never confirm, since it has conflicts, competes with replacements of
 * its own, or hangs on a coin that has vanished.
 */
export function buildableUpon(
  transaction: SignedByUs,
  own: OwnTransactions,
  depth = 0,
): ReadonlySet<string> | undefined {
  if (depth >= MAX_DEPTH || own.contested.has(transaction.family)) return undefined;
  const carried = new Set([transaction.txid]);
  for (const outpoint of transaction.inputs) {
    const coin = own.coins.get(outpoint);
    if (coin === undefined || coin.spentBy !== undefined) return undefined;
    if (coin.height !== undefined) continue;
    const parent = own.signed.get(coin.txid);
    const beneath = parent && buildableUpon(parent, own, depth + 1);
    if (beneath === undefined) return undefined;
    for (const txid of beneath) carried.add(txid);
  }
  return carried;
}

/** Own signed transactions whose unconfirmed outputs this one spends. */
export function unconfirmedParents(transaction: SignedByUs, own: OwnTransactions): readonly SignedByUs[] {
  return transaction.inputs.flatMap((outpoint) => {
    const coin = own.coins.get(outpoint);
    if (coin === undefined || coin.height !== undefined) return [];
    return own.signed.get(coin.txid) ?? [];
  });
}
