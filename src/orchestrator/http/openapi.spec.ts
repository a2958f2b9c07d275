// The document tells the truth: every example is what its schema takes, every code has an example, and what is signed in
// an example verifies.

import { describe, expect, it } from '@jest/globals';
import { hexToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { requestBytes } from '../../core/statements/request.js';
import { portableVerifier } from '../../core/statements/signature.js';
import * as approvals from '../approvals/approval.endpoints.js';
import * as governance from '../governance/governance.endpoints.js';
import * as status from '../status/status.endpoints.js';
import * as transfers from '../transfers/transfer.endpoints.js';
import * as wallets from '../wallets/wallet.endpoints.js';
import * as waysOut from '../ways-out/ways-out.endpoints.js';
import * as documents from './documents.endpoints.js';
import { type Endpoint, endpoint } from './endpoint.js';
import { exampleRequest, exampleRequestPublicKey } from './examples.js';
import { openApiDocument } from './openapi.js';
import { PROBLEMS } from './problems.js';

const endpoints: Endpoint[] = [approvals, governance, status, transfers, wallets, waysOut, documents].flatMap(
  (module) =>
    Object.values(module).filter((value): value is Endpoint => 'operation' in value && 'answer' in value),
);
const document = openApiDocument(endpoints, '0.0.0');
const text = JSON.stringify(document);

describe('the OpenAPI document', () => {
  it('is 3.1 and has an operation for every endpoint', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(endpoints.length).toBeGreaterThan(15);
    for (const { operation, partOfPage } of endpoints) {
      expect(text.includes(`"operationId":"${operation}"`)).toBe(partOfPage !== true);
    }
    expect(new Set(endpoints.map(({ operation }) => operation)).size).toBe(endpoints.length);
  });

  it('refers to nothing that it does not contain', () => {
    const { components } = z
      .object({ components: z.object({ schemas: z.record(z.string(), z.unknown()) }) })
      .parse(document);
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
    expect(references.length).toBeGreaterThan(20);
    for (const target of new Set(references)) {
      expect(target).toMatch(/^#\/components\/schemas\//);
      expect(Object.keys(components.schemas)).toContain(target.replace('#/components/schemas/', ''));
    }
    expect(text).not.toContain('$defs');
  });

  it.each(endpoints.map((one) => [one.operation, one] as const))(
    '%s has examples that its schemas take',
    (_name, one) => {
      one.answer.schema.parse(one.answer.example);
      if (one.body) one.body.schema.parse(one.body.example);
    },
  );

  it('says for every refusal what it means', () => {
    for (const [code, { status: http, title, detail }] of Object.entries(PROBLEMS)) {
      expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(http).toBeGreaterThanOrEqual(400);
      expect(title.length).toBeGreaterThan(3);
      expect(detail.length).toBeGreaterThan(10);
    }
  });

  it('shows a signed request that verifies', () => {
    expect(
      portableVerifier.ed25519(
        hexToBytes(exampleRequestPublicKey),
        requestBytes(exampleRequest.statement),
        hexToBytes(exampleRequest.signature),
      ),
    ).toBe(true);
  });

  it('refuses two schemas of one name', () => {
    const [first] = endpoints;
    if (!first) throw new Error('no endpoint');
    const one = z.strictObject({ a: z.string() }).meta({ id: 'Twice' });
    const other = z.strictObject({ b: z.string() }).meta({ id: 'Twice' });
    const clash = [
      endpoint({ ...first, answer: { is: 'ok', description: '', schema: one, example: { a: '' } } }),
      endpoint({
        ...first,
        path: '/y',
        answer: { is: 'ok', description: '', schema: other, example: { b: '' } },
      }),
    ];
    expect(() => openApiDocument(clash, '0')).toThrow(
      expect.objectContaining({ code: 'openapi-name-ambiguous' }),
    );
  });
});
