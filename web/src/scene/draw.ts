/** From a scene to the graph that sigma draws. Large ones are built in pieces, so that the page answers in between. */
import { MultiDirectedGraph } from 'graphology'
import { isRejected, missing, nameOf, palette, sizes, type Palette } from './look'
import { place, type Placeable } from './layout'
import type { Edge, Scene, Visible } from './scene'
import type { Spec } from './spec'

export type Spots = Map<string, { x: number; y: number }>
export interface Drawing { scene: Scene; visible: Visible; spec: Spec; selected: string[]; edge: string }

const TURN_MS = 24
/** Between new nodes and those that stand, in the layout's units; how far out a free spot is looked for. */
const [ROOM, MOST_TURNS] = [22, 30000]
/** Waits for the page's next turn when this one has been long; false when the work is no longer wanted. */
export function pacer(isWanted: () => boolean): () => Promise<boolean> | boolean {
  let since = performance.now()
  return () => {
    if (performance.now() - since < TURN_MS) return isWanted()
    return new Promise((done) => setTimeout(() => { since = performance.now(); done(isWanted()) }))
  }
}

const placeable = (scene: Scene): Placeable[] =>
  [...scene.nodes.values()].map((n) => ({ id: n.id, group: n.group, isGroup: n.isGroup, isOutside: n.isOutside, weight: n.bytes }))

/** Nodes where they stood, new ones on free spots round what they were expanded from, all others where the layout puts them. */
function spotsOf({ scene, spec, selected }: Drawing, kept: Spots): Spots {
  const want = place(spec.layout, placeable(scene), scene.edges.map((e) => [e.s, e.d] as const), selected)
  const parent = new Map(Object.entries(spec.grown).flatMap(([p, list]) => list.map((i) => [i, p] as const)))
  const beside = new Map<string, number>()
  const spots: Spots = new Map()
  const taken = new Set<string>()
  const cell = (p: { x: number; y: number }): string => `${Math.round(p.x / ROOM)} ${Math.round(p.y / ROOM)}`
  for (const p of kept.values()) taken.add(cell(p))
  for (const id of scene.nodes.keys()) {
    const pinned = spec.pinned[id]
    const by = parent.get(id) ?? ''
    const anchor = kept.get(by)
    let spot = pinned ? { x: pinned[0], y: pinned[1] } : kept.get(id)
    if (!spot && anchor) {
      let k = beside.get(by) ?? 0
      do {
        k++
        const r = ROOM + Math.sqrt(k) * 14
        spot = { x: anchor.x + r * Math.cos(k * 2.4), y: anchor.y + r * Math.sin(k * 2.4) }
      } while (taken.has(cell(spot)) && k < MOST_TURNS)
      beside.set(by, k)
      taken.add(cell(spot))
    }
    spots.set(id, spot ?? want.get(id) ?? { x: 0, y: 0 })
  }
  return spots
}

/** A new graph in the scene's looks; undefined when it is no longer wanted. */
export async function build(d: Drawing, kept: Spots, isWanted: () => boolean): Promise<MultiDirectedGraph | undefined> {
  const turn = pacer(isWanted)
  const g = new MultiDirectedGraph()
  const spots = spotsOf(d, kept)
  if (!(await turn())) return undefined
  const look = looks(d)
  let n = 0
  for (const id of d.scene.nodes.keys()) {
    const a = { ...spots.get(id)! }
    look.node(id, a)
    g.addNode(id, a)
    if (++n % 200 === 0 && !(await turn())) return undefined
  }
  const lanes = new Map<string, number>()
  for (const e of d.scene.edges) {
    const pair = `${e.s}→${e.d}`
    const lane = (lanes.get(pair) ?? 0) + 1
    lanes.set(pair, lane)
    const a = { lane: e.s === e.d ? 0 : lane * 2 - 1 }
    look.edge(e, a)
    if (!g.hasEdge(e.id)) g.addEdgeWithKey(e.id, e.s, e.d, a)
    if (++n % 200 === 0 && !(await turn())) return undefined
  }
  return g
}

/** New looks for a graph that stands. Sigma is told by the caller, once. */
export function restyle(g: MultiDirectedGraph, d: Drawing): void {
  const look = looks(d)
  g.forEachNode((id, a) => look.node(id, a))
  for (const e of d.scene.edges) if (g.hasEdge(e.id)) look.edge(e, g.getEdgeAttributes(e.id))
}

const PIECE = 400
/** The same for a large graph: only what changes is handed on, in pieces. False when it is no longer wanted; what is done then stays. */
export async function restyleInPieces(g: MultiDirectedGraph, d: Drawing, tell: (nodes: string[], edges: string[]) => void, isWanted: () => boolean): Promise<boolean> {
  const turn = pacer(isWanted)
  const look = looks(d)
  if (!(await turn())) return false
  let [nodes, edges]: [string[], string[]] = [[], []]
  const piece = async (): Promise<boolean> => {
    tell(nodes, edges)
    nodes = []
    edges = []
    return turn()
  }
  for (const id of g.nodes()) {
    if (isChanged(g.getNodeAttributes(id), (a) => look.node(id, a))) nodes.push(id)
    if (nodes.length >= PIECE && !(await piece())) return false
  }
  let n = 0
  for (const e of d.scene.edges) {
    if (g.hasEdge(e.id) && isChanged(g.getEdgeAttributes(e.id), (a) => look.edge(e, a))) edges.push(e.id)
    if ((edges.length >= PIECE || ++n % 4000 === 0) && !(await piece())) return false
  }
  tell(nodes, edges)
  return true
}
function isChanged(a: Record<string, unknown>, f: (a: object) => void): boolean {
  const { hidden, size, color, ring, label, forceLabel } = a
  f(a)
  return a.hidden !== hidden || a.size !== size || a.color !== color || a.ring !== ring || a.label !== label || a.forceLabel !== forceLabel
}

function looks({ scene, visible, spec, selected, edge }: Drawing): { node: (id: string, a: object) => void; edge: (e: Edge, a: object) => void } {
  const p: Palette = palette(scene, spec)
  const size = sizes(scene, spec)
  const more = missing(scene)
  const chosen = new Set(selected)
  let near = 0
  if (chosen.size) for (const e of scene.edges) if (chosen.has(e.s) || chosen.has(e.d)) near++
  const nearAlpha = Math.round(Math.max(44, Math.min(230, 230 * Math.sqrt(150 / (near || 1))))).toString(16)
  const farAlpha = Math.round(Math.max(6, Math.min(40, 40 * Math.sqrt(200 / (scene.edges.length || 1))))).toString(16).padStart(2, '0')
  const onPath = new Set(spec.path)
  const steps = new Set(spec.path.slice(1).map((to, i) => `${spec.path[i]}→${to}`))
  return {
    node: (id, a) => {
      const n = scene.nodes.get(id)
      if (!n) return
      const [is, px] = [chosen.has(id), size.node(n)]
      const ring = is ? p.accent : onPath.has(id) ? p.warn : spec.pinned[id] ? p.text : px > 3 ? p.surface : ''
      Object.assign(a, { hidden: !visible.nodes.has(id), size: px + (is ? 3 : 0), color: p.node(n), ring, shape: n.isGroup ? 'square' : n.isOutside ? 'diamond' : 'circle', label: nameOf(n, spec, more.get(id) ?? 0), forceLabel: is || onPath.has(id), zIndex: is ? 2 : 1 })
    },
    edge: (e, a) => {
      const isNear = chosen.has(e.s) || chosen.has(e.d)
      const isStep = steps.has(`${e.s}→${e.d}`)
      const alpha = e.id === edge || isStep ? 'ff' : chosen.size ? (isNear ? nearAlpha : farAlpha) : p.strength(e)
      Object.assign(a, { hidden: !visible.edges.has(e.id), size: size.edge(e) + (e.id === edge || isStep ? 2 : 0), color: (isStep ? p.warn : e.id === edge ? p.accent : p.edge(e)) + alpha, isDashed: isRejected(e), zIndex: isNear || isStep ? 0 : 1 })
    },
  }
}
