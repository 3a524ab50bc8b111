// The confusion matrix: an SVG whose cells can be clicked, or walked with the arrow keys and picked with Enter.
// A cell is told to Python by the label codes of its truth and prediction. All text is set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg"
const instances = new WeakMap()

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  let it = instances.get(parentElement)
  if (!it) {
    it = { root: parentElement.querySelector(".matrix"), cursor: null, hover: null, width: 0 }
    it.svg = it.root.querySelector("svg")
    it.readout = it.root.querySelector(".readout")
    it.observer = new ResizeObserver(() => {
      const width = Math.floor(it.root.clientWidth)
      if (width && width !== it.width) { it.width = width; draw(it) }
    })
    it.observer.observe(it.root)
    instances.set(parentElement, it)
  }
  it.data = data
  it.send = (cell) => setTriggerValue("picked", cell)
  it.width = Math.floor(it.root.clientWidth)
  it.selected = data.selected ? position(data, data.selected) : null
  it.cursor = it.selected || clamp(it.cursor, data)
  listen(it)
  if (it.width) draw(it)
  return () => { it.observer.disconnect(); instances.delete(parentElement) }
}

function position(data, [truth, prediction]) {
  const r = data.rows.indexOf(truth), c = data.columns.indexOf(prediction)
  return r < 0 || c < 0 ? null : [r, c]
}

function clamp(cell, data) {
  if (!cell || !data.rows.length) return null
  return [Math.min(cell[0], data.rows.length - 1), Math.min(cell[1], data.columns.length - 1)]
}

function colours(root) {
  const style = getComputedStyle(root)
  const read = (name, other) => (style.getPropertyValue(name) || "").trim() || other
  return {
    right: read("--st-blue-color", "#1b6ca8"), wrong: read("--st-orange-color", "#c2410c"),
    text: read("--st-text-color", "#222"), paper: read("--st-background-color", "#fff"),
    line: read("--st-border-color", "#ddd"), font: style.fontFamily,
  }
}

function geometry(it) {
  const { data, width } = it
  const nr = data.rows.length, nc = data.columns.length
  const longest = Math.max(4, ...data.rows.map((code) => data.names[code].length))
  const left = Math.round(Math.min(width * 0.3, 18 + longest * 7))
  const right = Math.round(Math.max(40, Math.min(64, width * 0.13))) // the last column's name leans over it
  const cell = Math.max(2, Math.min(68, (width - left - right) / Math.max(1, nc)))
  const across = Math.max(4, ...data.columns.map((code) => data.names[code].length))
  const top = Math.round(Math.min(140, 30 + across * 6.2))
  return { nr, nc, left, top, cell, right, width, height: Math.ceil(top + nr * cell + 26) }
}

function shorten(text, pixels, size) {
  const most = Math.max(2, Math.floor(pixels / (size * 0.56)))
  return text.length <= most ? text : text.slice(0, most - 1) + "…"
}

function add(parent, name, attributes, text) {
  const node = document.createElementNS(SVG, name)
  for (const key in attributes) node.setAttribute(key, attributes[key])
  if (text !== undefined) node.textContent = text
  parent.appendChild(node)
  return node
}

function written(data, k) {
  const value = data.values[k]
  if (data.by === "count") return value.toLocaleString("en")
  const percent = value * 100
  return percent > 0 && percent < 0.95 ? "<1" : String(Math.round(percent))
}

function draw(it) {
  const { data, svg } = it
  const ink = colours(it.root), g = (it.g = geometry(it))
  it.index = new Map()
  svg.replaceChildren()
  svg.setAttribute("viewBox", `0 0 ${g.width} ${g.height}`)
  svg.setAttribute("height", g.height)
  svg.setAttribute("font-family", ink.font)
  const w = g.nc * g.cell, h = g.nr * g.cell
  add(svg, "rect", { x: g.left, y: g.top, width: w, height: h, fill: ink.text, "fill-opacity": 0.035 })
  lines(svg, g, ink, w, h)
  labels(svg, g, ink, data)
  let most = 0, worst = 0
  for (let k = 0; k < data.values.length; k++) {
    const same = data.rows[data.cells[3 * k]] === data.columns[data.cells[3 * k + 1]]
    if (same) most = Math.max(most, data.values[k])
    else worst = Math.max(worst, data.values[k])
  }
  const group = add(svg, "g", { "pointer-events": "none" })
  const gap = g.cell >= 14 ? 1 : 0
  for (let k = 0; k < data.values.length; k++) {
    const r = data.cells[3 * k], c = data.cells[3 * k + 1], count = data.cells[3 * k + 2]
    it.index.set(r * g.nc + c, k)
    const right = data.rows[r] === data.columns[c]
    const strength = 0.16 + 0.84 * Math.sqrt(data.values[k] / ((right ? most : worst) || 1))
    const x = g.left + c * g.cell, y = g.top + r * g.cell
    add(group, "rect", {
      x: x + gap, y: y + gap, width: g.cell - 2 * gap, height: g.cell - 2 * gap, rx: gap ? 3 : 0,
      fill: right ? ink.right : ink.wrong, "fill-opacity": strength.toFixed(3), class: "cell",
      "data-truth": data.rows[r], "data-prediction": data.columns[c], "data-count": count,
    })
    if (g.cell >= 19) cellText(group, g, ink, data, k, x, y, strength, count)
  }
  outline(it)
  const hit = add(svg, "rect", { x: g.left, y: g.top, width: w, height: h, fill: "transparent", class: "hit" })
  hit.addEventListener("click", (event) => pick(it, at(it, event)))
  hit.addEventListener("mousemove", (event) => { it.hover = at(it, event); say(it) })
  hit.addEventListener("mouseleave", () => { it.hover = null; say(it) })
  it.root.querySelector(".right").style.background = ink.right
  it.root.querySelector(".wrong").style.background = ink.wrong
  say(it)
}

function lines(svg, g, ink, w, h) {
  if (g.cell < 14) return
  let path = ""
  for (let r = 0; r <= g.nr; r++) path += `M${g.left} ${g.top + r * g.cell}h${w}`
  for (let c = 0; c <= g.nc; c++) path += `M${g.left + c * g.cell} ${g.top}v${h}`
  add(svg, "path", { d: path, stroke: ink.line, "stroke-opacity": 0.55, fill: "none" })
}

function labels(svg, g, ink, data) {
  const size = Math.max(8, Math.min(13, g.cell * 0.8))
  const step = Math.max(1, Math.ceil((size * 1.15) / g.cell))
  const style = { fill: ink.text, "font-size": size }
  add(svg, "text", { x: g.left, y: 12, fill: ink.text, "fill-opacity": 0.65, "font-size": 12 }, "Predicted →")
  add(svg, "text", { x: 0, y: g.top - 8, fill: ink.text, "fill-opacity": 0.65, "font-size": 12 }, "Truth ↓")
  for (let r = 0; r < g.nr; r += step) {
    const y = g.top + (r + 0.5) * g.cell + size * 0.35
    add(svg, "text", { ...style, x: g.left - 7, y, "text-anchor": "end" },
      shorten(data.names[data.rows[r]], g.left - 10, size))
    if (g.cell >= 12) add(svg, "text", { ...style, "fill-opacity": 0.55, x: g.left + g.nc * g.cell + 6, y },
      data.rowTotals[r].toLocaleString("en"))
  }
  for (let c = 0; c < g.nc; c += step) {
    const x = g.left + (c + 0.5) * g.cell, name = data.names[data.columns[c]]
    add(svg, "text", { ...style, transform: `translate(${x + size * 0.3} ${g.top - 6}) rotate(-52)` },
      shorten(name, Math.min((g.top - 24) / 0.79, (g.width - x) / 0.62), size))
    if (g.cell >= 24) add(svg, "text", {
      ...style, "fill-opacity": 0.55, x, y: g.top + g.nr * g.cell + 16, "text-anchor": "middle",
    }, data.columnTotals[c].toLocaleString("en"))
  }
}

function cellText(group, g, ink, data, k, x, y, strength, count) {
  const two = data.by !== "count" && g.cell >= 40
  const fill = strength > 0.62 ? ink.paper : ink.text
  const size = Math.min(15, g.cell * 0.42)
  add(group, "text", {
    x: x + g.cell / 2, y: y + g.cell / 2 + (two ? -1 : size * 0.35), "text-anchor": "middle", "font-size": size,
    "font-weight": 600, fill,
  }, written(data, k))
  if (two) add(group, "text", {
    x: x + g.cell / 2, y: y + g.cell / 2 + 13, "text-anchor": "middle", "font-size": 10.5, fill, "fill-opacity": 0.8,
  }, `n ${count.toLocaleString("en")}`)
}

function outline(it) {
  it.svg.querySelectorAll(".outline").forEach((node) => node.remove())
  const ink = colours(it.root), g = it.g
  const box = (cell, attributes) => cell && add(it.svg, "rect", {
    x: g.left + cell[1] * g.cell, y: g.top + cell[0] * g.cell, width: g.cell, height: g.cell, fill: "none",
    stroke: ink.text, rx: g.cell >= 14 ? 3 : 0, class: "outline", "pointer-events": "none", ...attributes,
  })
  box(it.selected, { "stroke-width": 2.5 })
  if (it.walking) box(it.cursor, { "stroke-width": 2, "stroke-dasharray": "3 2" })
}

function at(it, event) {
  const box = it.svg.getBoundingClientRect(), g = it.g
  const scale = g.width / box.width
  const c = Math.floor(((event.clientX - box.left) * scale - g.left) / g.cell)
  const r = Math.floor(((event.clientY - box.top) * scale - g.top) / g.cell)
  return r < 0 || c < 0 || r >= g.nr || c >= g.nc ? null : [r, c]
}

function pick(it, cell) {
  if (!cell) return
  it.selected = it.cursor = cell
  outline(it)
  say(it)
  it.send([it.data.rows[cell[0]], it.data.columns[cell[1]]])
}

function say(it) {
  const { data, readout } = it
  const cell = it.hover || (it.walking && it.cursor) || it.selected
  readout.replaceChildren()
  const put = (text, name) => {
    const node = document.createElement(name || "span")
    if (!name) node.className = "quiet"
    node.textContent = text
    readout.appendChild(node)
  }
  if (!cell || cell[0] >= data.rows.length) return put("Click a cell, or press Tab, walk with the arrow keys and press Enter.")
  const k = it.index.get(cell[0] * data.columns.length + cell[1])
  const count = k === undefined ? 0 : data.cells[3 * k + 2]
  const images = `${count.toLocaleString("en")} image${count === 1 ? "" : "s"}`
  put(data.names[data.rows[cell[0]]], "b")
  put(" taken for ")
  put(data.names[data.columns[cell[1]]], "b")
  put(`: ${images}, ${shares(data, cell, count)}`)
}

function shares(data, [r, c], count) {
  const of = (total) => (total ? `${((100 * count) / total).toFixed(1)} % of ${total.toLocaleString("en")}` : "of 0")
  return `${of(data.rowTotals[r])} in the row, ${of(data.columnTotals[c])} in the column`
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }

function listen(it) {
  it.svg.onkeydown = (event) => {
    const { data } = it
    if (!data.rows.length) return
    if (STEPS[event.key]) {
      const [r, c] = it.cursor || [0, 0], [dr, dc] = it.walking || it.cursor ? STEPS[event.key] : [0, 0]
      it.cursor = clamp([Math.max(0, r + dr), Math.max(0, c + dc)], data)
      it.walking = true
    } else if (event.key === "Enter" || event.key === " ") {
      pick(it, it.cursor)
    } else return
    event.preventDefault()
    outline(it)
    say(it)
  }
  it.svg.onblur = () => { it.walking = false; outline(it); say(it) }
  it.root.querySelector("button").onclick = () => save(it)
}

function save(it) {
  const scale = 2, g = it.g, ink = colours(it.root)
  const copy = it.svg.cloneNode(true)
  copy.setAttribute("xmlns", SVG)
  copy.setAttribute("width", g.width * scale)
  copy.setAttribute("height", g.height * scale)
  const image = new Image()
  image.onload = () => {
    const canvas = document.createElement("canvas")
    canvas.width = g.width * scale
    canvas.height = g.height * scale
    const context = canvas.getContext("2d")
    context.fillStyle = ink.paper
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.drawImage(image, 0, 0)
    const link = document.createElement("a")
    link.download = it.data.file
    link.href = canvas.toDataURL("image/png")
    link.click()
  }
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy))
}
