// The WebSocket routes of the fixture application on Node's package ws, which is looked for from the working directory.
'use strict';
const serve = require('./node_serving.js');
const { WebSocketServer } = require('module').createRequire(process.cwd() + '/')('ws');
const known = ['chat', 'superchat'];
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true, maxPayload: 20 * 1024 * 1024,
  handleProtocols: (offered) => known.find((name) => offered.has(name)) || false });
const routes = {
  '/ws/echo': (socket) => (data, binary) => socket.send(data, { binary }),
  '/ws/answer': (socket) => (data) => {
    const told = JSON.parse(data);
    if (told.send !== undefined) socket.send(told.send);
    if (told.subprotocol) socket.send(socket.protocol || 'None');
    if (told.close) socket.close(...told.close);
  },
};
function upgrade(request, stream, head) {
  const route = routes[request.url.split('?')[0]];
  if (!route) return stream.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  return sockets.handleUpgrade(request, stream, head,
    (socket) => socket.on('message', route(socket)).on('error', (error) => console.error(error.message)));
}
serve((request, response) => response.writeHead(426, { Upgrade: 'websocket', Connection: 'Upgrade' }).end(), { upgrade });
