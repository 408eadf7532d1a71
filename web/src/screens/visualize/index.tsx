/** Visualize: the graph as a picture that can be searched, opened, filtered, played and shared. */
import { Maximize, Minus, Plus } from 'lucide-react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { ApiError } from '../../api/client'
import { clock, count } from '../../api/format'
import { go, replace, useRoute } from '../../app/route'
import { getSettings } from '../../app/settings'
import { edgeTable, edgesCsv, graphMl, nodesCsv, nodeTable, sceneJson } from '../../scene/export'
import { neighbours, visible, type Node, type Scene, type Visible } from '../../scene/scene'
import { add, adopt, collapse, emptySpec, hide, isGroup, MOST_NODES, type Spec } from '../../scene/spec'
import { BUCKETS, edgesSql } from '../../scene/sql'
import { asCypher, asGremlin } from '../../scene/languages'
import type { Grow } from '../../scene/sql_ask'
import { announce, Empty, Failure, Loading, save, Tabs } from '../../ui'
import { Grid } from '../../ui/Grid'
import * as actions from './actions'
import { Bar } from './Bar'
import { Canvas, type CanvasHandle } from './Canvas'
import { Coach } from './Coach'
import { EdgeDrawer, firstGrow, NodeDrawer } from './Drawer'
import { Filters } from './Filters'
import { Legend } from './Legend'
import { missing } from '../../scene/look'
import { PathDialog } from './PathDialog'
import { savePng } from './png'
import { stepBy, TimeLine } from './TimeLine'
import { useForce } from './useForce'
import { onKey } from './useKeys'
import { useScene, useWorld, type World } from './useScene'
import { addressOf, useUndo } from './useUndo'
import './visualize.css'

export default function Visualize() {
  const u = useUndo()
  const { spec } = u
  const route = useRoute()
  const world = useWorld(spec.edges)
  const w = world.data
  const live = useMemo<Spec>(() => (w ? { ...spec, edges: w.edges } : spec), [w, spec])
  const s = useScene(w, live)
  const { scene } = s
  const shown = useMemo(() => visible(scene, live), [scene, live])
  const [selected, setSelected] = useState<string[]>([])
  const [edge, setEdge] = useState('')
  const [said, setSaid] = useState('')
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState('')
  const [dialog, setDialog] = useState<'path' | undefined>()
  const [isTable, setTable] = useState(false)
  const [tableTab, setTableTab] = useState('nodes')
  const [playKey, setPlayKey] = useState(0)
  const [handle, setHandle] = useState<CanvasHandle>()
  const focus = useRef<string[]>([])
  const control = useRef<AbortController>(undefined)
  const client = useQueryClient()
  const [drawnScene, setDrawn] = useState<Scene>()
  const stage = useRef<HTMLDivElement>(null)
  const force = useForce(handle, scene, drawnScene === scene, shown, spec.layout, spec.pinned)
  const more = useMemo(() => missing(scene), [scene])
  const one: Node | undefined = selected.length === 1 ? scene.nodes.get(selected[0]!) : undefined
  const oneEdge = edge ? scene.edges.find((e) => e.id === edge) : undefined

  const hasDetails = Boolean(one || oneEdge || selected.length > 1)
  const [isDrawer, setDrawer] = useState(false)
  useEffect(() => {
    // The second click of a double click must find the node where the first one did: what moves the picture comes after it.
    const t = setTimeout(() => setDrawer(hasDetails), hasDetails ? 300 : 0)
    return () => clearTimeout(t)
  }, [hasDetails])

  const tell = (t: string): void => {
    setSaid(t)
    announce(t)
  }
  const perform = async (what: string, f: (signal: AbortSignal) => Promise<actions.Done>): Promise<void> => {
    const mine = new AbortController()
    control.current?.abort()
    control.current = mine
    setBusy(what)
    setError(undefined)
    try {
      const done = await f(mine.signal)
      if (mine.signal.aborted) return
      u.change(() => done.spec)
      if (done.focus.length) {
        focus.current = done.focus
        setSelected(done.focus.slice(0, 1))
      }
      tell(done.said)
    } catch (e) {
      if (!mine.signal.aborted) setError(e)
    } finally {
      if (control.current === mine) setBusy('')
    }
  }
  const cancel = (): void => {
    control.current?.abort()
    setBusy('')
    void client.cancelQueries({ queryKey: ['scene'] })
    tell('Stopped; the server has let go of the query')
  }
  useEffect(() => {
    if (!focus.current.length || !handle || drawnScene !== scene) return
    const ids = focus.current
    focus.current = []
    requestAnimationFrame(() => handle.fit(ids))
  }, [scene, handle, drawnScene])

  const wanted = route.query
  useEffect(() => {
    if (!w) return
    const [q, ids] = [wanted.get('find'), wanted.get('add')]
    if (q) void perform('Searching', (signal) => actions.find(signal, w, live, q)).then(() => replace('#/visualize'))
    if (ids) {
      const list = ids.split(',')
      focus.current = list
      u.change((x) => add({ ...x, hasGroups: false }, list))
      replace('#/visualize')
    }
  }, [w, wanted.get('find'), wanted.get('add')])

  const act = (what: string, grow: Grow = firstGrow): void => {
    if (!w) return
    const ids = selected.filter((i) => scene.nodes.has(i))
    const first = ids[0]
    if (what === 'expand' && first) void (isGroup(first) ? perform('Opening', (signal) => actions.open(signal, w, live, first)) : perform('Expanding', (signal) => actions.expand(signal, w, live, ids, grow)))
    else if (what === 'open' && first) void perform('Opening', (signal) => actions.open(signal, w, live, first))
    else if (what === 'collapse' && first) u.change((x) => collapse(x, first))
    else if (what === 'group' && first) void (isGroup(first) ? act('open') : act('regroup'))
    else if (what === 'regroup') u.change((x) => actions.regroup(x, ids, (i) => scene.nodes.get(i)?.group ?? '', [...scene.nodes.keys()]))
    else if (what === 'hide' && ids.length) {
      u.change((x) => hide(x, ids))
      setSelected([])
    } else if (what === 'isolate' && ids.length) u.change((x) => ({ ...x, only: ids }))
    else if (what === 'pin' && ids.length) u.change((x) => {
      const pinned = { ...x.pinned }
      for (const i of ids) if (pinned[i]) delete pinned[i]
      else { const a = handle!.graph.getNodeAttributes(i); pinned[i] = [a.x as number, a.y as number] }
      return { ...x, pinned }
    })
    else if (what === 'neighbours' && ids.length) setSelected([...ids, ...neighbours(scene, shown, ids)])
    else if (what === 'invert') setSelected([...shown.nodes].filter((i) => !ids.includes(i)))
    else if (what === 'all') setSelected([...shown.nodes])
    else if (what === 'path') setDialog('path')
    else if (what === 'fit') handle?.fit()
    else if (what === 'table') setTable(!isTable)
    else if (what === 'play') setPlayKey((k) => k + 1)
    else if (what === 'back' || what === 'on') u.change((x) => ({ ...x, time: stepBy(x.time, what === 'on' ? 1 : -1) }))
    else if (what === 'copy') void navigator.clipboard.writeText(ids.join('\n')).then(() => tell(`${ids.length} ids copied`))
    else if (what === 'export') document.querySelector<HTMLSelectElement>('select[aria-label="Export"]')?.focus()
  }
  const exportAs = (kind: string): void => {
    if (!w || !handle) return
    const ids = (selected.length ? selected : spec.nodes).filter((i) => !isGroup(i))
    const caption = `${clock(w.domain.from + ((w.domain.to - w.domain.from) * spec.time[0]) / BUCKETS)} – ${clock(w.domain.from + ((w.domain.to - w.domain.from) * (spec.time[1] + 1)) / BUCKETS)}`
    if (kind.startsWith('png')) void savePng(handle, scene, live, caption, Number(kind.slice(3)))
    else if (kind === 'nodes') save('nodes.csv', 'text/csv', nodesCsv(scene, shown))
    else if (kind === 'edges') save('edges.csv', 'text/csv', edgesCsv(scene, shown))
    else if (kind === 'members') void perform('Reading flows', async (signal) => { const n = await actions.saveFlows(signal, w, live, shown, scene); return { spec: live, said: n, focus: [] } })
    else if (kind === 'json') save('scene.json', 'application/json', sceneJson(scene, shown, live, handle.sigma.getCamera().getState(), selected))
    else if (kind === 'graphml') save('scene.graphml', 'application/xml', graphMl(scene, shown))
    else if (kind === 'open') openFile((o) => { const x = adopt((o as { spec?: unknown }).spec); if (x) u.change(() => x); else setError(new Error('That file is not a scene that was exported here.')) })
    else if (kind === 'gremlin') go('gremlin', '', { text: asGremlin(live, w.flows, w.vertex, ids) })
    else if (kind === 'cypher') go('cypher', '', { text: asCypher(live, w.flows, w.vertex, ids) })
    else if (kind === 'sql') go('worksheets', '', { text: edgesSql(w.flows, live, w.domain) })
  }
  const group = (g: string): void => u.change((x) => {
    if (g === 'all') return { ...x, isAll: true }
    if (g) return { ...x, hasGroups: true, isAll: false, groupBy: g }
    const had = new Set(x.nodes)
    return { ...x, hasGroups: false, isAll: false, nodes: [...x.nodes, ...(x.isAll ? [] : [...shown.nodes].filter((i) => !isGroup(i) && !had.has(i)))] }
  })
  const share = async (): Promise<void> => {
    const to = await addressOf(live, u.camera.current)
    replace(to)
    await navigator.clipboard.writeText(location.href).catch(() => undefined)
    tell('The address restores this scene; it is copied')
  }
  useEffect(() => {
    Object.assign(window, { floeScene: () => ({ nodes: [...shown.nodes], edges: [...shown.edges], spec: live, selected, isLoading: s.query.isFetching || Boolean(busy) || drawnScene !== scene, camera: handle?.sigma.getCamera().getState(), labels: () => handle?.labels.boxes() ?? [], at: (id: string) => handle && handle.graph.hasNode(id) ? handle.sigma.graphToViewport(handle.graph.getNodeAttributes(id) as { x: number; y: number }) : undefined, sigma: handle?.sigma }) })
  })

  const nodeGrid = useMemo(() => (isTable ? nodeTable(scene, shown) : undefined), [isTable, scene, shown])
  const edgeGrid = useMemo(() => (isTable ? edgeTable(scene, shown) : undefined), [isTable, scene, shown])
  if (world.error instanceof ApiError && world.error.status === 404)
    return <Empty title="No graph schema yet" actions={<><a className="button primary" href={'#/schema'}>Make a schema</a><a className="button" href="#/">Use sample data</a></>}>A schema says which table rows are vertices and which are edges. With one, your network is drawn here.</Empty>
  if (world.error) return <div className="page"><Failure error={world.error} retry={() => void world.refetch()} /></div>
  const totals = s.totals
  const isNothing = w && !s.query.isFetching && !s.query.error && shown.nodes.size === 0
  return (
    <div className={`visualize ${isDrawer ? '' : 'no-drawer'}`}>
      <h1 className="visually-hidden">Visualize</h1>
      <Coach spec={spec} scene={scene} start={(f) => u.change(f)} focus={(ids) => { focus.current = ids; setSelected(ids.slice(0, 1)) }} />
      <Bar spec={spec} world={w} isTable={isTable} canUndo={u.canUndo} canRedo={u.canRedo} exportAs={exportAs}
        find={(text) => { if (w) void perform('Searching', (signal) => actions.find(signal, w, live, text)) }} layout={(layout) => u.change((x) => ({ ...x, layout }))} group={group}
        act={(what) => ({ undo: u.undo, redo: u.redo, table: () => setTable(!isTable), path: () => setDialog('path'), share: () => void share(), over: () => { setSelected([]); u.change((x) => ({ ...emptySpec, edges: x.edges })); handle?.fit() } })[what]()} />
      <div className="side" role="region" aria-label="Filters and legend" tabIndex={0}>
        {w && w.model.edges.length > 1 && <EdgeLabels world={w} chosen={spec.edges.length ? spec.edges : w.edges} change={(edges) => u.change((x) => ({ ...x, edges }))} />}
        <Filters spec={spec} totals={totals} change={u.change} />
        <Legend spec={spec} scene={scene} properties={w?.properties ?? []} isMixed={(w?.kinds.length ?? 0) > 1} change={u.change} />
      </div>
      <div className="stage" ref={stage} role="application" aria-label="Graph. Arrows move, Enter expands, t shows the same as a table." aria-roledescription="graph" tabIndex={0}
        onKeyDown={(e) => { if (e.target === stage.current) onKey(e, { selected, select: (i) => { setEdge(''); setSelected(i); if (i.length) announce(`${i.at(-1)}, ${count(scene.nodes.get(i.at(-1)!)?.degree ?? 0)} neighbours`) }, act, undo: u.undo, redo: u.redo, layout: (layout) => u.change((x) => ({ ...x, layout })), handle }, getSettings().hasLetterKeys) }}>
        <Canvas scene={scene} visible={shown} spec={live} selected={selected} edge={edge} handle={setHandle} onDrawn={() => setDrawn(scene)} camera={u.camera.current} onCamera={u.look}
          onSelect={(ids, isMore) => { stage.current?.focus(); setEdge(''); setSelected((old) => (isMore ? (old.includes(ids[0]!) ? old.filter((o) => o !== ids[0]) : [...old, ...ids]) : ids)) }}
          onEdge={(id) => { setSelected([]); setEdge(id) }} onPin={(spots) => u.change((x) => ({ ...x, pinned: { ...x.pinned, ...spots } }))}
          onOpen={(id) => { if (w) void (isGroup(id) ? perform('Opening', (signal) => actions.open(signal, w, live, id)) : perform('Expanding', (signal) => actions.expand(signal, w, live, [id], firstGrow))) }} />
        <div className="stage-top">
          {(s.query.isFetching || busy || world.isLoading) && <Loading what={busy || 'Reading flows'} cancel={cancel} />}
          {(error !== undefined || s.query.error) && <div className="pad"><Failure error={error ?? s.query.error} retry={() => { setError(undefined); void s.query.refetch() }} /></div>}
        </div>
        {isNothing && <div className="stage-over"><div className="panel"><Empty title="Nothing passes" actions={<><button type="button" className="button primary" onClick={() => u.change((x) => ({ ...x, filter: emptySpec.filter, time: [0, BUCKETS - 1], off: [], hidden: [], only: [] }))}>Show everything again</button>{spec.filter.ports && <button type="button" className="button" onClick={() => u.change((x) => ({ ...x, filter: { ...x.filter, ports: '' } }))}>Drop ports {spec.filter.ports}</button>}{u.canUndo && <button type="button" className="button" onClick={u.undo}>Undo</button>}</>}>{(totals?.all_flows ?? 0) === 0 ? 'The table has no rows yet: run its job.' : 'Filters, time, legend or hiding leave no node.'}</Empty></div></div>}
        {isTable && nodeGrid && edgeGrid && (
          <div className="twin"><Tabs label="The scene as tables" value={tableTab} onChange={setTableTab} tabs={[{ id: 'nodes', label: `Nodes ${count(nodeGrid.rows.length)}` }, { id: 'edges', label: `Edges ${count(edgeGrid.rows.length)}` }]} />
            {tableTab === 'nodes' ? <Grid label="Nodes of the scene" columns={nodeGrid.columns} rows={nodeGrid.rows} selected={(r) => selected.includes(String(r[0]))} onRow={(r) => setSelected([String(r[0])])} /> : <Grid label="Edges of the scene" columns={edgeGrid.columns} rows={edgeGrid.rows} onRow={(r) => { setSelected([]); setEdge(`${r[0]}→${r[1]}${r[2] ? `|${r[2]}` : ''}`) }} />}
          </div>)}
        <div className="facts-bar" role="status">
          <span data-testid="scene-facts">{factsOf(scene, shown, live, totals)}</span>
          {scene.allNodes > scene.nodes.size && <button type="button" className="button small" onClick={() => u.change((x) => ({ ...x, limit: Math.min(MOST_NODES, x.limit * 4) }))}>Show {count(Math.min(MOST_NODES, spec.limit * 4))}</button>}
          {(spec.hidden.length > 0 || spec.only.length > 0) && <button type="button" className="button small" onClick={() => u.change((x) => ({ ...x, hidden: [], only: [] }))}>Show hidden</button>}
          {force.progress && <><span>Layout {force.progress.done}/{force.progress.of}</span><button type="button" className="button small" onClick={force.stop}>Stop</button></>}
          {said && <span className="muted">{said}</span>}
        </div>
        <div className="zoom"><button type="button" className="button" aria-label="Zoom in" onClick={() => void handle?.sigma.getCamera().animatedZoom({ duration: 100 })}><Plus size={14} aria-hidden /></button><button type="button" className="button" aria-label="Zoom out" onClick={() => void handle?.sigma.getCamera().animatedUnzoom({ duration: 100 })}><Minus size={14} aria-hidden /></button><button type="button" className="button" aria-label="Fit" onClick={() => handle?.fit()}><Maximize size={14} aria-hidden /></button></div>
      </div>
      {isDrawer ? (
        <section className="drawer" aria-label="Details" tabIndex={0}>
          {one && w && <NodeDrawer key={one.id} world={w} spec={live} node={one} missing={more.get(one.id) ?? 0} isPinned={Boolean(spec.pinned[one.id])} do={act} note={(t) => u.change((x) => ({ ...x, notes: Object.fromEntries(Object.entries({ ...x.notes, [one.id]: t }).filter(([, v]) => v)) }))} />}
          {oneEdge && w && <EdgeDrawer world={w} spec={live} edge={oneEdge} isSplit={spec.split} split={(split) => { setEdge(''); u.change((x) => ({ ...x, split })) }} />}
          {selected.length > 1 && (
            <><h2>{count(selected.length)} selected</h2>
              <div className="row">{['hide', 'isolate', 'pin', 'neighbours', 'invert', 'expand'].map((a) => <button key={a} type="button" className="button small" onClick={() => act(a)}>{{ hide: 'Hide', isolate: 'Isolate', pin: 'Pin', neighbours: 'Select neighbours', invert: 'Invert', expand: 'Expand' }[a]}</button>)}{selected.length === 2 && <button type="button" className="button small primary" onClick={() => setDialog('path')}>Path between</button>}</div>
              <ul className="mono">{selected.slice(0, 100).map((i) => <li key={i}>{i.replace('group:', '')}</li>)}</ul></>)}
        </section>) : <div />}
      {w && <TimeLine bars={s.histogram} domain={w.domain} value={spec.time} playKey={playKey} onChange={(time, isFinal) => (isFinal ? u.change((x) => ({ ...x, time })) : u.adjust((x) => ({ ...x, time })))} />}
      {dialog === 'path' && w && <PathDialog from={selected[0] ?? ''} to={selected[1] ?? ''} close={() => setDialog(undefined)} find={(from, to, how) => { setDialog(undefined); void perform('Looking for a path', (signal) => actions.path(signal, w, live, from, to, how)) }} />}
    </div>
  )
}

/** What is shown, of how much: nothing is left out unsaid. */
function factsOf(scene: Scene, shown: Visible, spec: Spec, totals: Record<string, number> | undefined): string {
  const single = [...shown.nodes].filter((i) => !isGroup(i)).length
  const groups = shown.nodes.size - single
  const parts = [scene.allNodes > scene.nodes.size ? `Top ${count(scene.nodes.size)} of ${count(scene.allNodes)} nodes by bytes` : shown.nodes.size < scene.nodes.size ? `${count(shown.nodes.size)} of ${count(scene.nodes.size)} nodes` : `${count(shown.nodes.size)} nodes`]
  if (groups && single) parts[0] += ` (${count(single)} addresses, ${count(groups)} networks)`
  if (spec.isAll && groups) parts[0] += `: the ${count(MOST_NODES)} busiest addresses by themselves, the others in their networks`
  parts.push(scene.allEdges > scene.edges.length ? `the ${count(shown.edges.size)} edges with most bytes of ${count(scene.allEdges)}` : `${count(shown.edges.size)} edges`)
  if (totals) parts.push(`${count(totals.addresses ?? 0)} addresses, ${count(totals.pairs ?? 0)} connections behind them`)
  return parts.join(' · ')
}

function EdgeLabels({ world, chosen, change }: { world: World; chosen: string[]; change: (edges: string[]) => void }) {
  return (
    <fieldset className="side-block plain"><legend>Edges</legend>
      {world.model.edges.map((e) => {
        const isOn = chosen.includes(e.label)
        const next = isOn ? chosen.filter((l) => l !== e.label) : [...chosen, e.label]
        return <label key={e.label} className="check" title={`${e.from} → ${e.to}`}><input type="checkbox" checked={isOn} disabled={isOn && next.length === 0} onChange={() => change(next)} /><span>{e.label}</span><small>{count(e.count)}</small></label>
      })}
    </fieldset>
  )
}

function openFile(done: (o: unknown) => void): void {
  const input = document.createElement('input')
  input.type = 'file'
  input.accept = '.json'
  input.onchange = () => void input.files?.[0]?.text().then((t) => { try { done(JSON.parse(t)) } catch { done({}) } })
  input.click()
}
