/** Numbers, bytes and times in the words that people read. */
const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
export const count = (n: number): string => grouped.format(Math.round(n))

export function short(n: number): string {
  for (const [size, unit] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const)
    if (Math.abs(n) >= size) return `${(n / size).toFixed(Math.abs(n) >= 100 * size ? 0 : 1)}${unit}`
  return Number.isInteger(n) ? String(n) : n.toFixed(1)
}
export const bytes = (n: number): string => (Math.abs(n) < 1000 ? `${Math.round(n)} B` : short(n).replace(/([kMGT]?)$/, ' $1B'))
/** "1 row", "2 rows": short. */
export const plural = (n: number, one: string): string => `${short(n)} ${n === 1 ? one : `${one}s`}`

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 3600000) return `${Math.floor(ms / 60000)} min ${Math.floor((ms % 60000) / 1000)} s`
  if (ms < 86400000) return `${Math.floor(ms / 3600000)} h ${Math.floor((ms % 3600000) / 60000)} min`
  const days = Math.floor(ms / 86400000)
  return days >= 10 ? `${count(days)} d` : `${days} d ${Math.floor((ms % 86400000) / 3600000)} h`
}

/** Seconds since 1970 as UTC or local time. */
export function clock(seconds: number, isLocal = false): string {
  const d = new Date(seconds * 1000)
  if (isLocal) return d.toLocaleString('sv-SE')
  return d.toISOString().slice(0, 19).replace('T', ' ') + 'Z'
}
export const clockShort = (seconds: number, isLocal = false): string => clock(seconds, isLocal).slice(5, 16)

/** A cell as text. */
export function cell(v: unknown): string {
  if (v === null || v === undefined) return ''
  if (typeof v !== 'object') return String(v)
  if (Array.isArray(v)) return `[${v.map(cell).join(', ')}]`
  const o = v as Record<string, unknown>
  switch (o['@type']) {
    case undefined: return `{${Object.entries(o).map(([k, x]) => `${k}: ${cell(x)}`).join(', ')}}`
    case 'vertex': case 'edge': return String(o.id)
    case 'path': return (o.objects as unknown[]).map(cell).join(' → ')
    case 'property': return `${cell(o.key)}: ${cell(o.value)}`
    case 'map': return `{${(o.entries as [unknown, unknown][]).map(([k, x]) => `${cell(k)}: ${cell(x)}`).join(', ')}}`
    case 'set': return `{${(o.items as unknown[]).map(cell).join(', ')}}`
    default: return cell(o.value)
  }
}

/** Seconds since 1970 of a time as the server writes it, UTC unless it says. */
export const secondsOf = (text: string): number => Date.parse(text.replace(' ', 'T').replace(/(Z|[+-]\d\d(:?\d\d)?)?$/, (z) => (z ? (z.length === 3 ? `${z}:00` : z) : 'Z'))) / 1000
