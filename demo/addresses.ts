// Where the demo's customers want to be paid: addresses of keys that are made here and thrown away.

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { p2wpkhAddress } from '../src/core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../src/core/intents/ethereum/address.js';

function publicKey(): string {
  return bytesToHex(secp256k1.getPublicKey(secp256k1.utils.randomSecretKey(), true));
}

export const bitcoinAddress = () => p2wpkhAddress(publicKey(), 'regtest');
export const ethereumAddress = () => addressOfPublicKey(publicKey());
