/** Gremlin Query and Cypher: one screen, two languages. */
import { useQuery } from '@tanstack/react-query'
import { Play, Square } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { ApiError } from '../../api/client'
import { count } from '../../api/format'
import { graphModel } from '../../api/graph'
import { elementsOf, keyOf } from '../../scene/elements'
import type { Result } from '../../api/query'
import { go, useRoute } from '../../app/route'
import { useHistory } from '../../app/useHistory'
import { Answer } from '../../ui/Answer'
import { Editor, type EditorHandle } from '../../ui/Editor'
import { History } from '../../ui/History'
import { Empty, Failure, Loading, Select } from '../../ui'
import { useAsk } from '../../ui/useAsk'
import { useSender } from '../../api/sender'
import { completeGraph } from './complete'
import { startersOf } from './starters'

/** Without what asks for its plan, which the buttons put there themselves. */
const bare = (t: string): string => t.trim().replace(/;$/, '').replace(/\.(explain|profile)\(\)$/, '').replace(/^(EXPLAIN|PROFILE)\s+/i, '')
const progressOf = (r: Result | undefined): string =>
  !r ? 'Running on the server' : r.count ? `${count(r.count)} rows have arrived` : r.serverRows ? `The server has found ${count(r.serverRows)} rows` : 'Running on the server'

function AskGraph({ language }: { language: 'gremlin' | 'cypher' }) {
  const name = language === 'gremlin' ? 'Gremlin Query' : 'Cypher'
  const model = useQuery({ queryKey: ['graph'], queryFn: graphModel, retry: false })
  const sender = useSender()
  const route = useRoute()
  const key = `floe.${language}`
  const [text, setText] = useState(() => route.query.get('text') ?? localStorage.getItem(key) ?? '')
  const [timeout, setTimeoutMs] = useState('60000')
  const [limit, setLimit] = useState('10000')
  const asked = useAsk()
  const [past, addPast] = useHistory(language)
  const editor = useRef<EditorHandle>(undefined)
  const latest = useRef(model.data)
  latest.current = model.data
  const complete = useMemo(() => completeGraph(language, () => latest.current), [language])
  useEffect(() => { localStorage.setItem(key, text) }, [text])

  const run = async (t: string, isAside = false): Promise<void> => {
    if (!t.trim()) return
    const started = performance.now()
    const r = await asked.run({ language, text: t, limit: Number(limit), timeoutMs: Number(timeout) })
    if (!isAside) addPast({ text: t, at: Date.now(), ms: performance.now() - started, rows: r?.count ?? 0, failed: !r })
  }
  const explain = (): void => void run(language === 'gremlin' ? `${bare(text)}.explain()` : `EXPLAIN ${bare(text)}`, true)
  const profile = (): void => void run(language === 'gremlin' ? `${bare(text)}.profile()` : `PROFILE ${bare(text)}`, true)
  const isPlan = asked.result?.columns.length === 1 && asked.result.columns[0]!.name === 'plan'
  const failure = asked.error instanceof ApiError ? { message: asked.error.message, ...(asked.error.position ? { place: asked.error.position } : {}) } : undefined
  const elements = useMemo(() => (asked.result && !asked.isRunning ? elementsOf(asked.result.rows.length > 20000 ? asked.result.rows.slice(0, 20000) : asked.result.rows, 2000) : undefined), [asked.result, asked.isRunning])
  const show = (): void => go('visualize', '', { add: [...new Set(elements!.vertices.map((v) => keyOf(v.id)))].slice(0, 300).join(',') })

  return (
    <div className="work">
      <aside aria-label="Labels and history">
        <div className="tree">
          <h3>Labels</h3>
          <ul>{(model.data?.vertices ?? []).map((v) => <li key={v.label}><button type="button" className="node" onClick={() => { const t = language === 'gremlin' ? `g.V().hasLabel('${v.label}').limit(50)` : `MATCH (n:${v.label}) RETURN n LIMIT 50`; setText(t); void run(t) }}><span>({v.label})</span><small>{count(v.count)}</small></button></li>)}
            {(model.data?.edges ?? []).map((e) => <li key={e.label}><button type="button" className="node" onClick={() => { const t = language === 'gremlin' ? `g.E().hasLabel('${e.label}').limit(50)` : `MATCH (a)-[e:${e.label}]->(b) RETURN a, e, b LIMIT 50`; setText(t); void run(t) }}><span>—{e.label}→</span><small>{count(e.count)}</small></button></li>)}</ul>
          <h3>History</h3>
        </div>
        <History past={past} pick={setText} />
      </aside>
      <section>
        <h1 className="visually-hidden">{name}</h1>
        <div className="toolbar">
          <button type="button" className="button primary" disabled={asked.isRunning} onClick={() => (editor.current ? editor.current.run() : void run(text))}><Play size={13} aria-hidden />Run</button>
          <button type="button" className="button" onClick={() => void explain()}>Explain</button>
          <button type="button" className="button" onClick={profile}>Profile</button>
          {asked.isRunning && <button type="button" className="button danger" onClick={asked.cancel}><Square size={12} aria-hidden />Cancel</button>}
          <Select label="Time-out" value={timeout} onChange={setTimeoutMs} options={[['5000', '5 s'], ['60000', '60 s'], ['600000', '10 min']]} />
          <Select label="Rows at most" value={limit} onChange={setLimit} options={[['1000', '1,000'], ['10000', '10,000'], ['100000', '100,000'], ['1000000', '1,000,000']]} />
          <span className="spacer" />
          {elements && elements.vertices.length > 0 && <button type="button" className="button" onClick={show}>Show in Visualize</button>}
        </div>
        <div className="editor-box" style={{ height: '26%' }}>
          <Editor mode={language} label={`${name} editor`} value={text} onChange={setText} complete={complete} onRun={(t) => void run(t)} onCancel={asked.cancel} error={failure} handle={(h) => { editor.current = h }}
            hint={language === 'gremlin' ? 'g.V()…  Ctrl+Enter runs' : 'MATCH …  Ctrl+Enter runs'} />
        </div>
        <div className="out">
          {model.error instanceof ApiError && model.error.status === 404 && <Empty title="No graph schema yet" actions={<a className="button primary" href="#/schema">Make one</a>}>A schema says which table rows are vertices and which are edges.</Empty>}
          {asked.isRunning && <Loading what={progressOf(asked.result)} cancel={asked.cancel} />}
          {asked.error !== undefined && <div className="pad"><Failure error={asked.error} /></div>}
          {asked.result && isPlan && <pre className="raw" tabIndex={0} aria-label="Profile">{asked.result.rows.map((r) => String(r[0])).join('\n')}</pre>}
          {asked.result && !isPlan && <Answer result={asked.result} isRunning={asked.isRunning} />}
          {!asked.result && !asked.isRunning && asked.error === undefined && model.data && (
            <><p className="muted pad">Type a query, click a label on the left, or begin with one of these:</p>
              <div className="starters">{startersOf(language, model.data, sender).map((s) => <button key={s.name} type="button" className="panel" onClick={() => setText(s.text)}><strong>{s.name}</strong><code>{s.text}</code></button>)}</div></>)}
        </div>
      </section>
    </div>
  )
}
export const GremlinQuery = () => <AskGraph key="gremlin" language="gremlin" />
export const CypherQuery = () => <AskGraph key="cypher" language="cypher" />
