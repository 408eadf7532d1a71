/** Above the picture: search, layout, grouping, steps back and on, and ways out. */
import { Redo2, Route, Search, Share2, Table2, Undo2 } from 'lucide-react'
import { useState } from 'react'
import { GROUPINGS } from '../../scene/sql'
import type { Spec } from '../../scene/spec'
import { Select } from '../../ui'
import type { World } from './useScene'

const LAYOUTS = [['structure', 'Structure'], ['force', 'Force'], ['radial', 'Radial'], ['layered', 'Layered'], ['grid', 'Grid']] as const
const EXPORTS = [['', 'Export'], ['png1', 'PNG'], ['png2', 'PNG 2×'], ['png4', 'PNG 4×'], ['nodes', 'Nodes CSV'], ['edges', 'Edges CSV'], ['members', 'Flows CSV'], ['json', 'Scene JSON'], ['graphml', 'GraphML'], ['open', 'Open scene JSON…'], ['gremlin', 'As Gremlin'], ['cypher', 'As Cypher'], ['sql', 'As SQL']] as const

interface Props {
  spec: Spec
  world: World | undefined
  isTable: boolean
  canUndo: boolean
  canRedo: boolean
  find: (text: string) => void
  layout: (l: string) => void
  group: (g: string) => void
  act: (what: 'undo' | 'redo' | 'table' | 'path' | 'share' | 'over') => void
  exportAs: (kind: string) => void
}

export function Bar({ spec, world, isTable, canUndo, canRedo, find, layout, group, act, exportAs }: Props) {
  const [text, setText] = useState('')
  const groupings = Object.entries(GROUPINGS).filter(([k]) => k === 'network' || k === 'wide' || (world?.flows.some((f) => f.columns.includes(k)) ?? false))
  return (
    <div className="viz-bar" role="toolbar" aria-label="Scene">
      <form role="search" onSubmit={(e) => { e.preventDefault(); if (text.trim()) find(text.trim()) }}>
        <input className="field" data-search aria-label="Find an address, CIDR, port, interface, instance, subnet, account" placeholder="IP, CIDR, :port, i-…" value={text} onChange={(e) => setText(e.target.value)} />
        <button className="button" type="submit" aria-label="Find"><Search size={14} aria-hidden /></button>
      </form>
      <Select label="Layout" hideLabel value={spec.layout} options={LAYOUTS} onChange={layout} />
      <Select label="Group by" hideLabel value={spec.isAll ? 'all' : spec.hasGroups ? spec.groupBy : ''} onChange={group}
        options={[...groupings.map(([k, v]) => [k, `By ${/^[A-Z]{2}/.test(v) ? v : v.toLowerCase()}`] as const), ['', 'Only what I add'], ['all', 'Every address']]} />
      <button type="button" className="button" aria-label="Undo" title="Undo (Ctrl+Z)" disabled={!canUndo} onClick={() => act('undo')}><Undo2 size={14} aria-hidden /></button>
      <button type="button" className="button" aria-label="Redo" title="Redo (Ctrl+Shift+Z)" disabled={!canRedo} onClick={() => act('redo')}><Redo2 size={14} aria-hidden /></button>
      <button type="button" className="button" aria-pressed={isTable} onClick={() => act('table')}><Table2 size={14} aria-hidden />Table</button>
      <button type="button" className="button" onClick={() => act('path')}><Route size={14} aria-hidden />Path</button>
      <select className="field" aria-label="Export" value="" onChange={(e) => exportAs(e.target.value)}>{EXPORTS.map(([k, v]) => <option key={k} value={k} disabled={!k}>{v}</option>)}</select>
      <button type="button" className="button" onClick={() => act('share')}><Share2 size={14} aria-hidden />Share</button>
      <button type="button" className="button" onClick={() => act('over')}>Start over</button>
    </div>
  )
}
