// The fixture application on Node's http module; what an application would add (routing, 405, 500) is written out.
'use strict';
const serve = require('./node_serving.js');
const text = { 'Content-Type': 'text/plain' };
const routes = {
  '/echo': (request, response, body) => {
    const headers = request.rawHeaders.flatMap((name, i, all) => i % 2 ? [] : [[name, all[i + 1]]]);
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ method: request.method, headers,
      target: request.url, version: 'HTTP/' + request.httpVersion, host: request.headers.host || '',
      scheme: request.socket.encrypted ? 'https' : 'http', body: body.toString('base64') }));
  },
  '/answer': (request, response) => {
    const told = JSON.parse(new URLSearchParams(request.url.split('?')[1]).get('d') || '{}');
    response.statusCode = told.status || 200;
    for (const [name, value] of told.headers || []) response.appendHeader(name, value);
    for (const chunk of told.chunks || []) response.write(chunk);
    response.end(told.body || '');
  },
  '/get-only': (request, response) => request.method === 'GET' ? response.writeHead(200, text).end('got')
    : response.writeHead(405, { ...text, Allow: 'GET' }).end('only GET here'),
  '/resource.txt': (request, response) => response.writeHead(200, text).end('0123456789'.repeat(100)),
  '/error': () => { throw new Error('the fixture application was asked to fail'); },
};
const missing = (request, response) => response.writeHead(404, text).end('there is no such page');
function answer(request, response) {
  const route = routes[request.url.replace(/^https?:\/\/[^/]*/i, '').split('?')[0]] || missing;
  const parts = [];
  request.on('data', (part) => parts.push(part)).on('end', () => {
    try { route(request, response, Buffer.concat(parts)); } catch (error) {
      response.writeHead(500, text).end('the application failed');
    }
  });
}
serve(answer);
