/** Keys of the drawing; they act when it has the focus. */
import type { CanvasHandle } from './Canvas'

export interface KeyActions {
  selected: string[]
  select: (ids: string[]) => void
  act: (what: string) => void
  undo: () => void
  redo: () => void
  layout: (l: string) => void
  handle: CanvasHandle | undefined
}

/** The nearest visible node in a direction, on the screen. */
export function nearest(h: CanvasHandle, from: string | undefined, dx: number, dy: number): string | undefined {
  const points = h.graph.filterNodes((_, a) => !a.hidden).map((id) => ({ id, ...h.sigma.graphToViewport(h.graph.getNodeAttributes(id) as { x: number; y: number }) }))
  const here = points.find((p) => p.id === from)
  if (!here) return points.sort((a, b) => a.y - b.y || a.x - b.x)[0]?.id
  let best: { id: string; cost: number } | undefined
  for (const p of points) {
    const along = (p.x - here.x) * dx + (p.y - here.y) * dy
    if (p.id === from || along <= 0) continue
    const cost = along + 2.2 * Math.abs((p.x - here.x) * dy - (p.y - here.y) * dx)
    if (!best || cost < best.cost) best = { id: p.id, cost }
  }
  return best?.id
}

const LAYOUTS = ['structure', 'force', 'radial', 'layered', 'grid']
const PLAIN: Record<string, string> = { e: 'expand', Enter: 'expand', c: 'collapse', h: 'hide', Delete: 'hide', i: 'isolate', p: 'pin', P: 'path', n: 'neighbours', x: 'group', v: 'invert', t: 'table', ' ': 'play', ',': 'back', '.': 'on', f: 'fit' }

export function onKey(e: React.KeyboardEvent, a: KeyActions, hasLetters: boolean): void {
  const key = e.key
  const isCommand = e.ctrlKey || e.metaKey
  const arrow = ({ ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] } as Record<string, [number, number]>)[key]
  const take = (f: () => void): void => { e.preventDefault(); e.stopPropagation(); f() }
  if (isCommand && key.toLowerCase() === 'z') return take(e.shiftKey ? a.redo : a.undo)
  if (isCommand && key.toLowerCase() === 'y') return take(a.redo)
  if (isCommand && key === 'a') return take(() => a.act('all'))
  if (isCommand && key === 'e') return take(() => a.act('export'))
  if (isCommand && key === 'c') return take(() => a.act('copy'))
  if (isCommand || e.altKey || !a.handle) return
  if (arrow) return take(() => { const to = nearest(a.handle!, a.selected.at(-1), ...arrow); if (to) a.select(e.shiftKey ? [...a.selected, to] : [to]) })
  if (key === 'Escape') return take(() => a.select([]))
  const camera = a.handle.sigma.getCamera()
  if (key === '+' || key === '=') return take(() => void camera.animatedZoom({ duration: 0 }))
  if (key === '-') return take(() => void camera.animatedUnzoom({ duration: 0 }))
  if (!hasLetters && /^[a-zA-Z0-9,.]$/.test(key)) return
  if (/^[1-5]$/.test(key)) return take(() => a.layout(LAYOUTS[Number(key) - 1]!))
  const plain = PLAIN[key]
  if (plain) take(() => a.act(plain))
}
