/** The drawing: sigma over a graph that follows the scene. Keys and buttons are the screen's; this tells what the pointer does. */
import { MultiDirectedGraph } from 'graphology'
import { useEffect, useRef } from 'react'
import Sigma from 'sigma'
import type { Settings } from 'sigma/settings'
import { bytes, count } from '../../api/format'
import { useTheme } from '../../app/settings'
import { build, restyle, restyleInPieces, type Spots } from '../../scene/draw'
import { Labels } from '../../scene/labels'
import { Picker } from '../../scene/picking'
import { LaneProgram, moving, ShapeProgram } from '../../scene/programs'
import type { Edge, Scene, Visible } from '../../scene/scene'
import type { Camera, Spec } from '../../scene/spec'
import { palette, type Palette } from '../../scene/look'

export interface CanvasHandle {
  sigma: Sigma
  readonly graph: MultiDirectedGraph
  labels: Labels
  fit: (ids?: string[]) => void
  /** Positions of all nodes, in the layout's own units. */
  spots: () => Map<string, { x: number; y: number }>
  setSpots: (spots: Map<string, { x: number; y: number }>) => void
}
interface Props {
  scene: Scene
  visible: Visible
  spec: Spec
  selected: string[]
  edge: string
  onSelect: (ids: string[], isMore: boolean) => void
  onEdge: (id: string) => void
  onOpen: (id: string) => void
  onPin: (spots: Record<string, [number, number]>) => void
  handle: (h: CanvasHandle) => void
  /** Where the first picture is looked at from, instead of all of it. */
  camera?: Camera | undefined
  onCamera?: (c: Camera | undefined) => void
  /** The picture shows the scene that was given last. */
  onDrawn?: () => void
}

/** Nodes and edges from which on new looks come in pieces. */
const LARGE = 8000

export function settings(colours: () => Palette): Partial<Settings> {
  const font = '11px "JetBrains Mono Variable", monospace'
  return {
    nodeProgramClasses: { shape: ShapeProgram }, edgeProgramClasses: { lane: LaneProgram }, defaultNodeType: 'shape', defaultEdgeType: 'lane',
    enableEdgeEvents: true, renderLabels: false, zIndex: true, minCameraRatio: 0.02, maxCameraRatio: 4, stagePadding: 64, allowInvalidContainer: true,
    hideEdgesOnMove: false, doubleClickZoomingRatio: 1,
    defaultDrawNodeHover: (c, d) => {
      c.strokeStyle = colours().text
      c.lineWidth = 1.5
      c.beginPath()
      c.arc(d.x, d.y, d.size + 3, 0, Math.PI * 2)
      c.stroke()
      if (!d.label) return
      c.font = font
      const width = c.measureText(d.label).width
      c.fillStyle = colours().surface
      c.fillRect(d.x + d.size + 1, d.y - 8, width + 8, 17)
      c.fillStyle = colours().text
      c.fillText(d.label, d.x + d.size + 4, d.y + 4)
    },
  }
}

export function Canvas(props: Props) {
  const box = useRef<HTMLDivElement>(null)
  const lasso = useRef<SVGPolygonElement>(null)
  const tip = useRef<HTMLDivElement>(null)
  const byId = useRef(new Map<string, Edge>())
  const latest = useRef(props)
  latest.current = props
  const theme = useTheme()
  const colours = useRef<Palette>(palette(props.scene, props.spec))
  const sigma = useRef<Sigma>(undefined)
  const isFirst = useRef(true)
  const forget = useRef(() => {})
  const drawn = useRef<{ key: string; scene: Scene | undefined }>({ key: '', scene: undefined })

  useEffect(() => {
    const s = new Sigma(new MultiDirectedGraph(), box.current!, settings(() => colours.current))
    const picker = new Picker(s)
    const labels = new Labels(s, () => colours.current)
    forget.current = () => { labels.forget(); picker.forget() }
    let isPanning = false
    let still: ReturnType<typeof setTimeout> | undefined
    s.getCamera().on('updated', () => {
      moving.add(s)
      clearTimeout(still)
      still = setTimeout(() => {
        moving.delete(s)
        const c = s.getCamera().getState()
        const isWhole = Math.abs(c.x - 0.5) + Math.abs(c.y - 0.5) + Math.abs(c.ratio - 1.02) < 0.001
        latest.current.onCamera?.(isWhole ? undefined : [round(c.x), round(c.y), round(c.ratio)])
        if (s.getGraph().size > 2000 || s.getGraph().order > 8000) s.scheduleRender()
      }, 160)
    })
    // The private pair by which sigma asks its own second picture; while a drag lasts nothing is looked for.
    Object.assign(s, { getNodeAtPosition: (at: { x: number; y: number }) => (isPanning ? null : picker.node(at)), getEdgeAtPoint: (x: number, y: number) => (isPanning ? null : picker.edge(x, y)) })
    sigma.current = s
    drawn.current = { key: '', scene: undefined }
    const ids = (): string[] => latest.current.selected
    let dragged: string | undefined
    let isMoved = false
    let outline: [number, number][] | undefined
    s.on('clickNode', ({ node, event }) => { if (!isMoved) latest.current.onSelect([node], event.original.shiftKey) })
    s.on('clickEdge', ({ edge }) => latest.current.onEdge(edge))
    s.on('clickStage', ({ event }) => { if (!event.original.shiftKey) latest.current.onSelect([], false) })
    s.on('doubleClickNode', (e) => { e.preventSigmaDefault(); latest.current.onOpen(e.node) })
    s.on('enterNode', () => { box.current!.style.cursor = 'pointer' })
    s.on('leaveNode', () => { box.current!.style.cursor = '' })
    s.on('enterEdge', ({ edge, event }) => {
      box.current!.style.cursor = 'pointer'
      const e = byId.current.get(edge)
      if (!e || !tip.current) return
      tip.current.textContent = edgeTip(e)
      Object.assign(tip.current.style, { display: 'block', left: `${event.x + 12}px`, top: `${event.y + 12}px` })
    })
    const unhover = (): void => { box.current!.style.cursor = ''; if (tip.current) tip.current.style.display = 'none' }
    s.on('leaveEdge', unhover)
    s.getMouseCaptor().on('mousedown', () => { unhover(); if (!dragged) isPanning = true })
    const release = (): void => { isPanning = false }
    addEventListener('mouseup', release, true)
    s.on('downNode', (e) => {
      dragged = e.node
      isMoved = false
      s.getCamera().disable()
      // A node that is dragged outwards must not change the scale of all others.
      if (!s.getCustomBBox()) s.setCustomBBox(s.getBBox())
    })
    s.on('downStage', (e) => {
      if (!e.event.original.shiftKey) return
      outline = [[e.event.x, e.event.y]]
      s.getCamera().disable()
    })
    s.on('moveBody', ({ event }) => {
      if (outline) {
        outline.push([event.x, event.y])
        lasso.current?.setAttribute('points', outline.map((p) => p.join(',')).join(' '))
        event.preventSigmaDefault()
      }
      if (!dragged) return
      isMoved = true
      const at = s.viewportToGraph(event)
      const g = s.getGraph()
      Object.assign(g.getNodeAttributes(dragged), { x: at.x, y: at.y })
      labels.forget()
      s.refresh({ partialGraph: { nodes: [dragged], edges: g.edges(dragged) }, skipIndexation: true, schedule: true })
      event.preventSigmaDefault()
    })
    const up = (): void => {
      if (dragged && isMoved) latest.current.onPin({ [dragged]: [s.getGraph().getNodeAttribute(dragged, 'x') as number, s.getGraph().getNodeAttribute(dragged, 'y') as number] })
      if (outline && outline.length > 3) {
        const shape = outline
        latest.current.onSelect([...new Set([...ids(), ...s.getGraph().filterNodes((_, a) => !a.hidden && isInside(s.graphToViewport({ x: a.x as number, y: a.y as number }), shape))])], false)
      }
      lasso.current?.setAttribute('points', '')
      outline = undefined
      dragged = undefined
      setTimeout(() => { isMoved = false })
      s.getCamera().enable()
    }
    s.on('upNode', up)
    s.on('upStage', up)
    addEventListener('mouseup', up)
    props.handle({
      sigma: s, labels,
      get graph() { return s.getGraph() as MultiDirectedGraph },
      fit: (which) => fit(s, which),
      spots: () => spotsOf(s),
      setSpots: (spots) => {
        s.getGraph().forEachNode((n, a) => { Object.assign(a, spots.get(n)) })
        s.refresh()
      },
    })
    return () => { removeEventListener('mouseup', up); removeEventListener('mouseup', release, true); labels.stop(); clearTimeout(still); s.kill() }
  }, [])

  useEffect(() => {
    const s = sigma.current!
    const { scene, spec } = props
    const key = [spec.layout, spec.groupBy, spec.hasGroups, spec.isAll, spec.edges.join('+')].join()
    colours.current = palette(scene, spec)
    byId.current = new Map(scene.edges.map((e) => [e.id, e]))
    if (drawn.current.scene === scene && drawn.current.key === key) {
      const g = s.getGraph() as MultiDirectedGraph
      for (const [id, [x, y]] of Object.entries(spec.pinned)) if (g.hasNode(id)) Object.assign(g.getNodeAttributes(id), { x, y })
      if (g.order + g.size < LARGE) {
        restyle(g, props)
        s.refresh()
        return
      }
      let isWanted = true
      moving.add(s)
      void restyleInPieces(g, props, (nodes, edges) => { s.refresh({ partialGraph: { nodes, edges }, skipIndexation: true, schedule: true }) }, () => isWanted).then((isDone) => {
        if (!isDone) return
        moving.delete(s)
        forget.current()
        s.scheduleRender()
      })
      return () => { isWanted = false }
    }
    let isWanted = true
    const isFresh = drawn.current.key !== key || s.getGraph().order === 0
    void build(props, isFresh ? new Map() : spotsOf(s), () => isWanted).then((g) => {
      if (!g || !isWanted) return
      drawn.current = { key, scene }
      s.setCustomBBox(null)
      s.setGraph(g)
      const seen = isFirst.current && g.order ? latest.current.camera : undefined
      if (g.order) isFirst.current = false
      if (seen) s.getCamera().setState({ x: seen[0], y: seen[1], ratio: seen[2] })
      else if (isFresh) requestAnimationFrame(() => fit(s))
      latest.current.onDrawn?.()
    })
    return () => { isWanted = false }
  }, [props.scene, props.visible, props.spec, props.selected, props.edge, theme])

  return (
    <>
      <div ref={box} className="canvas" />
      <div ref={tip} className="edge-tip" aria-hidden />
      <svg className="lasso" aria-hidden><polygon ref={lasso} points="" /></svg>
    </>
  )
}

const edgeTip = (e: Edge): string => `${e.s.replace('group:', '')} → ${e.d.replace('group:', '')}${e.split ? ` · ${e.split}` : ''}\n${e.label ? `${e.label} · ` : ''}${bytes(e.bytes)} · ${count(e.flows)} flows${e.rejected ? ` · ${count(e.rejected)} rejected` : ''}${e.pairs > 1 ? ` · ${count(e.pairs)} pairs` : ''}`

function isInside(p: { x: number; y: number }, shape: [number, number][]): boolean {
  let inside = false
  for (let i = 0, j = shape.length - 1; i < shape.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [shape[i]!, shape[j]!]
    if (yi > p.y !== yj > p.y && p.x < ((xj - xi) * (p.y - yi)) / (yj - yi) + xi) inside = !inside
  }
  return inside
}

const round = (n: number): number => Math.round(n * 10000) / 10000
const spotsOf = (s: Sigma): Spots => new Map(s.getGraph().mapNodes((n, a) => [n, { x: a.x as number, y: a.y as number }]))

function fit(s: Sigma, ids?: string[]): void {
  const g = s.getGraph()
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches
  const shown = (ids ?? g.nodes()).filter((n) => g.hasNode(n) && !g.getNodeAttribute(n, 'hidden'))
  const points = shown.map((n) => s.getNodeDisplayData(n)).filter((d) => d !== undefined)
  if (!points.length) return
  if (!ids) return void s.getCamera().animate({ x: 0.5, y: 0.5, ratio: 1.02, angle: 0 }, { duration: isCalm ? 0 : 150 })
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity]
  for (const p of points) {
    left = Math.min(left, p.x)
    right = Math.max(right, p.x)
    low = Math.min(low, p.y)
    high = Math.max(high, p.y)
  }
  void s.getCamera().animate({ x: (left + right) / 2, y: (low + high) / 2, ratio: Math.min(1.2, Math.max(0.16, Math.max(right - left, high - low) * 1.5)), angle: 0 }, { duration: isCalm ? 0 : 150 })
}
