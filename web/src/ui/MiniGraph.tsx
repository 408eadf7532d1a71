/** The vertices and edges of an answer, drawn; parallel edges are one, with their number. */
import { useMemo, useState } from 'react'
import { Canvas, type CanvasHandle } from '../screens/visualize/Canvas'
import { keyOf, type Elements } from '../scene/elements'
import { visible, type Edge, type Node, type Scene } from '../scene/scene'
import { emptySpec, isInternal, type Spec } from '../scene/spec'
import { cell, count } from '../api/format'
import '../screens/visualize/visualize.css'

const SPEC: Spec = { ...emptySpec, layout: 'structure', colour: 'label', size: 'degree', width: 'flows' }

export function sceneOf(elements: Elements): Scene {
  const nodes = new Map<string, Node>()
  for (const v of elements.vertices) {
    const name = keyOf(v.id)
    nodes.set(v.id, { id: v.id, name, isGroup: false, isOutside: /[.:]/.test(name) && !isInternal(name), group: v.label, members: 1, sent: 0, received: 0, bytes: 0, flows: 0, rejected: 0, degree: 0, properties: { label: v.label, ...v.properties } })
  }
  const edges = new Map<string, Edge>()
  for (const e of elements.edges) {
    const id = `${e.from}→${e.to}|${e.label}`
    const had = edges.get(id) ?? { id, s: e.from, d: e.to, label: e.label, split: '', flows: 0, bytes: 0, packets: 0, rejected: 0, low: -1, high: -1, pairs: 1 }
    had.flows++
    had.bytes += Number(e.properties.bytes ?? 0)
    had.rejected += e.properties.action === 'REJECT' ? 1 : 0
    if (!edges.has(id)) for (const end of [e.from, e.to]) { const n = nodes.get(end); if (n) n.degree++ }
    edges.set(id, had)
  }
  return { nodes, edges: [...edges.values()], allNodes: nodes.size, allEdges: edges.size }
}

export default function MiniGraph({ elements }: { elements: Elements }) {
  const scene = useMemo(() => sceneOf(elements), [elements])
  const [layout, setLayout] = useState(elements.edges.length ? 'radial' : 'grid')
  const spec = useMemo(() => ({ ...SPEC, layout }), [layout])
  const shown = useMemo(() => visible(scene, spec), [scene, spec])
  const [selected, setSelected] = useState<string[]>([])
  const [handle, setHandle] = useState<CanvasHandle>()
  const one = elements.vertices.find((v) => v.id === selected[0])
  return (
    <div className="mini">
      <Canvas scene={scene} visible={shown} spec={spec} selected={selected} edge="" onSelect={(ids) => setSelected(ids)} onEdge={() => undefined} onOpen={() => undefined} onPin={() => undefined} handle={setHandle} />
      <div className="mini-bar row">
        <select className="field" aria-label="Layout" value={layout} onChange={(e) => setLayout(e.target.value)}>{['radial', 'structure', 'layered', 'grid'].map((l) => <option key={l}>{l}</option>)}</select>
        <button type="button" className="button small" onClick={() => handle?.fit()}>Fit</button>
        <span className="muted">{count(scene.nodes.size)} vertices · {count(elements.edges.length)} edges drawn as {count(scene.edges.length)}</span>
      </div>
      {one && <div className="panel mini-info"><dl className="facts"><dt>id</dt><dd>{one.id}</dd>{Object.entries(one.properties).map(([k, v]) => <div key={k} style={{ display: 'contents' }}><dt>{k}</dt><dd>{cell(v)}</dd></div>)}</dl></div>}
    </div>
  )
}
