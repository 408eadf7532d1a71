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
import { Failure, Loading, Select } from '../../ui'
import { useAsk } from '../../ui/useAsk'
import { completeSql } from './complete'
import { starters } from './starters'
import { Tree, useCatalog } from './Tree'
import { useSheets } from './useSheets'

interface Said { text: string; result?: Result; error?: unknown }
const isStatement = (text: string): boolean => /^\s*(?:--[^\n]*\n\s*)*(CREATE|DROP|ALTER|PAUSE|RESUME)\b/i.test(text)

export default function Worksheets() {
  const catalog = useCatalog()
  const sheets = useSheets()
  const asked = useAsk()
  const [said, setSaid] = useState<Said[]>([])
  const [side, setSide] = useState<'tree' | 'history'>('tree')
  const [limit, setLimit] = useState('1000')
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
  const run = async (text: string): Promise<void> => {
    setSaid([])
    const parts = statements(text).map(([a, b]) => text.slice(a, b).trim())
    const done: Said[] = []
    for (const part of parts) {
      const started = performance.now()
      const result = await asked.run({ language: 'sql', text: part, limit: Number(limit) })
      addPast({ text: part, at: Date.now(), ms: performance.now() - started, rows: result?.count ?? 0, failed: !result })
      done.push({ text: part, ...(result ? { result } : {}) })
      setSaid([...done])
      if (!result) return
      if (isStatement(part)) catalog.refetch()
    }
  }
  const runAll = (): void => void run(editor.current?.view.state.doc.toString() ?? '')
  const runHere = (): void => {
    const v = editor.current?.view
    if (!v) return
    const { from, to, head } = v.state.selection.main
    const text = v.state.doc.toString()
    const here = statements(text).find(([, b]) => head <= b + 1) ?? statements(text).at(-1)
    void run(from !== to ? text.slice(from, to) : here ? text.slice(...here) : '')
  }
  const failure = asked.error ? { message: asked.error instanceof Error ? asked.error.message : '', ...(asked.error instanceof ApiError && asked.error.position && said.length <= 1 ? { place: asked.error.position } : {}) } : undefined
  const statementsDone = said.filter((s) => s.result && isStatement(s.text))

  return (
    <div className="work">
      {side === 'tree' ? <Tree catalog={catalog} insert={insert} /> : <aside aria-label="History"><History past={past} pick={(t) => sheets.add(t)} /></aside>}
      <section>
        <h1 className="visually-hidden">Worksheets</h1>
        <div className="sheets" role="group" aria-label="Worksheets">
          {sheets.sheets.map((s) => (
            <div key={s.id} className={`sheet ${s.id === sheets.current?.id ? 'on' : ''}`}>
              <button type="button" aria-pressed={s.id === sheets.current?.id} onClick={() => sheets.select(s.id)} onDoubleClick={() => { const name = prompt('Name of the worksheet', s.name); if (name) sheets.rename(name) }}>{s.name}</button>
              <button type="button" aria-label={`Close ${s.name}`} onClick={() => sheets.close(s.id)}><X size={13} aria-hidden /></button>
            </div>))}
          <button type="button" aria-label="New worksheet" onClick={() => sheets.add()}><Plus size={15} aria-hidden /></button>
          <span className="spacer" /><span className="muted" style={{ padding: '6px 10px', fontSize: 11 }}>{{ loading: '', saved: 'saved', unsaved: 'saving…', failed: 'not saved: the server cannot be reached' }[sheets.state]}</span>
        </div>
        <div className="toolbar">
          <button type="button" className="button primary" onClick={runHere} disabled={asked.isRunning}><Play size={13} aria-hidden />Run</button>
          <button type="button" className="button" onClick={runAll} disabled={asked.isRunning}>Run all</button>
          {asked.isRunning && <button type="button" className="button danger" onClick={asked.cancel}><Square size={12} aria-hidden />Cancel</button>}
          <Select label="Rows at most" value={limit} onChange={setLimit} options={[['100', '100'], ['1000', '1,000'], ['10000', '10,000'], ['100000', '100,000'], ['1000000', '1,000,000']]} />
          <span className="spacer" />
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
          {asked.error !== undefined && <div className="pad"><Failure error={asked.error} /></div>}
          {asked.result && !isStatement(said.at(-1)?.text ?? '') && <Answer result={asked.result} isRunning={asked.isRunning} />}
          {!asked.result && !asked.isRunning && asked.error === undefined && statementsDone.length === 0 && (
            <><p className="muted pad">Type SQL, or begin with one of these:</p>
              <div className="starters">{starters.map((s) => <button key={s.name} type="button" className="panel" onClick={() => (sheets.current?.text.trim() ? sheets.add(s.text) : sheets.edit(s.text))}><strong>{s.name}</strong><code>{s.text.split('\n').filter((l) => !l.startsWith('--')).slice(0, 3).join('\n')}</code></button>)}</div></>)}
        </div>
      </section>
    </div>
  )
}
