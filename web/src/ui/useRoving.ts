/** One stop of the Tab key for a list of things: arrows move among them, Home and End go to the ends. */
import { useEffect, useRef, type KeyboardEvent, type FocusEvent, type RefObject } from 'react'

interface Roving { ref: RefObject<HTMLDivElement | null>; onKeyDown: (e: KeyboardEvent) => void; onFocus: (e: FocusEvent) => void }

/** `selector` finds the things below the element that gets the three properties. */
export function useRoving(selector: string): Roving {
  const ref = useRef<HTMLDivElement>(null)
  const at = useRef<Element | null>(null)
  const all = (): HTMLElement[] => [...(ref.current?.querySelectorAll<HTMLElement>(selector) ?? [])]
  const mark = (): void => {
    const items = all()
    if (!at.current || !items.includes(at.current as HTMLElement)) at.current = items[0] ?? null
    for (const i of items) i.tabIndex = i === at.current ? 0 : -1
  }
  useEffect(mark)
  const onKeyDown = (e: KeyboardEvent): void => {
    const items = all()
    const i = items.indexOf(document.activeElement as HTMLElement)
    if (i < 0) return
    const here = items[i]!
    const isOpen = here.getAttribute('aria-expanded')
    const next = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: items.length - 1 }[e.key]
    if (next !== undefined) items[Math.max(0, Math.min(items.length - 1, next))]!.focus()
    else if ((e.key === 'ArrowRight' && isOpen === 'false') || (e.key === 'ArrowLeft' && isOpen === 'true')) here.click()
    else return
    e.preventDefault()
  }
  const onFocus = (e: FocusEvent): void => {
    if (!all().includes(e.target as HTMLElement)) return
    at.current = e.target as Element
    mark()
  }
  return { ref, onKeyDown, onFocus }
}
