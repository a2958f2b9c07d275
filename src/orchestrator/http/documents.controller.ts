// The OpenAPI document, made once from every endpoint that is routed, and a page to read it with. The page's files come
// from the swagger-ui-dist package; it runs under a policy that allows no inline script and no other host.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Controller, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { accepted, Fault, type Outcome } from '../../core/fault.js';
import { ORCHESTRATOR_VERSION } from '../version.js';
import { getDocs, getDocsBundle, getDocsStart, getDocsStyle, getOpenApi } from './documents.endpoints.js';
import { descriptionOf, type Endpoint, Serves } from './endpoint.js';
import { openApiDocument } from './openapi.js';

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Portcullis API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<noscript>This page needs JavaScript; <a href="/openapi.json">the document itself</a> does not.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

/** Trying out is off, and so is any field to put a key in: calls have to be signed, and no key belongs into a web page. */
const START = `const nothing = () => () => null;
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#api',
  deepLinking: true,
  supportedSubmitMethods: [],
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  plugins: [
    () => ({
      wrapComponents: {
        authorizeOperationBtn: nothing,
      },
    }),
  ],
});
`;

@Controller()
export class DocumentsController implements OnApplicationBootstrap {
  private document: ReturnType<typeof openApiDocument> | undefined;
  private readonly bundle = asset('swagger-ui-bundle.js');
  private readonly style = `${asset('swagger-ui.css')}\n.swagger-ui .scheme-container { display: none; }\n`;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** Throws when a handler is routed without a description, or two schemas have one name: the program does not start. */
  onApplicationBootstrap(): void {
    this.document = openApiDocument(this.endpoints(), ORCHESTRATOR_VERSION);
  }

  /** Every endpoint of every controller. */
  endpoints(): Endpoint[] {
    const found: Endpoint[] = [];
    for (const { instance } of this.discovery.getControllers()) {
      if (typeof instance !== 'object' || instance === null) continue;
      const prototype: unknown = Object.getPrototypeOf(instance);
      if (typeof prototype !== 'object' || prototype === null) continue;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const handler: unknown = Reflect.get(prototype, name);
        if (typeof handler !== 'function' || !Reflect.hasMetadata('path', handler)) continue;
        const description = descriptionOf(handler);
        if (!description) {
          throw new Fault('route-undescribed', 'a handler is routed without a description', {
            facts: { name },
          });
        }
        found.push(description);
      }
    }
    return found;
  }

  @Serves(getOpenApi)
  openApi(): Outcome<object> {
    return accepted(this.document ?? {});
  }

  @Serves(getDocs)
  page(): Outcome<string> {
    return accepted(PAGE);
  }

  @Serves(getDocsStart)
  start(): Outcome<string> {
    return accepted(START);
  }

  @Serves(getDocsBundle)
  bundled(): Outcome<string> {
    return accepted(this.bundle);
  }

  @Serves(getDocsStyle)
  styled(): Outcome<string> {
    return accepted(this.style);
  }
}

function asset(name: string): string {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  return readFileSync(join(folder, name), 'utf8');
}
