/** One box for everything: screens, tables, jobs, labels, addresses, settings. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { graphModel } from '../api/graph'
import { jobs, tables } from '../api/lake'
import { Modal } from '../ui'
import { go } from './route'
import { screens } from './screens'
import { getSettings, isLight, setSettings } from './settings'

interface Choice { name: string; what: string; run: () => void }
const isAddress = (s: string): boolean => /^[0-9a-f.:]+(\/\d+)?$/i.test(s) && /[.:]/.test(s)

export function Palette({ close, help }: { close: () => void; help: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const lake = useQuery({ queryKey: ['tables'], queryFn: tables })
  const work = useQuery({ queryKey: ['jobs'], queryFn: jobs })
  const graph = useQuery({ queryKey: ['graph'], queryFn: graphModel, retry: false })
  useEffect(() => { void document.getElementById(`palette-${at}`)?.scrollIntoView({ block: 'nearest' }) }, [at])
  const choices = useMemo<Choice[]>(() => {
    const t = text.trim().toLowerCase()
    const all: Choice[] = [
      ...screens.map((s) => ({ name: s.name, what: `go to · g ${s.key}`, run: () => go(s.id) })),
      ...(lake.data ?? []).map((d) => ({ name: d.full, what: 'dataset', run: () => go('datasets', d.full) })),
      ...(work.data ?? []).map((j) => ({ name: j.name, what: 'job', run: () => go('jobs', j.name) })),
      ...(graph.data?.vertices ?? []).map((v) => ({ name: v.label, what: 'vertices in Gremlin', run: () => go('gremlin', '', { text: `g.V().hasLabel('${v.label}').limit(50)` }) })),
      ...(graph.data?.edges ?? []).map((v) => ({ name: v.label, what: 'edges in Gremlin', run: () => go('gremlin', '', { text: `g.E().hasLabel('${v.label}').limit(50)` }) })),
      { name: isLight() ? 'Dark theme' : 'Light theme', what: 'setting', run: () => setSettings({ theme: isLight() ? 'dark' : 'light' }) },
      { name: getSettings().isLocalTime ? 'Times in UTC' : 'Times in the local zone', what: 'setting', run: () => setSettings({ isLocalTime: !getSettings().isLocalTime }) },
      { name: getSettings().isRailNarrow ? 'Wide rail' : 'Narrow rail', what: 'setting · [', run: () => setSettings({ isRailNarrow: !getSettings().isRailNarrow }) },
      { name: 'Keys and help', what: 'help · ?', run: help },
    ]
    const found = all.filter((c) => c.name.toLowerCase().includes(t))
    if (isAddress(t) || t.startsWith(':')) found.unshift({ name: text.trim(), what: 'show in Visualize', run: () => go('visualize', '', { find: text.trim() }) })
    return found.slice(0, 40)
  }, [text, lake.data, work.data, graph.data])
  const run = (c: Choice | undefined): void => {
    close()
    c?.run()
  }
  return (
    <Modal title="Search and go" close={close} className="palette">
      <input className="field" data-autofocus role="combobox" aria-expanded aria-controls="palette-list" aria-activedescendant={`palette-${at}`} aria-label="Search screens, tables, addresses" placeholder="Screen, table, 10.0.3.0/24, :3389 …" value={text}
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
