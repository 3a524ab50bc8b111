// What the benchmark of the Explorer's maps does in the page: act, wait for the frame, tell milliseconds.
window.state = () => document.querySelector(".raster").dataset.state
window.frame = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
window.ready = async () => { while (window.state() !== "ready") await new Promise(r => setTimeout(r, 2)); await window.frame() }
window.wheel = async (node, down, x, y) => {
  const box = node.getBoundingClientRect(), began = performance.now()
  node.dispatchEvent(new WheelEvent("wheel", { deltaY: down, clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true, cancelable: true }))
  await window.ready()
  return performance.now() - began
}
window.drag = async (node, right) => {
  const box = node.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2
  const send = (type, at) => node.dispatchEvent(new PointerEvent(type, { clientX: at, clientY: y, pointerId: 1, bubbles: true, button: 0 }))
  node.setPointerCapture = () => {}
  send("pointerdown", x)
  const began = performance.now()
  send("pointermove", x + right * box.width)
  send("pointerup", x + right * box.width)
  await window.ready()
  return performance.now() - began
}
window.relayout = async (share) => {
  const plot = document.getElementById("plot"), axis = plot._fullLayout.xaxis, [low, high] = axis.range
  const wide = high - low, began = performance.now()
  await Plotly.relayout(plot, { "xaxis.range": [low + share * wide, high + share * wide] })
  await window.frame()
  return performance.now() - began
}
window.zoomed = async (factor) => {
  const plot = document.getElementById("plot"), [low, high] = plot._fullLayout.xaxis.range
  const middle = (low + high) / 2, half = (high - low) / 2 * factor, began = performance.now()
  await Plotly.relayout(plot, { "xaxis.range": [middle - half, middle + half] })
  await window.frame()
  return performance.now() - began
}
window.plotted = async found => { await Plotly.newPlot("plot", found.data, found.layout); await window.frame() }
