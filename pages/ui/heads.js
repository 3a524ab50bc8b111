// Probabilities of every head; texts from data are only ever set as text.
const make = (tag, name, text) => {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
};
const percent = p => (p < 0.001 ? "< 0.1 %" : p > 0.999 ? "> 99.9 %" : `${(100 * p).toFixed(1)} %`);
const row = (entry, index) => {
  const node = make("div", index === 0 ? "row first" : "row");
  const name = make("span", "name", entry.label);
  name.title = entry.label;
  if (entry.truth) name.append(make("span", "tag", "truth"));
  const bar = make("span", "bar");
  const fill = make("i");
  fill.style.width = `${100 * entry.p}%`;
  bar.append(fill);
  node.append(name, make("span", "share", percent(entry.p)), bar);
  return node;
};
const head = value => {
  const node = make("div", `head ${value.outcome}`);
  const title = make("div", "title", value.task);
  title.append(make("span", "verdict", value.verdict));
  node.append(title, ...value.rows.map(row));
  if (value.remark) node.append(make("div", "remark", value.remark));
  return node;
};
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".heads");
  if (root && data) root.replaceChildren(...data.heads.map(head));
}
