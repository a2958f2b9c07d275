'use strict';
// The RPC verbs of the devnet's Bitcoin node, in the shapes and with the error codes that Bitcoin Core answers with.
// Written here rather than taken from bcoin because bcoin's differ where it hurts: its sendrawtransaction answers
// with a txid even when the mempool refused. No wallet verbs, no PSBT verbs, no scantxoutset.

const { signalsReplacement } = require('./corrections.cjs');
const Amount = require('bcoin/lib/btc/amount');
const Address = require('bcoin/lib/primitives/address');
const Block = require('bcoin/lib/primitives/block');
const TX = require('bcoin/lib/primitives/tx');
const Network = require('bcoin/lib/protocol/network');
const consensus = require('bcoin/lib/protocol/consensus');

/** Error codes of Bitcoin Core's src/rpc/protocol.h. */
const CODES = {
  misc: -1,
  type: -3,
  notFound: -5,
  invalidParameter: -8,
  deserialization: -22,
  verify: -25,
  rejected: -26,
  alreadyInChain: -27,
  methodNotFound: -32601,
};

/** Bitcoin Core's default ceiling of sendrawtransaction and testmempoolaccept: 0.10 BTC per 1,000 vbytes. */
const DEFAULT_MAX_FEE_RATE_BTC = 0.1;
const MAX_BLOCKS_PER_CALL = 10_000;
/** bcoin's words for a refusal, where Bitcoin Core has others. */
const CORE_REASONS = new Map([
  ['bad-txns-inputs-spent', 'txn-mempool-conflict'],
  ['max-fee-exceeded', 'max-fee-exceeded'],
  ['min relay fee not met', 'min relay fee not met'],
  ['mandatory-script-verify-flag', 'mandatory-script-verify-flag-failed'],
  ['non-mandatory-script-verify-flag', 'non-mandatory-script-verify-flag'],
]);

class RpcError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** `settled` runs after every verb, before its answer leaves. */
function createRpc(node, mempoolVerbs, settled) {
  const { chain, mempool, miner } = node;
  const network = Network.get('regtest');
  const btc = (sats) => Amount.btc(sats, true);
  const reverse = (hash) => Buffer.from(hash, 'hex').reverse().toString('hex');

  function hashOf(value, name) {
    if (typeof value !== 'string' || !/^[0-9a-f]{64}$/i.test(value)) {
      throw new RpcError(CODES.invalidParameter, `${name} must be of length 64 and hexadecimal`);
    }
    return reverse(value.toLowerCase());
  }

  function wholeNumber(value, name, low, high) {
    if (!Number.isInteger(value) || value < low || value > high) {
      throw new RpcError(CODES.invalidParameter, `${name} must be a whole number from ${low} to ${high}`);
    }
    return value;
  }

  async function entryOf(value) {
    const entry = await chain.getEntry(hashOf(value, 'blockhash'));
    if (!entry) throw new RpcError(CODES.notFound, 'Block not found');
    return entry;
  }

  function decodeTx(hex) {
    try {
      if (typeof hex !== 'string' || !/^([0-9a-f]{2})+$/i.test(hex)) throw new TypeError('not hexadecimal');
      const raw = Buffer.from(hex, 'hex');
      const tx = TX.fromRaw(raw);
      // bcoin ignores trailing bytes; a node does not.
      if (!tx.toRaw().equals(raw)) throw new TypeError('not one transaction');
      return tx;
    } catch (error) {
      throw new RpcError(CODES.deserialization, `TX decode failed. ${error.message}`);
    }
  }

  async function headerJson(entry) {
    const main = await chain.isMainChain(entry);
    const next = main ? await chain.getEntry(entry.height + 1) : null;
    return {
      hash: entry.rhash(),
      confirmations: main ? chain.height - entry.height + 1 : -1,
      height: entry.height,
      version: entry.version,
      versionHex: entry.version.toString(16).padStart(8, '0'),
      merkleroot: reverse(entry.merkleRoot),
      time: entry.time,
      mediantime: await chain.getMedianTime(entry),
      nonce: entry.nonce,
      bits: entry.bits.toString(16).padStart(8, '0'),
      chainwork: entry.chainwork.toString('hex', 64),
      ...(entry.isGenesis() ? {} : { previousblockhash: reverse(entry.prevBlock) }),
      ...(next ? { nextblockhash: next.rhash() } : {}),
    };
  }

  function scriptJson(script) {
    const address = script.getAddress();
    return {
      hex: script.toRaw().toString('hex'),
      ...(address ? { address: address.toString(network) } : {}),
    };
  }

  function txJson(tx) {
    return {
      txid: tx.txid(),
      hash: tx.wtxid(),
      version: tx.version,
      size: tx.getSize(),
      vsize: tx.getVirtualSize(),
      weight: tx.getWeight(),
      locktime: tx.locktime,
      vin: tx.inputs.map((input) => ({
        ...(tx.isCoinbase()
          ? { coinbase: input.script.toRaw().toString('hex') }
          : {
              txid: reverse(input.prevout.hash),
              vout: input.prevout.index,
              scriptSig: { hex: input.script.toRaw().toString('hex') },
            }),
        ...(input.witness.items.length > 0
          ? { txinwitness: input.witness.items.map((item) => item.toString('hex')) }
          : {}),
        sequence: input.sequence,
      })),
      vout: tx.outputs.map((output, n) => ({
        value: btc(output.value),
        n,
        scriptPubKey: scriptJson(output.script),
      })),
      hex: tx.toRaw().toString('hex'),
    };
  }

  function feeRateCeiling(value) {
    const ceiling = value ?? DEFAULT_MAX_FEE_RATE_BTC;
    if (typeof ceiling !== 'number' && typeof ceiling !== 'string') {
      throw new RpcError(CODES.type, 'maxfeerate must be a number or a string');
    }
    const sats = Math.round(Number.parseFloat(ceiling) * 1e8);
    return sats === 0 ? null : sats;
  }

  const coreReason = (reason) => CORE_REASONS.get(reason) ?? reason;

  const verbs = {
    getblockchaininfo: async () => ({
      chain: 'regtest',
      blocks: chain.height,
      headers: chain.height,
      bestblockhash: chain.tip.rhash(),
      bits: chain.tip.bits.toString(16),
      time: chain.tip.time,
      mediantime: await chain.getMedianTime(chain.tip),
      verificationprogress: 1,
      initialblockdownload: false,
      chainwork: chain.tip.chainwork.toString('hex', 64),
      pruned: false,
      warnings: '',
    }),
    getnetworkinfo: async () => ({
      version: 10002,
      subversion: '/bcoin:1.0.2/',
      connections: 0,
      networkactive: false,
      relayfee: btc(mempool.options.minRelay),
      incrementalfee: 0.00001,
      warnings: '',
    }),
    getblockcount: async () => chain.height,
    getbestblockhash: async () => chain.tip.rhash(),
    getblockhash: async ([height]) => {
      wholeNumber(height, 'height', 0, 0xffffffff);
      const entry = height <= chain.height ? await chain.getEntry(height) : null;
      if (!entry) throw new RpcError(CODES.invalidParameter, 'Block height out of range');
      return entry.rhash();
    },
    getblockheader: async ([hash, verbose = true]) => {
      const entry = await entryOf(hash);
      return verbose ? headerJson(entry) : entry.toRaw().subarray(0, 80).toString('hex');
    },
    getblock: async ([hash, verbosity = 1]) => {
      const entry = await entryOf(hash);
      const block = await chain.getBlock(entry.hash);
      if (!block) throw new RpcError(CODES.misc, 'Block not available');
      const level = typeof verbosity === 'boolean' ? (verbosity ? 1 : 0) : verbosity;
      if (level === 0) return block.toRaw().toString('hex');
      return {
        ...(await headerJson(entry)),
        size: block.getSize(),
        weight: block.getWeight(),
        nTx: block.txs.length,
        tx: block.txs.map((tx) => (level === 1 ? tx.txid() : txJson(tx))),
      };
    },
    getrawtransaction: async ([txid, verbosity = 0]) => {
      const meta = await node.getMeta(hashOf(txid, 'txid'));
      if (!meta) throw new RpcError(CODES.notFound, 'No such mempool or blockchain transaction');
      if (!verbosity) return meta.tx.toRaw().toString('hex');
      if (meta.height < 0) return txJson(meta.tx);
      return {
        ...txJson(meta.tx),
        blockhash: reverse(meta.block),
        confirmations: chain.height - meta.height + 1,
        time: meta.time,
        blocktime: meta.time,
      };
    },
    gettxout: async ([txid, n, includeMempool = true]) => {
      const hash = hashOf(txid, 'txid');
      wholeNumber(n, 'n', 0, 0xffffffff);
      if (includeMempool && mempool.isSpent(hash, n)) return null;
      const coin = (includeMempool && mempool.getCoin(hash, n)) || (await chain.getCoin(hash, n));
      if (!coin) return null;
      return {
        bestblock: chain.tip.rhash(),
        confirmations: coin.height < 0 ? 0 : chain.height - coin.height + 1,
        value: btc(coin.value),
        scriptPubKey: scriptJson(coin.script),
        coinbase: coin.coinbase,
      };
    },
    getrawmempool: async () => [...mempool.map.values()].map((entry) => entry.tx.txid()),
    getmempoolinfo: async () => ({
      loaded: true,
      size: mempool.map.size,
      mempoolminfee: btc(mempool.options.minRelay),
      minrelaytxfee: btc(mempool.options.minRelay),
    }),
    getmempoolentry: async ([txid]) => {
      const entry = mempool.getEntry(hashOf(txid, 'txid'));
      if (!entry) throw new RpcError(CODES.notFound, 'Transaction not in mempool');
      const parents = entry.tx.inputs
        .map(({ prevout }) => prevout.hash)
        .filter((hash) => mempool.hasEntry(hash));
      const hash = entry.tx.hash('hex');
      const spenders = entry.tx.outputs.map((_, i) => mempool.getSpent(hash, i)).filter(Boolean);
      return {
        vsize: entry.size,
        weight: entry.tx.getWeight(),
        time: entry.time,
        height: entry.height,
        wtxid: entry.tx.wtxid(),
        fees: { base: btc(entry.fee), modified: btc(entry.deltaFee), descendant: btc(entry.descFee) },
        depends: [...new Set(parents)].map(reverse),
        spentby: [...new Set(spenders.map((spender) => spender.tx.txid()))],
        'bip125-replaceable': signalsReplacement(entry.tx),
      };
    },
    // A young regtest knows nothing about fees, and Bitcoin Core says so in these words.
    estimatesmartfee: async ([blocks]) => ({
      errors: ['Insufficient data or no feerate found'],
      blocks: wholeNumber(blocks, 'conf_target', 1, 1008),
    }),
    sendrawtransaction: async ([hex, maxFeeRate]) => {
      const tx = decodeTx(hex);
      if (mempool.hasEntry(tx.hash('hex'))) return tx.txid();
      const { reason } = await mempoolVerbs.offer(tx, { maxFeeRateSatPerKvb: feeRateCeiling(maxFeeRate) });
      if (reason === null) return tx.txid();
      if (reason === 'txn-already-known') {
        throw new RpcError(CODES.alreadyInChain, 'Transaction outputs already in utxo set');
      }
      if (reason === 'missing-inputs') throw new RpcError(CODES.verify, 'bad-txns-inputs-missingorspent');
      if (reason === 'max-fee-exceeded') {
        throw new RpcError(
          CODES.verify,
          'Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)',
        );
      }
      throw new RpcError(CODES.rejected, coreReason(reason));
    },
    testmempoolaccept: async ([hexes, maxFeeRate]) => {
      if (!Array.isArray(hexes) || hexes.length !== 1) {
        throw new RpcError(CODES.invalidParameter, 'this node checks one transaction at a time');
      }
      const tx = decodeTx(hexes[0]);
      const { reason, fee } = await mempoolVerbs.offer(tx, {
        dryRun: true,
        maxFeeRateSatPerKvb: feeRateCeiling(maxFeeRate),
      });
      const ids = { txid: tx.txid(), wtxid: tx.wtxid() };
      if (reason !== null) return [{ ...ids, allowed: false, 'reject-reason': coreReason(reason) }];
      return [{ ...ids, allowed: true, vsize: tx.getVirtualSize(), fees: { base: btc(fee) } }];
    },
    generatetoaddress: async ([count, text]) => {
      wholeNumber(count, 'nblocks', 0, MAX_BLOCKS_PER_CALL);
      let address;
      try {
        address = Address.fromString(text, network);
      } catch {
        throw new RpcError(CODES.notFound, 'Error: Invalid address');
      }
      const hashes = [];
      for (let i = 0; i < count; i += 1) {
        const entry = await chain.add(await miner.mineBlock(null, address));
        hashes.push(entry.rhash());
      }
      return hashes;
    },
    submitblock: async ([hex]) => {
      let block;
      try {
        block = Block.fromRaw(Buffer.from(hex, 'hex'));
      } catch {
        throw new RpcError(CODES.deserialization, 'Block decode failed');
      }
      try {
        const entry = await chain.add(block);
        return entry === null ? 'inconclusive' : null;
      } catch (error) {
        if (error.type === 'VerifyError') return error.reason;
        throw error;
      } finally {
        await mempoolVerbs.restoreDisplaced();
      }
    },
    invalidateblock: async ([hash]) => {
      const entry = await entryOf(hash);
      if (entry.isGenesis() || !(await chain.isMainChain(entry))) {
        throw new RpcError(CODES.invalidParameter, 'only a block of the main chain can be invalidated here');
      }
      await mempoolVerbs.invalidate(entry.hash);
      return null;
    },
    // The one verb that Bitcoin Core does not have: what a full mempool would do.
    devnet_evict: async ([txid]) => {
      const entry = mempool.getEntry(hashOf(txid, 'txid'));
      if (!entry) throw new RpcError(CODES.notFound, 'Transaction not in mempool');
      mempool.evictEntry(entry);
      return null;
    },
    validateaddress: async ([text]) => {
      try {
        return { isvalid: true, address: Address.fromString(text, network).toString(network) };
      } catch {
        return { isvalid: false };
      }
    },
  };

  // One call at a time, so that what a reorganisation displaced is back before the next caller looks.
  let queue = Promise.resolve();
  return function call(method, params) {
    const verb = Object.hasOwn(verbs, method) ? verbs[method] : null;
    if (verb === null) throw new RpcError(CODES.methodNotFound, 'Method not found');
    const answer = queue.then(() => verb(Array.isArray(params) ? params : [])).finally(settled);
    queue = answer.then(
      () => undefined,
      () => undefined,
    );
    return answer;
  };
}

module.exports = { createRpc, RpcError, CODES, MAX_BLOCK_HEX: consensus.MAX_BLOCK_WEIGHT * 2 };
