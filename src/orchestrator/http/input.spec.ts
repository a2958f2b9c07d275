import { describe, expect, it } from '@jest/globals';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { endpoint } from './endpoint.js';
import { idempotencyKeyOf, parseInput, type RawInput } from './input.js';
import { messageFrom } from './message.js';

const answer = { is: 'ok', description: '', schema: z.string(), example: '' } as const;
const common = {
  operation: 'x',
  path: '/x/:id',
  tag: 'Status',
  summary: '',
  description: '',
  access: 'open',
  answer,
  refusals: [],
} as const;
const post = endpoint({
  ...common,
  method: 'POST',
  params: z.strictObject({ id: z.string().regex(/^[a-z]+$/) }),
  body: { schema: z.strictObject({ amount: z.string().regex(/^[0-9]+$/) }), example: { amount: '1' } },
});
const get = endpoint({
  ...common,
  method: 'GET',
  query: z.strictObject({
    limit: z
      .string()
      .regex(/^[0-9]+$/)
      .exactOptional(),
  }),
});

const raw: RawInput = { params: { id: 'a' }, query: {}, body: new Uint8Array(0), contentType: undefined };
const withBody = (
  text: string | Uint8Array,
  contentType: string | undefined = 'application/json',
): RawInput => ({
  ...raw,
  body: typeof text === 'string' ? utf8ToBytes(text) : text,
  contentType,
});

describe('input', () => {
  it('comes out parsed', () => {
    expect(parseInput(post, withBody('{"amount":"7"}', 'application/json; charset=UTF-8'))).toEqual({
      kind: 'accepted',
      value: { params: { id: 'a' }, query: {}, body: { amount: '7' } },
    });
    expect(parseInput(get, { ...raw, query: { limit: '5' } })).toMatchObject({
      value: { query: { limit: '5' } },
    });
  });

  it.each([
    ['body-missing', 'a body is needed and there is none', post, raw],
    ['body-unexpected', 'there is a body and none is taken', get, withBody('{}')],
    ['content-type-unsupported', 'the type is another', post, withBody('{}', 'text/plain')],
    [
      'content-type-unsupported',
      'the type is a form',
      post,
      withBody('{}', 'application/x-www-form-urlencoded'),
    ],
    [
      'content-type-unsupported',
      'the charset is another',
      post,
      withBody('{}', 'application/json; charset=utf-16'),
    ],
    ['content-type-unsupported', 'the type is not said', post, { ...withBody('{}'), contentType: undefined }],
    ['body-malformed', 'it is not JSON', post, withBody('{')],
    ['body-malformed', 'it is not UTF-8', post, withBody(new Uint8Array([0x22, 0xff, 0x22]))],
    ['input-invalid', 'a field is unknown', post, withBody('{"amount":"1","x":1}')],
    ['input-invalid', 'a field is of another type', post, withBody('{"amount":1}')],
    ['input-invalid', 'it is no object', post, withBody('null')],
    ['input-invalid', 'a prototype is slipped in', post, withBody('{"amount":"1","__proto__":{}}')],
    [
      'input-invalid',
      'a path parameter is not of its form',
      post,
      { ...withBody('{"amount":"1"}'), params: { id: '1' } },
    ],
    [
      'input-invalid',
      'a query parameter is unknown',
      post,
      { ...withBody('{"amount":"1"}'), query: { x: '1' } },
    ],
    ['input-invalid', 'a query parameter comes twice', get, { ...raw, query: { limit: ['1', '2'] } }],
  ])('refuses %s when %s', (code, _why, to, input) => {
    expect(parseInput(to, input)).toMatchObject({ kind: 'refused', code });
  });

  it('names the place of a mistake and never what stood there', () => {
    const outcome = parseInput(post, withBody('{"amount":"hunter2"}'));
    expect(outcome).toMatchObject({ facts: { where: 'body.amount' } });
    expect(JSON.stringify(outcome)).not.toContain('hunter2');
  });
});

describe('an Idempotency-Key', () => {
  const required = endpoint({ ...post, idempotencyKey: 'required' });
  const optional = endpoint({ ...post, idempotencyKey: 'optional' });

  it.each([
    ['is taken', required, ['payout-0001'], { value: 'payout-0001' }],
    ['may be left out where it is optional', optional, undefined, { value: undefined }],
    ['is ignored where none is taken', post, ['payout-0001'], { value: undefined }],
    ['is refused when it is missing', required, undefined, { code: 'idempotency-key-missing' }],
    ['is refused when it is short', optional, ['x'], { code: 'idempotency-key-malformed' }],
    ['is refused when it is long', optional, ['x'.repeat(129)], { code: 'idempotency-key-malformed' }],
    ['is refused with other characters', optional, ['"quoted-key"'], { code: 'idempotency-key-malformed' }],
    [
      'is refused when it comes twice',
      optional,
      ['payout-0001', 'payout-0001'],
      { code: 'idempotency-key-malformed' },
    ],
  ])('%s', (_what, to, values, expected) => {
    expect(idempotencyKeyOf(to, values)).toMatchObject(expected);
  });
});

describe('the message that was signed', () => {
  const from = (url: string, rawHeaders: string[]) => messageFrom({ method: 'GET', url, rawHeaders });

  it('is the target as it was sent', () => {
    expect(from('/a/%2e/b?x=%20&y', ['Host', 'API.example'])).toMatchObject({
      path: '/a/%2e/b',
      query: '?x=%20&y',
      authority: 'api.example',
    });
    expect(from('/a', ['host', 'a'])).toMatchObject({ path: '/a', query: '?' });
  });

  it('keeps both values of a header that came twice', () => {
    expect(from('/', ['X-A', '1', 'x-a', '2']).headers.get('x-a')).toEqual(['1', '2']);
  });

  it('has no authority when there are two hosts', () => {
    expect(from('/', ['Host', 'a', 'host', 'b']).authority).toBe('');
  });
});
