/** Flows over time, a brush over them, steps and play. Brushing asks the server nothing. */
import { Pause, Play, SkipBack, SkipForward } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useSettings } from '../../app/settings'
import { clock, count } from '../../api/format'
import { BUCKETS, type Domain } from '../../scene/sql'

interface Props { bars: { flows: number; rejected: number }[] | undefined; domain: Domain; value: [number, number]; onChange: (v: [number, number], isFinal: boolean) => void; playKey: number }

export const stepBy = ([a, b]: [number, number], by: number): [number, number] => {
  const width = b - a
  const full = width === BUCKETS - 1
  const from = full ? (by > 0 ? 0 : BUCKETS - 4) : Math.max(0, Math.min(BUCKETS - 1 - width, a + by))
  return [from, from + (full ? 3 : width)]
}

export function TimeLine({ bars, domain, value, onChange, playKey }: Props) {
  const { isLocalTime } = useSettings()
  const [isPlaying, setPlaying] = useState(false)
  const box = useRef<SVGSVGElement>(null)
  const from = useRef<number>(undefined)
  const latest = useRef(value)
  latest.current = value
  useEffect(() => { if (playKey) setPlaying((p) => !p) }, [playKey])
  useEffect(() => {
    if (!isPlaying) return
    const t = setInterval(() => {
      const next = stepBy(latest.current, 1)
      if (next[0] === latest.current[0] && next[1] === latest.current[1]) setPlaying(false)
      else onChange(next, false)
    }, 350)
    return () => clearInterval(t)
  }, [isPlaying])
  const at = (e: React.PointerEvent): number => {
    const r = box.current!.getBoundingClientRect()
    return Math.max(0, Math.min(BUCKETS - 1, Math.floor(((e.clientX - r.left) / r.width) * BUCKETS)))
  }
  const top = Math.max(1, ...(bars ?? []).map((b) => b.flows))
  const time = (bucket: number): string => clock(domain.from + ((domain.to - domain.from) * bucket) / BUCKETS, isLocalTime)
  const [a, b] = value
  const shown = (bars ?? []).slice(a, b + 1).reduce((n, x) => n + x.flows, 0)
  return (
    <section className="time" aria-label="Time">
      <div className="row" style={{ flexWrap: 'nowrap' }}>
        <button type="button" className="button small" aria-label="Step back" onClick={() => onChange(stepBy(value, -1), true)}><SkipBack size={13} aria-hidden /></button>
        <button type="button" className="button small" aria-pressed={isPlaying} aria-label={isPlaying ? 'Pause' : 'Play'} onClick={() => setPlaying(!isPlaying)}>{isPlaying ? <Pause size={13} aria-hidden /> : <Play size={13} aria-hidden />}</button>
        <button type="button" className="button small" aria-label="Step on" onClick={() => onChange(stepBy(value, 1), true)}><SkipForward size={13} aria-hidden /></button>
      </div>
      <div className="time-bars">
        <svg ref={box} viewBox={`0 0 ${BUCKETS} 40`} preserveAspectRatio="none" role="img" aria-label={`Flows over time, ${count(shown)} in the window`}
          onPointerDown={(e) => { from.current = at(e); e.currentTarget.setPointerCapture(e.pointerId); onChange([from.current, from.current], false) }}
          onPointerMove={(e) => { if (from.current !== undefined) { const t = at(e); onChange([Math.min(from.current, t), Math.max(from.current, t)], false) } }}
          onPointerUp={(e) => { const t = at(e); const f = from.current ?? t; from.current = undefined; onChange([Math.min(f, t), Math.max(f, t)], true) }}
          onDoubleClick={() => onChange([0, BUCKETS - 1], true)}>
          {(bars ?? []).map((x, i) => {
            const h = x.flows ? Math.max(2, (38 * Math.sqrt(x.flows)) / Math.sqrt(top)) : 0
            const r = x.flows ? (h * x.rejected) / x.flows : 0
            const isIn = i >= a && i <= b
            return <g key={i} opacity={isIn ? 1 : 0.3}><rect x={i + 0.08} width={0.84} y={40 - h} height={h - r} fill="var(--c6)" /><rect x={i + 0.08} width={0.84} y={40 - r} height={r} fill="var(--err)" /></g>
          })}
          <rect x={a} width={b - a + 1} y={0} height={40} fill="var(--accent)" opacity={a === 0 && b === BUCKETS - 1 ? 0 : 0.16} />
        </svg>
        <div className="time-range">
          <label>From <input type="range" min={0} max={BUCKETS - 1} value={a} aria-valuetext={time(a)} onChange={(e) => onChange([Math.min(Number(e.target.value), b), b], true)} /></label>
          <span className="mono">{time(a)} — {time(b + 1)}</span>
          <label>To <input type="range" min={0} max={BUCKETS - 1} value={b} aria-valuetext={time(b + 1)} onChange={(e) => onChange([a, Math.max(Number(e.target.value), a)], true)} /></label>
        </div>
      </div>
      {!(a === 0 && b === BUCKETS - 1) && <button type="button" className="button small" onClick={() => onChange([0, BUCKETS - 1], true)}>All time</button>}
    </section>
  )
}
