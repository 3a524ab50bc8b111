// A map that the server draws: pan, zoom, lasso, box, click, hover. The last picture is moved and stretched at
// once; the sharp one for the new window follows. Only coordinates of what was drawn around go to the server.
const make = (tag, name, text) => {
  const node = document.createElement(tag)
  if (name) node.className = name
  if (text !== undefined) node.textContent = text
  return node
}
const TOOLS = [["pan", "Pan"], ["lasso", "Lasso"], ["box", "Box"]]
const FARTHEST = 1.5, NEAREST = 1e-5, CORNERS = 200, STILL = 120

class Map_ {
  constructor(root) {
    this.root = root
    this.tool = "lasso"
    this.hidden = new Set()
    this.tools = make("div", "tools")
    this.canvas = make("canvas")
    this.canvas.tabIndex = 0
    this.legend = make("div", "legend")
    this.tip = make("div", "tip")
    this.tip.append(make("img"), make("b"), make("div"))
    this.lost = make("div", "lost")
    root.replaceChildren(this.tools, this.canvas, this.legend, this.tip, this.lost)
    for (const [tool, name] of TOOLS) this.button(name, () => this.use(tool), tool)
    this.button("+", () => this.zoom(0.6)).setAttribute("aria-label", "Zoom in")
    this.button("−", () => this.zoom(1 / 0.6)).setAttribute("aria-label", "Zoom out")
    this.button("Whole map", () => this.go({ ...this.data.whole }))
    this.use(this.tool)
    this.listen()
    this.sizes = new ResizeObserver(() => this.resize())
    this.sizes.observe(this.canvas)
  }
  button(name, act, tool) {
    const node = make("button", "", name)
    node.type = "button"
    if (tool) node.dataset.tool = tool
    node.onclick = act
    this.tools.append(node)
    return node
  }
  use(tool) {
    this.tool = tool
    this.canvas.className = tool
    for (const node of this.tools.querySelectorAll("[data-tool]"))
      node.setAttribute("aria-pressed", String(node.dataset.tool === tool))
  }
  show(data, component) {
    const other = this.data?.map !== data.map, moved = JSON.stringify(this.data?.focus) !== JSON.stringify(data.focus)
    this.component = component
    if (this.data?.token === data.token && !moved) { this.data = data; this.draw(); return }
    if (this.data?.legend && JSON.stringify(this.data.legend) !== JSON.stringify(data.legend)) this.hidden.clear()
    this.data = data
    this.canvas.style.height = `${data.height}px`
    this.canvas.setAttribute("aria-label", data.label)
    this.canvas.setAttribute("role", "img")
    this.drawLegend()
    if (other) this.picture = null
    if (other || moved || !this.window) this.window = this.fitted({ ...(data.focus ?? data.whole) })
    this.ask(true)
  }
  drawLegend() {
    const { legend, gradient } = this.data
    const named = legend.map((item, place) => {
      const node = make("button", "", `${item.name} (${item.count.toLocaleString("en")})`)
      const dot = make("i")
      dot.style.background = item.colour
      node.prepend(dot)
      node.type = "button"
      node.setAttribute("aria-pressed", String(!this.hidden.has(place)))
      node.title = "Hide or show"
      node.onclick = () => {
        this.hidden.has(place) ? this.hidden.delete(place) : this.hidden.add(place)
        node.setAttribute("aria-pressed", String(!this.hidden.has(place)))
        this.ask(true)
      }
      return node
    })
    if (gradient) {
      const bar = make("i", "bar")
      bar.style.background = `linear-gradient(90deg, ${gradient.colours.join(",")})`
      const line = make("span", "", `${gradient.title}: ${gradient.low}`)
      line.append(bar, document.createTextNode(gradient.high))
      named.push(line)
    }
    this.legend.replaceChildren(...named)
  }
  get box() { return this.canvas.getBoundingClientRect() }
  fitted(window) { // both axes share one unit
    const box = this.box, width = box.width || 800, height = box.height || 600
    const unit = Math.max((window.x1 - window.x0) / width, (window.y1 - window.y0) / height)
    const x = (window.x0 + window.x1) / 2, y = (window.y0 + window.y1) / 2
    return { x0: x - unit * width / 2, x1: x + unit * width / 2, y0: y - unit * height / 2, y1: y + unit * height / 2 }
  }
  resize() {
    const box = this.box, scale = devicePixelRatio || 1
    const width = Math.round(box.width * scale), height = Math.round(box.height * scale)
    if (!width || !height || (this.canvas.width === width && this.canvas.height === height)) return
    this.canvas.width = width
    this.canvas.height = height
    if (this.window) { this.window = this.fitted(this.window); this.ask(true) }
  }
  go(window) {
    const whole = this.fitted({ ...this.data.whole }), span = whole.x1 - whole.x0
    const wide = window.x1 - window.x0
    if (wide > span * FARTHEST || wide < span * NEAREST) return
    this.window = this.fitted(window)
    this.tip.style.display = "none"
    this.ask()
  }
  zoom(factor, at = [0.5, 0.5]) {
    const { x0, x1, y0, y1 } = this.window, x = x0 + at[0] * (x1 - x0), y = y1 - at[1] * (y1 - y0)
    this.go({ x0: x + (x0 - x) * factor, x1: x + (x1 - x) * factor, y0: y + (y0 - y) * factor, y1: y + (y1 - y) * factor })
  }
  pan(right, down) {
    const { x0, x1, y0, y1 } = this.window, dx = right * (x1 - x0), dy = down * (y1 - y0)
    this.go({ x0: x0 - dx, x1: x1 - dx, y0: y0 + dy, y1: y1 + dy })
  }
  place(share) {
    const { x0, x1, y0, y1 } = this.window
    return [x0 + share[0] * (x1 - x0), y1 - share[1] * (y1 - y0)]
  }
  share(event) {
    const box = this.box
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
  }
  address() {
    const { x0, x1, y0, y1 } = this.window, cap = 2400
    const shrink = Math.min(1, cap / this.canvas.width, cap / this.canvas.height)
    const query = new URLSearchParams({
      x0, x1, y0, y1, w: Math.max(1, Math.floor(this.canvas.width * shrink)), h: Math.max(1, Math.floor(this.canvas.height * shrink)),
    })
    if (this.hidden.size) query.set("hide", [...this.hidden].sort().join("."))
    return `${this.data.address}.png?${query}`
  }
  ask(anew = false) { // one picture on its way at a time; the newest window is asked for next
    this.draw()
    this.root.dataset.state = "drawing"
    if (anew) this.asked = null
    if (this.coming || !this.canvas.width) return
    const address = this.address(), window = { ...this.window }
    if (address === this.asked) { this.root.dataset.state = "ready"; return }
    this.coming = true
    const img = new Image()
    img.decoding = "async"
    img.onload = () => {
      this.coming = false
      this.asked = address
      this.picture = { img, window }
      this.lost.textContent = ""
      this.draw()
      this.ask()
    }
    img.onerror = () => {
      this.coming = false
      this.root.dataset.state = "lost"
      this.lost.textContent = "This map is no longer held by the server. Reload the page to draw it again."
    }
    img.src = address
  }
  draw() {
    const pen = this.canvas.getContext("2d"), { width, height } = this.canvas
    pen.clearRect(0, 0, width, height)
    if (this.picture) {
      const from = this.picture.window, to = this.window
      const across = width / (to.x1 - to.x0), up = height / (to.y1 - to.y0)
      pen.imageSmoothingEnabled = false
      pen.drawImage(this.picture.img, (from.x0 - to.x0) * across, (to.y1 - from.y1) * up, (from.x1 - from.x0) * across, (from.y1 - from.y0) * up)
    }
    if (this.data?.pins) for (const pin of this.data.pins) this.drawPin(pen, pin)
    if (this.drawn?.length) {
      pen.beginPath()
      for (const [x, y] of this.drawn) pen.lineTo(x * width, y * height)
      pen.closePath()
      pen.lineWidth = 1.5 * (devicePixelRatio || 1)
      pen.strokeStyle = this.data.accent
      pen.stroke()
      pen.globalAlpha = 0.12
      pen.fillStyle = this.data.accent
      pen.fill()
      pen.globalAlpha = 1
    }
  }
  drawPin(pen, pin) {
    const { x0, x1, y0, y1 } = this.window, scale = devicePixelRatio || 1
    const x = (pin.x - x0) / (x1 - x0) * this.canvas.width, y = (y1 - pin.y) / (y1 - y0) * this.canvas.height
    pen.save()
    pen.lineWidth = 2.5 * scale
    pen.strokeStyle = this.data.accent
    pen.fillStyle = this.data.accent
    pen.beginPath()
    pen.arc(x, y, 9 * scale, 0, 2 * Math.PI)
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      pen.moveTo(x + dx * 5 * scale, y + dy * 5 * scale)
      pen.lineTo(x + dx * 15 * scale, y + dy * 15 * scale)
    }
    pen.stroke()
    pen.lineWidth = 1.5 * scale
    for (const [ax, ay] of pin.rings) {
      pen.beginPath()
      pen.arc((ax - x0) / (x1 - x0) * this.canvas.width, (y1 - ay) / (y1 - y0) * this.canvas.height, 7 * scale, 0, 2 * Math.PI)
      pen.stroke()
    }
    pen.font = `${13 * scale}px sans-serif`
    pen.fillText(pin.name, x + 14 * scale, y - 10 * scale)
    pen.restore()
  }
  listen() {
    const canvas = this.canvas
    canvas.addEventListener("wheel", event => {
      event.preventDefault()
      this.zoom(Math.exp(Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY), 100) / 300), this.share(event))
    }, { passive: false })
    canvas.onpointerdown = event => {
      if (event.button) return
      canvas.setPointerCapture(event.pointerId)
      const at = this.share(event)
      this.down = { at, last: at, moved: false, tool: event.shiftKey ? "box" : this.tool }
      this.tip.style.display = "none"
    }
    canvas.onpointermove = event => this.down ? this.drag(event) : this.hover(event)
    canvas.onpointerup = event => this.up(event)
    canvas.onpointercancel = () => { this.down = null; this.drawn = null; this.draw() }
    canvas.onpointerleave = () => { clearTimeout(this.timer); this.tip.style.display = "none" }
    canvas.ondblclick = () => this.go({ ...this.data.whole })
    canvas.onkeydown = event => {
      const act = {
        ArrowLeft: () => this.pan(0.15, 0), ArrowRight: () => this.pan(-0.15, 0), ArrowUp: () => this.pan(0, 0.15),
        ArrowDown: () => this.pan(0, -0.15), "+": () => this.zoom(0.6), "-": () => this.zoom(1 / 0.6), 0: () => this.go({ ...this.data.whole }),
      }[event.key]
      if (act) { event.preventDefault(); act() }
    }
  }
  drag(event) {
    const at = this.share(event), { down } = this, box = this.box
    if (Math.hypot((at[0] - down.at[0]) * box.width, (at[1] - down.at[1]) * box.height) > 4) down.moved = true
    if (!down.moved) return
    if (down.tool === "pan") {
      this.pan(at[0] - down.last[0], at[1] - down.last[1])
      down.last = at
    } else if (down.tool === "box") {
      this.drawn = [down.at, [at[0], down.at[1]], at, [down.at[0], at[1]]]
      this.draw()
    } else {
      (this.drawn ||= [down.at]).push(at)
      this.draw()
    }
  }
  up(event) {
    const { down, drawn } = this
    this.down = this.drawn = null
    this.draw()
    if (!down) return
    if (!down.moved) {
      const [x, y] = this.place(this.share(event))
      this.component.setTriggerValue("picked", { point: [x, y], reach: this.reach() })
    } else if (drawn?.length > 2) {
      const step = Math.max(1, Math.ceil(drawn.length / CORNERS))
      this.component.setTriggerValue("picked", { polygon: drawn.filter((_, n) => n % step === 0).map(at => this.place(at)) })
    }
  }
  reach() { return 12 * (this.window.x1 - this.window.x0) / this.box.width }
  hover(event) {
    clearTimeout(this.timer)
    const at = this.share(event)
    this.timer = setTimeout(async () => {
      const [x, y] = this.place(at)
      const asked = await fetch(`${this.data.address}/at?${new URLSearchParams({ x, y, reach: this.reach() })}`)
      const found = asked.ok ? await asked.json() : {}
      if (this.down || found.row === undefined) { this.tip.style.display = "none"; return }
      const [img, name, text] = this.tip.children
      if (found.src) img.src = found.src
      img.style.display = found.src ? "block" : "none"
      name.textContent = found.caption
      text.textContent = found.says
      const box = this.box, left = at[0] * box.width, top = this.canvas.offsetTop + at[1] * box.height
      this.tip.style.left = `${left > box.width / 2 ? left - 164 : left + 16}px`
      this.tip.style.top = `${Math.max(0, at[1] > 0.5 ? top - 200 : top + 12)}px`
      this.tip.style.display = "block"
    }, STILL)
  }
  end() { clearTimeout(this.timer); this.sizes.disconnect() }
}

const maps = new WeakMap()
export default function (component) {
  const { data, parentElement } = component
  const root = parentElement.querySelector(".raster")
  if (!root || !data) return
  if (!maps.has(root)) maps.set(root, new Map_(root))
  const map = maps.get(root)
  map.resize()
  map.show(data, component)
  return () => { map.end(); maps.delete(root) }
}
