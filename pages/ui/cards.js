// Cards of images. Everything that comes from data is set as text or as an attribute, never as markup.
const SVG = "http://www.w3.org/2000/svg";
const MARKS = {
  truth: ["M3 8.5V3.5a.8.8 0 0 1 .8-.8h5L14 8.5 8.5 14z", "M6 6h.01"],
  right: ["M3 8.6l3.4 3.4L13 4.6"],
  wrong: ["M4 4l8 8M12 4l-8 8"],
  missing: ["M8 11.8h.01", "M5.8 5.8a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6"],
};
const make = (tag, name, text) => {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
};
const mark = kind => {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "mark");
  svg.setAttribute("aria-hidden", "true");
  for (const d of MARKS[kind]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
};
const line = (name, kind, label, share) => {
  const row = make("span", `line ${name}`);
  const text = make("span", "label", label.replace(/([_/-])/g, "$1\u200b")); // may wrap after these
  text.title = label;
  row.append(mark(kind), text, make("span", "share", share));
  return row;
};
const picture = card => {
  const frame = make("span", "frame");
  const img = make("img");
  img.alt = card.alt;
  img.decoding = "async";
  img.draggable = false;
  img.onload = () => img.classList.add("ready");
  img.onerror = () => frame.classList.add("broken");
  frame.append(img, make("span", "lost", "This image cannot be shown"));
  if (card.src) img.src = card.src; else frame.classList.add("broken");
  return frame;
};
const facts = card => {
  const box = make("span", "facts");
  const share = card.confidence === null ? "" : `${Math.round(card.confidence * 100)} %`;
  box.append(line("truth", "truth", card.truth, ""), line("said", card.outcome, card.prediction, share));
  const bar = make("span", "bar");
  const fill = make("i");
  fill.style.width = `${100 * (card.confidence ?? 0)}%`;
  bar.append(fill);
  box.append(bar);
  if (card.note) {
    const note = make("span", "note", card.note);
    note.title = card.note;
    box.append(note);
  }
  return box;
};
const button = (card, open) => {
  const node = make("button", `card ${card.outcome}`);
  node.type = "button";
  node.dataset.id = card.id;
  node.setAttribute("aria-label", card.says);
  node.title = card.alt;
  node.append(picture(card), facts(card));
  node.onclick = () => open(card.id);
  return node;
};
const STEPS = { ArrowRight: () => 1, ArrowLeft: () => -1, ArrowDown: n => n, ArrowUp: n => -n };
const steer = (event, grid) => {
  const cards = [...grid.children];
  const columns = cards.filter(card => card.offsetTop === cards[0].offsetTop).length;
  const here = cards.indexOf(event.target.closest(".card"));
  let next = null;
  if (event.key in STEPS) next = here + STEPS[event.key](columns);
  if (event.key === "Home") next = 0;
  if (event.key === "End") next = cards.length - 1;
  if (here < 0 || next === null || !cards[next]) return;
  event.preventDefault();
  cards[next].focus();
};
const shown = new WeakMap();
export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".grid");
  if (!grid || !data) return;
  grid.setAttribute("aria-label", data.label);
  grid.style.setProperty("--card", data.width);
  grid.onkeydown = event => steer(event, grid);
  const open = id => setTriggerValue("opened", id);
  const state = JSON.stringify(data.cards);
  if (shown.get(parentElement) !== state) {
    shown.set(parentElement, state);
    grid.replaceChildren(...data.cards.map(card => button(card, open)));
  } else {
    for (const card of grid.children) card.onclick = () => open(card.dataset.id);
  }
}
