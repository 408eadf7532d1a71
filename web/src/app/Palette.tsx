/** One box for everything: screens, tables, labels, addresses. */
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { tables } from '../api/lake'
import { Modal } from '../ui'
import { go } from './route'
import { screens } from './screens'

interface Choice { name: string; what: string; run: () => void }
const isAddress = (s: string): boolean => /^[0-9a-f.:]+(\/\d+)?$/i.test(s) && /[.:]/.test(s)

export function Palette({ close }: { close: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const lake = useQuery({ queryKey: ['tables'], queryFn: tables })
  const choices = useMemo<Choice[]>(() => {
    const t = text.trim().toLowerCase()
    const all: Choice[] = [
      ...screens.map((s) => ({ name: s.name, what: `go to · g ${s.key}`, run: () => go(s.id) })),
      ...(lake.data ?? []).map((d) => ({ name: d.full, what: 'dataset', run: () => go('datasets', d.full) })),
    ]
    const found = all.filter((c) => c.name.toLowerCase().includes(t))
    if (isAddress(t) || t.startsWith(':')) found.unshift({ name: text.trim(), what: 'show in Visualize', run: () => go('visualize', '', { find: text.trim() }) })
    return found.slice(0, 40)
  }, [text, lake.data])
  const run = (c: Choice | undefined): void => {
    close()
    c?.run()
  }
  return (
    <Modal title="Search and go" close={close} className="palette">
      <input className="field" autoFocus role="combobox" aria-expanded aria-controls="palette-list" aria-activedescendant={`palette-${at}`} aria-label="Search screens, tables, addresses" placeholder="Screen, table, 10.0.3.0/24, :3389 …" value={text}
        onChange={(e) => { setText(e.target.value); setAt(0) }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
            e.preventDefault()
            setAt((i) => Math.max(0, Math.min(choices.length - 1, i + (e.key === 'ArrowDown' ? 1 : -1))))
          } else if (e.key === 'Enter') run(choices[at])
        }} />
      <ul role="listbox" id="palette-list" aria-label="Found">
        {choices.map((c, i) => <li key={c.what + c.name} id={`palette-${i}`} role="option" aria-selected={i === at} onClick={() => run(c)}><span>{c.name}</span><small>{c.what}</small></li>)}
      </ul>
      {choices.length === 0 && <p className="muted">Nothing by that name.</p>}
    </Modal>
  )
}
