/** The open worksheets: saved in the home as they are typed. */
import { useEffect, useRef, useState } from 'react'
import { load, save } from '../../api/documents'

export interface Sheet { id: string; name: string; text: string }
interface Saved { sheets: Sheet[]; at: string }

const RETRY_MS = 2000
const UNSAVED = 'floe.worksheets.unsaved' // what the page held back when it was left, for the page that takes its place
const fresh = (n: number, text = ''): Sheet => ({ id: crypto.randomUUID?.() ?? String(Math.random()), name: `worksheet ${n}.sql`, text })

export function useSheets() {
  const [sheets, setSheets] = useState<Sheet[]>([])
  const [at, setAt] = useState('')
  const [state, setState] = useState<'loading' | 'saved' | 'unsaved' | 'failed'>('loading')
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const pending = useRef<Saved>(undefined)
  const begin = (list: Sheet[], id: string): void => {
    setSheets(list)
    setAt(id)
    setState('saved')
  }
  useEffect(() => {
    let again: ReturnType<typeof setTimeout>
    const leave = (): void => { if (pending.current) sessionStorage.setItem(UNSAVED, JSON.stringify(pending.current)) }
    const open = (): void => void load<Saved>('worksheets', 'open').then((s) => {
      const left = sessionStorage.getItem(UNSAVED)
      sessionStorage.removeItem(UNSAVED)
      if (left) {
        const { sheets: list, at: id } = JSON.parse(left) as Saved
        change(list, id)
      } else if (s?.sheets.length) begin(s.sheets, s.at)
      else {
        const one = fresh(1)
        begin([one], one.id)
      }
    }, () => { again = setTimeout(open, RETRY_MS) }) // a new sheet now would be saved over those that are there
    open()
    addEventListener('pagehide', leave)
    return () => {
      clearTimeout(again)
      removeEventListener('pagehide', leave)
    }
  }, [])
  const keep = (saved: Saved): void => void save('worksheets', 'open', saved).then(() => true, () => false).then((works) => {
    if (pending.current !== saved) return // newer text goes its own way, this one must not come behind it
    setState(works ? 'saved' : 'failed')
    if (works) {
      pending.current = undefined
      sessionStorage.removeItem(UNSAVED)
    } else timer.current = setTimeout(() => keep(saved), RETRY_MS)
  })
  const change = (list: Sheet[], id: string): void => {
    setSheets(list)
    setAt(id)
    setState('unsaved')
    clearTimeout(timer.current)
    const saved = { sheets: list, at: id }
    pending.current = saved
    timer.current = setTimeout(() => keep(saved), 500)
  }
  const current = sheets.find((s) => s.id === at) ?? sheets[0]
  return {
    sheets, current, state,
    select: (id: string) => change(sheets, id),
    edit: (text: string) => current && current.text !== text && change(sheets.map((s) => (s.id === current.id ? { ...s, text } : s)), current.id),
    rename: (name: string) => current && change(sheets.map((s) => (s.id === current.id ? { ...s, name } : s)), current.id),
    add: (text = '') => {
      const one = fresh(sheets.length + 1, text)
      change([...sheets, one], one.id)
    },
    close: (id: string) => {
      const left = sheets.filter((s) => s.id !== id)
      const list = left.length ? left : [fresh(1)]
      change(list, id === at ? list[0]!.id : at)
    },
  }
}
