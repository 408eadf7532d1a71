/** Lineage: sources → jobs → tables → labels of the graph, left to right; a column that is chosen shows its way. */
import dagre from '@dagrejs/dagre'
import { useQuery } from '@tanstack/react-query'
import { Background, Controls, MiniMap, ReactFlow, useReactFlow, useUpdateNodeInternals, type Edge, type Node } from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { go, useParam, useRoute } from '../../app/route'
import { useTheme } from '../../app/settings'
import { announce, Empty, Failure, Select, Skeleton } from '../../ui'
import { useRoving } from '../../ui/useRoving'
import { keyOf, load, near, pathOf, sameTable, type Flow, type Part, type PartColumn } from './load'
import { heightOf, PartNode, WIDTH, type Shown } from './PartNode'
import './lineage.css'

const nodeTypes = { part: PartNode }
const FEW = 5
const FIT = { padding: 0.06, maxZoom: 1.1 }

interface Look { flow: Flow; focus: string; hops: number; hasColumns: boolean; open: ReadonlySet<string>; chosen: string; path: Set<string>; choose: (key: string) => void; flip: (id: string) => void }

/** The columns of a part that are shown: all of an open one, else the first few and those on the way. */
function columnsOf(p: Part, look: Look): PartColumn[] {
  const isOnPath = (c: PartColumn): boolean => look.path.has(keyOf(p.id, c.name))
  if (look.open.has(p.id)) return p.columns
  if (look.chosen) return p.columns.filter(isOnPath)
  return look.hasColumns ? p.columns.slice(0, FEW) : []
}

function draw(look: Look): { nodes: Node[]; edges: Edge[] } {
  const { flow, focus, path } = look
  const keep = focus ? near(flow.links, focus, look.hops) : new Set(flow.parts.map((p) => p.id))
  const parts = flow.parts.filter((p) => keep.has(p.id)).map((p) => {
    const columns = columnsOf(p, look)
    const more = look.hasColumns || look.chosen ? p.columns.length - columns.length : 0
    return { p, columns, more, height: heightOf(columns.length, more > 0 || look.open.has(p.id)), isOnPath: p.columns.some((c) => path.has(keyOf(p.id, c.name))) }
  })
  const g = new dagre.graphlib.Graph().setGraph({ rankdir: 'LR', nodesep: 20, ranksep: 44 }).setDefaultEdgeLabel(() => ({}))
  for (const { p, height } of parts) g.setNode(p.id, { width: WIDTH[p.kind], height })
  const links = flow.links.filter(([a, b]) => keep.has(a) && keep.has(b))
  for (const [a, b] of links) g.setEdge(a, b)
  dagre.layout(g)
  const nodes: Node[] = parts.map(({ p, columns, more, height, isOnPath }) => {
    const at = g.node(p.id)
    const data: Shown = { part: p, columns, more, isOpen: look.open.has(p.id), isOn: p.id === focus, isDim: look.chosen !== '' && !isOnPath, path, chosen: look.chosen, choose: look.choose, flip: look.flip }
    return { id: p.id, type: 'part', position: { x: at.x - WIDTH[p.kind] / 2, y: at.y - height / 2 }, data, width: WIDTH[p.kind], height, focusable: false, style: { pointerEvents: 'all' } }
  })
  nodes.sort((a, b) => a.position.x - b.position.x || a.position.y - b.position.y)
  const shown = new Set(parts.flatMap(({ p, columns }) => columns.map((c) => keyOf(p.id, c.name))))
  const edges: Edge[] = links.map(([a, b]) => ({ id: `${a} ${b}`, source: a, target: b, sourceHandle: 'out', targetHandle: 'in', className: look.chosen ? 'dim' : '', focusable: false }))
  for (const l of flow.columnLinks) {
    const [a, b] = [keyOf(l.from, l.fromColumn), keyOf(l.to, l.toColumn)]
    if (path.has(a) && path.has(b) && shown.has(a) && shown.has(b)) edges.push({ id: `${a} ${b}`, source: l.from, target: l.to, sourceHandle: `out ${l.fromColumn}`, targetHandle: `in ${l.toColumn}`, className: 'way', focusable: false, zIndex: 1 })
  }
  return { nodes, edges }
}

/** After the picture has other parts or rows: ends of edges are looked for anew, and all is brought into view. */
function Refit({ to, ids }: { to: string; ids: string[] }) {
  const flow = useReactFlow()
  const update = useUpdateNodeInternals()
  useEffect(() => {
    update(ids)
    const frame = requestAnimationFrame(() => void flow.fitView(FIT))
    return () => cancelAnimationFrame(frame)
  }, [to])
  return null
}

export default function Lineage() {
  const route = useRoute()
  const theme = useTheme()
  const q = useQuery({ queryKey: ['lineage'], queryFn: load, refetchInterval: 10000 })
  const [hops, setHops] = useParam('hops', '9')
  const [columns, setColumns] = useParam('columns', 'on')
  const [chosen, setChosen] = useParam('column', '')
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const roving = useRoving('.part-head, .part-column, .part-more')
  const focus = q.data?.parts.find((p) => p.kind === 'table' && route.rest && sameTable(p.id.slice(6), route.rest))?.id ?? ''
  const path = useMemo(() => (q.data && chosen ? pathOf(q.data.columnLinks, chosen) : new Set<string>()), [q.data, chosen])
  const choose = useCallback((key: string): void => {
    const next = key === chosen ? '' : key
    setChosen(next)
    const n = next && q.data ? pathOf(q.data.columnLinks, next).size - 1 : 0
    announce(next ? `${next.split('|')[1]}: ${n} columns on its way` : 'No column is chosen')
  }, [chosen, q.data])
  const flip = useCallback((id: string): void => setOpen((was) => { const now = new Set(was); if (!now.delete(id)) now.add(id); return now }), [])
  const drawn = useMemo(() => (q.data ? draw({ flow: q.data, focus, hops: Number(hops), hasColumns: columns === 'on', open, chosen, path, choose, flip }) : { nodes: [], edges: [] }), [q.data, focus, hops, columns, open, chosen, path, choose, flip])
  if (q.isLoading) return <Skeleton />
  if (q.error && !q.data) return <div className="page"><Failure error={q.error} retry={() => void q.refetch()} /></div>
  if (!q.data?.parts.length) return <Empty title="Nothing flows yet" actions={<a className="button primary" href="#/worksheets">Write a worksheet</a>}>Sources, jobs, tables and the labels made of them appear here.</Empty>
  const way = q.data.columnLinks.filter((l) => path.has(keyOf(l.from, l.fromColumn)) && path.has(keyOf(l.to, l.toColumn)))
  return (
    <div className="lineage">
      <div className="toolbar"><h1>Lineage</h1>
        <Select label="Focus" value={focus.slice(6)} onChange={(v) => go('lineage', v)} options={[['', 'everything'], ...q.data.parts.filter((p) => p.kind === 'table').map((t) => [t.id.slice(6), t.name] as const)]} />
        {focus && <Select label="Hops" value={hops} onChange={setHops} options={[['1', '1'], ['2', '2'], ['9', 'all']]} />}
        <button type="button" className="button" aria-pressed={columns === 'on'} onClick={() => setColumns(columns === 'on' ? 'off' : 'on')}>Columns</button>
        {chosen ? <><span className="chip" data-testid="way">{chosen.split('|')[1]} · {way.length} steps</span><button type="button" className="button small" onClick={() => setChosen('')}>Show everything</button></> : <span className="muted">Choose a column to see where it comes from and where it goes.</span>}</div>
      <div className="lineage-flow" role="group" aria-label={`Lineage: ${drawn.nodes.length} parts; arrows move among them, the list below says the same`} {...roving}>
        <ReactFlow nodes={drawn.nodes} edges={drawn.edges} nodeTypes={nodeTypes} colorMode={theme === 'light' ? 'light' : 'dark'} fitView fitViewOptions={FIT} minZoom={0.2} nodesDraggable={false} nodesConnectable={false} elementsSelectable={false} nodesFocusable={false} edgesFocusable={false} disableKeyboardA11y proOptions={{ hideAttribution: true }}>
          <Background /><Refit to={`${focus} ${hops} ${columns} ${chosen} ${[...open].join()} ${drawn.nodes.length}`} ids={drawn.nodes.map((n) => n.id)} /><Controls showInteractive={false} />{drawn.nodes.length > 16 && <MiniMap pannable zoomable ariaLabel="Map of the lineage" />}</ReactFlow>
      </div>
      <details className="lineage-list"><summary>As a list</summary>
        {chosen && <><h3>The way of {chosen.split('|')[1]}</h3><ul>{way.map((l) => <li key={`${l.from}${l.fromColumn}${l.to}${l.toColumn}`} className="mono">{l.from}.{l.fromColumn} → {l.to}.{l.toColumn}</li>)}</ul></>}
        <h3>Parts</h3><ul>{q.data.links.map(([a, b]) => <li key={a + b} className="mono">{a} → {b}</li>)}</ul></details>
    </div>
  )
}
