// Money: whole base units in a bigint, branded by unit so that satoshi and wei never meet by accident.
// There is no float here, no rounding, and no price.

import { Fault } from '../fault.js';

declare const unit: unique symbol;

/** An amount in base units of some asset (satoshi, wei, token units). Non-negative, below 2^256. */
export type BaseUnits = bigint & { readonly [unit]?: string };
export type Sats = BaseUnits & { readonly [unit]: 'sat' };
export type Wei = BaseUnits & { readonly [unit]: 'wei' };

export const MAX_SATS = 2_100_000_000_000_000n;
export const MAX_UINT256 = (1n << 256n) - 1n;

export type AmountFaultCode = 'amount-malformed' | 'amount-out-of-range' | 'amount-over-precise';

function bounded(value: bigint, max: bigint, name: string): bigint {
  if (value < 0n || value > max) {
    throw new Fault<AmountFaultCode>('amount-out-of-range', `${name} is out of range`, {
      facts: { value: value.toString().slice(0, 100), max: max.toString() },
    });
  }
  return value;
}

/** Satoshi, at most the 21 million coins that can ever exist. Throws `amount-out-of-range`. */
export function sats(value: bigint): Sats {
  return bounded(value, MAX_SATS, 'satoshi amount') as Sats;
}

/** Wei, at most 2^256 - 1. Throws `amount-out-of-range`. */
export function wei(value: bigint): Wei {
  return bounded(value, MAX_UINT256, 'wei amount') as Wei;
}

const BASE_UNITS = /^(0|[1-9][0-9]{0,77})$/;

/** True for the one textual form that an amount in base units has: decimal digits, no sign, no leading zero. */
export function isBaseUnits(text: string): boolean {
  return BASE_UNITS.test(text) && BigInt(text) <= MAX_UINT256;
}

/** Decimal string of base units to bigint. Input is hostile. Throws `amount-malformed`, `amount-out-of-range`. */
export function parseBaseUnits(text: string): BaseUnits {
  if (!BASE_UNITS.test(text)) {
    throw new Fault<AmountFaultCode>(
      'amount-malformed',
      'amount is not a plain decimal number of base units',
      {
        facts: { text: text.slice(0, 100) },
      },
    );
  }
  return bounded(BigInt(text), MAX_UINT256, 'amount');
}

const DECIMAL = /^(0|[1-9][0-9]{0,77})(?:\.([0-9]{1,77}))?$/;

/**
 * "0.5" with 8 decimals to 50000000n. Input is hostile. More decimal places than the asset has are refused, never
 * rounded, even when they are zeros. Throws `amount-malformed`, `amount-over-precise`, `amount-out-of-range`.
 */
export function parseUnits(text: string, decimals: number): BaseUnits {
  const match = DECIMAL.exec(text);
  if (!match) {
    throw new Fault<AmountFaultCode>('amount-malformed', 'amount is not a plain decimal number', {
      facts: { text: text.slice(0, 100) },
    });
  }
  const whole = match[1] ?? '0';
  const fraction = match[2] ?? '';
  if (fraction.length > decimals) {
    throw new Fault<AmountFaultCode>(
      'amount-over-precise',
      `amount has more than ${decimals} decimal places`,
      {
        facts: { text: text.slice(0, 100), decimals },
      },
    );
  }
  return bounded(BigInt(whole + fraction.padEnd(decimals, '0')), MAX_UINT256, 'amount');
}

/** 50000000n with 8 decimals to "0.5". Exact; trailing zeros of the fraction are dropped. */
export function formatUnits(value: bigint, decimals: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
