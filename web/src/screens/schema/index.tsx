/** Schema: which table rows are vertices and which are edges; built, uploaded, compared, applied, rolled back. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus, Upload, Wand2 } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { ApiError, json } from '../../api/client'
import { count } from '../../api/format'
import { graphModel, liveSchema } from '../../api/graph'
import { columns, tables } from '../../api/lake'
import { announce, Empty, Failure, Modal, save, Tabs } from '../../ui'
import { Editor } from '../../ui/Editor'
import { ElementForm } from './ElementForm'
import { diff, faults, fromSchema, suggest, toSchema, type Draft, type Element } from './model'
import { Picture } from './Picture'
import './schema.css'

interface Version { version: number; isLive: boolean }
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
  const [isText, setIsText] = useState(false)
  const [at, setAt] = useState(0)
  const [problems, setProblems] = useState<string[] | undefined>()
  const [error, setError] = useState<unknown>()
  const [dialog, setDialog] = useState<'diff' | 'versions' | undefined>()
  const upload = useRef<HTMLInputElement>(null)
  const hasNone = live.error instanceof ApiError && live.error.status === 404

  useEffect(() => {
    if (!live.data) return
    setDraft(fromSchema(live.data.schema))
    setText(pretty(live.data.schema))
    setProblems(undefined)
  }, [live.data?.version])
  const made = useMemo(() => (isText ? text : pretty(toSchema(draft, fields.data ?? []))), [isText, text, draft, fields.data])
  const before = live.data ? pretty(live.data.schema) : ''
  const beforeDraft = useMemo(() => (live.data ? pretty(fromSchema(live.data.schema)) : ''), [live.data])
  const isChanged = isText ? text !== before : pretty(draft) !== beforeDraft && draft.elements.length > 0

  const edit = (e: Element): void => {
    setDraft((d) => ({ elements: d.elements.map((x, i) => (i === at ? e : x)) }))
    setProblems(undefined)
  }
  const put = (e: Element): void => {
    setDraft((d) => ({ elements: [...d.elements, e] }))
    setAt(draft.elements.length)
  }
  const body = (): unknown => {
    try {
      return JSON.parse(made)
    } catch (e) {
      throw new ApiError(400, 'INVALID', `The text is not JSON: ${e instanceof Error ? e.message : ''}`)
    }
  }
  const validate = async (): Promise<boolean> => {
    setError(undefined)
    try {
      const own = isText ? [] : faults(draft)
      const r = own.length ? { ok: false, errors: own } : await json<{ ok: boolean; errors: string[] }>('POST', '/api/schema/validate', body())
      setProblems(r.errors)
      announce(r.ok ? 'The schema is good' : `${r.errors.length} faults`)
      return r.ok
    } catch (e) {
      setError(e)
      return false
    }
  }
  const refresh = (): Promise<unknown> => Promise.all(['schema', 'graph', 'versions', 'world', 'sender', 'scene'].map((k) => client.invalidateQueries({ queryKey: [k] })))
  const apply = async (): Promise<void> => {
    if (!(await validate())) return
    try {
      const r = await json<{ version: number }>('PUT', '/api/schema', body())
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
  const useProposal = (): void => { if (proposed) { setDraft(proposed); setIsText(false); setAt(0); setProblems(undefined) } }
  const current = draft.elements[at]
  return (
    <div className="schema" onDragOver={(e) => e.preventDefault()} onDrop={(e) => { e.preventDefault(); void read(e.dataTransfer.files[0]) }}>
      <aside aria-label="Elements">
        <div className="row"><h1>Schema</h1></div>
        <h3>Vertices</h3>
        <ul className="tree">{draft.elements.map((e, i) => e.kind === 'vertex' && <li key={i}><button type="button" className="node" aria-pressed={i === at} onClick={() => { setAt(i); setIsText(false) }}><span>({e.label})</span><small>{count(model.data?.vertices.find((v) => v.label === e.label)?.count ?? 0)}</small></button></li>)}</ul>
        <h3>Edges</h3>
        <ul className="tree">{draft.elements.map((e, i) => e.kind === 'edge' && <li key={i}><button type="button" className="node" aria-pressed={i === at} onClick={() => { setAt(i); setIsText(false) }}><span>—{e.label}→</span><small>{count(model.data?.edges.find((v) => v.label === e.label)?.count ?? 0)}</small></button></li>)}</ul>
        <div className="column">
          <button type="button" className="button small" onClick={() => put(blank('vertex', ''))}><Plus size={13} aria-hidden />Vertex</button>
          <button type="button" className="button small" onClick={() => put(blank('edge', draft.elements.find((e) => e.kind === 'vertex')?.label ?? ''))}><Plus size={13} aria-hidden />Edge</button>
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
          <button type="button" className="button" disabled={!isChanged} onClick={() => { if (live.data) { setDraft(fromSchema(live.data.schema)); setText(before) } else setDraft({ elements: [] }); setIsText(false); setProblems(undefined) }}>Discard</button>
          <button type="button" className="button" onClick={() => setDialog('versions')} disabled={!versions.data?.versions.length}>Versions</button>
          <button type="button" className="button" onClick={() => upload.current?.click()}><Upload size={13} aria-hidden />Upload</button>
          <input ref={upload} type="file" accept=".json,application/json" hidden aria-label="Schema file" onChange={(e) => void read(e.target.files?.[0])} />
          <button type="button" className="button" disabled={!made} onClick={() => save('schema.json', 'application/json', made)}>Export</button>
        </div>
        {error !== undefined && <div className="pad"><Failure error={error} /></div>}
        {problems && (problems.length === 0 ? <p className="pad ok" role="status">✓ The tables have everything that it names.</p> : <div className="pad"><div className="failure" role="alert"><strong>{problems.length} fault{problems.length > 1 ? 's' : ''}</strong><ul>{problems.map((p) => <li key={p} className="mono">{p}</li>)}</ul></div></div>)}
        {(live.data || draft.elements.length > 0 || isText) && <Tabs label="Forms of the schema" value={isText ? 'json' : 'picture'} onChange={(t) => { if (t === 'json') setText(isText ? text : pretty(toSchema(draft, fields.data ?? []))); else try { setDraft(fromSchema(JSON.parse(text))) } catch { return } setIsText(t === 'json') }} tabs={[{ id: 'picture', label: 'Picture' }, { id: 'json', label: 'JSON' }]} />}
        {isText ? <div className="schema-text"><Editor mode="json" label="Schema JSON" value={text} onChange={(t) => { setText(t); setProblems(undefined) }} /></div>
          : draft.elements.length ? <Picture draft={draft} pick={setAt} at={at} />
          : <Empty title={hasNone ? 'No graph schema yet' : 'The schema'} actions={<><button type="button" className="button primary" disabled={!proposed} onClick={useProposal}>Suggest from flow logs</button><button type="button" className="button" onClick={() => upload.current?.click()}>Upload JSON</button><a className="button" href="#/">Use sample data</a></>}>It says which table rows are vertices and which are edges; nothing is copied. Build it from tables here, or drop a JSON file: three formats are read.</Empty>}
      </div>
      <div className="schema-form" role="region" aria-label="Element" tabIndex={0}>
        {current && !isText ? <ElementForm key={at} element={current} vertices={draft.elements.filter((e) => e.kind === 'vertex')} tables={lake.data ?? []} columns={fields.data ?? []} change={edit} remove={() => { setDraft((d) => ({ elements: d.elements.filter((_, i) => i !== at) })); setAt(0) }} /> : <p className="muted">{isText ? 'The text on the left is what will be applied.' : 'Choose an element to see its table, ids and attributes.'}</p>}
      </div>
      {dialog === 'diff' && <Modal title={`Draft against version ${live.data?.version ?? 0}`} close={() => setDialog(undefined)}><pre className="diff" tabIndex={0}>{diff(before, made).map((l, i) => (l.sign === '+' ? <ins key={i}>+ {l.text}</ins> : l.sign === '-' ? <del key={i}>- {l.text}</del> : <span key={i}>  {l.text}</span>))}</pre><div className="row"><button type="button" className="button primary" onClick={() => void apply()}>Apply</button></div></Modal>}
      {dialog === 'versions' && <Modal title="Versions" close={() => setDialog(undefined)}><table className="plain"><tbody>{versions.data!.versions.map((v) => <tr key={v.version}><td>Version {v.version}</td><td>{v.isLive ? <b className="ok">● active</b> : ''}</td><td><button type="button" className="button small" disabled={v.isLive} onClick={() => void rollBack(v.version)}>Roll back to it</button></td></tr>)}</tbody></table><p className="muted">Rolling back applies the old version again, as a new one.</p></Modal>}
    </div>
  )
}
