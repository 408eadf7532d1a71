/** The open worksheets: saved in the home as they are typed. */
import { useEffect, useRef, useState } from 'react'
import { load, save } from '../../api/documents'

export interface Sheet { id: string; name: string; text: string }
interface Saved { sheets: Sheet[]; at: string }

const RETRY_MS = 2000
const fresh = (n: number, text = ''): Sheet => ({ id: crypto.randomUUID?.() ?? String(Math.random()), name: `worksheet ${n}.sql`, text })

export function useSheets() {
  const [sheets, setSheets] = useState<Sheet[]>([])
  const [at, setAt] = useState('')
  const [state, setState] = useState<'loading' | 'saved' | 'unsaved' | 'failed'>('loading')
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const begin = (list: Sheet[], id: string): void => {
    setSheets(list)
    setAt(id)
    setState('saved')
  }
  useEffect(() => {
    let again: ReturnType<typeof setTimeout>
    const open = (): void => void load<Saved>('worksheets', 'open').then((s) => {
      if (s?.sheets.length) begin(s.sheets, s.at)
      else {
        const one = fresh(1)
        begin([one], one.id)
      }
    }, () => { again = setTimeout(open, RETRY_MS) }) // a new sheet now would be saved over those that are there
    open()
    return () => clearTimeout(again)
  }, [])
  const keep = (saved: Saved): void => void save('worksheets', 'open', saved).then(() => setState('saved'), () => {
    setState('failed')
    timer.current = setTimeout(() => keep(saved), RETRY_MS)
  })
  const change = (list: Sheet[], id: string): void => {
    setSheets(list)
    setAt(id)
    setState('unsaved')
    clearTimeout(timer.current)
    timer.current = setTimeout(() => keep({ sheets: list, at: id }), 500)
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
