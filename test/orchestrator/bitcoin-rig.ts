// What the Bitcoin tests stand on: a wallet with a throw-away key in memory, and driver and scanner over a real node and
// a real database. The signer's own tests are elsewhere; here only the chain's side is at stake.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Psbt, Transaction } from 'bitcoinjs-lib';
import bitcore from 'bitcore-lib';
import * as secp256k1 from 'tiny-secp256k1';
import type { BitcoinDevnet } from '../../devnet/bitcoin-node.js';
import type { Wallet } from '../../src/core/governance/entry.js';
import { addressOfScript, p2wpkhAddress, p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { decodePsbt } from '../../src/core/intents/bitcoin/decode.js';
import { matchBitcoin } from '../../src/core/intents/bitcoin/match.js';
import { REQUEST_TYPE } from '../../src/core/statements/request.js';
import { BitcoinDriver } from '../../src/orchestrator/chains/bitcoin/bitcoin.driver.js';
import { type BitcoinChain, bitcoinChain } from '../../src/orchestrator/chains/bitcoin/bitcoin-chain.js';
import type { BitcoinOutlook } from '../../src/orchestrator/chains/bitcoin/planner.js';
import { Scanner } from '../../src/orchestrator/chains/bitcoin/scanner.js';
import { bitcoinSettings } from '../../src/orchestrator/chains/bitcoin/settings.js';
import type {
  Payable,
  PlannedTransaction,
  ReserveResult,
  SignedTransaction,
} from '../../src/orchestrator/chains/chain-driver.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { systemRandomness } from '../../src/platform/system-randomness.js';

export const REGTEST = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';

/** A wallet of one key that only a test holds. */
export interface TestWallet {
  readonly wallet: Wallet;
  readonly address: string;
  readonly script: string;
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

export function testWallet(): TestWallet {
  const secretKey = randomBytes(32);
  const publicKey = secp256k1.pointFromScalar(secretKey, true);
  if (publicKey === null) throw new RangeError('no key: try again');
  const hex = Buffer.from(publicKey).toString('hex');
  const address = p2wpkhAddress(hex, 'regtest');
  return {
    wallet: {
      walletId: `hot-${randomBytes(6).toString('hex')}`,
      chain: REGTEST,
      tier: 'hot',
      token: 'treasury',
      keys: [{ label: 'test', publicKey: hex }],
    },
    address,
    script: p2wpkhScript(hex),
    secretKey,
    publicKey,
  };
}

export type TestSettings = Partial<Record<keyof ReturnType<typeof bitcoinSettings.parse>, unknown>>;

export interface RigOptions {
  readonly databaseUrl?: string;
  readonly settings?: TestSettings;
  readonly wallets?: TestWallet[];
  readonly rpcUrls?: readonly string[];
}

/** Driver and scanner of one orchestrator. Several may stand on one database URL. */
export class BitcoinRig {
  private constructor(
    readonly chain: BitcoinChain,
    readonly database: Database,
    readonly driver: BitcoinDriver,
    readonly scanner: Scanner,
    readonly wallets: TestWallet[],
    private readonly folder: string,
  ) {}

  /** Scans from the node's present height on, unless the settings say otherwise. */
  static async open(node: BitcoinDevnet, options: RigOptions = {}): Promise<BitcoinRig> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-rig-'));
    const nodes = (options.rpcUrls ?? [node.rpcUrl]).map((text, index) => {
      const url = new URL(text);
      const passwordFile = join(folder, `password-${index}`);
      writeFileSync(passwordFile, `${decodeURIComponent(url.password)}\n`);
      const user = decodeURIComponent(url.username);
      url.username = '';
      url.password = '';
      return user === '' ? { url: url.href } : { url: url.href, user, passwordFile };
    });
    const settings = bitcoinSettings.parse({
      nodes,
      startHeight: await node.height(),
      finalConfirmations: 3,
      foreignCoinConfirmations: 1,
      fallbackFeeRate: '2000',
      reorgDepth: 10,
      timeoutMs: 10_000,
      maxLagBlocks: 0,
      ...options.settings,
    });
    const chain = bitcoinChain(REGTEST, settings);
    const database = await Database.open({
      url: options.databaseUrl ?? `sqlite:${join(folder, 'rig.db')}`,
      entities: [],
      clock: systemClock,
    });
    const wallets = options.wallets ?? [];
    const scanner = new Scanner(REGTEST, settings, database, chain.node, () =>
      wallets.map(({ wallet }) => wallet),
    );
    const driver = new BitcoinDriver([chain], database, systemClock, systemRandomness);
    return new BitcoinRig(chain, database, driver, scanner, wallets, folder);
  }

  async close(): Promise<void> {
    await this.database.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  addWallet(): TestWallet {
    const wallet = testWallet();
    this.wallets.push(wallet);
    return wallet;
  }

  /** Until there is nothing more to do; the last report's kind. */
  async scan(): Promise<string> {
    for (let round = 0; round < 100; round += 1) {
      const { kind } = await this.scanner.scan();
      if (kind !== 'more') return kind;
    }
    throw new RangeError('the scanner does not come to an end');
  }

  /** A wallet with confirmed coins of these amounts. */
  async fundedWallet(node: BitcoinDevnet, amounts: readonly bigint[]): Promise<TestWallet> {
    const wallet = this.addWallet();
    for (const amount of amounts) await node.fund(wallet.address, amount);
    await node.mine();
    await this.scan();
    return wallet;
  }

  async reserve(
    wallet: TestWallet,
    payables: readonly Payable[],
    outlook: Partial<BitcoinOutlook> = {},
  ): Promise<ReserveResult> {
    const found = { ...(await this.driver.outlook(wallet.wallet)), ...outlook };
    return this.database.transaction((db) => this.driver.reserve(db, wallet.wallet, payables, found));
  }

  async planned(
    wallet: TestWallet,
    payables: readonly Payable[],
    outlook: Partial<BitcoinOutlook> = {},
  ): Promise<PlannedTransaction> {
    return plannedOf(await this.reserve(wallet, payables, outlook));
  }

  async replace(
    wallet: TestWallet,
    transaction: SignedTransaction,
    payables: readonly Payable[],
    outlook: Partial<BitcoinOutlook> = {},
  ): Promise<ReserveResult> {
    const found = { ...(await this.driver.outlook(wallet.wallet)), ...outlook };
    return this.database.transaction((db) =>
      this.driver.replace(db, wallet.wallet, transaction, payables, found),
    );
  }

  /** Builds a plan, checks its bytes as the signer would, signs them in software, and tells the driver. */
  async sign(
    wallet: TestWallet,
    planned: PlannedTransaction,
    payables: readonly Payable[],
  ): Promise<SignedTransaction> {
    const unsigned = await this.database.transaction((db) => this.driver.build(db, wallet.wallet, planned));
    if (unsigned.kind !== 'psbt') throw new TypeError('not a PSBT');
    const signedHex = signPsbt(
      wallet,
      unsigned.base64,
      payables.filter(({ transferId }) => planned.transferIds.includes(transferId)),
    );
    const signed: SignedTransaction = {
      transactionKey: planned.transactionKey,
      walletId: planned.walletId,
      chain: planned.chain,
      transactionId: Transaction.fromHex(signedHex).getId(),
      signedHex,
      plan: planned.plan,
    };
    await this.database.transaction((db) => this.driver.signed(db, signed));
    return signed;
  }

  /** From payables to a transaction that waits in the node's mempool. */
  async pay(
    wallet: TestWallet,
    payables: readonly Payable[],
    outlook: Partial<BitcoinOutlook> = {},
  ): Promise<SignedTransaction> {
    const signed = await this.sign(wallet, await this.planned(wallet, payables, outlook), payables);
    const sent = await this.driver.broadcast(signed);
    if (sent.kind !== 'accepted') throw new Error(`not broadcast: ${JSON.stringify(sent)}`);
    return signed;
  }

  async balance(wallet: TestWallet): Promise<{ available: bigint; pending: bigint; reserved: bigint }> {
    const [balance] = await this.driver.balance(wallet.wallet);
    if (balance === undefined) throw new Error('no balance');
    const { available, pending, reserved } = balance;
    return { available, pending, reserved };
  }
}

export function plannedOf(result: ReserveResult): PlannedTransaction {
  if (result.kind !== 'planned') throw new Error(`not planned: ${JSON.stringify(result)}`);
  return result.transaction;
}

/** A transfer of `amountSats` to `destination` with a ceiling of its own. */
export function payable(
  wallet: TestWallet,
  destination: string,
  amountSats: bigint,
  more: { readonly feeCeiling?: bigint; readonly relativeMaxBasisPoints?: bigint } = {},
): Payable {
  return {
    transferId: `tr-${randomBytes(20).toString('hex')}`,
    request: {
      type: REQUEST_TYPE,
      deploymentId: '00'.repeat(32),
      requestId: randomBytes(8).toString('hex'),
      keyId: 'backend',
      kind: 'withdrawal',
      chain: REGTEST,
      wallet: wallet.wallet.walletId,
      asset: { kind: 'native', symbol: 'BTC', decimals: 8 },
      amount: amountSats.toString(),
      destination,
      feeCeiling: (more.feeCeiling ?? 20_000n).toString(),
      requester: 'backend',
      customer: 'customer-1',
      createdAtMs: 1,
      expiresAtMs: 2,
    },
    feeCaps: {
      absoluteMax: 1_000_000n,
      relativeMaxBasisPoints: more.relativeMaxBasisPoints ?? 10_000n,
    },
  };
}

/** An address that nobody holds the key of. */
export function strangerAddress(): string {
  return addressOfScript(`0014${randomBytes(20).toString('hex')}`, 'regtest') ?? '';
}

/** Signs as the signer would: only what decodes, and matches the transfers. */
export function signPsbt(wallet: TestWallet, base64: string, payables: readonly Payable[]): string {
  const intent = decodePsbt(base64, 'regtest');
  if (intent.kind === 'refused')
    throw new Error(`does not decode: ${intent.code} ${JSON.stringify(intent.facts)}`);
  const match = matchBitcoin(
    intent.value,
    { ownScripts: new Set([wallet.script]), network: 'regtest' },
    payables.map(({ transferId, request }) => ({
      transferId,
      destination: request.destination,
      amount: BigInt(request.amount),
      feeCeiling: BigInt(request.feeCeiling),
    })),
  );
  // What pays nobody but the wallet is a cancel to the signer.
  const isSelfPayment =
    payables.length === 0 && intent.value.outputs.every(({ script }) => script === wallet.script);
  if (match.kind === 'refused' && !isSelfPayment)
    throw new Error(`does not match: ${match.code} ${JSON.stringify(match.facts)}`);
  return signAnything(wallet, base64);
}

export function signAnything(wallet: TestWallet, base64: string): string {
  const psbt = Psbt.fromBase64(base64);
  psbt.signAllInputs({
    publicKey: wallet.publicKey,
    sign: (digest) => secp256k1.sign(digest, wallet.secretKey),
  });
  psbt.finalizeAllInputs();
  return psbt.extractTransaction(true).toHex();
}

/** bitcore-lib's word on every input of a signed transaction of one wallet. */
export function bitcoreAccepts(wallet: TestWallet, signed: SignedTransaction): boolean {
  const { Interpreter } = bitcore.Script;
  const transaction = new bitcore.Transaction(signed.signedHex);
  const plan = JSON.parse(signed.plan) as { readonly inputs: readonly { readonly amountSats: string }[] };
  return transaction.inputs.every((input, index) =>
    new Interpreter().verify(
      input.script,
      new bitcore.Script(wallet.script),
      transaction,
      index,
      Interpreter.SCRIPT_VERIFY_P2SH |
        Interpreter.SCRIPT_VERIFY_STRICTENC |
        Interpreter.SCRIPT_VERIFY_DERSIG |
        Interpreter.SCRIPT_VERIFY_LOW_S |
        Interpreter.SCRIPT_VERIFY_NULLFAIL |
        Interpreter.SCRIPT_VERIFY_WITNESS |
        Interpreter.SCRIPT_VERIFY_WITNESS_PUBKEYTYPE,
      input.getWitnesses(),
      Number.parseInt(plan.inputs[index]?.amountSats ?? '', 10),
    ),
  );
}
