/** The Gremlin console: a transcript with a prompt. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { ApiError } from '../../api/client'
import { ask } from '../../api/query'
import { cell, duration } from '../../api/format'
import { graphModel } from '../../api/graph'
import { save } from '../../ui'
import { wordsAt } from '../ask/complete'
import './console.css'

interface Entry { prompt: string; out: string[]; error?: string; ms?: number }
const MOST = 2000
const HELP = [':clear       empties the transcript, forgets variables', 'x = …         a variable, worked out anew where it is named', ':graph NAME  another graph (g is the home\'s)', ':timeout MS  of a query', ':export      the transcript as a file', ':help        this', '↑ ↓ history · Tab completes · Ctrl+C stops']
const isWhole = (text: string): boolean => {
  let depth = 0
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quote) {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === "'" || c === '"') quote = c
    else if ('([{'.includes(c)) depth++
    else if (')]}'.includes(c)) depth--
  }
  return depth <= 0 && !quote && !/[.,]\s*$/.test(text)
}

const ASSIGNED = /^\s*(?:def\s+)?([A-Za-z_]\w*)\s*=(?!=)/
/** The definitions that a text needs, each with those it needs itself. */
function before(variables: Map<string, string>, text: string, seen = new Set<string>()): string {
  const needed = [...variables].filter(([name]) => !seen.has(name) && new RegExp(`(^|[^\\w.'"])${name}(?!\\w|\\s*=[^=])`).test(text))
  for (const [name] of needed) seen.add(name)
  return needed.map(([, made]) => `${before(variables, made.replace(ASSIGNED, ''), seen)}${made};\n`).join('')
}

export default function Console() {
  const model = useQuery({ queryKey: ['graph'], queryFn: graphModel, retry: false })
  const [entries, setEntries] = useState<Entry[]>([])
  const [pending, setPending] = useState('')
  const [text, setText] = useState('')
  const [isRunning, setRunning] = useState(false)
  const [hints, setHints] = useState<string[]>([])
  const [graph, setGraph] = useState('g')
  const [timeoutMs, setTimeoutMs] = useState(60000)
  const past = useRef<string[]>(JSON.parse(localStorage.getItem('floe.console') ?? '[]') as string[])
  const at = useRef(-1)
  /** What `name = …` stands for, in order; it goes before a line that names it. */
  const variables = useRef(new Map<string, string>())
  const control = useRef<AbortController>(undefined)
  const end = useRef<HTMLDivElement>(null)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => { end.current?.scrollIntoView({ block: 'end' }) }, [entries, isRunning]) // newer Chromium answers with a promise
  const put = (e: Entry): void => setEntries((old) => [...old.slice(-400), e])

  const command = (line: string): void => {
    const [name, argument = ''] = line.slice(1).split(/\s+/, 2)
    if (name === 'clear') {
      setEntries([])
      variables.current.clear()
    }
    else if (name === 'graph') {
      setGraph(argument || 'g')
      put({ prompt: line, out: [`graph ${argument || 'g'}`] })
    } else if (name === 'timeout') {
      setTimeoutMs(Number(argument) || 60000)
      put({ prompt: line, out: [`${Number(argument) || 60000} ms`] })
    } else if (name === 'export') save('gremlin-console.txt', 'text/plain', entries.map((e) => [`gremlin> ${e.prompt}`, ...e.out.map((o) => `==>${o}`), e.error ?? ''].join('\n')).join('\n'))
    else put({ prompt: line, out: HELP })
  }
  const run = async (line: string): Promise<void> => {
    setText('')
    setHints([])
    const whole = pending ? `${pending}\n${line}` : line
    if (!whole.trim()) return
    if (whole.startsWith(':')) return command(whole)
    if (!isWhole(whole)) return setPending(whole)
    setPending('')
    past.current = [whole, ...past.current.filter((p) => p !== whole)].slice(0, 200)
    localStorage.setItem('floe.console', JSON.stringify(past.current))
    at.current = -1
    setRunning(true)
    control.current = new AbortController()
    try {
      const r = await ask({ language: 'gremlin', text: `${before(variables.current, whole)}${whole}`, graph, timeoutMs, limit: 100000 }, control.current.signal)
      const name = ASSIGNED.exec(whole)?.[1]
      if (name) variables.current.set(name, whole)
      const out = r.rows.slice(0, MOST).map((row) => cell(row[0]))
      if (r.count > MOST) out.push(`… ${(r.count - MOST).toLocaleString('en-US')} more${r.isTruncated ? ', and what lies beyond the 100,000 that were asked for' : ''}: Gremlin Query shows them as a table`)
      put({ prompt: whole, out: r.count ? out : ['(nothing)'], ms: r.elapsedMs })
    } catch (e) {
      put({ prompt: whole, out: [], error: control.current.signal.aborted ? 'cancelled' : e instanceof ApiError ? e.message : String(e) })
    } finally {
      setRunning(false)
      requestAnimationFrame(() => input.current?.focus())
    }
  }
  const complete = (): void => {
    const word = /\w*$/.exec(text)![0]
    const found = wordsAt(text, model.data)
    if (found.length === 1) setText(text.slice(0, text.length - word.length) + found[0]!)
    else if (found.length) {
      const common = found.reduce((a, b) => a.slice(0, [...a].findIndex((c, i) => c !== b[i]) < 0 ? a.length : [...a].findIndex((c, i) => c !== b[i])))
      if (common.length > word.length) setText(text.slice(0, text.length - word.length) + common)
      else setHints(found)
    }
  }
  const key = (e: React.KeyboardEvent): void => {
    if (e.key === 'Enter') void run(text)
    else if (e.key === 'Tab' && !e.shiftKey && text) {
      e.preventDefault()
      complete()
    } else if (e.key === 'ArrowUp' || e.key === 'ArrowDown') {
      e.preventDefault()
      at.current = Math.max(-1, Math.min(past.current.length - 1, at.current + (e.key === 'ArrowUp' ? 1 : -1)))
      setText(past.current[at.current] ?? '')
    } else if (e.key === 'c' && e.ctrlKey && !getSelection()?.toString()) {
      if (isRunning) control.current?.abort()
      else if (pending) setPending('')
      setText('')
    }
  }
  return (
    <div className="console">
      <h1 className="visually-hidden">Gremlin Console</h1>
      <div className="transcript" role="log" aria-label="Transcript" tabIndex={0}>
        {entries.length === 0 && <p className="muted">Floe's Gremlin console. Type <code>g.V().count()</code>, or <code>:help</code>.</p>}
        {entries.map((e, i) => (
          <div key={i} className="entry"><div><b>gremlin&gt;</b> {e.prompt}{e.ms !== undefined && <small>{duration(e.ms)}</small>}</div>
            {e.out.length > 0 && <pre>{e.out.map((o) => `==>${o}`).join('\n')}</pre>}{e.error && <pre className="err">{e.error}</pre>}</div>))}
        {isRunning && <p className="muted" role="status">running… <button type="button" className="button small" onClick={() => control.current?.abort()}>Stop</button></p>}
        <div ref={end} />
      </div>
      {hints.length > 0 && <p className="pending" role="status">{hints.join('  ')}</p>}
      {pending && <pre className="pending">{pending}</pre>}
      <div className="prompt"><label htmlFor="prompt">{pending ? '......>' : `gremlin${graph === 'g' ? '' : `(${graph})`}>`}</label>
        <input id="prompt" ref={input} value={text} onChange={(e) => { setText(e.target.value); setHints([]) }} onKeyDown={key} autoFocus autoComplete="off" spellCheck={false} readOnly={isRunning} /></div>
    </div>
  )
}
