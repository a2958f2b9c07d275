// The Ethereum driver's own tables: how far a wallet's nonces have come, which transfer holds which nonce, and the
// transactions planned or signed at each. Tables in migrations/0020 and 0041.

import { Column, Entity } from 'typeorm';
import { amountColumn, integerColumn, textColumn, timeColumn } from '../../database/columns.js';

@Entity('ethereum_wallets')
export class EthereumWallet {
  @Column(textColumn({ primary: true })) walletId!: string;
  @Column(textColumn()) chain!: string;
  /** EIP-55. */
  @Column(textColumn()) address!: string;
  /** The lowest nonce that no transfer holds. */
  @Column(integerColumn()) nextNonce!: number;
  /** Plans ever made, given back ones included: makes each plan's key its own. */
  @Column(integerColumn()) plansMade!: number;
  /** Transaction that used one of the wallet's nonces and is not ours. Once set, the wallet plans nothing any more. */
  @Column(textColumn({ nullable: true })) foreignTransaction!: string | null;
  @Column(timeColumn({ nullable: true })) stoppedAtMs!: number | null;
  /** Nonces below it may have been used by what a lost store of the signer had signed: that is no foreign use. */
  @Column(integerColumn()) restoredNonce!: number;
  /** Nonces below it that nobody holds were begun by the signer for what is void now: it signs them once more. */
  @Column(integerColumn()) voidedBelow!: number;
}

/** One nonce belongs to one transfer, or to none; a transfer has one nonce at most that is not dead: both are keys. */
@Entity('ethereum_nonces')
export class EthereumNonce {
  @Column(textColumn({ primary: true })) walletId!: string;
  @Column(integerColumn({ primary: true })) nonce!: number;
  /** Null: it is only used up. */
  @Column(textColumn({ nullable: true })) transferId!: string | null;
  /** 1: a quorum has buried what was signed at it for its transfer, which may get another one. */
  @Column(integerColumn()) dead!: 0 | 1;
}

@Entity('ethereum_transactions')
export class EthereumTransaction {
  @Column(textColumn({ primary: true })) transactionKey!: string;
  @Column(textColumn()) walletId!: string;
  @Column(integerColumn()) nonce!: number;
  @Column(textColumn()) state!: 'unsigned' | 'signed';
  /** Key of the transaction at the same nonce that it replaces. */
  @Column(textColumn({ nullable: true })) replaces!: string | null;
  /** Once signed: 0x and lower-case hex. */
  @Column(textColumn({ nullable: true })) transactionId!: string | null;
  /** JSON, see plan.ts. */
  @Column(textColumn()) plan!: string;
  /** Wei that leave the wallet at most, fee included. */
  @Column(amountColumn()) outflowWei!: bigint;
  /** Contract in lower case; null when only the chain's coin moves. */
  @Column(textColumn({ nullable: true })) token!: string | null;
  @Column(amountColumn({ nullable: true })) tokenUnits!: bigint | null;
}

export const ETHEREUM_ENTITIES = [EthereumWallet, EthereumNonce, EthereumTransaction];
