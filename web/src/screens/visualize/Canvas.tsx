/** The drawing: sigma over a graph that follows the scene. Keys and buttons are the screen's; this tells what the pointer does. */
import { MultiDirectedGraph } from 'graphology'
import { useEffect, useRef } from 'react'
import Sigma from 'sigma'
import type { Settings } from 'sigma/settings'
import { bytes, count } from '../../api/format'
import { useTheme } from '../../app/settings'
import { place, type Placeable } from '../../scene/layout'
import { Labels } from '../../scene/labels'
import { Picker } from '../../scene/picking'
import { LaneProgram, moving, ShapeProgram } from '../../scene/programs'
import type { Edge, Scene, Visible } from '../../scene/scene'
import type { Spec } from '../../scene/spec'
import { isRejected, missing, nameOf, palette, sizes, type Palette } from './look'

export interface CanvasHandle {
  sigma: Sigma
  graph: MultiDirectedGraph
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
}

const placeables = (scene: Scene): Placeable[] =>
  [...scene.nodes.values()].map((n) => ({ id: n.id, group: n.group, isGroup: n.isGroup, isOutside: n.isOutside, weight: n.bytes }))

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
  const graph = useRef<MultiDirectedGraph>(undefined)
  const laidOut = useRef('')

  useEffect(() => {
    const g = new MultiDirectedGraph()
    const s = new Sigma(g, box.current!, settings(() => colours.current))
    const picker = new Picker(s, g)
    const labels = new Labels(s, g, () => colours.current)
    let isPanning = false
    let still: ReturnType<typeof setTimeout> | undefined
    s.getCamera().on('updated', () => {
      moving.add(s)
      clearTimeout(still)
      still = setTimeout(() => { moving.delete(s); if (g.size > 2000 || g.order > 8000) s.scheduleRender() }, 160)
    })
    // The private pair by which sigma asks its own second picture; while a drag lasts nothing is looked for.
    Object.assign(s, { getNodeAtPosition: (at: { x: number; y: number }) => (isPanning ? null : picker.node(at)), getEdgeAtPoint: (x: number, y: number) => (isPanning ? null : picker.edge(x, y)) })
    graph.current = g
    sigma.current = s
    laidOut.current = ''
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
      g.mergeNodeAttributes(dragged, { x: at.x, y: at.y })
      event.preventSigmaDefault()
    })
    const up = (): void => {
      if (dragged && isMoved) latest.current.onPin({ [dragged]: [g.getNodeAttribute(dragged, 'x') as number, g.getNodeAttribute(dragged, 'y') as number] })
      if (outline && outline.length > 3) {
        const shape = outline
        latest.current.onSelect([...new Set([...ids(), ...g.filterNodes((_, a) => !a.hidden && isInside(s.graphToViewport({ x: a.x as number, y: a.y as number }), shape))])], false)
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
      sigma: s, graph: g, labels,
      fit: (which) => fit(s, g, which),
      spots: () => new Map(g.mapNodes((n, a) => [n, { x: a.x as number, y: a.y as number }])),
      setSpots: (spots) => g.updateEachNodeAttributes((n, a) => ({ ...a, ...spots.get(n) }), { attributes: ['x', 'y'] }),
    })
    return () => { removeEventListener('mouseup', up); removeEventListener('mouseup', release, true); labels.stop(); clearTimeout(still); s.kill() }
  }, [])

  useEffect(() => {
    const g = graph.current!
    const { scene, spec } = props
    const key = [spec.layout, spec.groupBy, spec.hasGroups, spec.isAll, spec.edges.join("+")].join()
    const isFresh = laidOut.current !== key || g.order === 0
    laidOut.current = key
    const want = place(spec.layout, placeables(scene), scene.edges.map((e) => [e.s, e.d] as const), props.selected)
    const parent = new Map(Object.entries(spec.grown).flatMap(([p, list]) => list.map((i) => [i, p] as const)))
    const kept = new Map(isFresh ? [] : g.mapNodes((n, a) => [n, { x: a.x as number, y: a.y as number }] as const))
    const beside = new Map<string, number>()
    g.clear()
    for (const n of scene.nodes.values()) {
      const pinned = spec.pinned[n.id]
      const by = parent.get(n.id) ?? ''
      const anchor = kept.get(by)
      let spot = pinned ? { x: pinned[0], y: pinned[1] } : kept.get(n.id)
      if (!spot && anchor) {
        const k = (beside.get(by) ?? 0) + 1
        beside.set(by, k)
        const r = 24 + Math.sqrt(k) * 14
        spot = { x: anchor.x + r * Math.cos(k * 2.4), y: anchor.y + r * Math.sin(k * 2.4) }
      }
      g.addNode(n.id, { ...(spot ?? want.get(n.id) ?? { x: 0, y: 0 }), size: 4, color: '#888' })
    }
    const lanes = new Map<string, number>()
    for (const e of scene.edges) {
      const lane = (lanes.get(`${e.s}→${e.d}`) ?? 0) + 1
      lanes.set(`${e.s}→${e.d}`, lane)
      if (!g.hasEdge(e.id)) g.addEdgeWithKey(e.id, e.s, e.d, { lane: e.s === e.d ? 0 : lane * 2 - 1, size: 1, color: '#888' })
    }
    if (isFresh) sigma.current!.setCustomBBox(null)
    if (isFresh) requestAnimationFrame(() => fit(sigma.current!, g))
  }, [props.scene, props.spec.layout, props.spec.pinned])

  useEffect(() => {
    const g = graph.current!
    const { scene, spec, visible: v } = props
    const p = palette(scene, spec)
    colours.current = p
    const size = sizes(scene, spec)
    const more = missing(scene)
    const chosen = new Set(props.selected)
    const onPath = new Set(spec.path)
    g.updateEachNodeAttributes((id, a) => {
      const n = scene.nodes.get(id)
      if (!n) return a
      const ring = chosen.has(id) ? p.accent : onPath.has(id) ? p.warn : spec.pinned[id] ? p.text : size.node(n) > 3 ? p.surface : ''
      return { ...a, hidden: !v.nodes.has(id), size: size.node(n) + (chosen.has(id) ? 3 : 0), color: p.node(n), ring, shape: n.isGroup ? 'square' : n.isOutside ? 'diamond' : 'circle', label: nameOf(n, spec, more.get(id) ?? 0), forceLabel: chosen.has(id) || onPath.has(id), zIndex: chosen.has(id) ? 2 : 1 }
    }, { attributes: ['hidden', 'size', 'color', 'ring', 'shape', 'label', 'forceLabel', 'zIndex'] })
    byId.current = new Map(scene.edges.map((e) => [e.id, e]))
    const steps = new Set(spec.path.slice(1).map((d, i) => `${spec.path[i]}→${d}`))
    g.updateEachEdgeAttributes((id, a, s, d) => {
      const e = byId.current.get(id)
      if (!e) return a
      const isNear = chosen.has(s) || chosen.has(d)
      const isStep = steps.has(`${s}→${d}`)
      const alpha = id === props.edge || isStep ? 'ff' : chosen.size ? (isNear ? 'e6' : '28') : p.strength(e)
      return { ...a, hidden: !v.edges.has(id), size: size.edge(e) + (id === props.edge || isStep ? 2 : 0), color: (isStep ? p.warn : id === props.edge ? p.accent : p.edge(e)) + alpha, isDashed: isRejected(e), zIndex: isNear || isStep ? 0 : 1 }
    }, { attributes: ['hidden', 'size', 'color', 'isDashed', 'zIndex'] })
    sigma.current!.refresh()
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

function fit(s: Sigma, g: MultiDirectedGraph, ids?: string[]): void {
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches
  const shown = (ids ?? g.nodes()).filter((n) => g.hasNode(n) && !g.getNodeAttribute(n, 'hidden'))
  const points = shown.map((n) => s.getNodeDisplayData(n)).filter((d) => d !== undefined)
  if (!points.length) return
  if (!ids) return void s.getCamera().animate({ x: 0.5, y: 0.5, ratio: 1.02, angle: 0 }, { duration: isCalm ? 0 : 150 })
  const [xs, ys] = [points.map((p) => p.x), points.map((p) => p.y)]
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  void s.getCamera().animate({ x: (left + right) / 2, y: (low + high) / 2, ratio: Math.min(1.2, Math.max(0.16, Math.max(right - left, high - low) * 1.5)), angle: 0 }, { duration: isCalm ? 0 : 150 })
}
