import { useState } from 'react'
import { Modal, Select } from '../../ui'
import type { PathAsk } from './actions'

export function PathDialog({ from, to, close, find }: { from: string; to: string; close: () => void; find: (from: string, to: string, how: PathAsk) => void }) {
  const [a, setA] = useState(from.startsWith('group:') ? '' : from)
  const [b, setB] = useState(to.startsWith('group:') ? '' : to)
  const [how, setHow] = useState<PathAsk>({ hops: 4, isOrdered: false, isDirected: true })
  return (
    <Modal title="Path between two addresses" close={close}>
      <form className="column" onSubmit={(e) => { e.preventDefault(); find(a.trim(), b.trim(), how) }}>
        <div className="row"><label className="labelled">From<input className="field mono" required value={a} onChange={(e) => setA(e.target.value)} data-autofocus={!a} /></label><label className="labelled">To<input className="field mono" required value={b} onChange={(e) => setB(e.target.value)} /></label></div>
        <div className="row"><Select label="At most" value={String(how.hops)} onChange={(v) => setHow({ ...how, hops: Number(v) })} options={[1, 2, 3, 4, 5, 6].map((n) => [String(n), `${n} hop${n > 1 ? 's' : ''}`] as const)} />
          <label className="labelled"><input type="checkbox" checked={how.isDirected} onChange={(e) => setHow({ ...how, isDirected: e.target.checked })} />along the flows' direction</label>
          <label className="labelled"><input type="checkbox" checked={how.isOrdered} onChange={(e) => setHow({ ...how, isOrdered: e.target.checked })} />each hop after the one before</label></div>
        <p className="muted">The scene's filters and time window hold for every hop.</p>
        <div className="row"><button type="submit" className="button primary">Find path</button></div>
      </form>
    </Modal>
  )
}
