/** A part of the lineage: its name, its state, and the columns that are shown of it. */
import { Handle, Position } from '@xyflow/react'
import { keyOf, type Part, type PartColumn } from './load'

export const WIDTH = { source: 160, job: 216, table: 200, label: 150 }
export const HEAD = 58
export const ROW = 22
const MARK: Record<string, string> = { err: '✖ ', ok: '● ', muted: '❚❚ ' }

export interface Shown extends Record<string, unknown> {
  part: Part
  columns: PartColumn[]
  more: number
  isOpen: boolean
  isOn: boolean
  isDim: boolean
  path: Set<string>
  chosen: string
  choose: (key: string) => void
  flip: (id: string) => void
}
export const heightOf = (columns: number, hasFoot: boolean): number => HEAD + columns * ROW + (hasFoot ? ROW + 2 : 0) + (columns || hasFoot ? 6 : 0)

export function PartNode({ data }: { data: Shown }) {
  const { part } = data
  return (
    <div className={`part ${part.kind} ${data.isOn ? 'on' : ''} ${data.isDim ? 'dim' : ''}`}>
      <Handle type="target" position={Position.Left} id="in" style={{ top: HEAD / 2 }} /><Handle type="source" position={Position.Right} id="out" style={{ top: HEAD / 2 }} />
      <a className="part-head" href={part.to} title={part.name}><b><span className={part.state} aria-hidden>{MARK[part.state] ?? ''}</span>{part.name}</b><small>{part.facts}</small></a>
      {data.columns.map((c) => {
        const key = keyOf(part.id, c.name)
        return (
          <div className="part-row" key={c.name}>
            <Handle type="target" position={Position.Left} id={`in ${c.name}`} /><Handle type="source" position={Position.Right} id={`out ${c.name}`} />
            <button type="button" className={`part-column ${data.path.has(key) ? 'on' : ''}`} aria-pressed={data.chosen === key} title={c.detail ? `${c.name}: ${c.detail}` : c.name} onClick={() => data.choose(key)}><span>{c.name}</span>{c.detail && <small>{c.detail}</small>}</button>
          </div>)
      })}
      {(data.more > 0 || data.isOpen) && <button type="button" className="part-more" onClick={() => data.flip(part.id)}>{data.isOpen ? 'fewer columns' : `${data.more} more columns`}</button>}
    </div>
  )
}
