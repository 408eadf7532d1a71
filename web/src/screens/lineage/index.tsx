/** Lineage: sources → jobs → tables → labels of the graph, left to right. */
import dagre from '@dagrejs/dagre'
import { useQuery } from '@tanstack/react-query'
import { Background, Controls, Handle, MiniMap, Position, ReactFlow, type Edge, type Node } from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import { useMemo, useState } from 'react'
import { go, useRoute } from '../../app/route'
import { useTheme } from '../../app/settings'
import { Empty, Failure, Select, Skeleton } from '../../ui'
import { load, near, sameTable, type Part } from './load'
import './lineage.css'

const WIDTH = { source: 190, job: 280, table: 210, label: 160 }
const MARK: Record<string, string> = { err: '✖ ', ok: '● ', muted: '❚❚ ' }

function PartNode({ data }: { data: Part & { isOn: boolean } }) {
  return <a className={`part ${data.kind} ${data.isOn ? 'on' : ''}`} href={data.to} title={data.name}><Handle type="target" position={Position.Left} /><span className={data.state}>{MARK[data.state] ?? ''}<b>{data.name}</b></span><small>{data.facts}</small><Handle type="source" position={Position.Right} /></a>
}
const nodeTypes = { part: PartNode }

export default function Lineage() {
  const route = useRoute()
  const theme = useTheme()
  const q = useQuery({ queryKey: ['lineage'], queryFn: load, refetchInterval: 10000 })
  const [hops, setHops] = useState('9')
  const [showColumns, setShowColumns] = useState(false)
  const focus = q.data?.parts.find((p) => p.kind === 'table' && route.rest && sameTable(p.id.slice(6), route.rest))?.id ?? ''
  const drawn = useMemo(() => {
    if (!q.data) return { nodes: [], edges: [] }
    const keep = focus ? near(q.data.links, focus, Number(hops)) : new Set(q.data.parts.map((p) => p.id))
    const g = new dagre.graphlib.Graph().setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 64 }).setDefaultEdgeLabel(() => ({}))
    const parts = q.data.parts.filter((p) => keep.has(p.id))
    for (const p of parts) g.setNode(p.id, { width: WIDTH[p.kind], height: 46 })
    const links = q.data.links.filter(([a, b]) => keep.has(a) && keep.has(b))
    for (const [a, b] of links) g.setEdge(a, b)
    dagre.layout(g)
    const nodes: Node[] = parts.map((p) => {
      const at = g.node(p.id)
      return { id: p.id, type: 'part', position: { x: at.x - WIDTH[p.kind] / 2, y: at.y - 23 }, data: { ...p, isOn: p.id === focus }, width: WIDTH[p.kind], height: 46, focusable: false }
    })
    const edges: Edge[] = links.map(([a, b]) => ({ id: `${a} ${b}`, source: a, target: b, focusable: false }))
    return { nodes, edges }
  }, [q.data, focus, hops])
  if (q.isLoading) return <Skeleton />
  if (q.error) return <div className="page"><Failure error={q.error} retry={() => void q.refetch()} /></div>
  if (!q.data?.parts.length) return <Empty title="Nothing flows yet" actions={<a className="button primary" href="#/worksheets">Write a worksheet</a>}>Sources, jobs, tables and the labels made of them appear here.</Empty>
  return (
    <div className="lineage">
      <div className="toolbar"><h1>Lineage</h1>
        <Select label="Focus" value={focus.slice(6)} onChange={(v) => go('lineage', v)} options={[['', 'everything'], ...q.data.parts.filter((p) => p.kind === 'table').map((t) => [t.id.slice(6), t.name] as const)]} />
        {focus && <Select label="Hops" value={hops} onChange={setHops} options={[['1', '1'], ['2', '2'], ['9', 'all']]} />}
        <button type="button" className="button" aria-pressed={showColumns} onClick={() => setShowColumns(!showColumns)}>Columns</button></div>
      <div className="lineage-flow" role="region" aria-label={`Lineage: ${drawn.nodes.length} parts; the list below says the same`}>
        <ReactFlow key={focus + hops} nodes={drawn.nodes} edges={drawn.edges} nodeTypes={nodeTypes} colorMode={theme === 'light' ? 'light' : 'dark'} fitView minZoom={0.2} nodesDraggable={false} nodesConnectable={false} disableKeyboardA11y proOptions={{ hideAttribution: true }}>
          <Background /><Controls showInteractive={false} /><MiniMap pannable zoomable ariaLabel="Map of the lineage" /></ReactFlow>
      </div>
      {showColumns && <div className="scroll lineage-list" tabIndex={0} role="region" aria-label="Columns"><table className="plain"><thead><tr><th>Job</th><th>From column</th><th>To column</th><th>As</th></tr></thead><tbody>{q.data.columns.slice(0, 500).map((c, i) => <tr key={i}><td>{c.job}</td><td className="mono">{c.source}</td><td className="mono">{c.target}</td><td className="mono">{c.expression}</td></tr>)}</tbody></table>{q.data.columns.length === 0 && <p className="muted pad">No columns are known yet.</p>}</div>}
      <details className="lineage-list"><summary>As a list</summary><ul>{q.data.links.map(([a, b]) => <li key={a + b} className="mono">{a} → {b}</li>)}</ul></details>
    </div>
  )
}
