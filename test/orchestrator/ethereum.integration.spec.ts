import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { getAddress, keccak256, Transaction } from 'ethers';
import { type EthereumDevnet, startEthereumDevnet } from '../../devnet/ethereum-node.js';
import { type PostgresDevnet, startPostgres } from '../../devnet/postgres.js';
import { freePort } from '../../devnet/process.js';
import type { Erc20Token } from '../../src/core/governance/entry.js';
import { ETHEREUM_ENTITIES } from '../../src/orchestrator/chains/ethereum/ethereum.entity.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { seenIn } from '../../src/orchestrator/governance/own-freezes.js';
import { CHAIN, Desk, ETHER, GWEI, planned, planOf, type SettingsText } from './ethereum-desk.js';
import {
  FALSE_TOKEN,
  FEE_ADDING_TOKEN,
  FEE_TAKING_TOKEN,
  MOODY_RECIPIENT,
  MUTE_TOKEN,
  SILENT_TOKEN,
} from './evm-tokens.js';

let addresses = 0;
/** An address that nobody used before. */
const somebody = () => {
  addresses += 1;
  return getAddress(`0xc0ffee${addresses.toString(16).padStart(34, '0')}`);
};
const afterBlocks = { confirmations: { by: 'depth', depth: 3 } } as const;

describe.each(['SQLite', 'PostgreSQL'])('the Ethereum driver on a node and %s', (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-eth-driver-'));
  const clock = { nowMs: () => Date.now() };
  let node: EthereumDevnet;
  let postgres: PostgresDevnet | undefined;
  let url: string;
  let database: Database;
  const desks: Desk[] = [];

  beforeAll(async () => {
    node = await startEthereumDevnet({ logFile: join(folder, 'node.log'), autoMine: false });
    if (kind === 'PostgreSQL') postgres = await startPostgres({ logFile: join(folder, 'postgres.log') });
    url = (await postgres?.createDatabase()) ?? `sqlite:${join(folder, 'orchestrator.db')}`;
    database = await Database.open({ url, entities: ETHEREUM_ENTITIES, clock });
  });
  afterAll(async () => {
    for (const desk of desks) desk.driver.close();
    await database.close();
    await postgres?.stop();
    await node.stop();
    rmSync(folder, { recursive: true });
  });

  /** A new wallet with ten ether, unless told otherwise. */
  async function newDesk(settings: Partial<SettingsText & object> = {}, funds = 10n * ETHER): Promise<Desk> {
    const made = new Desk(database, {
      providers: [{ name: 'devnet', url: node.rpcUrl }],
      ...afterBlocks,
      ...settings,
    });
    desks.push(made);
    if (funds > 0n) await node.fund(made.address, funds);
    return made;
  }

  async function register(of: Desk, contract: string): Promise<Erc20Token> {
    const code = await node.call('eth_getCode', [contract, 'latest']);
    const token = {
      chain: CHAIN,
      contract: getAddress(contract),
      symbol: 'TUSD',
      decimals: 18,
      codeHash: keccak256(String(code)).slice(2),
    };
    of.tokens.set(contract, token);
    return token;
  }

  async function oddToken(of: Desk, code: string): Promise<Erc20Token> {
    const contract = somebody();
    await node.call('anvil_setCode', [contract, code]);
    return register(of, contract);
  }

  const feeOf = async (transactionId: string) => {
    const receipt = (await node.call('eth_getTransactionReceipt', [transactionId])) as Record<string, string>;
    return BigInt(receipt['gasUsed'] ?? 0) * BigInt(receipt['effectiveGasPrice'] ?? 0);
  };

  describe('pays', () => {
    it('ether to an address, and follows it from pending to final', async () => {
      const desk = await newDesk();
      const to = somebody();
      const signed = await desk.pay({ to, amount: 3n * ETHER + 1n });
      expect(await desk.driver.observe(signed)).toEqual({ kind: 'pending' });
      await node.mine();
      const mined = await desk.driver.observe(signed);
      expect(mined).toMatchObject({ kind: 'mined', confirmations: 1, final: false });
      await node.mine();
      expect(await desk.driver.observe(signed)).toMatchObject({ confirmations: 2, final: false });
      await node.mine();
      const feePaid = await feeOf(signed.transactionId);
      expect(await desk.driver.observe(signed)).toMatchObject({ confirmations: 3, final: true, feePaid });
      expect(await node.balance(to)).toBe(3n * ETHER + 1n);
      expect(await node.balance(desk.address)).toBe(10n * ETHER - 3n * ETHER - 1n - feePaid);
    });

    it('a token, and calls it settled by the exact log', async () => {
      const desk = await newDesk();
      const contract = await node.deployToken({ name: 'Test Dollar', symbol: 'TUSD', supply: 10n ** 24n });
      const token = await register(desk, contract);
      await node.fundToken(contract, desk.address, 1_000n);
      const to = somebody();
      const signed = await desk.pay({ to, amount: 999n, token });
      await node.mine(3);
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'mined', final: true });
      expect(await node.tokenBalance(contract, to)).toBe(999n);
      expect(await desk.driver.balance(desk.wallet)).toMatchObject([
        { contract: 'native', reserved: 0n },
        { contract: token.contract, symbol: 'TUSD', decimals: 18, available: 1n, reserved: 0n },
      ]);
    });

    it('a token that returns nothing but does what it should', async () => {
      const desk = await newDesk();
      const token = await oddToken(desk, MUTE_TOKEN);
      const signed = await desk.pay({ to: somebody(), amount: 500n, token });
      await node.mine(3);
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'mined', final: true });
    });

    it.each(['safe', 'finalized'] as const)('and waits for the block that the node calls %s', async (tag) => {
      const desk = await newDesk({ confirmations: { by: 'tag', tag } });
      const signed = await desk.pay({ to: somebody(), amount: 1n * ETHER });
      await node.mine();
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'mined', final: false });
      await node.mine(tag === 'safe' ? 1 : 2);
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'mined', final: true });
    });

    it('several transfers with nonces in a row, mined in one block', async () => {
      const desk = await newDesk();
      const signed = [];
      for (let index = 0; index < 5; index += 1)
        signed.push(await desk.pay({ to: somebody(), amount: ETHER }));
      await node.mine(3);
      for (const one of signed) expect(await desk.driver.observe(one)).toMatchObject({ kind: 'mined' });
      expect(signed.map((one) => Transaction.from(`0x${one.signedHex}`).nonce)).toEqual([0, 1, 2, 3, 4]);
    });

    it('a contract that takes ether, with the gas that it needs', async () => {
      const desk = await newDesk();
      const to = somebody();
      await node.call('anvil_setCode', [to, MOODY_RECIPIENT]);
      const transaction = await desk.plan({ to, amount: ETHER });
      expect(planOf(transaction).gasLimit).toBeGreaterThan(21_000n);
      const signed = await desk.sign(transaction);
      await desk.driver.broadcast(signed);
      await node.mine(3);
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'mined', final: true });
      expect(await node.balance(to)).toBe(ETHER);
    });

    it('with two nodes that must agree, while a third is gone', async () => {
      const port = new URL(node.rpcUrl).port;
      const desk = await newDesk({
        providers: [
          { name: 'gone', url: `http://127.0.0.1:${await freePort()}` },
          { name: 'one', url: node.rpcUrl },
          { name: 'two', url: `http://localhost:${port}` },
        ],
        reading: { mode: 'quorum', agreeing: 2 },
      });
      const signed = await desk.pay({ to: somebody(), amount: ETHER });
      await node.mine(3);
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'mined', final: true });
      const reports = await desk.driver.nodes();
      expect(reports.map(({ node: name, healthy }) => [name, healthy])).toEqual([
        ['gone', false],
        ['one', true],
        ['two', true],
      ]);
    });
  });

  describe('ends as failed', () => {
    it.each([
      ['a token answers false', FALSE_TOKEN, 'transfer-log-missing'],
      ['a token answers true without a log', SILENT_TOKEN, 'transfer-log-missing'],
      ['a token keeps a fee of the amount', FEE_TAKING_TOKEN, 'transfer-log-mismatch'],
      ['a token takes a fee besides the amount', FEE_ADDING_TOKEN, 'transfer-log-not-alone'],
    ])('when %s', async (_what, code, reason) => {
      const desk = await newDesk();
      const token = await oddToken(desk, code);
      const signed = await desk.pay({ to: somebody(), amount: 500n, token });
      await node.mine();
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'failed', reason, final: false });
      await node.mine(2);
      const feePaid = await feeOf(signed.transactionId);
      expect(await desk.driver.observe(signed)).toMatchObject({
        kind: 'failed',
        reason,
        final: true,
        feePaid,
      });
    });

    it('when the transaction reverts: the fee is spent, the amount is not, the nonce is', async () => {
      const desk = await newDesk();
      const to = somebody();
      await node.call('anvil_setCode', [to, MOODY_RECIPIENT]);
      const signed = await desk.pay({ to, amount: ETHER });
      await node.call('anvil_setStorageAt', [to, '0x0', `0x${'0'.repeat(63)}1`]);
      await node.mine(3);
      const feePaid = await feeOf(signed.transactionId);
      expect(await desk.driver.observe(signed)).toMatchObject({
        kind: 'failed',
        reason: 'reverted',
        final: true,
        feePaid,
      });
      expect(await node.balance(desk.address)).toBe(10n * ETHER - feePaid);
      expect(planOf(await desk.plan({ to: somebody(), amount: 9n * ETHER })).nonce).toBe(1);
    });
  });

  describe('does not plan', () => {
    const impossible = async (of: Desk, terms: Parameters<Desk['payable']>[0]) => {
      const result = await of.reserve(of.payable(terms));
      return result.kind === 'impossible' ? result.reason : result;
    };

    it('a token whose code is not what officers registered', async () => {
      const desk = await newDesk();
      const token = await oddToken(desk, MUTE_TOKEN);
      await node.call('anvil_setCode', [token.contract, FEE_TAKING_TOKEN]);
      expect(await impossible(desk, { to: somebody(), amount: 1n, token })).toBe('token-code-changed');
    });

    it('a token that is not registered, or not as the request says', async () => {
      const desk = await newDesk();
      const token = await oddToken(desk, MUTE_TOKEN);
      const terms = { to: somebody(), amount: 1n };
      const unregistered = { ...token, contract: somebody() };
      expect(await impossible(desk, { ...terms, token: unregistered })).toBe('token-unregistered');
      expect(await impossible(desk, { ...terms, token: { ...token, decimals: 6 } })).toBe(
        'token-unregistered',
      );
      expect(await impossible(desk, { ...terms, token: { ...token, symbol: 'USDT' } })).toBe(
        'token-unregistered',
      );
    });

    it('a payment to the wallet itself, to a registered token, or to something that is no address', async () => {
      const desk = await newDesk();
      const token = await oddToken(desk, MUTE_TOKEN);
      expect(await impossible(desk, { to: desk.address, amount: 1n })).toBe('destination-forbidden');
      expect(await impossible(desk, { to: token.contract, amount: 1n })).toBe('destination-forbidden');
      expect(await impossible(desk, { to: somebody().toLowerCase(), amount: 1n })).toBe(
        'destination-malformed',
      );
      expect(await impossible(desk, { to: `0x${'0'.repeat(40)}`, amount: 1n })).toBe('destination-malformed');
    });

    it('a payment that the recipient would refuse, or that needs more gas than the cap', async () => {
      const desk = await newDesk({ gas: { contractCap: 21_001 } });
      const to = somebody();
      await node.call('anvil_setCode', [to, MOODY_RECIPIENT]);
      expect(await impossible(desk, { to, amount: 1n })).toBe('gas-above-cap');
      await node.call('anvil_setStorageAt', [to, '0x0', `0x${'0'.repeat(63)}1`]);
      expect(await impossible(desk, { to, amount: 1n })).toBe('would-revert');
    });

    it('and names only the transfers that can never be paid, so that the others go on', async () => {
      const desk = await newDesk();
      const bad = desk.payable({ to: desk.address, amount: 1n });
      const good = desk.payable({ to: somebody(), amount: ETHER });
      expect(await desk.reserve(good, bad)).toEqual({
        kind: 'impossible',
        transferIds: [bad.transferId],
        reason: 'destination-forbidden',
      });
      expect(await desk.reserve(good)).toMatchObject({ kind: 'planned' });
    });
  });

  describe('waits', () => {
    it('when the wallet lacks the amount, or the fee besides it, and goes on with what it can pay', async () => {
      const desk = await newDesk({}, ETHER);
      const wait = { kind: 'wait', reason: 'insufficient-funds' };
      const much = desk.payable({ to: somebody(), amount: 2n * ETHER });
      expect(await desk.reserve(much)).toEqual(wait);
      expect(await desk.reserve(desk.payable({ to: somebody(), amount: ETHER }))).toEqual(wait);
      const little = desk.payable({ to: somebody(), amount: ETHER / 2n });
      expect(planned(await desk.reserve(much, little)).transferIds).toEqual([little.transferId]);
    });

    it('when its own plans, signed or not, leave too little', async () => {
      const desk = await newDesk({}, 2n * ETHER);
      const first = await desk.plan({ to: somebody(), amount: (ETHER * 3n) / 2n });
      const second = desk.payable({ to: somebody(), amount: ETHER });
      const wait = { kind: 'wait', reason: 'insufficient-funds' };
      expect(await desk.reserve(second)).toEqual(wait);
      const signed = await desk.sign(first);
      expect(await desk.reserve(second)).toEqual(wait);
      expect((await desk.driver.balance(desk.wallet))[0]).toMatchObject({ reserved: 0n });
      await desk.driver.broadcast(signed);
      expect(await desk.reserve(second)).toEqual(wait);
      await node.mine();
      expect(await desk.reserve(second)).toEqual(wait);
      expect(await desk.reserve(desk.payable({ to: somebody(), amount: ETHER / 4n }))).toMatchObject({
        kind: 'planned',
      });
    });

    it('when it lacks token units, its own plans counted, or ether for the fee of a token', async () => {
      const desk = await newDesk();
      const contract = await node.deployToken({ name: 'Test Dollar', symbol: 'TUSD', supply: 10n ** 24n });
      const token = await register(desk, contract);
      await node.fundToken(contract, desk.address, 100n);
      const wait = { kind: 'wait', reason: 'insufficient-funds' };
      expect(await desk.reserve(desk.payable({ to: somebody(), amount: 101n, token }))).toEqual(wait);
      await desk.plan({ to: somebody(), amount: 60n, token });
      expect(await desk.reserve(desk.payable({ to: somebody(), amount: 41n, token }))).toEqual(wait);
      expect((await desk.driver.balance(desk.wallet))[1]).toMatchObject({ available: 40n, reserved: 60n });
      await desk.plan({ to: somebody(), amount: 40n, token });
      const poor = await newDesk({}, 1n);
      poor.tokens.set(contract, token);
      await node.fundToken(contract, poor.address, 100n);
      expect(await poor.reserve(poor.payable({ to: somebody(), amount: 1n, token }))).toEqual(wait);
    });

    it("when the fee is above the transfer's ceiling, the policy's caps or the settings", async () => {
      const desk = await newDesk();
      const wait = { kind: 'wait', reason: 'fee-above-ceiling' };
      const terms = { to: somebody(), amount: ETHER };
      expect(await desk.reserve(desk.payable({ ...terms, feeCeiling: 21_000n * 1_000n }))).toEqual(wait);
      expect(await desk.reserve(desk.payable({ ...terms, absoluteMax: 21_000n * 1_000n }))).toEqual(wait);
      expect(await desk.reserve(desk.payable({ ...terms, amount: 10n ** 9n }))).toEqual(wait);
      const thrifty = await newDesk({
        fees: { maxFeePerGasCeilingWei: '1000', priorityFeeCeilingWei: '1', priorityFeeFallbackWei: '1' },
      });
      expect(await thrifty.reserve(thrifty.payable(terms))).toEqual(wait);
      const ceiling = 21_000n * 20n * GWEI;
      const transaction = planned(await desk.reserve(desk.payable({ ...terms, feeCeiling: ceiling })));
      expect(transaction.maxFee).toBeLessThanOrEqual(ceiling);
    });

    it('when too many are unconfirmed', async () => {
      const desk = await newDesk({ maxUnconfirmedPerWallet: 2 });
      await desk.pay({ to: somebody(), amount: ETHER });
      await desk.pay({ to: somebody(), amount: ETHER });
      expect(await desk.reserve(desk.payable({ to: somebody(), amount: ETHER }))).toEqual({
        kind: 'wait',
        reason: 'too-many-unconfirmed',
      });
      await node.mine();
      await desk.plan({ to: somebody(), amount: ETHER });
    });

    it('when nobody looked at a payable', async () => {
      const desk = await newDesk();
      const outlook = await desk.driver.outlook(desk.wallet, []);
      const late = [desk.payable({ to: somebody(), amount: ETHER })];
      const result = database.transaction((db) => desk.driver.reserve(db, desk.wallet, late, outlook, 0));
      expect(await result).toEqual({ kind: 'wait', reason: 'node-behind' });
    });

    it('with a fault when no node answers', async () => {
      const desk = await newDesk({
        providers: [{ name: 'gone', url: `http://127.0.0.1:${await freePort()}` }],
      });
      const payable = desk.payable({ to: somebody(), amount: ETHER });
      await expect(desk.driver.outlook(desk.wallet, [payable])).rejects.toMatchObject({
        code: 'chain-unavailable',
      });
      await expect(desk.driver.balance(desk.wallet)).rejects.toMatchObject({ code: 'chain-unavailable' });
    });
  });

  describe('keeps nonces', () => {
    it('apart for plans that are made at once', async () => {
      const desk = await newDesk();
      const payables = Array.from({ length: 20 }, () =>
        desk.payable({ to: somebody(), amount: (GWEI * GWEI) / 10n }),
      );
      const results = await Promise.all(payables.map((payable) => desk.reserve(payable)));
      const nonces = results.map((result) => planOf(planned(result)).nonce);
      expect(nonces.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    });

    // SQLite is for one machine with one orchestrator.
    if (kind === 'PostgreSQL') {
      it('apart for two orchestrators on one database', async () => {
        const desk = await newDesk();
        const second = await Database.open({ url, entities: ETHEREUM_ENTITIES, clock });
        try {
          const payables = Array.from({ length: 30 }, () =>
            desk.payable({ to: somebody(), amount: ETHER / 10n }),
          );
          const outlook = await desk.driver.outlook(desk.wallet, payables);
          const results = await Promise.all(
            payables.map((payable, index) =>
              (index % 2 === 0 ? database : second).transaction((db) =>
                desk.driver.reserve(db, desk.wallet, [payable], outlook, 0),
              ),
            ),
          );
          const plans = results.map((result) => planOf(planned(result)));
          const nonces = plans.map((plan) => plan.nonce).toSorted((a, b) => a - b);
          expect(nonces).toEqual(Array.from({ length: 30 }, (_, index) => index));
          expect(new Set(plans.map((plan) => plan.transferId)).size).toBe(30);
        } finally {
          await second.close();
        }
      });
    }

    it('without a gap when a plan is given back, and plans the later ones anew', async () => {
      const desk = await newDesk();
      const [first, second, third] = [
        await desk.plan({ to: somebody(), amount: ETHER }),
        await desk.plan({ to: somebody(), amount: ETHER }),
        await desk.plan({ to: somebody(), amount: ETHER }),
      ];
      await desk.driver.broadcast(await desk.sign(first));
      expect(await desk.release(second)).toEqual([third.transactionKey]);
      expect(await desk.release(third)).toEqual([]);
      const again = await desk.pay({ to: somebody(), amount: ETHER });
      await node.mine(3);
      expect(await desk.driver.observe(again)).toMatchObject({ kind: 'mined', final: true });
    });

    it('and stops with an alarm when somebody else has used the key', async () => {
      const desk = await newDesk();
      const foreign = await foreignPayment(desk, 0);
      await node.mine();
      await expect(desk.reserve(desk.payable({ to: somebody(), amount: ETHER }))).rejects.toMatchObject({
        code: 'nonce-foreign',
      });
      expect(desk.alarms.map((alarm) => alarm.code)).toEqual(['nonce-foreign']);
      expect(desk.alarms.map(seenIn)).toMatchObject([
        { scope: { kind: 'wallet' }, why: 'nonce 0 used by somebody else' },
      ]);
      expect(foreign).toMatch(/^0x/);
    });

    it('and stops for good when a foreign transaction took the nonce of a signed one', async () => {
      const desk = await newDesk();
      const signed = await desk.sign(await desk.plan({ to: somebody(), amount: ETHER }));
      const by = await foreignPayment(desk, 0);
      await node.mine();
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'conflicted', by, final: false });
      expect(await desk.driver.broadcast(signed)).toEqual({ kind: 'rejected', reason: 'nonce-too-low' });
      expect(desk.alarms).toEqual([]);
      await node.mine(2);
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'conflicted', by, final: true });
      expect(desk.alarms.map((alarm) => alarm.code)).toEqual(['nonce-foreign']);
      await expect(desk.reserve(desk.payable({ to: somebody(), amount: ETHER }))).rejects.toMatchObject({
        code: 'wallet-stopped',
      });
    });

    it('and refuses bytes that are not the planned transaction, or not signed by the wallet', async () => {
      const desk = await newDesk();
      const other = await newDesk();
      const transaction = await desk.plan({ to: somebody(), amount: ETHER });
      const foreign = Transaction.from({
        type: 2,
        chainId: 31_337,
        nonce: 0,
        to: somebody(),
        value: ETHER,
        gasLimit: 21_000,
        maxFeePerGas: GWEI,
        maxPriorityFeePerGas: 1,
      });
      foreign.signature = desk.keys.signingKey.sign(foreign.unsignedHash);
      const stored = {
        transactionKey: transaction.transactionKey,
        walletId: desk.wallet.walletId,
        chain: CHAIN,
        transactionId: foreign.hash ?? '',
        signedHex: foreign.serialized.slice(2),
        plan: transaction.plan,
      };
      const record = (signed: typeof stored) => database.transaction((db) => desk.driver.signed(db, signed));
      await expect(record(stored)).rejects.toMatchObject({
        code: 'signed-not-as-planned',
        facts: { code: 'transaction-mismatch' },
      });
      const unsigned = await database.read((db) => desk.driver.build(db, desk.wallet, transaction));
      const strange = Transaction.from(`0x${unsigned.kind === 'eip1559' ? unsigned.hex : ''}`);
      strange.signature = other.keys.signingKey.sign(strange.unsignedHash);
      const byOther = {
        ...stored,
        transactionId: strange.hash ?? '',
        signedHex: strange.serialized.slice(2),
      };
      await expect(record(byOther)).rejects.toMatchObject({
        code: 'signed-not-as-planned',
        facts: { code: 'signature-invalid' },
      });
    });
  });

  /** What a thief of the key, or another program with it, would send. */
  async function foreignPayment(of: Desk, nonce: number): Promise<string> {
    const foreign = Transaction.from({
      type: 2,
      chainId: 31_337,
      nonce,
      to: somebody(),
      value: 1,
      gasLimit: 21_000,
      maxFeePerGas: 500n * GWEI,
      maxPriorityFeePerGas: 2n * GWEI,
    });
    foreign.signature = of.keys.signingKey.sign(foreign.unsignedHash);
    return String(await node.call('eth_sendRawTransaction', [foreign.serialized]));
  }

  describe('survives', () => {
    it('a reorganisation: what was mined is unseen, is sent again and mined again', async () => {
      const desk = await newDesk();
      const to = somebody();
      const signed = await desk.pay({ to, amount: ETHER });
      await node.mine(2);
      const before = await desk.driver.observe(signed);
      expect(before).toMatchObject({ kind: 'mined', confirmations: 2, final: false });
      await node.reorg(2);
      const seenIn = before.kind === 'mined' ? before : undefined;
      const after = await desk.driver.observe({ ...signed, seenIn });
      expect(['unseen', 'pending']).toContain(after.kind);
      const further = { blockHash: seenIn?.blockHash ?? '', blockHeight: (seenIn?.blockHeight ?? 0) + 100 };
      expect(await desk.driver.observe({ ...signed, seenIn: further })).toMatchObject({ kind: 'unknown' });
      expect(['accepted', 'already-known']).toContain((await desk.driver.broadcast(signed)).kind);
      await node.mine(3);
      const again = await desk.driver.observe(signed);
      expect(again).toMatchObject({ kind: 'mined', final: true });
      if (before.kind === 'mined' && again.kind === 'mined') {
        expect(again.blockHash).not.toBe(before.blockHash);
      }
      expect(await node.balance(to)).toBe(ETHER);
    });

    it('a node that drops a waiting transaction: it is sent again as it is', async () => {
      const desk = await newDesk();
      const signed = await desk.pay({ to: somebody(), amount: ETHER });
      await node.dropTransaction(signed.transactionId);
      expect(await desk.driver.observe(signed)).toEqual({ kind: 'unseen' });
      expect(await desk.driver.broadcast(signed)).toEqual({ kind: 'accepted' });
      expect(await desk.driver.broadcast(signed)).toEqual({ kind: 'already-known' });
      await node.mine(3);
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'mined', final: true });
      // Also after it is in a block, when nodes say that its nonce is too low.
      expect(await desk.driver.broadcast(signed)).toEqual({ kind: 'already-known' });
    });

    it('a wallet that is emptied behind its back', async () => {
      const desk = await newDesk();
      const signed = await desk.sign(await desk.plan({ to: somebody(), amount: ETHER }));
      await node.call('anvil_setBalance', [desk.address, '0x1']);
      expect(await desk.driver.broadcast(signed)).toEqual({ kind: 'rejected', reason: 'insufficient-funds' });
      expect(await desk.driver.observe(signed)).toEqual({ kind: 'unseen' });
    });

    it('nodes that are gone while it is to be followed', async () => {
      const desk = await newDesk();
      const signed = await desk.pay({ to: somebody(), amount: ETHER });
      const gone = new Desk(database, {
        providers: [{ name: 'gone', url: `http://127.0.0.1:${await freePort()}` }],
      });
      desks.push(gone);
      expect(await gone.driver.observe(signed)).toMatchObject({ kind: 'unknown' });
      expect(await gone.driver.broadcast(signed)).toMatchObject({ kind: 'unreachable' });
    });
  });

  describe('replaces', () => {
    it('a stuck transaction at the same nonce, by at least 10 %, for the same payment', async () => {
      const desk = await newDesk();
      const to = somebody();
      const payable = desk.payable({ to, amount: ETHER });
      const first = planned(await desk.reserve(payable));
      const stuck = await desk.sign(first);
      await desk.driver.broadcast(stuck);
      const second = planned(await desk.replace(stuck, [payable]));
      expect(second).toMatchObject({ replaces: stuck.transactionKey, transferIds: [payable.transferId] });
      const [before, after] = [planOf(first), planOf(second)];
      expect(after).toMatchObject({
        nonce: before.nonce,
        movement: before.movement,
        gasLimit: before.gasLimit,
      });
      expect(after.maxFeePerGasWei * 100n >= before.maxFeePerGasWei * 110n).toBe(true);
      expect(after.maxPriorityFeePerGasWei * 100n >= before.maxPriorityFeePerGasWei * 110n).toBe(true);
      const replacement = await desk.sign(second);
      expect(await desk.driver.broadcast(replacement)).toEqual({ kind: 'accepted' });
      await node.mine();
      const by = replacement.transactionId;
      expect(await desk.driver.observe(replacement)).toMatchObject({ kind: 'mined' });
      expect(await desk.driver.observe(stuck)).toMatchObject({ kind: 'conflicted', by, final: false });
      await node.mine(2);
      expect(await desk.driver.observe(stuck)).toMatchObject({ kind: 'conflicted', by, final: true });
      // Our own replacement is nobody else's use of the key.
      expect(desk.alarms).toEqual([]);
      await desk.plan({ to: somebody(), amount: ETHER });
      expect(await node.balance(to)).toBe(ETHER);
    });

    it('again and again, outbidding the dearest, up to the ceiling of the transfer', async () => {
      const desk = await newDesk();
      const feeCeiling = 21_000n * 8n * GWEI;
      const payable = desk.payable({ to: somebody(), amount: ETHER, feeCeiling });
      let last = await desk.sign(planned(await desk.reserve(payable)));
      const original = last;
      let rounds = 0;
      let result = await desk.replace(last, [payable]);
      while (result.kind === 'planned' && rounds < 100) {
        rounds += 1;
        expect(result.transaction.maxFee).toBeLessThanOrEqual(feeCeiling);
        last = await desk.sign(result.transaction);
        // Whichever of them the pipeline holds to be stuck.
        result = await desk.replace(rounds % 2 === 0 ? original : last, [payable]);
      }
      expect(result).toEqual({ kind: 'wait', reason: 'fee-above-ceiling' });
      expect(rounds).toBeGreaterThan(2);
    });

    it('nothing while a replacement is not signed, and gives that one back without the nonce', async () => {
      const desk = await newDesk();
      const payable = desk.payable({ to: somebody(), amount: ETHER });
      const stuck = await desk.sign(planned(await desk.reserve(payable)));
      const replacement = planned(await desk.replace(stuck, [payable]));
      expect(await desk.replace(stuck, [payable])).toEqual({ kind: 'wait', reason: 'nothing-to-pay' });
      expect(await desk.release(replacement)).toEqual([]);
      expect(planOf(await desk.plan({ to: somebody(), amount: ETHER })).nonce).toBe(1);
      expect(await desk.replace(stuck, [payable])).toMatchObject({ kind: 'planned' });
    });

    it('nothing that is mined already, and never by the payment of another transfer', async () => {
      const desk = await newDesk();
      const payable = desk.payable({ to: somebody(), amount: ETHER });
      const signed = await desk.sign(planned(await desk.reserve(payable)));
      const other = desk.payable({ to: somebody(), amount: ETHER });
      await expect(desk.replace(signed, [other])).rejects.toMatchObject({ code: 'plan-malformed' });
      await desk.driver.broadcast(signed);
      await node.mine();
      expect(await desk.replace(signed, [payable])).toEqual({ kind: 'wait', reason: 'nothing-to-pay' });
    });

    it('a payment by nothing, to cancel it, and then never by the payment again', async () => {
      const desk = await newDesk();
      const to = somebody();
      const payable = desk.payable({ to, amount: ETHER });
      const stuck = await desk.sign(planned(await desk.reserve(payable)));
      await desk.driver.broadcast(stuck);
      const cancel = planned(await desk.replace(stuck, []));
      expect(cancel.transferIds).toEqual([]);
      expect(planOf(cancel)).toMatchObject({ movement: { kind: 'cancel' }, gasLimit: 21_000n });
      const signed = await desk.sign(cancel);
      expect(await desk.replace(stuck, [payable])).toEqual({ kind: 'wait', reason: 'nothing-to-pay' });
      expect(await desk.driver.broadcast(signed)).toEqual({ kind: 'accepted' });
      await node.mine(3);
      expect(await desk.driver.observe(signed)).toMatchObject({ kind: 'mined', final: true });
      expect(await desk.driver.observe(stuck)).toMatchObject({ kind: 'conflicted', final: true });
      expect(await node.balance(to)).toBe(0n);
    });
  });
});
