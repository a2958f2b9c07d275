'use strict';
// What has to be put right before bcoin 1.0.2 may stand in for a Bitcoin node on regtest: its native murmur3,
// its address prefixes, and a mempool that lets too much in and forgets too much.
// It is not a fork: the package stays as published, and only what is named here differs. Consensus rules, script
// verification and block storage are bcoin's own.

// bcoin's packages pick their plain JavaScript twins by this switch; the native ones would need a compiler, and
// the node has to start without one. Must be set before the first require of any of them.
process.env.NODE_BACKEND = 'js';

const fs = require('node:fs');
const networks = require('bcoin/lib/protocol/networks');

// Regtest addresses as every other Bitcoin program writes them (BIP-173 `bcrt`; base58 versions 111 and 196).
Object.assign(networks.regtest.addressPrefix, { pubkeyhash: 111, scripthash: 196, bech32: 'bcrt' });

const { VerifyError } = require('bcoin/lib/protocol/errors');
const TX = require('bcoin/lib/primitives/tx');
const policy = require('bcoin/lib/protocol/policy');

/** Smallest step in fee rate by which a replacement has to pay for its own relay, sat per 1,000 vbytes (BIP-125 rule 4). */
const INCREMENTAL_RELAY_SAT_PER_KVB = 1000;
/** A replacement may throw out at most this many transactions (BIP-125 rule 5). */
const MAX_REPLACED = 100;

class DryRun extends Error {}

/** BIP-125's opt-in. bcoin's own isRBF denies it to every transaction of version 2. */
function signalsReplacement(tx) {
  return tx.inputs.some(({ sequence }) => sequence < 0xfffffffe);
}

/** Corrects one mempool in place and returns the verbs that the RPC layer needs. */
function correctMempool(node) {
  const { mempool, chain } = node;
  const verify = mempool.verify.bind(mempool);
  const reset = mempool._reset.bind(mempool);
  let displaced = [];

  // bcoin still lets small transactions in for free by "priority", which no node has done for ten years.
  mempool.verify = async (entry, view) => {
    if (entry.fee < policy.getMinFee(entry.size, mempool.options.minRelay)) {
      throw new VerifyError(entry.tx, 'insufficientfee', 'min relay fee not met', 0);
    }
    await verify(entry, view);
  };

  // No orphanage: this node has no peers, so a parent that is missing stays missing.
  mempool.maybeOrphan = (tx, view) => {
    const missing = tx.inputs
      .filter(({ prevout }) => !view.hasEntry(prevout))
      .map(({ prevout }) => prevout.hash);
    return missing.length === 0 ? null : missing;
  };

  // When blocks leave the chain, bcoin returns their transactions only if the mempool was not empty. Here all of
  // them, and all that waited, are set aside and offered again once the new chain stands (restoreDisplaced).
  mempool._removeBlock = async (entry, txs) => {
    displaced = [...txs.slice(1), ...waiting(), ...displaced];
    await reset();
    mempool.tip = entry.prevBlock;
  };
  mempool._reset = async () => {
    displaced = [...displaced, ...waiting()];
    await reset();
  };

  function waiting() {
    return [...mempool.map.values()].map((entry) => entry.tx);
  }

  /** Offers what a reorganisation displaced to the mempool again; conflicts with the new chain stay out, as they should. */
  async function restoreDisplaced() {
    let left = displaced;
    displaced = [];
    // Children may stand before their parents, so go on for as long as a round lets somebody in.
    for (let round = left.length; round > 0 && left.length > 0; round -= 1) {
      const still = [];
      for (const tx of left) {
        if ((await offer(tx)).reason !== null) still.push(tx);
      }
      if (still.length === left.length) return;
      left = still;
    }
  }

  /** Puts a transaction into the mempool, or says why not: `{ reason, fee }`, reason null when it is in. */
  async function offer(tx, { dryRun = false, maxFeeRateSatPerKvb = null } = {}) {
    const unlock = await mempool.locker.lock(tx.hash('hex'));
    const replaced = conflictsOf(tx);
    const own = { addEntry: mempool.addEntry, isDoubleSpend: mempool.isDoubleSpend };
    let fee = null;
    try {
      if (replaced.length > 0) mempool.isDoubleSpend = () => false;
      mempool.addEntry = async (entry, view) => {
        fee = entry.fee;
        if (maxFeeRateSatPerKvb !== null && fee * 1000 > maxFeeRateSatPerKvb * entry.size) {
          throw new VerifyError(tx, 'highfee', 'max-fee-exceeded', 0);
        }
        if (replaced.length > 0) assertReplaces(entry, replaced);
        if (dryRun) throw new DryRun();
        for (const conflict of replaced) {
          if (mempool.hasEntry(conflict.tx.hash('hex'))) mempool.evictEntry(conflict);
        }
        await own.addEntry.call(mempool, entry, view);
      };
      const missing = await mempool._addTX(tx, -1);
      return { reason: missing === null ? null : 'missing-inputs', fee };
    } catch (error) {
      if (error instanceof DryRun) return { reason: null, fee };
      if (error.type === 'VerifyError') return { reason: error.reason, fee };
      throw error;
    } finally {
      mempool.addEntry = own.addEntry;
      mempool.isDoubleSpend = own.isDoubleSpend;
      mempool.rejects.reset();
      unlock();
    }
  }

  function conflictsOf(tx) {
    const found = new Map();
    for (const { prevout } of tx.inputs) {
      const entry = mempool.getSpent(prevout.hash, prevout.index);
      if (entry && entry.tx.hash('hex') !== tx.hash('hex')) found.set(entry.tx.hash('hex'), entry);
    }
    return [...found.values()];
  }

  // BIP-125. bcoin knows no replacement, so the rules are written out here; names of the refusals are Bitcoin Core's.
  function assertReplaces(entry, conflicts) {
    const refuse = (reason) => {
      throw new VerifyError(entry.tx, 'nonstandard', reason, 0);
    };
    const all = new Map();
    const collect = (conflict) => {
      const hash = conflict.tx.hash('hex');
      if (all.has(hash)) return;
      all.set(hash, conflict);
      for (let i = 0; i < conflict.tx.outputs.length; i += 1) {
        const spender = mempool.getSpent(hash, i);
        if (spender) collect(spender);
      }
    };
    for (const conflict of conflicts) {
      if (!signalsReplacement(conflict.tx)) refuse('txn-mempool-conflict');
      if (entry.fee * conflict.size <= conflict.fee * entry.size) refuse('insufficient fee');
      collect(conflict);
    }
    if (all.size > MAX_REPLACED) refuse('too many potential replacements');
    const known = new Set(conflicts.flatMap(({ tx }) => tx.inputs.map(({ prevout }) => prevout.hash)));
    for (const { prevout } of entry.tx.inputs) {
      if (all.has(prevout.hash)) refuse('bad-txns-spends-conflicting-tx');
      if (mempool.hasEntry(prevout.hash) && !known.has(prevout.hash)) refuse('replacement-adds-unconfirmed');
    }
    const paid = [...all.values()].reduce((sum, conflict) => sum + conflict.fee, 0);
    const relay = Math.ceil((entry.size * INCREMENTAL_RELAY_SAT_PER_KVB) / 1000);
    if (entry.fee < paid + relay) refuse('insufficient fee');
  }

  /** Takes blocks off the chain down to and including `hash` (internal byte order). */
  async function invalidate(hash) {
    const txs = [];
    for (let entry = chain.tip; entry && !entry.isGenesis(); entry = await chain.getPrevious(entry)) {
      const block = await chain.getBlock(entry.hash);
      txs.unshift(...block.txs.slice(1));
      if (entry.hash === hash) break;
    }
    displaced = txs;
    await chain.invalidate(hash);
    await restoreDisplaced();
  }

  // bcoin's own mempool file is thrown away whenever a block came while the mempool was empty, so the waiting
  // transactions are kept beside it: one line of hex each, rewritten whenever the set has changed.
  let changed = false;
  mempool.on('add entry', () => {
    changed = true;
  });
  mempool.on('remove entry', () => {
    changed = true;
  });

  async function load(file) {
    if (!fs.existsSync(file)) return;
    const lines = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean);
    displaced = lines.map((line) => TX.fromRaw(Buffer.from(line, 'hex')));
    await restoreDisplaced();
  }

  function save(file) {
    if (!changed) return;
    fs.writeFileSync(
      `${file}.new`,
      waiting()
        .map((tx) => `${tx.toRaw().toString('hex')}\n`)
        .join(''),
    );
    fs.renameSync(`${file}.new`, file);
    changed = false;
  }

  return { offer, restoreDisplaced, invalidate, load, save };
}

module.exports = { correctMempool, signalsReplacement };
