// What the programs for Node have in common: two servers, in the clear and with TLS, until standard input is closed.
'use strict';
const [fs, http, https] = ['fs', 'http', 'https'].map(require);
const key = fs.readFileSync(__dirname + '/localhost.pem');

module.exports = (answer, events = {}) => {
  const servers = [http.createServer(answer), https.createServer({ key, cert: key }, answer)];
  const listening = servers.map((server) => {
    for (const [name, listener] of Object.entries(events)) server.on(name, listener);
    return new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  });
  Promise.all(listening).then(() => {
    const [port, secured] = servers.map((one) => one.address().port);
    console.log(JSON.stringify({ conform: 1, http: port, https: secured }));
  });
  process.stdin.resume().on('end', () => process.exit(0));
};
