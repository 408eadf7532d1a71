/** The versions of the schema: how each differs from the active one, and the way back. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { liveSchema } from '../../api/graph'
import { Failure, Modal, Skeleton } from '../../ui'
import { diff } from './model'

export interface Version { version: number; isLive: boolean }
const pretty = (o: unknown): string => JSON.stringify(o, null, 2)

export function Diff({ before, after }: { before: string; after: string }) {
  const lines = diff(before, after)
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - 3), i + 4).some((l) => l.sign !== ' '))
  if (lines.every((l) => l.sign === ' ')) return <p className="muted">They are the same.</p>
  return <pre className="diff" tabIndex={0} role="region" aria-label="Difference">{lines.map((l, i) => (!near[i] ? near[i - 1] ? <span key={i}>  …</span> : null : l.sign === '+' ? <ins key={i}>+ {l.text}</ins> : l.sign === '-' ? <del key={i}>- {l.text}</del> : <span key={i}>  {l.text}</span>))}</pre>
}

function Against({ version, live }: { version: number; live: string }) {
  const q = useQuery({ queryKey: ['schema', version], queryFn: () => liveSchema(version), staleTime: Infinity })
  if (q.error) return <Failure error={q.error} />
  return q.data ? <Diff before={live} after={pretty(q.data.schema)} /> : <Skeleton lines={3} />
}

export function Versions({ versions, live, rollBack, close }: { versions: Version[]; live: string; rollBack: (version: number) => void; close: () => void }) {
  const [shown, setShown] = useState(0)
  return (
    <Modal title="Versions" close={close}>
      <table className="plain"><tbody>{versions.map((v) => (
        <tr key={v.version}><td>Version {v.version}</td><td>{v.isLive ? <b className="ok">● active</b> : <button type="button" className="button small" aria-expanded={shown === v.version} onClick={() => setShown(shown === v.version ? 0 : v.version)}>What it would change</button>}</td><td><button type="button" className="button small" disabled={v.isLive} onClick={() => rollBack(v.version)}>Roll back to it</button></td></tr>))}</tbody></table>
      {shown > 0 && <Against version={shown} live={live} />}
      <p className="muted">Rolling back applies the old version again, as a new one.</p>
    </Modal>
  )
}
