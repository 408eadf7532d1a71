/** Worksheets: SQL that creates connections, tables and jobs, and asks questions. */
import { CircleCheck, Play, Plus, Square, X } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useHistory } from '../../app/useHistory'
import { ApiError } from '../../api/client'
import type { Result } from '../../api/query'
import { href, replace, useRoute } from '../../app/route'
import { Answer } from '../../ui/Answer'
import { Editor, statements, type EditorHandle } from '../../ui/Editor'
import { History } from '../../ui/History'
import { Failure, Loading, Modal, Select } from '../../ui'
import { useAsk } from '../../ui/useAsk'
import { completeSql } from './complete'
import { offsetOf, placed } from './place'
import { starters } from './starters'
import { Tree, useCatalog } from './Tree'
import { useSheets } from './useSheets'

const EXPLAIN = 'EXPLAIN '
interface Said { text: string; result?: Result }
const isStatement = (text: string): boolean => /^\s*(?:--[^\n]*\n\s*)*(CREATE|DROP|ALTER|PAUSE|RESUME)\b/i.test(text)

export default function Worksheets() {
  const catalog = useCatalog()
  const sheets = useSheets()
  const asked = useAsk()
  const [said, setSaid] = useState<Said[]>([])
  const [side, setSide] = useState<'tree' | 'history'>('tree')
  const [limit, setLimit] = useState('1000')
  const [isNaming, setNaming] = useState(false)
  /** The statement that runs, in the text that it is of: errors point there. */
  const ran = useRef({ statement: '', whole: '', from: 0, added: 0 })
  const [past, addPast] = useHistory('sql')
  const editor = useRef<EditorHandle>(undefined)
  const route = useRoute()
  const complete = useMemo(() => completeSql(() => catalog.tables.data ?? [], () => catalog.columns.data ?? []), [catalog.tables.data, catalog.columns.data])

  const given = route.query.get('text')
  useEffect(() => {
    if (given === null || sheets.state === 'loading') return
    sheets.add(given)
    replace('#/worksheets')
  }, [given, sheets.state])

  const insert = (text: string): void => {
    const v = editor.current?.view
    if (!v) return
    v.dispatch(v.state.replaceSelection(text))
    v.focus()
  }
  const run = async (text: string, isExplained = false): Promise<void> => {
    setSaid([])
    const view = editor.current?.view
    const whole = view?.state.doc.toString() ?? text
    const begin = offsetOf(text, whole, view?.state.selection.main.head ?? 0)
    const done: Said[] = []
    for (const [a, b] of statements(text)) {
      const part = text.slice(a, b).trim()
      ran.current = { statement: part, whole, from: begin + text.indexOf(part, a), added: isExplained ? EXPLAIN.length : 0 }
      const started = performance.now()
      const result = await asked.run({ language: 'sql', text: isExplained ? EXPLAIN + part : part, limit: Number(limit) })
      if (!isExplained) addPast({ text: part, at: Date.now(), ms: performance.now() - started, rows: result?.count ?? 0, failed: !result })
      done.push({ text: part, ...(result ? { result } : {}) })
      setSaid([...done])
      if (!result) return
      if (isStatement(part)) catalog.refetch()
    }
  }
  const runAll = (): void => void run(editor.current?.view.state.doc.toString() ?? '')
  const here = (): string => {
    const v = editor.current?.view
    if (!v) return ''
    const { from, to, head } = v.state.selection.main
    const text = v.state.doc.toString()
    const at = statements(text).find(([, b]) => head <= b + 1) ?? statements(text).at(-1)
    return from !== to ? text.slice(from, to) : at ? text.slice(...at) : ''
  }
  const error = useMemo(() => asked.error && placed(asked.error, ran.current), [asked.error])
  const failure = useMemo(() => error instanceof ApiError ? { message: error.message, ...(error.position ? { place: error.position } : {}) } : undefined, [error])
  const showError = (): void => {
    const v = editor.current?.view
    if (!v || !failure?.place) return
    const line = v.state.doc.line(Math.min(v.state.doc.lines, failure.place.line))
    v.dispatch({ selection: { anchor: Math.min(line.to, line.from + failure.place.column - 1) }, scrollIntoView: true })
    v.focus()
  }
  const plan = asked.result && (asked.result.columns.at(-1)?.name === 'explain_value' || asked.result.columns[0]?.name === 'plan') ? asked.result.rows.map((r) => String(r.at(-1))).join('\n') : ''
  const statementsDone = said.filter((s) => s.result && isStatement(s.text))

  return (
    <div className="work">
      {side === 'tree' ? <Tree catalog={catalog} insert={insert} /> : <aside aria-label="History"><History past={past} pick={(t) => sheets.add(t)} /></aside>}
      <section>
        <h1 className="visually-hidden">Worksheets</h1>
        <div className="sheets" role="group" aria-label="Worksheets">
          {sheets.sheets.map((s) => (
            <div key={s.id} className={`sheet ${s.id === sheets.current?.id ? 'on' : ''}`}>
              <button type="button" aria-pressed={s.id === sheets.current?.id} onClick={() => sheets.select(s.id)} onDoubleClick={() => setNaming(true)}>{s.name}</button>
              <button type="button" aria-label={`Close ${s.name}`} onClick={() => sheets.close(s.id)}><X size={13} aria-hidden /></button>
            </div>))}
          <button type="button" aria-label="New worksheet" onClick={() => sheets.add()}><Plus size={15} aria-hidden /></button>
          <span className="spacer" /><span className="muted" style={{ padding: '6px 10px', fontSize: 11 }}>{{ loading: '', saved: 'saved', unsaved: 'saving…', failed: 'not saved: the server cannot be reached' }[sheets.state]}</span>
        </div>
        <div className="toolbar">
          <button type="button" className="button primary" onClick={() => void run(here())} disabled={asked.isRunning}><Play size={13} aria-hidden />Run</button>
          <button type="button" className="button" onClick={runAll} disabled={asked.isRunning}>Run all</button>
          <button type="button" className="button" onClick={() => void run(here(), true)} disabled={asked.isRunning}>Explain</button>
          {asked.isRunning && <button type="button" className="button danger" onClick={asked.cancel}><Square size={12} aria-hidden />Cancel</button>}
          <Select label="Rows at most" value={limit} onChange={setLimit} options={[['100', '100'], ['1000', '1,000'], ['10000', '10,000'], ['100000', '100,000'], ['1000000', '1,000,000']]} />
          <span className="spacer" />
          <button type="button" className="button small" onClick={() => setNaming(true)} disabled={!sheets.current}>Rename</button>
          <button type="button" className="button small" aria-pressed={side === 'history'} onClick={() => setSide(side === 'tree' ? 'history' : 'tree')}>History</button>
        </div>
        <div className="editor-box">
          {sheets.current && <Editor key={sheets.current.id} mode="sql" label="SQL editor" value={sheets.current.text} onChange={sheets.edit} complete={complete} error={failure} onCancel={asked.cancel}
            onRun={(t) => void run(t)} handle={(h) => { editor.current = h }} hint="SQL: Ctrl+Enter runs the statement under the caret" />}
        </div>
        <div className="out">
          {asked.isRunning && <Loading what={asked.result ? `${asked.result.count.toLocaleString()} rows so far` : 'Running'} cancel={asked.cancel} />}
          {statementsDone.map((s, i) => (
            <div className="said" key={i}><CircleCheck size={15} className="ok" aria-hidden /><span>{String(s.result!.rows.at(-1)?.at(-1) ?? 'done')}</span><code className="muted">{s.text.split('\n').find((l) => !l.startsWith('--'))?.slice(0, 80)}</code>
              <span className="spacer" />{/JOB/i.test(s.text.slice(0, 60)) && <a href={href('jobs')}>Open jobs</a>}</div>))}
          {error !== undefined && <div className="pad column"><Failure error={error} />{failure?.place && <div className="row"><button type="button" className="button small" onClick={showError}>Go to line {failure.place.line}</button></div>}</div>}
          {plan && <pre className="plan" tabIndex={0} role="region" aria-label="Plan">{plan}</pre>}
          {asked.result && !plan && !isStatement(said.at(-1)?.text ?? '') && <Answer result={asked.result} isRunning={asked.isRunning} />}
          {!asked.result && !asked.isRunning && asked.error === undefined && statementsDone.length === 0 && (
            <><p className="muted pad">Type SQL, or begin with one of these:</p>
              <div className="starters">{starters.map((s) => <button key={s.name} type="button" className="panel" onClick={() => (sheets.current?.text.trim() ? sheets.add(s.text) : sheets.edit(s.text))}><strong>{s.name}</strong><code>{s.text.split('\n').filter((l) => !l.startsWith('--')).slice(0, 3).join('\n')}</code></button>)}</div></>)}
        </div>
      </section>
      {isNaming && sheets.current && <Naming name={sheets.current.name} close={() => setNaming(false)} rename={sheets.rename} />}
    </div>
  )
}

function Naming({ name, close, rename }: { name: string; close: () => void; rename: (to: string) => void }) {
  const [to, setTo] = useState(name)
  return (
    <Modal title="Name of the worksheet" close={close}>
      <form className="row" onSubmit={(e) => { e.preventDefault(); if (to.trim()) rename(to.trim()); close() }}>
        <input className="field" aria-label="Name" value={to} data-autofocus onChange={(e) => setTo(e.target.value)} /><button type="submit" className="button primary" disabled={!to.trim()}>Rename</button></form>
    </Modal>
  )
}
