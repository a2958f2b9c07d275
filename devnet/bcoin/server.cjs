'use strict';
// A Bitcoin regtest node for the demo and the tests: bcoin, corrected, behind Bitcoin Core's RPC on 127.0.0.1.
// Not for anything that has value. It has no peers, no wallet and no taproot.
//   node server.cjs --port N [--data DIR]     user and password: BITCOIN_RPC_USER, BITCOIN_RPC_PASSWORD

const http = require('node:http');
const path = require('node:path');
const { timingSafeEqual, createHash } = require('node:crypto');
const { parseArgs } = require('node:util');
const { correctMempool } = require('./corrections.cjs');
const { createRpc, RpcError, CODES, MAX_BLOCK_HEX } = require('./rpc.cjs');
const FullNode = require('bcoin/lib/node/fullnode');

const { values } = parseArgs({ options: { port: { type: 'string' }, data: { type: 'string' } } });
const user = process.env.BITCOIN_RPC_USER;
const password = process.env.BITCOIN_RPC_PASSWORD;
if (!values.port || !user || !password) {
  process.stderr.write(
    'usage: BITCOIN_RPC_USER=… BITCOIN_RPC_PASSWORD=… node server.cjs --port N [--data DIR]\n',
  );
  process.exit(2);
}

const digest = (text) => createHash('sha256').update(text).digest();
const expected = digest(`Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);

const node = new FullNode({
  network: 'regtest',
  memory: values.data === undefined,
  ...(values.data === undefined ? {} : { prefix: values.data }),
  indexTx: true,
  replaceByFee: true,
  rejectAbsurdFees: false,
  requireStandard: true,
  workers: false,
  listen: false,
  logLevel: 'warning',
  logConsole: true,
  logFile: false,
});

async function answer(call, request) {
  const id = request?.id ?? null;
  try {
    if (typeof request?.method !== 'string') throw new RpcError(-32600, 'Invalid Request');
    return { result: await call(request.method, request.params), error: null, id };
  } catch (error) {
    if (error instanceof RpcError)
      return { result: null, error: { code: error.code, message: error.message }, id };
    process.stderr.write(`${request?.method}: ${error.stack}\n`);
    return { result: null, error: { code: CODES.misc, message: error.message }, id };
  }
}

function readBody(request) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let size = 0;
    request.on('data', (chunk) => {
      size += chunk.length;
      if (size > MAX_BLOCK_HEX + 65_536) request.destroy(new Error('request too large'));
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });
}

function reply(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? '' : `${JSON.stringify(body)}\n`);
}

async function serve(call, request, response) {
  if (!timingSafeEqual(expected, digest(request.headers.authorization ?? ''))) {
    response.setHeader('www-authenticate', 'Basic realm="jsonrpc"');
    return reply(response, 401);
  }
  if (request.method !== 'POST') return reply(response, 405);
  let body;
  try {
    body = JSON.parse(await readBody(request));
  } catch {
    return reply(response, 500, { result: null, error: { code: -32700, message: 'Parse error' }, id: null });
  }
  if (Array.isArray(body)) {
    const answers = [];
    for (const one of body) answers.push(await answer(call, one));
    return reply(response, 200, answers);
  }
  const one = await answer(call, body);
  const status = one.error === null ? 200 : one.error.code === CODES.methodNotFound ? 404 : 500;
  return reply(response, status, one);
}

async function main() {
  await node.ensure();
  // bcoin's own HTTP server stays shut; the RPC below is the only door.
  node.http.open = async () => undefined;
  node.http.close = async () => undefined;
  await node.open();
  const mempoolVerbs = correctMempool(node);
  const mempoolFile = values.data === undefined ? null : path.join(values.data, 'waiting-transactions');
  if (mempoolFile !== null) await mempoolVerbs.load(mempoolFile);
  const call = createRpc(node, mempoolVerbs, () => {
    if (mempoolFile !== null) mempoolVerbs.save(mempoolFile);
  });
  const server = http.createServer((request, response) => {
    serve(call, request, response).catch((error) => {
      process.stderr.write(`${error.stack}\n`);
      response.destroy();
    });
  });
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    server.close();
    server.closeAllConnections();
    node.close().then(
      () => process.exit(0),
      (error) => {
        process.stderr.write(`${error.stack}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  server.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  server.listen(Number.parseInt(values.port, 10), '127.0.0.1');
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
