/** Names beside nodes: the weightiest first, none over another, none over a node; while the picture moves the chosen ones move with it. */
import type Sigma from 'sigma'

export interface Ink { text: string; surface: string }
/** From the graph's units to pixels: a straight map, read once for a whole picture. */
export function toPixels(s: Sigma): (x: number, y: number) => { x: number; y: number } {
  const [o, a, b] = [s.graphToViewport({ x: 0, y: 0 }), s.graphToViewport({ x: 1, y: 0 }), s.graphToViewport({ x: 0, y: 1 })]
  return (x, y) => ({ x: o.x + (a.x - o.x) * x + (b.x - o.x) * y, y: o.y + (a.y - o.y) * x + (b.y - o.y) * y })
}
interface Weighed { node: string; x: number; y: number; size: number; isStrong: boolean }
interface Placed { node: string; text: string; dx: number; dy: number }
type Box = [left: number, top: number, right: number, bottom: number]

const [LINE, MOST, MOST_TRIED, CELL, ALWAYS] = [14, 140, 900, 48, 30]

/** Boxes that are taken, by cells of the screen. */
export class Taken {
  private cells = new Map<number, Box[]>()
  private each(b: Box, f: (key: number) => boolean): boolean {
    for (let x = Math.floor(b[0] / CELL); x <= Math.floor(b[2] / CELL); x++)
      for (let y = Math.floor(b[1] / CELL); y <= Math.floor(b[3] / CELL); y++) if (f(x * 4096 + y)) return true
    return false
  }
  add(b: Box): void {
    this.each(b, (k) => {
      const had = this.cells.get(k)
      if (had) had.push(b)
      else this.cells.set(k, [b])
      return false
    })
  }
  hits(b: Box): boolean {
    return this.each(b, (k) => (this.cells.get(k) ?? []).some((o) => o[0] < b[2] && b[0] < o[2] && o[1] < b[3] && b[1] < o[3]))
  }
}

/** Right, left, above, below; what points away from the middle comes first, so that rings read outwards. */
export function places(width: number, height: number, r: number, away: { x: number; y: number }): [number, number][] {
  const [right, left, above, below]: [number, number][] = [[r + 4, -height / 2], [-r - 4 - width, -height / 2], [-width / 2, -r - 2 - height], [-width / 2, r + 3]]
  const sides = away.x >= 0 ? [right!, left!] : [left!, right!]
  const ends = away.y >= 0 ? [below!, above!] : [above!, below!]
  return Math.abs(away.x) >= Math.abs(away.y) * 0.6 ? [...sides, ...ends] : [...ends, ...sides]
}

export class Labels {
  private placed: Placed[] = []
  private order: Weighed[] = []
  private widths = new Map<string, number>()
  private settling: ReturnType<typeof setTimeout> | undefined
  private isFresh = false

  constructor(private readonly sigma: Sigma, private readonly ink: () => Ink, private readonly scale = 1) {
    sigma.on('afterProcess', () => this.forget())
    sigma.on('resize', () => { this.isFresh = true })
    sigma.on('afterRender', () => this.draw())
  }
  /** Nodes were hidden, shown, renamed or moved without sigma's saying so. */
  forget(): void {
    this.order = []
    this.isFresh = true
  }
  stop(): void {
    clearTimeout(this.settling)
  }

  /** Called for each picture. The choice is made anew when nothing has moved for a moment. */
  private draw(): void {
    if (this.isFresh) {
      this.isFresh = false
      this.choose()
    } else {
      clearTimeout(this.settling)
      this.settling = setTimeout(() => {
        this.choose()
        this.paint()
      }, 140)
    }
    this.paint()
  }

  private choose(): void {
    const { width, height } = this.sigma.getDimensions()
    const c = this.context()
    if (!this.order.length) this.order = this.byWeight()
    const taken = new Taken()
    const high = LINE * this.scale
    const spots: (Weighed & { r: number })[] = []
    const pixel = toPixels(this.sigma)
    for (const n of this.order) {
      const at = pixel(n.x, n.y)
      if (at.x < -20 || at.y < -20 || at.x > width + 20 || at.y > height + 20) continue
      const r = this.sigma.scaleSize(n.size)
      spots.push({ ...n, ...at, r })
      if (spots.length <= 4000) taken.add([at.x - r, at.y - r, at.x + r, at.y + r])
      else break
    }
    const middle = { x: spots.reduce((n, s) => n + s.x, 0) / (spots.length || 1), y: spots.reduce((n, s) => n + s.y, 0) / (spots.length || 1) }
    this.placed = []
    for (const [i, s] of spots.slice(0, MOST_TRIED).entries()) {
      const text = this.sigma.getGraph().getNodeAttribute(s.node, 'label') as string | undefined
      if (!text || (s.r < 3.2 * this.scale && i >= ALWAYS && !s.isStrong)) continue
      const wide = this.measure(c, text)
      const way = places(wide, high, s.r, { x: s.x - middle.x, y: s.y - middle.y })
      const fits = way.find(([dx, dy]) => {
        const box: Box = [s.x + dx - 2, s.y + dy, s.x + dx + wide + 2, s.y + dy + high]
        return box[0] > 0 && box[2] < width && box[1] > 0 && box[3] < height && !taken.hits(box)
      }) ?? (s.isStrong ? way[0] : undefined)
      if (!fits) continue
      taken.add([s.x + fits[0] - 2, s.y + fits[1], s.x + fits[0] + wide + 2, s.y + fits[1] + high])
      this.placed.push({ node: s.node, text, dx: fits[0], dy: fits[1] })
      if (this.placed.length >= MOST) break
    }
  }

  private paint(): void {
    const c = this.context()
    const { width, height } = this.sigma.getDimensions()
    const { text, surface } = this.ink()
    c.clearRect(0, 0, width, height)
    c.font = this.font()
    c.lineWidth = 3 * this.scale
    c.lineJoin = 'round'
    c.strokeStyle = surface
    c.fillStyle = text
    const pixel = toPixels(this.sigma)
    for (const p of this.placed) {
      if (!this.sigma.getGraph().hasNode(p.node)) continue
      const a = this.sigma.getGraph().getNodeAttributes(p.node)
      const at = pixel(a.x as number, a.y as number)
      c.strokeText(p.text, at.x + p.dx, at.y + p.dy + 11 * this.scale)
      c.fillText(p.text, at.x + p.dx, at.y + p.dy + 11 * this.scale)
    }
  }
  private byWeight(): Weighed[] {
    const all: Weighed[] = []
    this.sigma.getGraph().forEachNode((node, a) => { if (!a.hidden) all.push({ node, x: a.x as number, y: a.y as number, size: a.size as number, isStrong: Boolean(a.forceLabel) }) })
    return all.sort((a, b) => Number(b.isStrong) - Number(a.isStrong) || b.size - a.size)
  }
  private measure(c: CanvasRenderingContext2D, text: string): number {
    let w = this.widths.get(text)
    if (w === undefined) {
      c.font = this.font()
      w = c.measureText(text).width
      if (this.widths.size > 20000) this.widths.clear()
      this.widths.set(text, w)
    }
    return w
  }
  private font(): string {
    return `${11 * this.scale}px "JetBrains Mono Variable", monospace`
  }
  private context(): CanvasRenderingContext2D {
    return this.sigma.getCanvases().labels!.getContext('2d')!
  }
  /** For tests: the boxes of the names as drawn. */
  boxes(): Box[] {
    const c = this.context()
    return this.placed.filter((p) => this.sigma.getGraph().hasNode(p.node)).map((p) => {
      const at = this.sigma.graphToViewport(this.sigma.getGraph().getNodeAttributes(p.node) as { x: number; y: number })
      return [at.x + p.dx, at.y + p.dy, at.x + p.dx + this.measure(c, p.text), at.y + p.dy + LINE * this.scale]
    })
  }
}
