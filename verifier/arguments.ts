// What was typed, as one value. It reads no file.

import { parseArgs } from 'node:util';

export const USAGE = `usage: node dist/verifier/main.js FILE... --genesis FILE-or-HASH --log FILE [--whole] [--json]
       node dist/verifier/main.js --schema

Checks decision certificates with nothing but these files. No network, no clock, no configuration.
  --genesis  the genesis entry that you trust, or its hash (the deployment id), known to you from elsewhere
  --log      the governance log
  --whole    the files are all certificates that there are: each that is missing is named
  --json     the report for a program
  --schema   the JSON Schema of a certificate

Exit codes: 0 proved; 1 refused: something does not hold; 2 a file is malformed, or the arguments are; 4 about another
deployment, or the log does not fit; 8 certificates are missing, or from before they may have been signed (--whole);
9 not attested by the signer yet; 10 decided by rules of another version than this verifier has.
`;

export type Asked =
  | { readonly kind: 'schema' }
  | { readonly kind: 'usage'; readonly why: string }
  | {
      readonly kind: 'verify';
      readonly files: readonly string[];
      readonly genesis: string;
      readonly log: string;
      readonly whole: boolean;
      readonly json: boolean;
    };

export function askedBy(args: readonly string[]): Asked {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        genesis: { type: 'string' },
        log: { type: 'string' },
        whole: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        schema: { type: 'boolean', default: false },
      },
    });
    const { genesis, log, whole, json } = values;
    if (values.schema) return { kind: 'schema' };
    if (genesis === undefined || log === undefined)
      return { kind: 'usage', why: '--genesis and --log are needed' };
    if (positionals.length === 0) return { kind: 'usage', why: 'which files?' };
    return { kind: 'verify', files: positionals, genesis, log, whole, json };
  } catch (error) {
    // parseArgs throws for whatever it does not know.
    return { kind: 'usage', why: error instanceof Error ? error.message : String(error) };
  }
}
