/** Left side: what is let in, and the legend, which is a filter too. */
import { useState } from 'react'
import { Select } from '../../ui'
import { count } from '../../api/format'
import { legend, type Scene } from '../../scene/scene'
import { countFilters, noFilter, parseBytes, parsePorts, protocolNumber, type Filter, type Spec } from '../../scene/spec'

export function Filters({ spec, scene, totals, change }: { spec: Spec; scene: Scene; totals: Record<string, number> | undefined; change: (f: (s: Spec) => Spec) => void }) {
  const set = (part: Partial<Filter>): void => change((s) => ({ ...s, filter: { ...s.filter, ...part } }))
  const n = countFilters(spec.filter)
  return (
    <div className="side-block">
      <div className="row"><h3>Filters</h3><span className="spacer" />{n > 0 && <button type="button" className="button small" onClick={() => change((s) => ({ ...s, filter: noFilter }))}>Clear</button>}</div>
      <Typed label="Ports" hint="22, 3389, 8000-8100" value={spec.filter.ports} isGood={(t) => parsePorts(t) !== undefined} set={(ports) => set({ ports })} />
      <Typed label="Protocol" hint="tcp, udp, icmp, 47" value={spec.filter.protocol} isGood={(t) => protocolNumber(t) !== undefined} set={(protocol) => set({ protocol })} />
      <Select label="Action" value={spec.filter.action} onChange={(action) => set({ action })} options={[['', 'any'], ['ACCEPT', 'ACCEPT'], ['REJECT', 'REJECT']]} />
      <Select label="Direction" value={spec.filter.direction} onChange={(direction) => set({ direction })} options={[['', 'any'], ['internal', 'inside only'], ['outbound', 'inside → outside'], ['inbound', 'outside → inside'], ['external', 'with outside']]} />
      <Typed label="Bytes from" hint="1 MB" value={spec.filter.minBytes} isGood={(t) => parseBytes(t) !== undefined} set={(minBytes) => set({ minBytes })} />
      <Typed label="Bytes to" hint="10 GB" value={spec.filter.maxBytes} isGood={(t) => parseBytes(t) !== undefined} set={(maxBytes) => set({ maxBytes })} />
      {totals && <p className="muted" data-testid="totals">{count(totals.pairs ?? 0)} of {count(totals.all_pairs ?? 0)} connections, {count(totals.flows ?? 0)} of {count(totals.all_flows ?? 0)} flows pass</p>}
      <h3>Legend</h3>
      <ul className="legend">{legend(scene, spec).slice(0, 12).map((l) => {
        const isOff = spec.off.includes(l.value)
        const others = legend(scene, spec).map((x) => x.value).filter((x) => x !== l.value)
        const isAlone = !isOff && others.length > 0 && others.every((o) => spec.off.includes(o))
        return (
          <li key={l.value}><button type="button" className="button quiet small" aria-pressed={!isOff} title="Click: only this. Alt+click: hide or show."
            onClick={(e) => change((s) => ({ ...s, off: e.altKey ? (isOff ? s.off.filter((o) => o !== l.value) : [...s.off, l.value]) : isAlone ? [] : others }))}>
            <span className={`dot ${l.value.startsWith('outside') && !l.value.includes('network') ? 'diamond' : l.value.includes('network') ? 'square' : ''}`} style={{ color: `var(--${l.colour})` }} aria-hidden />
            <span>{l.value}</span></button><small>{count(l.count)}</small></li>)
      })}</ul>
      <ul className="legend lines"><li><svg width="28" height="8" aria-hidden><path d="M0 4h28" stroke="var(--c6)" strokeWidth="2" /></svg>accepted</li><li><svg width="28" height="8" aria-hidden><path d="M0 4h28" stroke="var(--warn)" strokeWidth="2" /></svg>some rejected</li><li><svg width="28" height="8" aria-hidden><path d="M0 4h28" stroke="var(--err)" strokeWidth="2" strokeDasharray="5 4" /></svg>REJECT</li></ul>
    </div>
  )
}

function Typed({ label, hint, value, isGood, set }: { label: string; hint: string; value: string; isGood: (t: string) => boolean; set: (t: string) => void }) {
  const [text, setText] = useState(value)
  const [was, setWas] = useState(value)
  if (was !== value) {
    setWas(value)
    setText(value)
  }
  const isBad = text !== '' && !isGood(text)
  const commit = (): void => { if (!isBad && text !== value) set(text) }
  return (
    <label className="labelled wide"><span>{label}</span>
      <input className="field" value={text} placeholder={hint} aria-invalid={isBad} onChange={(e) => setText(e.target.value)} onBlur={commit} onKeyDown={(e) => e.key === 'Enter' && commit()} />
      {isBad && <small className="err">as in “{hint}”</small>}</label>
  )
}
