/** The force layout in a worker: runs, can be stopped, leaves pinned nodes where they are. */
import { useEffect, useRef, useState } from 'react'
import type { ForceStep, ForceTask } from '../../scene/force.worker'
import type { Scene, Visible } from '../../scene/scene'
import type { CanvasHandle } from './Canvas'

export function useForce(h: CanvasHandle | undefined, scene: Scene, isDrawn: boolean, visible: Visible, layout: string, pinned: Record<string, unknown>) {
  const [progress, setProgress] = useState<{ done: number; of: number } | undefined>()
  const worker = useRef<Worker>(undefined)
  const stop = (): void => {
    worker.current?.terminate()
    worker.current = undefined
    setProgress(undefined)
  }
  useEffect(() => {
    if (!h || !isDrawn || layout !== 'force' || scene.nodes.size === 0) return
    const spots = h.spots()
    const ids = [...spots.keys()].filter((i) => visible.nodes.has(i))
    const index = new Map(ids.map((id, i) => [id, i]))
    const task: ForceTask = {
      ids, x: ids.map((i) => spots.get(i)!.x), y: ids.map((i) => spots.get(i)!.y), rounds: ids.length > 5000 ? 60 : 200, fixed: ids.flatMap((id, i) => (pinned[id] ? [i] : [])),
      links: scene.edges.filter((e) => visible.edges.has(e.id)).map((e) => [index.get(e.s)!, index.get(e.d)!, 1 + Math.log10(1 + e.bytes) / 4]),
    }
    const w = new Worker(new URL('../../scene/force.worker.ts', import.meta.url), { type: 'module' })
    worker.current = w
    w.onmessage = (e: MessageEvent<ForceStep>) => {
      h.setSpots(new Map(ids.map((id, i) => [id, { x: e.data.x[i]!, y: e.data.y[i]! }])))
      setProgress(e.data)
      if (e.data.done >= e.data.of) stop()
    }
    w.postMessage(task)
    return stop
  }, [h, layout, scene, isDrawn])
  return { progress, stop }
}
