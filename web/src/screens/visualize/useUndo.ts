/** The scene's steps, and its place in the address. */
import { useEffect, useRef, useState } from 'react'
import { load, save } from '../../api/documents'
import { replace, useRoute } from '../../app/route'
import { adopt, adoptCamera, emptySpec, pack, redo, step, undo, unpack, unpacked, type Camera, type Spec, type Undo } from '../../scene/spec'

const MOST_IN_ADDRESS = 6000

export async function addressOf(spec: Spec, camera?: Camera): Promise<string> {
  const packed = pack(spec, camera)
  if (packed.length <= MOST_IN_ADDRESS) return `#/visualize?s=${packed}`
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(packed)))
  const id = [...digest.slice(0, 10)].map((b) => b.toString(16).padStart(2, '0')).join('')
  await save('scenes', id, camera ? { ...spec, camera } : spec)
  return `#/visualize?scene=${id}`
}

export function useUndo() {
  const route = useRoute()
  const [state, setState] = useState<Undo>(() => ({ past: [], now: unpack(route.query.get('s') ?? '') ?? emptySpec, future: [] }))
  const [isReady, setReady] = useState(!route.query.get('scene'))
  const camera = useRef(adoptCamera(unpacked(route.query.get('s') ?? '')))
  const [looked, setLooked] = useState(0)
  const own = useRef(route.query.get('s') ?? '')
  const saved = route.query.get('scene')
  const given = route.query.get('s')
  useEffect(() => {
    if (!saved || saved === own.current) return
    own.current = saved
    void load<unknown>('scenes', saved).then((o) => { camera.current = adoptCamera(o) ?? camera.current; const spec = adopt(o); if (spec) setState((u) => step(u, spec)) }).finally(() => setReady(true))
  }, [saved])
  useEffect(() => {
    if (!given || given === own.current) return
    own.current = given
    const spec = unpack(given)
    if (spec) setState((u) => step(u, spec))
  }, [given])
  useEffect(() => {
    if (!isReady) return
    const t = setTimeout(() => {
      const packed = pack(state.now, camera.current)
      if (packed === own.current || route.query.get('find') || route.query.get('add') || route.query.get('story')) return
      void addressOf(state.now, camera.current).then((to) => {
        own.current = new URLSearchParams(to.split('?')[1]).get('s') ?? new URLSearchParams(to.split('?')[1]).get('scene') ?? ''
        if (location.hash.startsWith('#/visualize')) replace(to)
      }, () => undefined)
    }, 400)
    return () => clearTimeout(t)
  }, [state.now, isReady, looked])
  return {
    spec: state.now, isReady, camera,
    look: (c: Camera | undefined) => { camera.current = c; setLooked((n) => n + 1) },
    canUndo: state.past.length > 0, canRedo: state.future.length > 0,
    change: (f: (s: Spec) => Spec) => setState((u) => step(u, f(u.now))),
    /** Without a step in the history: while a brush moves. */
    adjust: (f: (s: Spec) => Spec) => setState((u) => ({ ...u, now: f(u.now) })),
    undo: () => setState(undo), redo: () => setState(redo),
  }
}
