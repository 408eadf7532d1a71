/** Dashboard: tiles over SQL, Gremlin and Cypher; a useful set without any set-up. */
import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, ArrowRight, Pencil, Plus, Trash2 } from 'lucide-react'
import { useEffect, useState } from 'react'
import { load, save as store } from '../../api/documents'
import type { Language } from '../../api/query'
import { href } from '../../app/route'
import { Failure, Modal, save, Select, Skeleton } from '../../ui'
import { Editor } from '../../ui/Editor'
import { useWorld } from '../visualize/useScene'
import { TileView } from './TileView'
import { adoptBoard, firstBoard, type Board, type Tile, type TileKind } from './tiles'
import './dashboard.css'

export default function Dashboard() {
  const world = useWorld([])
  const saved = useQuery({ queryKey: ['board'], queryFn: async () => adoptBoard(await load<unknown>('dashboards', 'main')) ?? null })
  const [board, setBoard] = useState<Board | undefined>()
  const [isEditing, setEditing] = useState(false)
  const [edited, setEdited] = useState<Tile | undefined>()
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    if (!board && saved.data !== undefined && !world.isLoading) setBoard(saved.data ?? firstBoard(world.data?.flows[0]))
  }, [saved.data, world.isLoading, world.data])
  if (saved.error) return <div className="page"><Failure error={saved.error} retry={() => void saved.refetch()} /></div>
  if (!board) return <Skeleton />
  const change = (b: Board): void => {
    setBoard(b)
    void store('dashboards', 'main', b).catch(setError)
  }
  const move = (i: number, by: number): void => {
    const tiles = [...board.tiles]
    const [t] = tiles.splice(i, 1)
    tiles.splice(Math.max(0, i + by), 0, t!)
    change({ ...board, tiles })
  }
  const put = (t: Tile): void => {
    change({ ...board, tiles: board.tiles.some((x) => x.id === t.id) ? board.tiles.map((x) => (x.id === t.id ? t : x)) : [...board.tiles, t] })
    setEdited(undefined)
  }
  const open = (): void => {
    const input = document.createElement('input')
    input.type = 'file'
    input.onchange = () => void input.files?.[0]?.text().then((t) => { try { const b = adoptBoard(JSON.parse(t)); if (b) change(b); else throw new Error('That file is not a dashboard.') } catch (e) { setError(e) } })
    input.click()
  }
  return (
    <div className="page">
      <header><h1>Dashboard</h1><span className="spacer" />
        <Select label="Refresh" value={String(board.refreshSeconds)} onChange={(v) => change({ ...board, refreshSeconds: Number(v) })} options={[['5', '5 s'], ['30', '30 s'], ['300', '5 min'], ['86400', 'never']]} />
        <button type="button" className="button" aria-pressed={isEditing} onClick={() => setEditing(!isEditing)}><Pencil size={13} aria-hidden />Edit</button>
        {isEditing && <button type="button" className="button" onClick={() => setEdited({ id: crypto.randomUUID?.() ?? String(Math.random()), name: 'New tile', kind: 'table', language: 'sql', text: '' })}><Plus size={13} aria-hidden />Tile</button>}
        {isEditing && <button type="button" className="button" onClick={() => change(firstBoard(world.data?.flows[0]))}>Default set</button>}
        <button type="button" className="button" onClick={() => save('dashboard.json', 'application/json', JSON.stringify(board, null, 1))}>Export</button><button type="button" className="button" onClick={open}>Import</button></header>
      {error !== undefined && <Failure error={error} />}
      <div className="tiles">{board.tiles.map((t, i) => (
        <section key={t.id} className={`panel tile ${t.kind} ${t.wide ? 'wide' : ''}`} aria-label={t.name}>
          <div className="row"><h2>{t.name}</h2><span className="spacer" />
            {isEditing ? <><button type="button" className="button quiet small" aria-label={`Move ${t.name} back`} onClick={() => move(i, -1)}><ArrowLeft size={13} aria-hidden /></button><button type="button" className="button quiet small" aria-label={`Move ${t.name} on`} onClick={() => move(i, 1)}><ArrowRight size={13} aria-hidden /></button><button type="button" className="button quiet small" onClick={() => change({ ...board, tiles: board.tiles.map((x) => (x.id === t.id ? { ...x, wide: !x.wide } : x)) })}>{t.wide ? 'Narrow' : 'Wide'}</button><button type="button" className="button quiet small" aria-label={`Edit ${t.name}`} onClick={() => setEdited(t)}><Pencil size={13} aria-hidden /></button><button type="button" className="button quiet small" aria-label={`Remove ${t.name}`} onClick={() => change({ ...board, tiles: board.tiles.filter((x) => x.id !== t.id) })}><Trash2 size={13} aria-hidden /></button></>
              : t.kind !== 'number' && t.kind !== 'text' && <a className="button quiet small" href={href(t.language === 'sql' ? 'worksheets' : t.language, '', { text: t.text })}>{t.language === 'sql' ? 'SQL' : t.language}</a>}</div>
          {t.kind === 'text' ? <p>{t.text}</p> : <TileView tile={t} refreshSeconds={board.refreshSeconds} />}
        </section>))}</div>
      {edited && <TileForm tile={edited} close={() => setEdited(undefined)} put={put} />}
    </div>
  )
}

function TileForm({ tile, close, put }: { tile: Tile; close: () => void; put: (t: Tile) => void }) {
  const [t, setT] = useState(tile)
  const [shown, setShown] = useState<Tile | undefined>()
  return (
    <Modal title="Tile" close={close}>
      <label className="labelled">Name<input className="field" value={t.name} onChange={(e) => setT({ ...t, name: e.target.value })} /></label>
      <div className="row"><Select label="Shown as" value={t.kind} onChange={(k) => setT({ ...t, kind: k as TileKind })} options={[['number', 'number'], ['line', 'line over time'], ['bars', 'bars'], ['table', 'table'], ['graph', 'graph of vertices and edges'], ['text', 'text']]} />
        <Select label="Language" value={t.language} onChange={(l) => setT({ ...t, language: l as Language })} options={[['sql', 'SQL'], ['gremlin', 'Gremlin'], ['cypher', 'Cypher']]} />
        <Select label="Unit" value={t.unit ?? ''} onChange={(unit) => setT({ ...t, unit })} options={[['', 'none'], ['bytes', 'bytes'], ['%', '%']]} /></div>
      <div className="tile-editor"><Editor mode={t.language} label="Question of the tile" value={t.text} onChange={(text) => setT({ ...t, text })} /></div>
      {shown && <section className="panel pad column" aria-label="Preview"><TileView key={shown.language + shown.text + shown.kind} tile={shown} refreshSeconds={86400} /></section>}
      <div className="row"><button type="button" className="button" disabled={!t.text.trim() || t.kind === 'text'} onClick={() => setShown(t)}>Preview</button><button type="button" className="button primary" disabled={!t.text.trim() || !t.name.trim()} onClick={() => put(t)}>Keep</button></div>
    </Modal>
  )
}
