/** What runs now on the server, over every port, with a way to stop it. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Activity as Icon } from 'lucide-react'
import { useState } from 'react'
import { json } from '../api/client'
import { duration } from '../api/format'
import { Modal } from '../ui'

interface Running { id: string; language: string; text: string; user: string; via: string; elapsedMs: number; rows: number }

export function Activity() {
  const [isOpen, setOpen] = useState(false)
  const client = useQueryClient()
  const q = useQuery({ queryKey: ['running'], queryFn: () => json<{ queries: Running[] }>('GET', '/api/query'), refetchInterval: isOpen ? 1000 : 5000 })
  const running = q.data?.queries ?? []
  const stop = (id: string): void => void json('DELETE', `/api/query/${id}`).catch(() => undefined).then(() => client.invalidateQueries({ queryKey: ['running'] }))
  return (
    <>
      <button type="button" className="button quiet small" onClick={() => setOpen(true)} aria-label={`Activity: ${running.length} queries running`}><Icon size={16} aria-hidden />{running.length > 0 && running.length}</button>
      {isOpen && (
        <Modal title="Running now" close={() => setOpen(false)}>
          {running.length === 0 ? <p className="muted">No query is running on any port.</p> : (
            <table className="plain"><thead><tr><th>Query</th><th>By</th><th className="num">For</th><th className="num">Rows</th><th><span className="visually-hidden">Stop</span></th></tr></thead>
              <tbody>{running.map((r) => (
                <tr key={r.id}><td className="mono">{r.language}: {r.text.slice(0, 90)}</td><td>{r.user} · {r.via}</td><td className="num">{duration(r.elapsedMs)}</td><td className="num">{r.rows}</td>
                  <td><button type="button" className="button small danger" onClick={() => stop(r.id)}>Stop</button></td></tr>))}
              </tbody>
            </table>)}
        </Modal>)}
    </>
  )
}
