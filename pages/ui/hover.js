// The photograph beside the pointer: listens to the maps drawn by Plotly on this page and shows the thumbnail
// of the point below the pointer, and tells which point was clicked. Labels are left to Plotly's own box.
const card = () => {
  const node = document.createElement("img")
  node.className = "vitrine-hover"
  node.alt = ""
  Object.assign(node.style, {
    position: "fixed", zIndex: 1000, width: "128px", height: "128px", objectFit: "cover", display: "none",
    pointerEvents: "none", borderRadius: "8px", boxShadow: "0 2px 12px #0006", background: "#8883",
  })
  document.body.append(node)
  return node
}

const place = (node, event) => {
  const gap = 18, size = 128
  const left = event.clientX + gap + size > innerWidth ? event.clientX - gap - size : event.clientX + gap
  const label = 30  // half of Plotly's own box, which lies beside the pointer
  const above = event.clientY - gap - label - size
  const top = above < 0 ? event.clientY + gap + label : above
  node.style.left = `${left}px`
  node.style.top = `${top}px`
}

export default function (component) {
  const { data, parentElement } = component
  const it = (parentElement.vitrineHover ||= { node: card(), plots: new Map() })
  it.data = data
  const show = (found) => {
    const point = found.points?.[0], row = [].concat(point?.customdata ?? -1)[0]
    const place_ = it.data.rows.indexOf(row)
    it.over = row
    if (!found.event || row < 0) return
    if (place_ < 0 && it.data.about) return ask(row, found.event)
    if (place_ < 0) return
    it.node.src = it.data.addresses[place_]
    it.node.style.display = "block"
    place(it.node, found.event)
  }
  const ask = async (row, event) => { // too many points to know them beforehand
    await new Promise(later => setTimeout(later, 120))
    if (it.over !== row) return
    const answer = await fetch(`${it.data.about}/row?row=${row}`)
    const known = answer.ok ? await answer.json() : {}
    if (it.over !== row || !known.src) return
    it.node.src = known.src
    it.node.title = `${known.caption}, ${known.says}`
    it.node.style.display = "block"
    place(it.node, event)
  }
  // while the lasso is chosen Streamlit does not report clicks; a click also ends a lasso, which is told first
  const pick = (found) => {
    const row = [].concat(found.points?.[0]?.customdata ?? -1)[0]
    if (Number.isInteger(row) && row >= 0) setTimeout(() => component.setTriggerValue("clicked", row), 300)
  }
  const hide = () => { it.over = -1; it.node.style.display = "none" }
  const listen = () => {
    for (const plot of document.querySelectorAll(".js-plotly-plot")) {
      if (it.plots.has(plot) || !plot.on) continue
      plot.on("plotly_hover", show)
      plot.on("plotly_unhover", hide)
      plot.on("plotly_click", pick)
      plot.addEventListener("mouseleave", hide)
      it.plots.set(plot, true)
    }
    for (const plot of it.plots.keys()) if (!plot.isConnected) it.plots.delete(plot)
  }
  clearInterval(it.timer)
  it.timer = setInterval(listen, 500)  // Streamlit may replace a chart without telling
  listen()
  return () => { clearInterval(it.timer); it.node.remove(); delete parentElement.vitrineHover }
}
