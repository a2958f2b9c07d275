// Teeth of the texts and numbers that everything else is made of.

import { type Tooth, teethOf } from '../tooth.js';

export const TEXTS: readonly Tooth[] = [
  ...teethOf('src/core/statements/canonical-json.ts', 'src/core/statements/canonical-json.spec.ts', [
    {
      code: 'not-canonical',
      without: 'the bound on nesting',
      was: 'if (depth > MAX_DEPTH)',
      becomes: 'if (depth > 1_000)',
      title: 'RFC 8785 canonical JSON refuses nesting without end',
    },
    {
      code: 'not-canonical',
      without: 'the ban on numbers that are not safe integers',
      was: 'if (!Number.isSafeInteger(value) || Object.is(value, -0))',
      becomes: 'if (Object.is(value, -0))',
      title: 'RFC 8785 canonical JSON refuses a float',
    },
    {
      code: 'not-canonical',
      without: 'the ban on minus zero',
      was: 'if (!Number.isSafeInteger(value) || Object.is(value, -0))',
      becomes: 'if (!Number.isSafeInteger(value))',
      title: 'RFC 8785 canonical JSON refuses negative zero',
    },
    {
      code: 'not-canonical',
      without: 'the ban on other letters than printable ASCII',
      was: 'if (!PRINTABLE.test(value))',
      becomes: 'if (false)',
      title: 'RFC 8785 canonical JSON refuses a control character',
    },
    {
      code: 'not-canonical',
      without: 'the ban on objects that are not plain',
      was: 'if (prototype !== Object.prototype && prototype !== null)',
      becomes: 'if (false)',
      title: 'RFC 8785 canonical JSON refuses a Date',
    },
    {
      code: 'not-canonical',
      without: 'an answer for values of any other kind',
      was: '  return refuse(`a',
      becomes: '  if (depth > 0) return String(value);\n  return refuse(`a',
      title: 'RFC 8785 canonical JSON refuses undefined in an object',
    },
  ]),
  ...teethOf('src/core/money/amount.ts', 'src/core/money/amount.spec.ts', [
    {
      code: 'amount-out-of-range',
      without: 'the bound on an amount',
      was: 'if (value < 0n || value > max) {',
      becomes: 'if (value < 0n) {',
      title: 'amounts refuses amounts beyond 2^256 - 1 and beyond 21 million coins',
    },
    {
      code: 'amount-out-of-range',
      without: 'the ban on negative amounts',
      was: 'if (value < 0n || value > max) {',
      becomes: 'if (value > max) {',
      title: 'amounts refuses amounts beyond 2^256 - 1 and beyond 21 million coins',
    },
    {
      code: 'amount-malformed',
      without: 'the form of an amount in base units',
      was: 'if (!BASE_UNITS.test(text)) {',
      becomes: 'if (false) {',
      title: 'amounts refuses "" as base units',
    },
    {
      code: 'amount-malformed',
      without: 'the form of a decimal amount',
      was: 'const match = DECIMAL.exec(text);',
      becomes: "const match = DECIMAL.exec(text.trim().replace(/^[+-]/, '').replace(/^0+(?=[0-9])/, ''));",
      title: 'amounts refuses " 1" as a decimal amount',
    },
    {
      code: 'amount-over-precise',
      without: 'the ban on more decimal places than the asset has',
      was: 'if (fraction.length > decimals) {',
      becomes: 'if (false) {',
      title: 'amounts refuses more decimal places than the asset has, zeros too',
    },
  ]),
];
