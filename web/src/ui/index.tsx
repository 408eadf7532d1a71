/** The small parts that every screen is made of. */
import { CircleAlert, Copy, X } from 'lucide-react'
import { useEffect, useId, useRef, useState, type ReactNode } from 'react'
import { ApiError } from '../api/client'
import { clock, secondsOf } from '../api/format'
import { useSettings } from '../app/settings'

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const e = error instanceof Error ? error : new Error(String(error))
  const code = e instanceof ApiError ? e.code : 'ERROR'
  const place = e instanceof ApiError && e.position ? `line ${e.position.line}, column ${e.position.column}` : ''
  return (
    <div className="failure" role="alert">
      <div className="row"><CircleAlert size={16} className="err" aria-hidden /><strong>{headline(code)}</strong><span className="muted">{code}{place && ` · ${place}`}</span>
        <span className="spacer" />
        {retry && <button type="button" className="button small" onClick={retry}>Try again</button>}
        <button type="button" className="button small" onClick={() => void navigator.clipboard.writeText(`${code}: ${e.message}`)}><Copy size={13} aria-hidden />Copy</button>
      </div>
      <pre>{e.message}</pre>
      {hint(code) && <p className="muted">{hint(code)}</p>}
    </div>
  )
}
const headline = (code: string): string =>
  ({ INVALID: 'This cannot be run as written', NOT_FOUND: 'It is not there', CONFLICT: 'It changed, or exists already', LIMIT: 'A limit was reached', OFFLINE: 'The server cannot be reached', CANCELLED: 'Cancelled' })[code] ?? 'It failed'
const hint = (code: string): string =>
  ({ LIMIT: 'Narrow it with a filter, lower the limit, or raise the time-out.', OFFLINE: 'What is shown stays as it was. Check that floe serve is running.', CANCELLED: '' })[code] ?? ''

export function Empty({ icon, title, children, actions }: { icon?: ReactNode; title: string; children?: ReactNode; actions?: ReactNode }) {
  return <div className="empty">{icon}<h2>{title}</h2>{children && <div className="muted">{children}</div>}{actions && <div className="row">{actions}</div>}</div>
}

export function Loading({ what, since, cancel }: { what: string; since?: number; cancel?: () => void }) {
  const [elapsed, setElapsed] = useState(0)
  useEffect(() => {
    const from = since ?? performance.now()
    const t = setInterval(() => setElapsed(performance.now() - from), 200)
    return () => clearInterval(t)
  }, [since])
  if (elapsed < 150) return <div className="bar" aria-hidden />
  return (
    <div role="status">
      <div className="bar"><i /></div>
      <div className="row" style={{ padding: '8px 12px' }}><span className="muted">{what}{elapsed > 2000 && ` · ${(elapsed / 1000).toFixed(0)} s`}</span>
        {cancel && elapsed > 700 && <button type="button" className={`button small ${elapsed > 10000 ? 'primary' : ''}`} onClick={cancel}>Cancel</button>}
      </div>
    </div>
  )
}

export function Skeleton({ lines = 6 }: { lines?: number }) {
  return <div className="column" role="status" aria-label="Loading" style={{ padding: 12 }}>{Array.from({ length: lines }, (_, i) => <div key={i} className="skeleton" style={{ width: `${90 - ((i * 17) % 40)}%` }} />)}</div>
}

export interface Tab { id: string; label: ReactNode }
export function Tabs({ tabs, value, onChange, label }: { tabs: Tab[]; value: string; onChange: (id: string) => void; label: string }) {
  const move = (e: React.KeyboardEvent): void => {
    const step = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0
    if (!step) return
    const i = tabs.findIndex((t) => t.id === value)
    const next = tabs[(i + step + tabs.length) % tabs.length]!
    onChange(next.id)
    const list = e.currentTarget
    requestAnimationFrame(() => list.querySelector<HTMLElement>('[aria-selected=true]')?.focus())
  }
  return (
    <div className="tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map((t) => <button key={t.id} type="button" role="tab" aria-selected={t.id === value} tabIndex={t.id === value ? 0 : -1} onClick={() => onChange(t.id)}>{t.label}</button>)}
    </div>
  )
}

export function Modal({ title, children, close, className }: { title: string; children: ReactNode; close: () => void; className?: string }) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null
    ref.current?.showModal()
    ref.current?.querySelector<HTMLElement>('[data-autofocus]')?.focus() // a field that is not shown yet takes no focus by itself
    return () => before?.focus()
  }, [])
  return (
    <dialog ref={ref} className={className} aria-labelledby={id} onClose={close} onClick={(e) => e.target === ref.current && close()}>
      <header><h2 id={id}>{title}</h2><span className="spacer" /><button type="button" className="button quiet small" aria-label="Close" onClick={close}><X size={15} aria-hidden /></button></header>
      <div className="body">{children}</div>
    </dialog>
  )
}

export function Spark({ values, label, width = 84 }: { values: number[]; label: string; width?: number }) {
  const top = Math.max(1e-9, ...values)
  const step = width / Math.max(1, values.length)
  return (
    <svg width={width} height={18} role="img" aria-label={label}>
      {values.map((v, i) => <rect key={i} x={i * step} y={18 - (16 * v) / top - 1} width={Math.max(1, step - 1)} height={(16 * v) / top + 1} fill="var(--accent)" />)}
    </svg>
  )
}

export function Select({ label, value, options, onChange, hideLabel }: { label: string; value: string; options: readonly (readonly [string, string])[]; onChange: (v: string) => void; hideLabel?: boolean }) {
  return (
    <label className="labelled"><span className={hideLabel ? 'visually-hidden' : ''}>{label}</span>
      <select className="field" value={value} onChange={(e) => onChange(e.target.value)}>{options.map(([v, text]) => <option key={v} value={v}>{text}</option>)}</select>
    </label>
  )
}

export function save(name: string, type: string, content: BlobPart | string[]): void {
  const a = document.createElement('a')
  a.href = URL.createObjectURL(new Blob(Array.isArray(content) ? content : [content], { type }))
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 10000)
}

const announcer = (): HTMLElement | null => document.getElementById('announcer')
/** Say something to screen readers without moving the focus. */
export function announce(text: string): void {
  const a = announcer()
  if (a) a.textContent = text
}

/** A time that the server wrote, in the zone that is chosen. */
export function When({ text, isShort }: { text: string | null | undefined; /** of today: the time of day alone */ isShort?: boolean }) {
  const { isLocalTime } = useSettings()
  if (!text) return null
  const said = clock(secondsOf(text), isLocalTime)
  const isToday = said.slice(0, 10) === clock(Date.now() / 1000, isLocalTime).slice(0, 10)
  return <time className="nowrap" dateTime={text} title={text}>{isShort && isToday ? said.slice(11) : said}</time>
}
