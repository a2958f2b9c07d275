// What a token's process and its parent say to each other, over Node's IPC channel with structured clones (so bytes
// and bigints cross as they are). Both sides check every message against these schemas: the parent because a vendor's
// library runs in the child, the child because it holds the PIN.
//
// A PIN never crosses; the child is told where to read it.

import { z } from 'zod';
import type {
  KeyDescription,
  KeyReference,
  TokenFaultCode,
  TokenRecord,
  TokenStatus,
} from '../key-signer.js';
import { DIGEST_BYTES, LARGEST_MESSAGE_BYTES, LARGEST_RECORD_BYTES, MOST_DIGESTS } from './token-inputs.js';

const bytes = (most: number) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length <= most, 'bytes expected');

/** r || s or R || S, as the port gives it. */
export const SIGNATURE_BYTES = 64;

const message = z.custom<Uint8Array>(
  (value) => value instanceof Uint8Array && value.length > 0 && value.length <= LARGEST_MESSAGE_BYTES,
  'a message expected',
);

const signature = z.custom<Uint8Array>(
  (value) => value instanceof Uint8Array && value.length === SIGNATURE_BYTES,
  'R || S expected',
);

/** From one to `MOST_DIGESTS` of equal length, one after the other. */
const rowOf = (each: number, otherwise: string) =>
  z.custom<Uint8Array>(
    (value) =>
      value instanceof Uint8Array &&
      value.length > 0 &&
      value.length % each === 0 &&
      value.length <= each * MOST_DIGESTS,
    otherwise,
  );

const text = z.string().max(1024);

export const keyReferenceSchema = z
  .strictObject({ label: z.string().min(1).max(255), id: z.string().max(256).exactOptional() })
  .readonly() satisfies z.ZodType<KeyReference>;

const tokenRecordSchema = z
  .strictObject({ version: z.bigint(), value: bytes(LARGEST_RECORD_BYTES) })
  .readonly() satisfies z.ZodType<TokenRecord>;

const curveSchema = z.enum(['secp256k1', 'p256', 'ed25519']);

const UNCOMPRESSED_POINT = /^04[0-9a-f]{128}$/;
const ED25519_PUBLIC_KEY = /^[0-9a-f]{64}$/;

export const keyDescriptionSchema = z
  .strictObject({
    label: text,
    id: text,
    curve: curveSchema,
    publicKey: z.string(),
    unextractable: z.boolean(),
    bornInToken: z.boolean(),
  })
  .refine(
    ({ curve, publicKey }) => (curve === 'ed25519' ? ED25519_PUBLIC_KEY : UNCOMPRESSED_POINT).test(publicKey),
    'a public key of the curve expected',
  )
  .readonly() satisfies z.ZodType<KeyDescription>;

export const tokenStatusSchema = z
  .strictObject({
    label: text,
    serial: text,
    manufacturer: text,
    model: text,
    firmware: text,
    sessionsOpen: z.int().min(0),
    sessionsWanted: z.int().min(0),
    loggedIn: z.boolean(),
  })
  .readonly() satisfies z.ZodType<TokenStatus>;

export const storedPinSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), path: z.string().min(1).max(4096) }).readonly(),
  z.strictObject({ kind: z.literal('credential'), name: z.string().min(1).max(255) }).readonly(),
]);

/** What one operation is asked with: a method of the port, but digests go several at a time. */
export const operationSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('status') }),
  z.strictObject({ op: z.literal('describeKey'), key: keyReferenceSchema }),
  z.strictObject({ op: z.literal('generateKey'), label: z.string().max(255), curve: curveSchema }),
  z.strictObject({
    op: z.literal('signDigests'),
    key: keyReferenceSchema,
    digests: rowOf(DIGEST_BYTES, 'digests expected'),
  }),
  z.strictObject({ op: z.literal('signMessage'), key: keyReferenceSchema, message }),
  z.strictObject({ op: z.literal('readRecord'), name: z.string().max(255) }),
  z.strictObject({
    op: z.literal('writeRecord'),
    name: z.string().max(255),
    record: tokenRecordSchema,
    replaces: tokenRecordSchema.exactOptional(),
  }),
]);
export type Operation = z.infer<typeof operationSchema>;
export type OperationName = Operation['op'];

/** What each operation answers with. */
export const resultSchemas = {
  status: tokenStatusSchema,
  describeKey: keyDescriptionSchema,
  generateKey: keyDescriptionSchema,
  signDigests: rowOf(SIGNATURE_BYTES, 'r || s expected'),
  signMessage: signature,
  readRecord: tokenRecordSchema.optional(),
  writeRecord: z.undefined(),
} as const satisfies Record<OperationName, z.ZodType>;
export type OperationResult<Name extends OperationName> = z.infer<(typeof resultSchemas)[Name]>;

export const childSettingsSchema = z
  .strictObject({
    modulePath: z.string().min(1).max(4096),
    tokenLabel: z.string().min(1).max(32),
    serial: z.string().min(1).max(16).exactOptional(),
    sessions: z.int().min(1).max(64),
    pin: storedPinSchema,
  })
  .readonly();
export type ChildSettings = z.infer<typeof childSettingsSchema>;

/** What a program configures for one token. Durations in milliseconds. */
export const tokenProcessConfigSchema = z
  .strictObject({
    ...childSettingsSchema.unwrap().shape,
    sessions: z.int().min(1).max(64).default(4),
    /** The whole environment of the token's process: only what is named here. */
    environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(4096)).default({}),
    /** How long one operation may be at the token, and how long it may wait in line. */
    deadlineMs: z.int().min(50).max(600_000).default(15_000),
    /** How long the process may take until it listens. */
    startDeadlineMs: z.int().min(50).max(600_000).default(20_000),
  })
  .readonly();
export type TokenProcessConfig = z.input<typeof tokenProcessConfigSchema>;

/** Most calls or answers in one message. */
export const LARGEST_BATCH = 512;
const requestId = z.int().min(1);

export const toChildSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('settings'), settings: childSettingsSchema }),
  z.strictObject({
    kind: z.literal('calls'),
    calls: z.array(z.strictObject({ id: requestId, operation: operationSchema })).max(LARGEST_BATCH),
  }),
  z.strictObject({ kind: z.literal('close') }),
]);
export type ToChild = z.infer<typeof toChildSchema>;

const faultCodes = {
  'session-lost': 0,
  'token-gone': 0,
  'login-failed': 0,
  mechanism: 0,
  transient: 0,
  'key-missing': 0,
  'key-duplicate': 0,
  'record-duplicate': 0,
  'record-too-large': 0,
  'record-malformed': 0,
  'record-stale': 0,
  'record-changed': 0,
  deadline: 0,
  indeterminate: 0,
  closed: 0,
} as const satisfies Record<TokenFaultCode, 0>;

export const faultCodeSchema = z.enum(Object.keys(faultCodes) as [TokenFaultCode, ...TokenFaultCode[]]);

const answerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('done'), id: requestId, value: z.unknown() }),
  z.strictObject({
    kind: z.literal('fault'),
    id: requestId,
    code: faultCodeSchema,
    message: text,
    facts: z.record(z.string(), z.union([text, z.number(), z.boolean()])),
  }),
]);
export type Answer = z.infer<typeof answerSchema>;

export const fromChildSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({ kind: z.literal('closed') }),
  z.strictObject({ kind: z.literal('answers'), answers: z.array(answerSchema).max(LARGEST_BATCH) }),
]);
export type FromChild = z.infer<typeof fromChildSchema>;
