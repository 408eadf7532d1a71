/** Left side: what each channel of the picture shows, with the choice of it; the colours are a filter too. */
import { Select } from '../../ui'
import { count } from '../../api/format'
import { legend, type Scene } from '../../scene/scene'
import type { Spec } from '../../scene/spec'
import { edgeKinds } from '../../scene/look'

const MOST = 12
const NUMBERS: readonly (readonly [string, string])[] = [['bytes', 'bytes'], ['sent', 'sent'], ['received', 'received'], ['flows', 'flows'], ['degree', 'neighbours'], ['members', 'members'], ['same', 'all the same']]

interface Props { spec: Spec; scene: Scene; properties: string[]; isMixed: boolean; change: (f: (s: Spec) => Spec) => void }

export function Legend({ spec, scene, properties, isMixed, change }: Props) {
  const all = legend(scene, spec)
  const kinds = edgeKinds(scene, spec)
  const own = properties.map((p) => [p, p] as const)
  const isolate = (value: string, isAlt: boolean): void => change((s) => {
    const isOff = s.off.includes(value)
    const others = all.map((x) => x.value).filter((x) => x !== value)
    const isAlone = !isOff && others.length > 0 && others.every((o) => s.off.includes(o))
    return { ...s, off: isAlt ? (isOff ? s.off.filter((o) => o !== value) : [...s.off, value]) : isAlone ? [] : others }
  })
  return (
    <div className="side-block" role="region" aria-label="Legend">
      <h3>Legend</h3>
      <Select label="Colour" value={spec.colour} onChange={(colour) => change((x) => ({ ...x, colour, off: [] }))} options={[['kind', 'kind'], ['rejects', 'rejects'], ['network', 'network'], ...(isMixed ? [['label', 'vertex label'] as const] : []), ...own]} />
      <ul className="legend">{all.slice(0, MOST).map((l) => (
        <li key={l.value}><button type="button" className="button quiet small" aria-pressed={!spec.off.includes(l.value)} title="Click: only this. Alt+click: hide or show." onClick={(e) => isolate(l.value, e.altKey)}>
          <span className={`dot ${l.value.startsWith('outside') && !l.value.includes('network') ? 'diamond' : l.value.includes('network') ? 'square' : ''}`} style={{ color: `var(--${l.colour})` }} aria-hidden />
          <span>{l.value}</span></button><small>{count(l.count)}</small></li>))}
        {all.length > MOST && <li className="muted">{count(all.length - MOST)} more values, in grey</li>}</ul>
      <Select label="Size" value={spec.size} onChange={(size) => change((x) => ({ ...x, size }))} options={[...NUMBERS, ...own]} />
      <Select label="Name" value={spec.label} onChange={(label) => change((x) => ({ ...x, label }))} options={[['name', 'address'], ['bytes', 'bytes'], ['none', 'none'], ...own]} />
      <Select label="Width" value={spec.width} onChange={(width) => change((x) => ({ ...x, width }))} options={[['bytes', 'bytes'], ['packets', 'packets'], ['flows', 'flows']]} />
      <ul className="legend lines">
        {kinds.length ? kinds.slice(0, MOST).map((k) => <Line key={k.value} colour={k.colour} text={k.value} n={k.count} />) : <><Line colour="c6" text="accepted" /><Line colour="warn" text="some rejected" /></>}
        <Line colour={kinds.length ? 'muted' : 'err'} text="REJECT" isDashed />
      </ul>
    </div>
  )
}
function Line({ colour, text, n, isDashed }: { colour: string; text: string; n?: number; isDashed?: boolean }) {
  return <li><svg width="28" height="8" aria-hidden><path d="M0 4h28" stroke={`var(--${colour})`} strokeWidth="2" {...(isDashed ? { strokeDasharray: '5 4' } : {})} /></svg>{text}{n !== undefined && <small>{count(n)}</small>}</li>
}
