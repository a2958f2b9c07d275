// The words and numbers that a policy document is made of, each with the sentence for whoever writes it wrongly. What they
// refer to is resolved when the document is parsed.

import { z } from 'zod';
import { identifier } from '../statements/fields.js';

export const EMPTY = 'the list is empty';

export const amount = z
  .string()
  .regex(
    /^(?:0|[1-9][0-9]{0,77})(?:\.[0-9]{1,77})? [A-Za-z0-9.]{1,12}$/,
    'an amount is written like "0.5 BTC"',
  )
  .describe('A decimal number and the symbol of its asset: "0.5 BTC"');

export const percentage = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,2})?%$/, 'a percentage is written like "2.5%"')
  .describe('More than 0 %, at most 100 %, at most two decimals: "2.5%"');

export const assetName = z
  .string()
  .regex(
    /^[A-Za-z0-9.]{1,12}(?:@(?:bip122:[0-9a-f]{32}|eip155:[1-9][0-9]{0,15}))?$/,
    'an asset is written like BTC, or like ETH@eip155:1 where its symbol alone is not clear',
  )
  .describe('Symbol of a registered asset; with @chain where the symbol alone is not clear');

export const duration = z
  .string()
  .regex(/^[1-9][0-9]{0,5}[mhd]$/, 'a duration is written like 30m, 24h or 7d')
  .describe('1m to 90d: 30m, 24h, 7d');

export const names = z.array(identifier).min(1, EMPTY).max(100);

/** Labels, as governance shows them to people. */
export const labels = z
  .array(
    z
      .string()
      .regex(
        /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/,
        'a label is at most 64 printable characters, without a blank at either end',
      ),
  )
  .min(1, EMPTY)
  .max(100);

/** A word, since YAML has several spellings of a truth value. */
export const yesOrNo = z.enum(['yes', 'no'], 'yes or no is wanted here');
