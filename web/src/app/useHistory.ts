/** What was run on a screen, newest first; kept by the server. */
import { useEffect, useState } from 'react'
import { load, save } from '../api/documents'

export interface Past { text: string; at: number; ms: number; rows: number; failed?: boolean }

export function useHistory(kind: string): [Past[], (p: Past) => void] {
  const [past, setPast] = useState<Past[]>([])
  useEffect(() => { void load<Past[]>('history', kind).then((p) => setPast(p ?? []), () => undefined) }, [kind])
  const add = (p: Past): void => setPast((old) => {
    const next = [p, ...old.filter((o) => o.text !== p.text)].slice(0, 100)
    void save('history', kind, next).catch(() => undefined)
    return next
  })
  return [past, add]
}
