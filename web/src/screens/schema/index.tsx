/** Schema: which table rows are vertices and which are edges; built, uploaded, compared, applied, rolled back. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus, Upload, Wand2 } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { ApiError, json, sendText } from '../../api/client'
import { count } from '../../api/format'
import { graphModel, liveSchema } from '../../api/graph'
import { columns, tables } from '../../api/lake'
import { announce, Empty, Failure, Modal, save, Tabs } from '../../ui'
import { Editor, type EditorHandle } from '../../ui/Editor'
import { ElementForm } from './ElementForm'
import { faultOf, type Fault } from './faults'
import { faults, fromSchema, isPlain, suggest, toSchema, type Draft, type Element } from './model'
import { Picture } from './Picture'
import { Diff, Versions, type Version } from './Versions'
import './schema.css'

const pretty = (o: unknown): string => JSON.stringify(o, null, 2)
const blank = (kind: Element['kind'], vertex: string): Element => ({ kind, label: kind === 'vertex' ? 'new_vertex' : 'new_edge', table: '', id: '', from: '', to: '', fromLabel: vertex, toLabel: vertex, attributes: [] })

export default function Schema() {
  const client = useQueryClient()
  const live = useQuery({ queryKey: ['schema'], queryFn: () => liveSchema(), retry: false })
  const model = useQuery({ queryKey: ['graph'], queryFn: graphModel, retry: false })
  const versions = useQuery({ queryKey: ['versions'], queryFn: () => json<{ versions: Version[] }>('GET', '/api/schema/versions'), retry: false })
  const lake = useQuery({ queryKey: ['tables'], queryFn: tables })
  const fields = useQuery({ queryKey: ['columns'], queryFn: columns })
  const [draft, setDraft] = useState<Draft>({ elements: [] })
  const [text, setText] = useState('')
  /** What the draft was read from: while nothing is changed, that is what stands. */
  const [base, setBase] = useState<{ text: string; draft: Draft } | undefined>()
  const [isText, setIsText] = useState(false)
  const [at, setAt] = useState(0)
  const [problems, setProblems] = useState<Fault[] | undefined>()
  const [error, setError] = useState<unknown>()
  const [dialog, setDialog] = useState<'diff' | 'versions' | undefined>()
  const upload = useRef<HTMLInputElement>(null)
  const editor = useRef<EditorHandle>(undefined)
  const hasNone = live.error instanceof ApiError && live.error.status === 404

  const adopt = (schema: unknown): void => {
    const read = fromSchema(schema)
    setDraft(read)
    setText(pretty(schema))
    setBase({ text: pretty(schema), draft: read })
  }
  useEffect(() => {
    if (!live.data) return
    adopt(live.data.schema)
    setProblems(undefined)
  }, [live.data?.version])
  const isUntouched = base !== undefined && pretty(draft) === pretty(base.draft)
  const isFixed = useMemo(() => base !== undefined && !isPlain(JSON.parse(base.text)), [base])
  const made = useMemo(() => (isText ? text : isUntouched ? base!.text : draft.elements.length ? pretty(toSchema(draft, fields.data ?? [])) : ''), [isText, text, draft, base, isUntouched, fields.data])
  const before = live.data ? pretty(live.data.schema) : ''
  const isChanged = made !== before && made !== ''

  const edit = (e: Element): void => {
    setDraft((d) => ({ elements: d.elements.map((x, i) => (i === at ? e : x)) }))
    setProblems(undefined)
  }
  const put = (e: Element): void => {
    setDraft((d) => ({ elements: [...d.elements, e] }))
    setAt(draft.elements.length)
  }
  /** The text goes as it stands, so that the server's places are places of it. */
  const validate = async (): Promise<boolean> => {
    setError(undefined)
    try {
      const own = isText ? [] : faults(draft)
      const r = own.length ? { ok: false, errors: own } : await sendText<{ ok: boolean; errors: string[] }>('POST', '/api/schema/validate', made)
      setProblems(r.errors.map((m) => faultOf(m, made, draft)))
      announce(r.ok ? 'The schema is good' : `${r.errors.length} faults`)
      return r.ok
    } catch (e) {
      setError(e)
      return false
    }
  }
  const goTo = (f: Fault): void => {
    if (!isText) {
      if (f.element !== undefined) setAt(f.element)
      return
    }
    const v = editor.current?.view
    if (!v || !f.place) return
    const line = v.state.doc.line(Math.min(v.state.doc.lines, f.place.line))
    v.dispatch({ selection: { anchor: Math.min(line.to, line.from + f.place.column - 1) }, scrollIntoView: true })
    v.focus()
  }
  const refresh = (): Promise<unknown> => Promise.all(['schema', 'graph', 'versions', 'world', 'sender', 'scene'].map((k) => client.invalidateQueries({ queryKey: [k] })))
  const apply = async (): Promise<void> => {
    if (!(await validate())) return
    try {
      const r = await sendText<{ version: number }>('PUT', '/api/schema', made)
      setDialog(undefined)
      setIsText(false)
      await refresh()
      announce(`Version ${r.version} is active`)
    } catch (e) {
      setError(e)
    }
  }
  const rollBack = async (version: number): Promise<void> => {
    try {
      await json('POST', '/api/schema/rollback', { version })
      setDialog(undefined)
      await refresh()
    } catch (e) {
      setError(e)
    }
  }
  const read = async (file: File | undefined): Promise<void> => {
    if (!file) return
    setText(await file.text())
    setIsText(true)
    setProblems(undefined)
  }
  const proposed = suggest(lake.data ?? [], fields.data ?? [])
  const useProposal = (): void => { if (proposed) { setDraft(proposed); setBase(undefined); setIsText(false); setAt(0); setProblems(undefined) } }
  const current = draft.elements[at]
  const marks = useMemo(() => (problems ?? []).flatMap((p) => (p.place ? [{ message: p.message, place: p.place }] : [])), [problems])
  const isAtFault = (i: number): string => (problems?.some((p) => p.element === i) ? 'err' : '')
  return (
    <div className="schema" onDragOver={(e) => e.preventDefault()} onDrop={(e) => { e.preventDefault(); void read(e.dataTransfer.files[0]) }}>
      <aside aria-label="Elements">
        <div className="row"><h1>Schema</h1></div>
        <h3>Vertices</h3>
        <ul className="tree">{draft.elements.map((e, i) => e.kind === 'vertex' && <li key={i}><button type="button" className="node" aria-pressed={i === at} onClick={() => { setAt(i); setIsText(false) }}><span className={isAtFault(i)}>({e.label})</span><small>{count(model.data?.vertices.find((v) => v.label === e.label)?.count ?? 0)}</small></button></li>)}</ul>
        <h3>Edges</h3>
        <ul className="tree">{draft.elements.map((e, i) => e.kind === 'edge' && <li key={i}><button type="button" className="node" aria-pressed={i === at} onClick={() => { setAt(i); setIsText(false) }}><span className={isAtFault(i)}>—{e.label}→</span><small>{count(model.data?.edges.find((v) => v.label === e.label)?.count ?? 0)}</small></button></li>)}</ul>
        <div className="column">
          <button type="button" className="button small" disabled={isFixed} onClick={() => put(blank('vertex', ''))}><Plus size={13} aria-hidden />Vertex</button>
          <button type="button" className="button small" disabled={isFixed} onClick={() => put(blank('edge', draft.elements.find((e) => e.kind === 'vertex')?.label ?? ''))}><Plus size={13} aria-hidden />Edge</button>
          <button type="button" className="button small" disabled={!proposed} onClick={useProposal}><Wand2 size={13} aria-hidden />Suggest from flow logs</button>
        </div>
        <h3>Tables</h3>
        <ul className="tree">{(lake.data ?? []).map((t) => <li key={t.full} className="node"><span>{t.name}</span><small>{count(t.rows)}</small></li>)}</ul>
      </aside>
      <div className="schema-mid">
        <div className="toolbar">
          <span>{isChanged ? <b className="warn">Draft with changes</b> : <b>{live.data ? `Version ${live.data.version} is active` : 'No version yet'}</b>}</span><span className="spacer" />
          <button type="button" className="button" onClick={() => void validate()}>Validate</button>
          <button type="button" className="button" disabled={!isChanged} onClick={() => setDialog('diff')}>Diff</button>
          <button type="button" className="button primary" disabled={!isChanged} onClick={() => void apply()}>Apply</button>
          <button type="button" className="button" disabled={!isChanged} onClick={() => { if (live.data) adopt(live.data.schema); else { setDraft({ elements: [] }); setBase(undefined); setText('') } setIsText(false); setProblems(undefined) }}>Discard</button>
          <button type="button" className="button" onClick={() => setDialog('versions')} disabled={!versions.data?.versions.length}>Versions</button>
          <button type="button" className="button" onClick={() => upload.current?.click()}><Upload size={13} aria-hidden />Upload</button>
          <input ref={upload} type="file" accept=".json,application/json" hidden aria-label="Schema file" onChange={(e) => void read(e.target.files?.[0])} />
          <button type="button" className="button" disabled={!made} onClick={() => save('schema.json', 'application/json', made)}>Export</button>
        </div>
        {error !== undefined && <div className="pad"><Failure error={error} /></div>}
        {problems && (problems.length === 0 ? <p className="pad ok" role="status">✓ The tables have everything that it names.</p> : <div className="pad"><div className="failure" role="alert"><strong>{problems.length} fault{problems.length > 1 ? 's' : ''}</strong><ul>{problems.map((p) => <li key={p.message} className="row"><span className="mono wrap">{p.message}</span>{(isText ? p.place : p.element !== undefined) && <button type="button" className="button small" onClick={() => goTo(p)}>{isText ? `Go to line ${p.place!.line}` : 'Go to it'}</button>}</li>)}</ul></div></div>)}
        {(live.data || draft.elements.length > 0 || isText) && <Tabs label="Forms of the schema" value={isText ? 'json' : 'picture'} onChange={(t) => { if (t === 'json') setText(made); else try { const read: unknown = JSON.parse(text); const d = fromSchema(read); setDraft(d); setBase({ text, draft: d }) } catch { return } setIsText(t === 'json') }} tabs={[{ id: 'picture', label: 'Picture' }, { id: 'json', label: 'JSON' }]} />}
        {isText ? <div className="schema-text"><Editor mode="json" label="Schema JSON" value={text} onChange={(t) => { setText(t); setProblems(undefined) }} errors={marks} handle={(h) => { editor.current = h }} /></div>
          : draft.elements.length ? <Picture draft={draft} pick={setAt} at={at} />
          : <Empty title={hasNone ? 'No graph schema yet' : 'The schema'} actions={<><button type="button" className="button primary" disabled={!proposed} onClick={useProposal}>Suggest from flow logs</button><button type="button" className="button" onClick={() => upload.current?.click()}>Upload JSON</button><a className="button" href="#/">Use sample data</a></>}>It says which table rows are vertices and which are edges; nothing is copied. Build it from tables here, or drop a JSON file: three formats are read.</Empty>}
      </div>
      <div className="schema-form" role="region" aria-label="Element" tabIndex={0}>
        {isFixed && !isText && <p className="muted">This schema says more than the form can: change it as JSON.</p>}
        {current && !isText && !isFixed ? <ElementForm key={at} element={current} vertices={draft.elements.filter((e) => e.kind === 'vertex')} tables={lake.data ?? []} columns={fields.data ?? []} change={edit} remove={() => { setDraft((d) => ({ elements: d.elements.filter((_, i) => i !== at) })); setAt(0) }} /> : isFixed && !isText ? null : <p className="muted">{isText ? 'The text on the left is what will be applied.' : 'Choose an element to see its table, ids and attributes.'}</p>}
      </div>
      {dialog === 'diff' && <Modal title={`Draft against version ${live.data?.version ?? 0}`} close={() => setDialog(undefined)}><Diff before={before} after={made} /><div className="row"><button type="button" className="button primary" onClick={() => void apply()}>Apply</button></div></Modal>}
      {dialog === 'versions' && <Versions versions={versions.data!.versions} live={before} rollBack={(v) => void rollBack(v)} close={() => setDialog(undefined)} />}
    </div>
  )
}
