/** Four steps through a planted story, shown after sample data was made. */
import { useEffect, useRef, useState } from 'react'
import { replace, useRoute } from '../../app/route'
import type { Scene } from '../../scene/scene'
import { emptySpec, noFilter, type Spec } from '../../scene/spec'

interface Props { spec: Spec; scene: Scene; start: (f: (s: Spec) => Spec) => void; focus: (ids: string[]) => void }

export function Coach({ spec, scene, start, focus }: Props) {
  const route = useRoute()
  const [story, setStory] = useState<{ from: string; to: string } | undefined>()
  const isStarted = useRef(false)
  useEffect(() => {
    const told = route.query.get('story')
    if (!told || isStarted.current) return
    isStarted.current = true
    const [from = '', to = ''] = told.split(',')
    setStory({ from, to })
    focus([from, to])
    start((s) => ({ ...emptySpec, edges: s.edges, nodes: [from, to], filter: { ...noFilter, action: 'REJECT' }, colour: 'kind' }))
    replace('#/visualize')
  }, [route.query.get('story')])
  if (!story) return null
  const steps: [string, boolean][] = [
    ['Filter to REJECT', spec.filter.action === 'REJECT'],
    [`Expand ${story.from} (select it, press e)`, Boolean(spec.grown[story.from])],
    ['Split the edge by port (click it)', spec.split === 'port'],
    ['Play time (Space)', spec.time[0] > 0 || spec.time[1] < 63],
  ]
  const e = scene.edges.filter((x) => x.s === story.from && x.d === story.to).reduce((n, x) => n + x.rejected, 0)
  return (
    <div className="coach panel" role="region" aria-label="Something is scanning">
      <div className="row"><strong>Something is scanning {story.to}</strong><span className="muted">{e ? `${e} flows from ${story.from} were rejected` : `from ${story.from}`}</span><span className="spacer" /><button type="button" className="button small" onClick={() => setStory(undefined)}>Close</button></div>
      <ol>{steps.map(([what, done]) => <li key={what} className={done ? 'done' : ''}>{done ? '✓ ' : '○ '}{what}</li>)}</ol>
    </div>
  )
}
