/** What the server finds wrong with a schema, and where that is: a JSON path, a place in the text, an element. */
import { jsonLanguage } from '@codemirror/lang-json'
import type { Place } from '../../api/client'
import type { Draft } from './model'

export interface Fault { message: string; path: string; place?: Place; element?: number }
type Tree = ReturnType<typeof jsonLanguage.parser.parse>
type Node = Tree['topNode']

const PATH = /(?:^|[\s:(])((?:graph\.)?(?:vertices|edges|node|edge|catalogs?)\[\d+\](?:\.\w+|\[\d+\])*)/
const steps = (path: string): (string | number)[] => [...path.matchAll(/(\w+)|\[(\d+)\]/g)].map((m) => (m[2] === undefined ? m[1]! : Number(m[2])))

function childrenOf(node: Node): Node[] {
  const all: Node[] = []
  for (let c = node.firstChild; c; c = c.nextSibling) all.push(c)
  return all
}

/** The value at `path`; where the path ends early, what it ends in. */
export function locate(text: string, path: string): { from: number; to: number } | undefined {
  let node: Node | null | undefined = jsonLanguage.parser.parse(text).topNode.firstChild
  let name: Node | undefined
  for (const step of steps(path)) {
    if (!node) return undefined
    let next: Node | undefined
    let nextName: Node | undefined
    if (typeof step === 'number') next = childrenOf(node).filter((c) => /^(Object|Array|String|Number|True|False|Null)$/.test(c.name))[step]
    else {
      const property = childrenOf(node).find((c) => c.name === 'Property' && text.slice(c.firstChild!.from, c.firstChild!.to) === JSON.stringify(step))
      next = property?.lastChild ?? undefined
      nextName = property?.firstChild ?? undefined
    }
    if (!next) break
    node = next
    name = nextName
  }
  return node ? { from: name?.from ?? node.from, to: node.to } : undefined
}

export function placeAt(text: string, offset: number): Place {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1 }
}

export function faultOf(message: string, text: string, draft: Draft): Fault {
  const syntax = /^[^:]*:(\d+):(\d+): /.exec(message)
  if (syntax) return { message: message.slice(syntax[0].length), path: '', place: { line: Number(syntax[1]), column: Number(syntax[2]) } }
  const path = PATH.exec(message)?.[1] ?? ''
  const at = path ? locate(text, path) : undefined
  const [first, second] = steps(path.replace(/^graph\./, ''))
  const kind = first === 'vertices' || first === 'node' ? 'vertex' : first === 'edges' || first === 'edge' ? 'edge' : ''
  const element = draft.elements.findIndex((e, i) => e.kind === kind && draft.elements.slice(0, i).filter((x) => x.kind === kind).length === second)
  return { message: message.replace(/^graph schema: /, ''), path, ...(at ? { place: placeAt(text, at.from) } : {}), ...(element >= 0 ? { element } : {}) }
}
