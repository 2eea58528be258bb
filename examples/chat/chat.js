// The newest message that the page has; after a lost connection the server sends what came since.
let last = 0;
const list = document.getElementById("messages");
const state = document.getElementById("state");

const show = (messages) => {
  for (const message of messages) {
    if (message.id <= last) continue;
    last = message.id;
    const item = document.createElement("li");
    item.textContent = message.text;
    list.append(item);
  }
};
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const poll = async () => {
  for (;;) {
    try {
      const reply = await fetch(`/messages?since=${last}`);
      if (!reply.ok) throw new Error(reply.status);
      state.textContent = "";
      show((await reply.json()).messages);
    } catch {
      state.textContent = "connecting";
      await pause(500);
    }
  }
};

const listen = () => {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/socket?since=${last}`);
  socket.onopen = () => { state.textContent = ""; };
  socket.onmessage = (event) => show(JSON.parse(event.data).messages);
  socket.onclose = () => {
    state.textContent = "connecting";
    setTimeout(listen, 500);
  };
};

document.getElementById("form").onsubmit = async (event) => {
  event.preventDefault();
  const text = document.getElementById("text");
  const reply = await fetch("/messages", {method: "POST", body: new URLSearchParams({text: text.value})});
  if (reply.ok) text.value = "";
};
if (list.dataset.transport === "websocket") listen();
else poll();
