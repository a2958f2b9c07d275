// Ethereum for the transfer pipeline: one transfer a transaction, one nonce a transfer, type 2 only. It plans and follows;
// it decides nothing about a transfer and never asks the signer to sign.

import { setTimeout as sleep } from 'node:timers/promises';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../../core/clock.js';
import { Fault } from '../../../core/fault.js';
import type { Erc20Token, Wallet } from '../../../core/governance/entry.js';
import type { GovernanceState } from '../../../core/governance/state.js';
import { addressOfPublicKey } from '../../../core/intents/ethereum/address.js';
import { verifySignedEthereum } from '../../../core/intents/ethereum/assemble.js';
import { decodeEip1559 } from '../../../core/intents/ethereum/decode.js';
import type { RestoredWallet } from '../../../core/recovery/restore.js';
import type { DatabaseDoor } from '../../database/database.js';
import type {
  BroadcastResult,
  CancelResult,
  ChainDriver,
  NodeReport,
  Observation,
  Payable,
  PlannedTransaction,
  RefreshResult,
  ReserveResult,
  RestoreFacts,
  SignedTransaction,
  UnsignedTransaction,
  WalletBalance,
} from '../chain-driver.js';
import type { EthereumFaultCode } from './ethereum.errors.js';
import { EthereumRpc, isChainUnavailable, type NodeHealth } from './ethereum-rpc.js';
import { most } from './fees.js';
import { broadcast, sight } from './follow.js';
import {
  addReplacement,
  atSameNonce,
  lockWallet,
  markSigned,
  outflows,
  releasePlan,
  signedSiblings,
  stopWallet,
  takeNonce,
} from './nonces.store.js';
import {
  type Account,
  balanceAt,
  type EthereumOutlook,
  minedNoncesAt,
  readOutlook,
  tokenBalanceAt,
} from './outlook.js';
import { type EthereumPlan, maxFeeOf, parsePlan, planText, unsignedHex, weiSentBy } from './plan.js';
import { freeOf, priceReplacement, priceTransfer } from './pricing.js';
import type { Post } from './rpc-endpoint.js';
import { markDead, planCancel, planRefresh, restoreFactsOf } from './self-payments.js';
import { chainIdOf, type EthereumSettings } from './settings.js';

/** What the driver is made of. */
export interface EthereumDriverParts {
  readonly database: DatabaseDoor;
  readonly clock: Clock;
  /** By CAIP-2 chain id. */
  readonly chains: Readonly<Record<string, EthereumSettings>>;
  readonly governance: () => GovernanceState;
  /** The only nonce that the signer can sign next for a wallet; undefined when it knows no such wallet. */
  readonly signerNextNonce: (walletId: string) => Promise<number | undefined>;
  /** Told what must not wait until somebody looks: a foreign use of a wallet's key. */
  readonly alarm: (fault: Fault) => void;
  /** How nodes are asked; over HTTP unless given. */
  readonly post?: Post;
}

interface Network {
  readonly settings: EthereumSettings;
  readonly rpc: EthereumRpc;
}

const STATUS_WAIT_MS = 2_000;

export class EthereumDriver implements ChainDriver<EthereumOutlook> {
  readonly family = 'ethereum';
  private readonly networks: ReadonlyMap<string, Network>;

  constructor(private readonly parts: EthereumDriverParts) {
    this.networks = new Map(
      Object.entries(parts.chains).map(([chain, settings]) => [
        chain,
        { settings, rpc: new EthereumRpc(chainIdOf(chain), settings, parts.clock, parts.post) },
      ]),
    );
  }

  /** Ends all questions to nodes that are under way. */
  close(): void {
    for (const { rpc } of this.networks.values()) rpc.close();
  }

  async nodes(): Promise<readonly NodeReport[]> {
    const reports = [...this.networks].map(async ([chain, { rpc }]) => {
      // Whoever has not said its height by then is reported as it was known before.
      const asked = rpc.head().catch(() => undefined);
      await Promise.race([asked, sleep(STATUS_WAIT_MS, undefined, { ref: false })]);
      return rpc.report().map((node) => reportOf(chain, node));
    });
    return (await Promise.all(reports)).flat();
  }

  /** Throws `chain-unavailable`, `wallet-other-chain`, `signer-knows-no-wallet` and the signer client's faults. */
  async outlook(wallet: Wallet, payables: readonly Payable[]): Promise<EthereumOutlook> {
    const { rpc, settings } = this.networkOf(wallet.chain);
    const account = this.accountOf(wallet);
    // Before the chain is read: what the signer signs meanwhile can then not look like somebody else's doing.
    const signerNextNonce = await this.parts.signerNextNonce(wallet.walletId);
    if (signerNextNonce === undefined) {
      throw new Fault<EthereumFaultCode>('signer-knows-no-wallet', 'the signer has no such wallet', {
        facts: { walletId: wallet.walletId },
      });
    }
    return readOutlook(rpc, settings, account, payables, signerNextNonce);
  }

  /** Throws `nonce-foreign`, `nonce-behind-signer`, `wallet-stopped`: the wallet plans nothing until a person has looked. */
  async reserve(
    db: EntityManager,
    wallet: Wallet,
    payables: readonly Payable[],
    outlook: EthereumOutlook,
    _nowMs: number,
  ): Promise<ReserveResult> {
    const { settings } = this.networkOf(wallet.chain);
    const impossible = payables.flatMap(({ transferId }) => {
      const examined = outlook.examined.get(transferId);
      return examined?.kind === 'impossible' ? [{ transferId, reason: examined.reason }] : [];
    });
    const reason = impossible[0]?.reason;
    if (reason !== undefined) {
      const transferIds = impossible.filter((one) => one.reason === reason).map((one) => one.transferId);
      return { kind: 'impossible', transferIds, reason };
    }
    if (payables.length === 0) return { kind: 'wait', reason: 'nothing-to-pay' };
    const row = await this.guarded(() => lockWallet(db, outlook));
    const out = await outflows(db, wallet.walletId, outlook.minedNonces);
    if (out.nonces >= settings.maxUnconfirmedPerWallet)
      return { kind: 'wait', reason: 'too-many-unconfirmed' };

    const free = freeOf(outlook.balanceWei, out);
    let waits: Extract<ReserveResult, { kind: 'wait' }>['reason'] | undefined;
    for (const payable of payables) {
      const priced = priceTransfer(payable, outlook, settings, free);
      if (priced.kind === 'wait') {
        // Another payable may be smaller, or of another asset: one that waits holds up none.
        waits ??= priced.reason;
        continue;
      }
      const { transactionKey, plan } = await takeNonce(db, row, payable.transferId, priced.planAt);
      return { kind: 'planned', transaction: planned(transactionKey, wallet, plan, undefined) };
    }
    return { kind: 'wait', reason: waits ?? 'nothing-to-pay' };
  }

  /** Throws `plan-malformed`. */
  build(_db: EntityManager, _wallet: Wallet, transaction: PlannedTransaction): Promise<UnsignedTransaction> {
    return Promise.resolve({ kind: 'eip1559', hex: unsignedHex(parsePlan(transaction.plan)) });
  }

  /** Throws `release-of-signed`, `nonce-order`. */
  release(db: EntityManager, transaction: PlannedTransaction, voided = false): Promise<readonly string[]> {
    return releasePlan(db, transaction.walletId, transaction.transactionKey, voided);
  }

  /** Throws `plan-unknown`, and `signed-not-as-planned` when the bytes are not the plan's, signed by the wallet. */
  async signed(db: EntityManager, transaction: SignedTransaction): Promise<void> {
    const plan = parsePlan(transaction.plan);
    const intent = decodeEip1559(unsignedHex(plan));
    const { transactionId } = transaction;
    const verified =
      intent.kind === 'accepted'
        ? verifySignedEthereum(transaction.signedHex, intent.value, plan.from)
        : intent;
    if (verified.kind === 'refused' || verified.value.transactionId !== transactionId) {
      throw new Fault<EthereumFaultCode>(
        'signed-not-as-planned',
        'what came back from the signer is not the planned transaction',
        {
          facts: {
            transactionKey: transaction.transactionKey,
            transactionId,
            code: verified.kind === 'refused' ? verified.code : 'transaction-id',
          },
        },
      );
    }
    await markSigned(db, transaction.walletId, transaction.transactionKey, transactionId);
  }

  /** Sends it to all healthy nodes; also again, when it was dropped. Never throws for what nodes do. */
  async broadcast(transaction: SignedTransaction): Promise<BroadcastResult> {
    const { rpc } = this.networkOf(transaction.chain);
    try {
      return await broadcast(rpc, idOf(transaction), transaction.signedHex);
    } catch (error) {
      if (isChainUnavailable(error)) return { kind: 'unreachable', reason: reasonOf(error) };
      throw error;
    }
  }

  async observe(transaction: SignedTransaction): Promise<Observation> {
    const { rpc, settings } = this.networkOf(transaction.chain);
    const plan = parsePlan(transaction.plan);
    const siblings = await this.parts.database.read((db) => signedSiblings(db, transaction.transactionKey));
    try {
      const ids = siblings.flatMap((sibling) => sibling.transactionId ?? []);
      const sighting = await sight(rpc, settings, plan, idOf(transaction), ids, transaction.seenIn);
      if (sighting.kind === 'seen') return sighting.observation;
      const { transactionId: by, ours, ...where } = sighting.use;
      if (!ours && where.final) await this.stop(transaction, plan, by);
      return { kind: 'conflicted', by, ...where };
    } catch (error) {
      if (isChainUnavailable(error)) return { kind: 'unknown', reason: reasonOf(error) };
      throw error;
    }
  }

  /**
   * Same nonce, both fees higher; without payables a cancel, which pays the wallet itself. It outbids the dearest
   * transaction that was ever signed at the nonce, since any of them may be the one that nodes hold.
   */
  async replace(
    db: EntityManager,
    wallet: Wallet,
    transaction: SignedTransaction,
    payables: readonly Payable[],
    outlook: EthereumOutlook,
  ): Promise<ReserveResult> {
    const { settings } = this.networkOf(wallet.chain);
    const before = parsePlan(transaction.plan);
    const cancels = payables.length === 0;
    if (!cancels && (payables.length > 1 || payables[0]?.transferId !== before.transferId)) {
      throw new Fault<EthereumFaultCode>(
        'plan-malformed',
        'a replacement pays what it replaces, or nothing',
        {
          facts: { transactionKey: transaction.transactionKey, transferId: before.transferId ?? '' },
        },
      );
    }
    const row = await this.guarded(() => lockWallet(db, outlook));
    const rivals = await atSameNonce(db, transaction.transactionKey);
    const settled = outlook.minedNonces > before.nonce;
    if (settled || rivals.some((rival) => rival.state === 'unsigned')) {
      return { kind: 'wait', reason: 'nothing-to-pay' };
    }
    const plans = rivals.map((rival) => parsePlan(rival.plan));
    const priced = priceReplacement(before, plans, cancels, outlook.market, settings);
    if (priced.kind === 'wait') return priced;
    const { plan } = priced;
    // Of all transactions at one nonce one is mined: only what this one takes beyond the dearest of them must be there.
    const out = await outflows(db, wallet.walletId, outlook.minedNonces);
    const dearest = rivals.reduce((highest, rival) => most(highest, rival.outflowWei), 0n);
    const more = weiSentBy(plan.movement) + maxFeeOf(plan) - dearest;
    if (more > 0n && freeOf(outlook.balanceWei, out).wei < more) {
      return { kind: 'wait', reason: 'insufficient-funds' };
    }
    const key = await addReplacement(db, row, plan, transaction.transactionKey);
    return { kind: 'planned', transaction: planned(key, wallet, plan, transaction.transactionKey) };
  }

  signerKey({ walletId, plan }: Pick<PlannedTransaction, 'walletId' | 'plan'>): string {
    return `ethereum:${walletId}:${bytesToHex(keccak_256(hexToBytes(unsignedHex(parsePlan(plan)))))}`;
  }

  /** Throws as `reserve` does. */
  async cancel(
    db: EntityManager,
    wallet: Wallet,
    rivals: readonly PlannedTransaction[],
    maxFee: bigint,
    outlook: EthereumOutlook,
  ): Promise<CancelResult> {
    const { settings } = this.networkOf(wallet.chain);
    const row = await this.guarded(() => lockWallet(db, outlook));
    return planCancel(db, row, settings, rivals, maxFee, outlook);
  }

  async buried(db: EntityManager, dead: readonly PlannedTransaction[]): Promise<void> {
    return markDead(db, dead);
  }

  /** The signer is not asked: it may be what was lost. Throws `chain-unavailable`. */
  async restoreFacts(wallet: Wallet): Promise<RestoreFacts> {
    const { rpc, settings } = this.networkOf(wallet.chain);
    const account = this.accountOf(wallet);
    const outlook = await readOutlook(rpc, settings, account, [], 0);
    return this.parts.database.read((db) => restoreFactsOf(db, settings, outlook));
  }

  async refresh(
    db: EntityManager,
    wallet: Wallet,
    restored: RestoredWallet,
    given: { readonly maxFee: bigint; readonly abandoned: readonly PlannedTransaction[] },
    outlook: EthereumOutlook,
  ): Promise<RefreshResult> {
    const { settings } = this.networkOf(wallet.chain);
    if (restored.family !== 'ethereum' || restored.address !== this.accountOf(wallet).address) {
      return { kind: 'other-wallet', reason: 'address' };
    }
    return planRefresh(db, settings, restored.nextNonce, given, outlook);
  }

  /** As of the newest block that can be relied on. */
  async balance(wallet: Wallet): Promise<readonly WalletBalance[]> {
    const { rpc } = this.networkOf(wallet.chain);
    const { address, tokens } = this.accountOf(wallet);
    const { number: height } = await rpc.head();
    const [minedNonces, balanceWei] = await Promise.all([
      minedNoncesAt(rpc, address, height),
      balanceAt(rpc, address, height),
    ]);
    const out = await this.parts.database.read((db) => outflows(db, wallet.walletId, minedNonces));
    const coin = this.parts.governance().chains.get(wallet.chain)?.coin;
    const balances: WalletBalance[] = [
      {
        contract: 'native',
        symbol: coin?.symbol ?? 'ETH',
        decimals: coin?.decimals ?? 18,
        ...held(balanceWei, out.signed.wei, out.unsigned.wei),
      },
    ];
    for (const [key, { contract, symbol, decimals }] of tokens) {
      const units = await tokenBalanceAt(rpc, contract, address, height);
      const [signed, unsigned] = [out.signed.tokens.get(key) ?? 0n, out.unsigned.tokens.get(key) ?? 0n];
      balances.push({ contract, symbol, decimals, ...held(units, signed, unsigned) });
    }
    return balances;
  }

  private async stop(transaction: SignedTransaction, plan: EthereumPlan, by: string): Promise<void> {
    const { walletId } = transaction;
    const stopped = await this.parts.database.transaction((db) =>
      stopWallet(db, walletId, plan.nonce, by, this.parts.clock.nowMs()),
    );
    if (!stopped) return;
    this.parts.alarm(
      new Fault<EthereumFaultCode>('nonce-foreign', "somebody else used the wallet's key", {
        facts: { walletId, nonce: plan.nonce, foreignTransaction: by },
      }),
    );
  }

  /** Foreign use of a key is everybody's business at once, also when the pipeline only backs off. */
  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (
        error instanceof Fault &&
        (error.code === 'nonce-foreign' || error.code === 'nonce-behind-signer')
      ) {
        this.parts.alarm(error);
      }
      throw error;
    }
  }

  private networkOf(chain: string): Network {
    const network = this.networks.get(chain);
    if (network) return network;
    throw new Fault<EthereumFaultCode>('wallet-other-chain', 'no nodes are configured for this chain', {
      facts: { chain },
    });
  }

  private accountOf(wallet: Wallet): Account {
    const { walletId, chain } = wallet;
    const [key, ...more] = wallet.keys;
    if (!key || more.length > 0) {
      throw new Fault<EthereumFaultCode>('wallet-other-chain', 'an Ethereum wallet has exactly one key', {
        facts: { walletId, keys: wallet.keys.length },
      });
    }
    const tokens = new Map<string, Erc20Token>();
    for (const token of this.parts.governance().tokens.values()) {
      if (token.chain === chain) tokens.set(token.contract.toLowerCase(), token);
    }
    return { walletId, chain, address: addressOfPublicKey(key.publicKey), tokens };
  }
}

function planned(
  transactionKey: string,
  wallet: Wallet,
  plan: EthereumPlan,
  replaces: string | undefined,
): PlannedTransaction {
  return {
    transactionKey,
    walletId: wallet.walletId,
    chain: wallet.chain,
    transferIds: plan.movement.kind === 'cancel' || plan.transferId === null ? [] : [plan.transferId],
    replaces,
    plan: planText(plan),
    maxFee: maxFeeOf(plan),
  };
}

function reportOf(chain: string, { name, height, illnesses }: NodeHealth): NodeReport {
  const ills = illnesses.map(({ kind, method, detail }) => [kind, method, detail].filter(Boolean).join(' '));
  return {
    chain,
    node: name,
    // A method that one node lacks is somebody else's to answer.
    healthy: height !== undefined && illnesses.every(({ kind }) => kind === 'unsupported'),
    height: height ?? null,
    detail: ills.length === 0 ? null : ills.join('; ').slice(0, 300),
  };
}

function held(balance: bigint, signed: bigint, unsigned: bigint) {
  const free = balance - signed - unsigned;
  return { available: free > 0n ? free : 0n, pending: 0n, reserved: unsigned };
}

/** keccak256 of the signed bytes: nodes are asked about what was really signed, whatever the database says its id is. */
function idOf({ signedHex }: SignedTransaction): string {
  return `0x${bytesToHex(keccak_256(hexToBytes(signedHex)))}`;
}

function reasonOf(fault: Fault): string {
  return `${fault.message}; ${fault.facts.failures ?? ''}`.slice(0, 300);
}
