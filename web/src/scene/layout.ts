/** Where nodes stand. Every layout is a pure function of the scene: the same scene looks the same again. */
export interface Spot { x: number; y: number }
export interface Placeable { id: string; group: string; isGroup: boolean; isOutside: boolean; weight: number }
export type Link = readonly [string, string]

const GOLDEN = Math.PI * (3 - Math.sqrt(5))
const spiral = (i: number, gap: number): Spot => ({ x: Math.sqrt(i) * gap * Math.cos(i * GOLDEN), y: Math.sqrt(i) * gap * Math.sin(i * GOLDEN) })
/** By group, then by name; numbers in names by their size. The keys are made once: tens of thousands are sorted at a time. */
function byName(nodes: Placeable[]): Placeable[] {
  const wide = (t: string): string => t.replace(/\d+/g, (d) => d.padStart(8, '0'))
  return nodes.map((n) => ({ n, key: `${wide(n.group)} ${wide(n.id)}` })).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map((x) => x.n)
}
/** The list under a key, made when it is new. */
function under<K, V>(map: Map<K, V[]>, key: K): V[] {
  let list = map.get(key)
  if (!list) map.set(key, (list = []))
  return list
}

/** Inside networks on a disc, each with its members around it; the outside on rings around all. */
export function structure(nodes: Placeable[]): Map<string, Spot> {
  const at = new Map<string, Spot>()
  const inside = nodes.filter((n) => !n.isOutside)
  const groups = new Map<string, Placeable[]>()
  for (const n of byName(inside)) under(groups, n.group).push(n)
  const sizes = [...groups.values()].map((g) => Math.sqrt(g.length))
  const room = Math.max(1, ...sizes) * 14 + 34
  let i = 0
  let reach = 60
  for (const members of groups.values()) {
    const centre = groups.size === 1 ? { x: 0, y: 0 } : spiral(i + 0.6, room)
    i++
    const ordered = [...members].sort((a, b) => Number(b.isGroup) - Number(a.isGroup) || b.weight - a.weight)
    ordered.forEach((n, k) => {
      const p = k === 0 ? { x: 0, y: 0 } : spiral(k + 0.8, 16)
      at.set(n.id, { x: centre.x + p.x, y: centre.y + p.y })
      reach = Math.max(reach, Math.hypot(centre.x + p.x, centre.y + p.y))
    })
  }
  const outside = byName(nodes.filter((n) => n.isOutside))
  let ring = reach + 60
  for (let done = 0; done < outside.length;) {
    const fits = Math.max(8, Math.floor((2 * Math.PI * ring) / 22))
    const here = outside.slice(done, done + fits)
    here.forEach((n, k) => {
      const angle = (2 * Math.PI * k) / here.length - Math.PI / 2
      at.set(n.id, { x: ring * Math.cos(angle) * 1.25, y: ring * Math.sin(angle) })
    })
    done += here.length
    ring += 26
  }
  return at
}

/** Rings by the number of hops from the chosen nodes. */
export function radial(nodes: Placeable[], links: Link[], roots: string[]): Map<string, Spot> {
  const next = new Map<string, string[]>()
  for (const [a, b] of links) {
    under(next, a).push(b)
    under(next, b).push(a)
  }
  const heaviest = [...nodes].sort((a, b) => b.weight - a.weight)[0]
  const start = roots.length ? roots : heaviest ? [heaviest.id] : []
  const depth = new Map<string, number>(start.map((r) => [r, 0]))
  const queue = [...start]
  for (let i = 0; i < queue.length; i++)
    for (const n of next.get(queue[i]!) ?? []) if (!depth.has(n)) {
      depth.set(n, depth.get(queue[i]!)! + 1)
      queue.push(n)
    }
  let most = 0
  for (const d of depth.values()) most = Math.max(most, d)
  const rings = new Map<number, Placeable[]>()
  for (const n of byName(nodes)) under(rings, depth.get(n.id) ?? most + 1).push(n)
  const at = new Map<string, Spot>()
  let r = 0
  for (const d of [...rings.keys()].sort((a, b) => a - b)) {
    const ring = rings.get(d)!
    r = d === 0 && ring.length === 1 ? 0 : Math.max(r + 90, (ring.length * 20) / (2 * Math.PI))
    ring.forEach((n, k) => at.set(n.id, { x: r * Math.cos((2 * Math.PI * k) / ring.length), y: r * Math.sin((2 * Math.PI * k) / ring.length) }))
  }
  return at
}

/** Left to right by direction: paths and chains. */
export function layered(nodes: Placeable[], links: Link[]): Map<string, Spot> {
  const incoming = new Map<string, number>()
  for (const [, b] of links) incoming.set(b, (incoming.get(b) ?? 0) + 1)
  const layer = new Map<string, number>()
  const out = new Map<string, string[]>()
  for (const [a, b] of links) under(out, a).push(b)
  const roots = nodes.filter((n) => !incoming.get(n.id))
  const queue = (roots.length ? roots : nodes.slice(0, 1)).map((n) => n.id)
  for (const id of queue) layer.set(id, 0)
  for (let i = 0; i < queue.length; i++)
    for (const n of out.get(queue[i]!) ?? []) if (!layer.has(n)) {
      layer.set(n, layer.get(queue[i]!)! + 1)
      queue.push(n)
    }
  const columns = new Map<number, string[]>()
  for (const n of byName(nodes)) under(columns, layer.get(n.id) ?? 0).push(n.id)
  const at = new Map<string, Spot>()
  for (const [l, ids] of columns) ids.forEach((id, k) => at.set(id, { x: l * 220 + (k % 2) * 26, y: (k - (ids.length - 1) / 2) * 26 }))
  return at
}

export function grid(nodes: Placeable[]): Map<string, Spot> {
  const side = Math.ceil(Math.sqrt(nodes.length))
  return new Map(byName(nodes).map((n, i) => [n.id, { x: (i % side) * 40, y: -Math.floor(i / side) * 40 }]))
}

export function place(kind: string, nodes: Placeable[], links: Link[], roots: string[]): Map<string, Spot> {
  if (kind === 'radial') return radial(nodes, links, roots)
  if (kind === 'layered') return layered(nodes, links)
  if (kind === 'grid') return grid(nodes)
  return structure(nodes)
}
