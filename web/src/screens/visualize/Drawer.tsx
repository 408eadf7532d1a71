/** Right side: the chosen node or edge, its numbers, and what can be done with it. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { bytes, count } from '../../api/format'
import { ask, select } from '../../api/query'
import { href } from '../../app/route'
import type { Edge, Node } from '../../scene/scene'
import { flowsSql, neighbourCountsSql, type Grow } from '../../scene/sql_ask'
import { parseBytes, parsePorts, type Spec } from '../../scene/spec'
import { Failure, Select } from '../../ui'
import { Grid } from '../../ui/Grid'
import type { World } from './useScene'

export const firstGrow: Grow = { direction: 'both', label: '', ports: '', action: '', minBytes: '', limit: 50 }

interface NodeProps { world: World; spec: Spec; node: Node; missing: number; isPinned: boolean; do: (what: string, grow?: Grow) => void; note: (text: string) => void }

export function NodeDrawer({ world, spec, node, missing, isPinned, do: act, note }: NodeProps) {
  const [grow, setGrow] = useState(firstGrow)
  const counts = useQuery({
    queryKey: ['counts', world.edges.join(), node.id, spec.filter, grow], enabled: !node.isGroup && (!grow.ports || parsePorts(grow.ports) !== undefined),
    queryFn: ({ signal }) => select<{ label: string; is_out: boolean; neighbours: number; flows: number }>(neighbourCountsSql(world.flows, spec, [node.id], grow), signal),
  })
  const set = (part: Partial<Grow>): void => setGrow((g) => ({ ...g, ...part }))
  return (
    <>
      <h2>{node.name}</h2>
      <p className="muted">{node.isGroup ? `${count(node.members)} addresses` : `${node.isOutside ? 'outside' : 'inside'} · ${node.group || world.vertex}`}</p>
      <dl className="facts">
        <dt>sent</dt><dd>{bytes(node.sent)}</dd><dt>received</dt><dd>{bytes(node.received)}</dd><dt>flows</dt><dd>{count(node.flows)} ({count(node.rejected)} rejected)</dd><dt>neighbours</dt><dd>{count(node.degree)}{missing > 0 ? ` · ${count(missing)} not shown` : ''}</dd>
        {Object.entries(node.properties).map(([k, v]) => <div key={k} style={{ display: 'contents' }}><dt>{k}</dt><dd>{String(v ?? '')}</dd></div>)}
      </dl>
      {node.isGroup ? <div className="row"><button type="button" className="button primary" onClick={() => act('open')}>Open group</button></div> : (
        <section className="column" aria-label="Expand">
          <h3>Expand</h3>
          {counts.error && <Failure error={counts.error} />}
          <div data-testid="counts" aria-live="polite">{counts.data ? (
            <ul className="counts">{world.edges.flatMap((l) => [true, false].map((isOut) => {
              const c = counts.data.find((r) => r.label === l && r.is_out === isOut)
              return <li key={l + isOut}><b>{l}</b> {isOut ? 'out' : 'in'} <span>{count(Number(c?.neighbours ?? 0))}</span><small>{count(Number(c?.flows ?? 0))} flows</small></li>
            }))}</ul>) : 'counting…'}</div>
          <div className="row">
            <Select label="Direction" hideLabel value={grow.direction} onChange={(v) => set({ direction: v as Grow['direction'] })} options={[['both', 'out and in'], ['out', 'out'], ['in', 'in']]} />
            {world.edges.length > 1 && <Select label="Edge label" hideLabel value={grow.label} onChange={(label) => set({ label })} options={[['', 'all labels'], ...world.edges.map((l) => [l, l] as const)]} />}
            <Select label="Action" hideLabel value={grow.action} onChange={(action) => set({ action })} options={[['', 'any action'], ['ACCEPT', 'ACCEPT'], ['REJECT', 'REJECT']]} />
            <Select label="At most" hideLabel value={String(grow.limit)} onChange={(v) => set({ limit: Number(v) })} options={[['10', 'top 10'], ['50', 'top 50'], ['200', 'top 200'], ['1000', 'top 1,000'], ['5000', 'top 5,000']]} />
            <input className="field" aria-label="Ports to expand over" placeholder="ports" style={{ width: 84 }} value={grow.ports} aria-invalid={parsePorts(grow.ports) === undefined} onChange={(e) => set({ ports: e.target.value })} />
            <input className="field" aria-label="Least bytes to expand over" placeholder="bytes from" style={{ width: 92 }} value={grow.minBytes} aria-invalid={grow.minBytes !== '' && parseBytes(grow.minBytes) === undefined} onChange={(e) => set({ minBytes: e.target.value })} />
          </div>
          <div className="row"><button type="button" className="button primary" onClick={() => act('expand', grow)}>Expand</button><button type="button" className="button" disabled={!spec.grown[node.id]} onClick={() => act('collapse')}>Collapse</button></div>
        </section>)}
      <div className="row">
        <button type="button" className="button small" onClick={() => act('hide')}>Hide</button><button type="button" className="button small" onClick={() => act('isolate')}>Isolate</button>
        <button type="button" className="button small" aria-pressed={isPinned} onClick={() => act('pin')}>Pin</button><button type="button" className="button small" onClick={() => act('neighbours')}>Select neighbours</button>
        {!node.isGroup && <button type="button" className="button small" onClick={() => act('regroup')}>Into its group</button>}
      </div>
      <label className="labelled column"><span>Note</span><input className="field" value={spec.notes[node.id] ?? ''} placeholder="why it matters" onChange={(e) => note(e.target.value)} /></label>
      {!node.isGroup && <a className="button small" href={href('worksheets', '', { text: flowsSql(world.flows[0]!, spec, { either: [node.id] }, 1000) })}>Flows as SQL</a>}
    </>
  )
}

export function EdgeDrawer({ world, spec, edge, isSplit, split }: { world: World; spec: Spec; edge: Edge; isSplit: string; split: (by: string) => void }) {
  const isPair = !edge.s.startsWith('group:') && !edge.d.startsWith('group:')
  const flow = world.flows.find((f) => f.label === edge.label) ?? world.flows[0]!
  const sql = flowsSql(flow, spec, { s: [edge.s], d: [edge.d] }, 1000)
  const flows = useQuery({ queryKey: ['flows', sql], enabled: isPair, queryFn: ({ signal }) => ask({ language: 'sql', text: sql, limit: 1000 }, signal) })
  return (
    <>
      <h2>{edge.s.replace('group:', '')} → {edge.d.replace('group:', '')}</h2>
      <dl className="facts"><dt>label</dt><dd>{edge.label}</dd><dt>bytes</dt><dd>{bytes(edge.bytes)}</dd><dt>packets</dt><dd>{count(edge.packets)}</dd><dt>flows</dt><dd>{count(edge.flows)}</dd><dt>rejected</dt><dd>{count(edge.rejected)}</dd><dt>pairs</dt><dd>{count(edge.pairs)}</dd>{edge.split && <><dt>{isSplit}</dt><dd>{edge.split}</dd></>}</dl>
      <Select label="Split parallel flows by" value={isSplit} onChange={split} options={[['', 'nothing'], ['port', 'port'], ['protocol', 'protocol'], ['action', 'action']]} />
      {isPair ? <><h3>Member flows</h3>{flows.error && <Failure error={flows.error} />}{flows.data && <div style={{ height: 260, display: 'flex' }}><Grid label="Member flows" columns={flows.data.columns} rows={flows.data.rows} /></div>}
        <a className="button small" href={href('worksheets', '', { text: sql })}>Flows as SQL</a></> : <p className="muted">Between groups: open a group to see single connections.</p>}
    </>
  )
}
