/** Lines or bars over time (uPlot), in the theme's colours; times as 24 hours, labels as wide as they are. */
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import './plot.css'
import { colour, useSettings, useTheme } from '../app/settings'
import { short } from '../api/format'

interface Props { x: number[]; series: { name: string; values: (number | null)[]; colour?: string }[]; label: string; height?: number; unit?: (n: number) => string; sync?: string; isBars?: boolean }

/** From which distance of the marks on: the label, and what stands below it when a year, day or minute begins. */
const day = '\n{YYYY}-{MM}-{DD}'
const TIMES: (string | number | null)[][] = [
  [31536000, '{YYYY}', null, null, null, null, null, null, 1],
  [86400 * 28, '{YYYY}-{MM}', null, null, null, null, null, null, 1],
  [86400, '{MM}-{DD}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', day, null, day, null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', day, null, day, null, null, null, 1],
]
const moment = uPlot.fmtDate('{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}')

export function Plot({ x, series, label, height = 140, unit = short, sync, isBars }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const theme = useTheme()
  const { isLocalTime } = useSettings()
  useEffect(() => {
    const host = box.current!
    const font = `11px ${getComputedStyle(host).fontFamily}`
    const axis = { stroke: colour('muted'), grid: { stroke: colour('line'), width: 1 }, ticks: { stroke: colour('line'), width: 1 }, font }
    const width = (u: uPlot, labels: string[] | null): number => {
      u.ctx.font = font
      return Math.max(44, 14 + Math.max(0, ...(labels ?? []).map((l) => u.ctx.measureText(l).width)))
    }
    const spare = Math.max(0, 60 - ((x.at(-1) ?? 0) - (x[0] ?? 0))) / 2 // never less than a minute
    const plot = new uPlot({
      width: host.clientWidth || 300, height, legend: { show: series.length > 1 }, padding: [10, 30, 0, 0],
      ...(isLocalTime ? {} : { tzDate: (ts: number) => uPlot.tzDate(new Date(ts * 1e3), 'Etc/UTC') }),
      ...(sync ? { cursor: { sync: { key: sync } } } : {}),
      ...(spare > 0 && x.length ? { scales: { x: { range: [x[0]! - spare, x.at(-1)! + spare] as [number, number] } } } : {}),
      axes: [{ ...axis, values: TIMES as uPlot.Axis.Values }, { ...axis, size: width, values: (_u: uPlot, v: number[]) => v.map(unit) }],
      series: [{ value: (_u: uPlot, v: number | null) => (v === null ? '–' : moment(isLocalTime ? new Date(v * 1e3) : uPlot.tzDate(new Date(v * 1e3), 'Etc/UTC'))) },
        ...series.map((s, i) => ({
          label: s.name, stroke: colour(s.colour ?? `c${i % 8}`), width: 1.5, value: (_u: uPlot, v: number | null) => (v === null ? '–' : unit(v)),
          ...(isBars ? { paths: uPlot.paths.bars!({ size: [0.8, 40] }), fill: colour(s.colour ?? `c${i % 8}`) } : {}), points: { show: x.length < 40 && !isBars },
        }))],
    }, [x, ...series.map((s) => s.values)] as uPlot.AlignedData, host)
    const resize = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height }))
    resize.observe(host)
    return () => { resize.disconnect(); plot.destroy() }
  }, [x, series, theme, height, isLocalTime])
  const last = series.map((s) => `${s.name} ${unit(Number(s.values.at(-1) ?? 0))}`).join(', ')
  return <figure ref={box} className="plot" role="img" aria-label={`${label}: ${x.length} points${x.length ? `, last ${last}` : ''}`} />
}
