"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const body = document.querySelector("#matrix tbody");
const input = document.getElementById("filter");
const GOOD = new Set(["pass", "lenient"]);

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

// Names of the API stand between double backticks in the sentences.
function sentence(text) {
  const made = element("div", "sentence");
  text.split("``").forEach((piece, index) => made.append(index % 2 ? element("code", "", piece) : piece));
  return made;
}

function render(rows) {
  const lines = [];
  let chapter = "";
  for (const row of rows) {
    if (row.chapter !== chapter) {
      chapter = row.chapter;
      const head = element("tr", "chapter");
      const cell = element("th");
      cell.colSpan = data.targets.length + 1;
      const link = element("a", "", data.chapters[chapter]);
      link.href = `chapters/${chapter}.html`;
      cell.append(link);
      head.append(cell);
      lines.push(head);
    }
    const line = element("tr");
    const cell = element("td");
    const link = element("a", "id", row.id);
    link.href = `cases/${row.id}.html`;
    cell.append(element("span", "level", row.level), link, sentence(row.sentence));
    line.append(cell);
    for (const target of data.targets) {
      const verdict = row.verdicts[target.name];
      const mark = element("td", "v");
      if (verdict) {
        const sign = element("span", `sign v-${verdict}`, data.signs[verdict]);
        sign.title = `${target.title}: ${verdict}`;
        mark.append(sign);
      }
      line.append(mark);
    }
    lines.push(line);
  }
  body.replaceChildren(...lines);
  document.getElementById("shown").textContent = `${rows.length} of ${data.rows.length} requirements.`;
}

// "differs:tornado" keeps rows on which that target and some other one are not both good or both not.
function differs(row, name) {
  const mine = row.verdicts[name];
  if (mine === undefined) return false;
  return Object.values(row.verdicts).some((other) => GOOD.has(other) !== GOOD.has(mine));
}

const TESTS = {
  level: (row, value) => row.level === value,
  status: (row, value) => Object.values(row.verdicts).includes(value),
  differs,
  source: (row, value) => row.source.includes(value),
  chapter: (row, value) => row.chapter.includes(value),
  kind: (row, value) => row.wire === (value === "wire"),
};

function matches(row, word) {
  const colon = word.indexOf(":");
  const test = colon > 0 && TESTS[word.slice(0, colon)];
  if (test) return test(row, word.slice(colon + 1));
  const [target, verdict] = word.split("=");
  if (verdict !== undefined) return row.verdicts[target] === verdict;
  return (row.id + " " + row.sentence).toLowerCase().includes(word);
}

function update() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  render(data.rows.filter((row) => words.every((word) => matches(row, word))));
  history.replaceState(null, "", words.length ? "#" + encodeURIComponent(input.value) : location.pathname);
}

function move(step) {
  const links = [...body.querySelectorAll("a.id")];
  const at = links.indexOf(document.activeElement);
  const next = links[Math.min(links.length - 1, Math.max(0, at + step))];
  if (next) next.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.target === input) {
    if (event.key === "Escape") input.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "/") { event.preventDefault(); input.focus(); }
});
for (const button of document.querySelectorAll(".filter button")) {
  button.addEventListener("click", () => { input.value = button.textContent; update(); });
}
input.addEventListener("input", update);
input.value = decodeURIComponent(location.hash.slice(1));
update();
