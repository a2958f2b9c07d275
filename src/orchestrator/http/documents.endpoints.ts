// The endpoints that document the others.

import { z } from 'zod';
import { endpoint } from './endpoint.js';

const text = z.string();

export const getOpenApi = endpoint({
  operation: 'getOpenApi',
  method: 'GET',
  path: '/openapi.json',
  tag: 'Documents',
  summary: 'This document',
  description: 'OpenAPI 3.1, made from the schemas that parse what comes in.',
  access: 'open',
  answer: {
    is: 'ok',
    description: 'The document.',
    schema: z.record(z.string(), z.json()).meta({ id: 'OpenApi' }),
    example: { openapi: '3.1.0' },
  },
  refusals: [],
});

function page(operation: string, path: string, contentType: string, summary: string) {
  return endpoint({
    operation,
    method: 'GET',
    path,
    tag: 'Documents',
    summary,
    description: 'For people in a browser. Loads nothing from elsewhere.',
    access: 'open',
    partOfPage: true,
    answer: { is: 'ok', description: summary, schema: text, example: '', contentType },
    refusals: [],
  });
}

export const getDocs = page('getDocs', '/docs', 'text/html; charset=utf-8', 'The API, to read');
export const getDocsStart = page(
  'getDocsStart',
  '/docs/start.js',
  'text/javascript; charset=utf-8',
  'Script of the page',
);
export const getDocsBundle = page(
  'getDocsBundle',
  '/docs/swagger-ui-bundle.js',
  'text/javascript; charset=utf-8',
  'Swagger UI',
);
export const getDocsStyle = page(
  'getDocsStyle',
  '/docs/swagger-ui.css',
  'text/css; charset=utf-8',
  'Style of the page',
);
