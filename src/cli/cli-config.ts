// The command line's own configuration: where the API is, which deployment is meant, and which key this person or
// backend has. A small YAML file, since nobody types a deployment id; every part of it can be given as an option too.
// It holds no secret: a PIN is asked for, or stands in a file of its own.

import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { isDerivationPath } from '../../hardware/ledger/apdu.js';
import { identifier, sha256Hex } from '../core/statements/fields.js';
import { cliFault } from './exit.js';
import { readYaml } from './files.js';

const path = z.string().min(1).max(4_096);

/** `44'/60'/0'/0/0` */
export const derivationPath = z
  .string()
  .max(128)
  .refine(isDerivationPath, "a derivation path is written like 44'/60'/0'/0/0");
/** Of this host: what goes there is not encrypted. */
export const localPlace = z
  .string()
  .regex(
    /^(?:127\.0\.0\.1|localhost|::1):[1-9][0-9]{0,4}$/,
    'a port of this host is written like 127.0.0.1:9999',
  );

export const cliConfig = z.strictObject({
  /** `http://127.0.0.1:7430` */
  api: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .exactOptional(),
  /** Deployment id: the hash of genesis, as it was read out at the ceremony. */
  deployment: sha256Hex.exactOptional(),
  /** The governance log in a file, for who may not read it from the API (a backend), or has no API (an auditor). */
  log: path.exactOptional(),
  /** An officer's own token. */
  token: z
    .strictObject({
      module: path,
      label: z.string().min(1).max(32),
      serial: z.string().min(1).max(16).exactOptional(),
      /** Mode 0600; asked for when there is none. */
      pinFile: path.exactOptional(),
      /** What the module wants in the environment, e.g. SOFTHSM2_CONF. */
      environment: z
        .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(4_096))
        .exactOptional(),
    })
    .exactOptional(),
  /** An officer's credential, as the roster names it, and the label of its key on the token. */
  credential: z.strictObject({ id: identifier, key: z.string().min(1).max(255) }).exactOptional(),
  /** An officer's Ledger: with it they sign what they decide, where it is here. */
  ledger: z
    .strictObject({
      /** Of class `device-display`, as the roster names it. */
      credential: identifier,
      path: derivationPath.exactOptional(),
      /** An emulator's socket in place of USB. */
      tcp: localPlace.exactOptional(),
    })
    .exactOptional(),
  /** A backend's request key. */
  requestKey: z
    .strictObject({ id: identifier, file: path, requester: identifier.exactOptional() })
    .exactOptional(),
});
export type CliConfig = z.infer<typeof cliConfig>;

const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o022;

export const DEFAULT_CONFIG = 'portcullis.yaml';

/** `--config`, then PORTCULLIS_CLI_CONFIG, then ./portcullis.yaml if it is there; else nothing is configured. */
export function loadCliConfig(
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): CliConfig {
  const named = option ?? environment.PORTCULLIS_CLI_CONFIG;
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw cliFault('config-missing', `there is no configuration ${named}`);
    return readCliConfig(named);
  }
  return existsSync(DEFAULT_CONFIG) ? readCliConfig(DEFAULT_CONFIG) : {};
}

/**
 * Whoever can write this file chooses what is loaded into this process (the token's module) and which deployment is
 * trusted; and it is found in whatever folder a person happens to be in. Faults `file-open-to-others`.
 */
function refuseForeign(file: string): void {
  const { mode, uid } = statSync(file);
  const self = process.getuid?.();
  if (self === undefined) return;
  if (uid !== self && uid !== ROOT) {
    throw cliFault('file-open-to-others', `${file} is somebody else's: it is not used`, { path: file });
  }
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    throw cliFault('file-open-to-others', `others can change ${file}: chmod go-w ${file}`, { path: file });
  }
}

/** The settings, or the section `cli` of a file that has one. */
function sectionOr<S extends z.ZodType>(schema: S) {
  const sectioned = z.object({ cli: z.unknown() });
  return z.preprocess((value) => sectioned.safeParse(value).data?.cli ?? value, schema);
}

/** Paths in the file are relative to it. Faults `file-malformed`, `file-open-to-others`. */
function readCliConfig(file: string): CliConfig {
  refuseForeign(file);
  const config = readYaml(file, sectionOr(cliConfig), 'a configuration of the command line');
  const from = (relative: string) => resolve(dirname(file), relative);
  const { token, requestKey, log } = config;
  return {
    ...config,
    ...(log === undefined ? {} : { log: from(log) }),
    ...(token === undefined
      ? {}
      : { token: { ...token, ...(token.pinFile === undefined ? {} : { pinFile: from(token.pinFile) }) } }),
    ...(requestKey === undefined ? {} : { requestKey: { ...requestKey, file: from(requestKey.file) } }),
  };
}

/** A setting that a command cannot do without. Faults `setting-missing`. */
export function needed<T>(value: T | undefined, setting: string, option: string): T {
  if (value !== undefined) return value;
  throw cliFault('setting-missing', `say ${option}, or put "${setting}" into the configuration`, { setting });
}
