// The buttons: each tells the cart API, and swaps the panels when it has agreed.
const part = (id) => document.getElementById(id);

const showCount = (count) => {
  part("count").textContent = count;
};
const notice = (text) => {
  part("notice").textContent = text;
};

const change = async (action, button) => {
  button.disabled = true;
  try {
    const body = new URLSearchParams({session: part("session").value, action});
    const reply = await fetch("/cart", {method: "POST", body});
    if (!reply.ok) throw new Error(reply.status === 409 ? "Sold out." : `The shop said ${reply.status}.`);
    part("add-to-cart").hidden = action === "add";
    part("remove-from-cart").hidden = action !== "add";
    notice("");
  } catch (error) {
    notice(error instanceof TypeError ? "The shop cannot be reached; please try again." : error.message);
  }
  button.disabled = false;
};

for (const [id, action] of [["add-button", "add"], ["remove-button", "remove"]])
  part(id).addEventListener("click", (event) => change(action, event.currentTarget));
