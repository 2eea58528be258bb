// The fixture application on Node's http module; what an application would add (routing, 405, 500) is written out.
'use strict';
const serve = require('./node_serving.js');
const say = (response, status, text, fields) =>
  response.writeHead(status, { 'Content-Type': 'text/plain', ...fields }).end(text);
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
  '/get-only': (request, response) =>
    request.method === 'GET' ? say(response, 200, 'got') : say(response, 405, 'only GET here', { Allow: 'GET' }),
  '/resource.txt': (request, response) => say(response, 200, '0123456789'.repeat(100)),
  '/error': (request, response) => say(response, 500, 'the application failed'),
};
serve((request, response) => {
  const route = routes[request.url.replace(/^https?:\/\/[^/]*/i, '').split('?')[0]];
  const parts = [];
  request.on('data', (part) => parts.push(part)).on('end', () =>
    route ? route(request, response, Buffer.concat(parts)) : say(response, 404, 'there is no such page'));
});
