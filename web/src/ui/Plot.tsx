/** Lines over time (uPlot), in the theme's colours. */
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { colour, useSettings, useTheme } from '../app/settings'
import { short } from '../api/format'

interface Props { x: number[]; series: { name: string; values: (number | null)[]; colour?: string }[]; label: string; height?: number; unit?: (n: number) => string; sync?: string; isBars?: boolean }

export function Plot({ x, series, label, height = 140, unit = short, sync, isBars }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const theme = useTheme()
  const { isLocalTime } = useSettings()
  useEffect(() => {
    const host = box.current!
    const axis = { stroke: colour('muted'), grid: { stroke: colour('line'), width: 1 }, ticks: { stroke: colour('line'), width: 1 }, font: '11px Inter Variable' }
    const plot = new uPlot({
      width: host.clientWidth || 300, height, legend: { show: series.length > 1 },
      ...(isLocalTime ? {} : { tzDate: (ts: number) => uPlot.tzDate(new Date(ts * 1e3), 'Etc/UTC') }),
      ...(sync ? { cursor: { sync: { key: sync } } } : {}),
      axes: [axis, { ...axis, size: 54, values: (_u: uPlot, v: number[]) => v.map(unit) }],
      series: [{}, ...series.map((s, i) => ({ label: s.name, stroke: colour(s.colour ?? `c${i % 8}`), width: 1.5, ...(isBars ? { paths: uPlot.paths.bars!({ size: [0.8, 40] }), fill: colour(s.colour ?? `c${i % 8}`) } : {}), points: { show: x.length < 40 && !isBars } }))],
    }, [x, ...series.map((s) => s.values)] as uPlot.AlignedData, host)
    const resize = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height }))
    resize.observe(host)
    return () => { resize.disconnect(); plot.destroy() }
  }, [x, series, theme, height, isLocalTime])
  return <figure ref={box} role="img" aria-label={`${label}: ${series.map((s) => s.name).join(', ')}, ${x.length} points`} style={{ width: '100%', minWidth: 0, overflow: 'hidden' }} />
}
