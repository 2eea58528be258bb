// The client of Node's package ws, for the suite to drive: each TCP connection to this program is for one WebSocket. Its
// first line says how to open that, each further line what to do; lines back tell what happens. All are JSON.
'use strict';
const [net, readline] = ['net', 'readline'].map(require);
const { WebSocket } = require('module').createRequire(process.cwd() + '/')('ws');
const octets = (text) => Buffer.from(text, 'base64');

function open({ url, subprotocols, ...options }, say) {
  const socket = new WebSocket(url, subprotocols, options);
  return socket.on('open', () => say({ open: socket.protocol }))
    .on('message', (data, binary) => say(binary ? { binary: data.toString('base64') } : { text: data.toString() }))
    .on('unexpected-response', (request, response) => { say({ refused: response.statusCode }); request.destroy(); })
    .on('error', (error) => say({ error: error.message, code: error.code || '' }))
    .on('close', (code, reason) => say({ closed: [code, reason.toString()] }));
}
const acts = { text: (socket, text) => socket.send(text), binary: (socket, data) => socket.send(octets(data)),
  ping: (socket, data) => socket.ping(octets(data)), close: (socket, how) => socket.close(...how) };
const act = (socket, told) => Object.entries(told).forEach(([what, value]) => acts[what](socket, value));
const server = net.createServer((suite) => {
  let socket;
  const say = (event) => suite.writable && suite.write(JSON.stringify(event) + '\n');
  const lines = readline.createInterface({ input: suite });
  lines.on('line', (line) => {
    try { socket ? act(socket, JSON.parse(line)) : socket = open(JSON.parse(line), say); } catch (error) {
      say({ error: error.message, code: '' });
    }
  });
  // The end may come as a reset, which the reader of lines has as an error of its own.
  for (const one of [suite, lines]) one.on('error', () => {});
  suite.on('close', () => socket && socket.terminate());
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ conform: 1, port: server.address().port })));
process.stdin.resume().on('end', () => process.exit(0));
