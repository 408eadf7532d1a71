/** The start: sample data with one click, or one's own; afterwards what there is and where to go. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { FlaskConical } from 'lucide-react'
import { useRef, useState } from 'react'
import { graphModel } from '../../api/graph'
import { jobs, tables } from '../../api/lake'
import { plural } from '../../api/format'
import { go, href } from '../../app/route'
import { Failure, Modal } from '../../ui'
import { starters } from '../worksheets/starters'
import { exploreSample, removeSample } from './sample'
import './home.css'

export default function Home() {
  const client = useQueryClient()
  const lake = useQuery({ queryKey: ['tables'], queryFn: tables })
  const work = useQuery({ queryKey: ['jobs'], queryFn: jobs })
  const graph = useQuery({ queryKey: ['graph'], queryFn: graphModel, retry: false })
  const [step, setStep] = useState<{ step: string; detail: string } | undefined>()
  const [error, setError] = useState<unknown>()
  const control = useRef<AbortController>(undefined)
  const [isRemoving, setRemoving] = useState(false)
  const hasSample = (work.data ?? []).some((j) => /FILE\s+samples\b/i.test(j.statement))
  const explore = async (): Promise<void> => {
    setError(undefined)
    try {
      control.current = new AbortController()
      const story = await exploreSample((s, detail) => setStep({ step: s, detail }), control.current.signal)
      await client.invalidateQueries()
      go('visualize', '', { story })
    } catch (e) {
      if (!control.current?.signal.aborted) setError(e)
      await client.invalidateQueries()
    } finally {
      setStep(undefined)
    }
  }
  const remove = async (): Promise<void> => {
    setRemoving(false)
    try {
      await removeSample()
      await client.invalidateQueries()
    } catch (e) {
      setError(e)
    }
  }
  const done: [string, boolean, string][] = [['A table', (lake.data ?? []).length > 0, '#/datasets'], ['A job', (work.data ?? []).length > 0, '#/jobs'], ['A graph schema', Boolean(graph.data), '#/schema'], ['The graph', Boolean(graph.data?.edges.length), '#/visualize']]
  return (
    <div className="home">
      <h1>See your network as a graph</h1>
      <p className="muted">Flow logs become Iceberg tables, loaded exactly once; the tables are a graph that answers Gremlin, Cypher and SQL. Nothing leaves this machine.</p>
      <button type="button" className="button primary big" disabled={Boolean(step)} onClick={() => void explore()}><FlaskConical size={18} aria-hidden />Explore sample data</button>
      {step && <div className="panel pad" role="status"><div className="bar"><i /></div><b>{step.step}</b><p className="muted">{step.detail}</p><button type="button" className="button small" onClick={() => control.current?.abort()}>Cancel</button></div>}
      {error !== undefined && <Failure error={error} retry={() => void explore()} />}
      <div className="cards">
        <a className="panel pad" href={href('worksheets', '', { text: starters[1]!.text })}><b>Connect S3 flow logs</b><span className="muted">A worksheet with a connection, a table and a job</span></a>
        <a className="panel pad" href={href('worksheets', '', { text: starters[0]!.text })}><b>Load log files from a folder</b><span className="muted">Parquet, CSV, JSON or gzipped text, as AWS writes them</span></a>
        <a className="panel pad" href="#/schema"><b>Make a graph of tables there are</b><span className="muted">Build a schema, or upload its JSON</span></a>
      </div>
      <ul className="row steps" aria-label="What there is">{done.map(([name, is, to]) => <li key={name}><a href={to} className={is ? 'ok' : 'muted'}>{is ? '✓' : '○'} {name}</a></li>)}</ul>
      {(lake.data ?? []).length > 0 && <ul className="there" aria-label="Tables">{(lake.data ?? []).slice(0, 8).map((t) => <li key={t.full}><a href={href('datasets', t.full)}>{t.name}</a><span className="muted">{plural(t.rows, 'row')}</span></li>)}<li><a href="#/dashboard">Dashboard</a><span className="muted">what is worth watching</span></li></ul>}
      {hasSample && <p>Sample data is loaded. <button type="button" className="button small" onClick={() => setRemoving(true)}>Remove it</button></p>}
      {isRemoving && <Modal title="Remove the sample data" close={() => setRemoving(false)}><p>Its three jobs and their tables are dropped. The sample files stay in the home folder.</p><div className="row"><button type="button" className="button danger" onClick={() => void remove()}>Remove</button></div></Modal>}
    </div>
  )
}
