// One request waits for the stock to change; its answer starts the next one. A lost connection is taken up again.
const AGAIN = 500;

const requestInventory = async () => {
  for (;;) {
    try {
      const query = new URLSearchParams({session: part("session").value, shown: part("count").textContent});
      const reply = await fetch(`${document.body.dataset.status}?${query}`, {cache: "no-store"});
      if (!reply.ok) throw new Error(reply.status);
      showCount((await reply.json()).inventoryCount);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
};

// After the page has loaded, so that its indicator rests and "stop" does not end the poll.
window.addEventListener("load", () => setTimeout(requestInventory, 100));
