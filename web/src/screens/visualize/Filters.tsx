/** Left side: what is let in. */
import { useState } from 'react'
import { Select } from '../../ui'
import { count } from '../../api/format'
import { countFilters, noFilter, parseBytes, parsePorts, protocolNumber, type Filter, type Spec } from '../../scene/spec'

export function Filters({ spec, totals, change }: { spec: Spec; totals: Record<string, number> | undefined; change: (f: (s: Spec) => Spec) => void }) {
  const set = (part: Partial<Filter>): void => change((s) => ({ ...s, filter: { ...s.filter, ...part } }))
  const n = countFilters(spec.filter)
  return (
    <div className="side-block">
      <div className="row"><h3>Filters</h3><span className="spacer" />{n > 0 && <button type="button" className="button small" onClick={() => change((s) => ({ ...s, filter: noFilter }))}>Clear</button>}</div>
      <Typed label="Ports" hint="22, 8000-8100" value={spec.filter.ports} isGood={(t) => parsePorts(t) !== undefined} set={(ports) => set({ ports })} />
      <Typed label="Protocol" hint="tcp, udp, 47" value={spec.filter.protocol} isGood={(t) => protocolNumber(t) !== undefined} set={(protocol) => set({ protocol })} />
      <Select label="Action" value={spec.filter.action} onChange={(action) => set({ action })} options={[['', 'any'], ['ACCEPT', 'ACCEPT'], ['REJECT', 'REJECT']]} />
      <Select label="Direction" value={spec.filter.direction} onChange={(direction) => set({ direction })} options={[['', 'any'], ['internal', 'inside only'], ['outbound', 'inside → outside'], ['inbound', 'outside → inside'], ['external', 'with outside']]} />
      <Typed label="Min bytes" hint="1 MB" value={spec.filter.minBytes} isGood={(t) => parseBytes(t) !== undefined} set={(minBytes) => set({ minBytes })} />
      <Typed label="Max bytes" hint="10 GB" value={spec.filter.maxBytes} isGood={(t) => parseBytes(t) !== undefined} set={(maxBytes) => set({ maxBytes })} />
      {totals && <p className="muted" data-testid="totals">{count(totals.pairs ?? 0)} of {count(totals.all_pairs ?? 0)} connections, {count(totals.flows ?? 0)} of {count(totals.all_flows ?? 0)} flows pass</p>}
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
