/** Which node or edge lies under the pointer, from the drawn numbers: no pass over the picture, no wait for the graphics card. */
import type Sigma from 'sigma'

const REACH = 5

export class Picker {
  private isStale = true
  private nodes: string[] = []
  private edges: string[] = []
  /** x, y in the graph's units, radius as drawn at ratio 1. */
  private spots = new Float32Array(0)
  /** Ends as indexes of nodes; lane and width. */
  private ends = new Uint32Array(0)
  private looks = new Float32Array(0)

  constructor(private readonly sigma: Sigma) {
    sigma.on('afterProcess', () => this.forget())
  }
  forget(): void {
    this.isStale = true
  }

  private read(): void {
    this.isStale = false
    const g = this.sigma.getGraph()
    const index = new Map<string, number>()
    this.nodes = g.filterNodes((_, a) => !a.hidden)
    this.spots = new Float32Array(this.nodes.length * 3)
    this.nodes.forEach((n, i) => {
      const a = g.getNodeAttributes(n)
      index.set(n, i)
      this.spots.set([a.x as number, a.y as number, a.size as number], i * 3)
    })
    this.edges = g.filterEdges((_, a, s, d) => !a.hidden && index.has(s) && index.has(d))
    this.ends = new Uint32Array(this.edges.length * 2)
    this.looks = new Float32Array(this.edges.length * 2)
    this.edges.forEach((e, i) => {
      this.ends.set([index.get(g.source(e))!, index.get(g.target(e))!], i * 2)
      const a = g.getEdgeAttributes(e)
      this.looks.set([a.lane as number, a.size as number], i * 2)
    })
  }

  /** The nearest node that the pointer touches; of two, the one drawn last. */
  node(at: { x: number; y: number }): string | null {
    if (this.isStale) this.read()
    const scale = this.pixels()
    const p = this.sigma.viewportToGraph(at)
    let best = -1
    let least = Infinity
    for (let i = 0; i < this.nodes.length; i++) {
      const dx = this.spots[i * 3]! - p.x
      const dy = this.spots[i * 3 + 1]! - p.y
      const far = Math.sqrt(dx * dx + dy * dy) * scale - this.sigma.scaleSize(this.spots[i * 3 + 2]!) - 2
      if (far <= 0 && far <= least) {
        best = i
        least = far
      }
    }
    return best < 0 ? null : this.nodes[best]!
  }

  /** The edge whose line passes nearest, within a few pixels. */
  edge(x: number, y: number): string | null {
    if (this.isStale) this.read()
    const scale = this.pixels()
    const p = this.sigma.viewportToGraph({ x, y })
    let best = -1
    let least = REACH
    for (let i = 0; i < this.edges.length; i++) {
      const [a, b] = [this.ends[i * 2]! * 3, this.ends[i * 2 + 1]! * 3]
      const [ax, ay] = [(this.spots[a]! - p.x) * scale, (this.spots[a + 1]! - p.y) * scale]
      const [bx, by] = [(this.spots[b]! - p.x) * scale, (this.spots[b + 1]! - p.y) * scale]
      const [wx, wy] = [bx - ax, by - ay]
      const long = wx * wx + wy * wy
      if (long === 0) continue
      const along = Math.max(0, Math.min(1, -(ax * wx + ay * wy) / long))
      const thick = Math.max(0.7, this.sigma.scaleSize(this.looks[i * 2 + 1]!))
      // The lane lies beside the line between the ends, on the side that the drawing uses.
      const side = (this.looks[i * 2]! * (thick / 2 + 1.5)) / Math.sqrt(long)
      const far = Math.hypot(ax + along * wx + wy * side, ay + along * wy - wx * side) - thick / 2
      if (far < least) {
        best = i
        least = far
      }
    }
    return best < 0 ? null : this.edges[best]!
  }

  /** Pixels of one unit of the graph. */
  private pixels(): number {
    const [a, b] = [this.sigma.graphToViewport({ x: 0, y: 0 }), this.sigma.graphToViewport({ x: 1, y: 0 })]
    return Math.hypot(b.x - a.x, b.y - a.y)
  }
}
