/** Force layout beside the page: positions come back every few rounds until it is settled or stopped. */
import { UndirectedGraph } from 'graphology'
import forceAtlas2 from 'graphology-layout-forceatlas2'

export interface ForceTask { ids: string[]; x: number[]; y: number[]; links: [number, number, number][]; fixed: number[]; rounds: number }
export interface ForceStep { x: Float32Array; y: Float32Array; done: number; of: number }

onmessage = (e: MessageEvent<ForceTask>): void => {
  const t = e.data
  const g = new UndirectedGraph()
  const fixed = new Set(t.fixed)
  t.ids.forEach((id, i) => g.addNode(id, { x: t.x[i], y: t.y[i], fixed: fixed.has(i), size: 1 }))
  for (const [a, b, w] of t.links) if (a !== b && !g.hasEdge(t.ids[a]!, t.ids[b]!)) g.addEdge(t.ids[a]!, t.ids[b]!, { weight: w })
  const settings = { ...forceAtlas2.inferSettings(g), barnesHutOptimize: g.order > 500, gravity: 1, scalingRatio: 12, strongGravityMode: true }
  const chunk = Math.max(1, Math.min(20, Math.ceil(4000 / (g.order + 1))))
  for (let done = 0; done < t.rounds; done += chunk) {
    forceAtlas2.assign(g, { iterations: chunk, settings, getEdgeWeight: 'weight' })
    const x = new Float32Array(t.ids.length)
    const y = new Float32Array(t.ids.length)
    t.ids.forEach((id, i) => {
      x[i] = g.getNodeAttribute(id, 'x') as number
      y[i] = g.getNodeAttribute(id, 'y') as number
    })
    postMessage({ x, y, done: Math.min(t.rounds, done + chunk), of: t.rounds } satisfies ForceStep)
  }
}
