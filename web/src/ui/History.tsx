import type { Past } from '../app/useHistory'
import { clockShort, count, duration } from '../api/format'

export function History({ past, pick }: { past: Past[]; pick: (text: string) => void }) {
  if (!past.length) return <p className="muted pad">What you run appears here.</p>
  return (
    <ul className="history">{past.map((p) => (
      <li key={p.at}><button type="button" onClick={() => pick(p.text)}><code>{p.text}</code><small className={p.failed ? 'err' : ''}>{clockShort(p.at / 1000)} · {p.failed ? 'failed' : `${count(p.rows)} rows · ${duration(p.ms)}`}</small></button></li>))}
    </ul>
  )
}
