// The server tells the stock when the connection opens and whenever it changes. A lost connection is made again.
const AGAIN = 500;

const requestInventory = () => {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${document.body.dataset.status}`);
  socket.onmessage = (event) => showCount(JSON.parse(event.data).inventoryCount);
  socket.onclose = () => setTimeout(requestInventory, AGAIN);
};

window.addEventListener("load", requestInventory);
