// The OpenAPI 3.1 document, made from the endpoints' own descriptions: the schemas that parse are the schemas that are
// shown. Pure; it neither finds the endpoints nor serves the document.

import { z } from 'zod';
import { Fault } from '../../core/fault.js';
import type { Access, Endpoint } from './endpoint.js';
import { PROBLEM_CONTENT_TYPE, problem, problemOf } from './problem.js';
import { PROBLEMS, type ProblemCode } from './problems.js';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const json: z.ZodType<Json> = z.json();
const jsonObject = z.record(z.string(), json);

/** Refusals that every endpoint of an access can answer with. */
export function commonRefusals(endpoint: Endpoint): readonly ProblemCode[] {
  const codes: ProblemCode[] = ['rate-limited', 'answer-timeout', 'unavailable', 'internal'];
  if (endpoint.params || endpoint.query || endpoint.body) codes.push('input-invalid');
  codes.push(
    ...(endpoint.body
      ? ([
          'body-missing',
          'body-malformed',
          'body-too-large',
          'content-type-unsupported',
          'content-encoding-unsupported',
        ] as const)
      : (['body-unexpected'] as const)),
  );
  if (endpoint.idempotencyKey) codes.push('idempotency-key-malformed', 'idempotency-key-reused');
  if (endpoint.idempotencyKey === 'required') codes.push('idempotency-key-missing');
  if (endpoint.access === 'open') return codes;
  codes.push(
    'authority-unknown',
    'signature-missing',
    'signature-malformed',
    'signature-components-missing',
    'signature-expired',
    'signature-not-yet-valid',
    'signature-key-unknown',
    'signature-invalid',
    'content-digest-mismatch',
    'signature-replayed',
  );
  if (endpoint.access === 'officer') codes.push('officers-only');
  if (endpoint.access === 'backend') codes.push('backends-only');
  return codes;
}

const SECURITY: Record<Access, readonly JsonObject[]> = {
  open: [],
  backend: [{ requestKey: [] }],
  officer: [{ officer: [] }],
  authenticated: [{ requestKey: [] }, { officer: [] }],
};

const CALLERS: Record<Access, string> = {
  open: 'anybody',
  backend: 'request keys',
  officer: 'officers',
  authenticated: 'request keys and officers',
};

const SECURITY_SCHEMES: JsonObject = {
  requestKey: {
    type: 'apiKey',
    in: 'header',
    name: 'Signature',
    description:
      'RFC 9421 message signature by a registered request key, `alg="ed25519"`, over @method, @authority, @path, @query, content-digest (with a body) and idempotency-key (when sent); with created, expires (at most 300 s later), a fresh nonce, keyid and `tag="portcullis"`.',
  },
  officer: {
    type: 'apiKey',
    in: 'header',
    name: 'Signature',
    description:
      'As for request keys, by an officer\'s credential: `alg="ecdsa-p256-sha256"`, keyid is the credential\'s id in the roster.',
  },
};

/** Collects named schemas; the same name must always mean the same. */
class Components {
  readonly schemas = new Map<string, Json>();

  /** JSON Schema 2020-12 of a zod schema, its named parts moved to `#/components/schemas`. */
  reference(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
    // Through text, since the result's type is wider than JSON; `$ref`s then point to where the parts go.
    const text = JSON.stringify(
      z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' }),
    );
    const {
      $defs,
      $schema: _dialect,
      ...rest
    } = jsonObject.parse(JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')));
    for (const [name, part] of Object.entries(jsonObject.parse($defs ?? {}))) this.add(name, part);
    const { id, ...inline } = rest;
    if (typeof id !== 'string') return inline;
    this.add(id, inline);
    return { $ref: `#/components/schemas/${id}` };
  }

  private add(name: string, part: Json): void {
    const plain = jsonObject.safeParse(part);
    const { id: _id, ...schema } = plain.success ? plain.data : {};
    const known = this.schemas.get(name);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema)) {
      throw new Fault('openapi-name-ambiguous', 'two schemas have one name', { facts: { name } });
    }
    this.schemas.set(name, schema);
  }
}

function parameters(endpoint: Endpoint, components: Components): Json[] {
  const found: Json[] = [];
  for (const [place, schema] of [
    ['path', endpoint.params],
    ['query', endpoint.query],
  ] as const) {
    if (!schema) continue;
    const { properties, required } = components.reference(schema, 'input');
    const needed = z.array(z.string()).safeParse(required ?? []).data ?? [];
    for (const [name, property] of Object.entries(jsonObject.parse(properties ?? {}))) {
      found.push({ name, in: place, required: place === 'path' || needed.includes(name), schema: property });
    }
  }
  if (endpoint.idempotencyKey) {
    found.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: endpoint.idempotencyKey === 'required',
      description:
        'The same key with the same call gives the same answer, also after a crash; with another call it is refused. A call that had no effect uses no key up. Has to be covered by the signature.',
      schema: { type: 'string', pattern: '^[A-Za-z0-9._:@-]{8,128}$' },
      example: 'payout-2026-000417',
    });
  }
  return found;
}

function problemResponses(codes: readonly ProblemCode[], components: Components): JsonObject {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set(codes)) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const schema = components.reference(problem, 'output');
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status.toString(),
      {
        description: list.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('; '),
        content: {
          [PROBLEM_CONTENT_TYPE]: {
            schema,
            examples: Object.fromEntries(
              list.map((code) => [
                code,
                { summary: PROBLEMS[code].title, value: problemOf(code, {}, 'ZW6xkQ0qDk3M1n7b') },
              ]),
            ),
          },
        },
      },
    ]),
  );
}

function operation(endpoint: Endpoint, components: Components): JsonObject {
  const { answer, body } = endpoint;
  const isJson = answer.contentType === undefined;
  return {
    operationId: endpoint.operation,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: `${endpoint.description}\n\nCalled by ${CALLERS[endpoint.access]}.`,
    security: SECURITY[endpoint.access],
    parameters: parameters(endpoint, components),
    ...(body
      ? {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: components.reference(body.schema, 'input'),
                examples: { typical: { value: json.parse(body.example) } },
              },
            },
          },
        }
      : {}),
    responses: {
      [answer.is === 'created' ? '201' : '200']: {
        description: answer.description,
        content: {
          [answer.contentType ?? 'application/json']: {
            schema: components.reference(answer.schema, 'output'),
            ...(isJson ? { examples: { typical: { value: json.parse(answer.example) } } } : {}),
          },
        },
      },
      ...problemResponses([...endpoint.refusals, ...commonRefusals(endpoint)], components),
    },
  };
}

/** Throws `openapi-name-ambiguous` when two schemas would be one. */
export function openApiDocument(endpoints: readonly Endpoint[], version: string): JsonObject {
  const components = new Components();
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of endpoints) {
    if (endpoint.partOfPage) continue;
    const path = endpoint.path.replaceAll(/[:*]([A-Za-z]+)/g, '{$1}');
    const methods = paths[path] ?? {};
    methods[endpoint.method.toLowerCase()] = operation(endpoint, components);
    paths[path] = methods;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portcullis',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        "Transfers of an exchange's wallets: requested by its backends, approved by its officers, signed by a signer that trusts neither. Amounts are decimal strings of base units (satoshi, wei); times are milliseconds since 1970. Every answer that is not a success is a problem document (RFC 9457) with a closed `code`.",
    },
    tags: [
      'Transfers',
      'Approvals',
      'Ways out',
      'Wallets',
      'Policy',
      'Governance',
      'Audit',
      'Status',
      'Documents',
    ].map((name) => ({
      name,
    })),
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      schemas: Object.fromEntries([...components.schemas].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}
