/** Where we are, in the page's address: #/screen/rest?key=value. */
import { useSyncExternalStore } from 'react'

export interface Route { screen: string; rest: string; query: URLSearchParams }

export function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [screen = '', ...rest] = path.split('/')
  return { screen, rest: decodeURIComponent(rest.join('/')), query: new URLSearchParams(query) }
}

let current = parse(location.hash)
const subscribers = new Set<() => void>()
const refresh = (): void => {
  current = parse(location.hash)
  for (const f of subscribers) f()
}
addEventListener('hashchange', refresh)

export function useRoute(): Route {
  return useSyncExternalStore((f) => { subscribers.add(f); return () => subscribers.delete(f) }, () => current)
}
export function href(screen: string, rest = '', query: Record<string, string> = {}): string {
  const q = new URLSearchParams(query).toString()
  return `#/${screen}${rest ? '/' + encodeURIComponent(rest) : ''}${q ? '?' + q : ''}`
}
export function go(screen: string, rest = '', query: Record<string, string> = {}): void {
  location.hash = href(screen, rest, query)
}
/** Put the state of a screen into the address without a step in the history. */
export function replace(to: string): void {
  history.replaceState(null, '', to)
  current = parse(to)
}
/** One word of a screen's state in the address, so that it survives a reload; the default is left out. */
export function useParam(key: string, otherwise: string): [string, (value: string) => void] {
  const value = useRoute().query.get(key) ?? otherwise
  const set = (to: string): void => {
    const query = new URLSearchParams(current.query)
    if (to === otherwise) query.delete(key)
    else query.set(key, to)
    replace(href(current.screen, current.rest, Object.fromEntries(query)))
    for (const f of subscribers) f()
  }
  return [value, set]
}
