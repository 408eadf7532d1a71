/** The text editor of every language. It lives in a shadow root, where its styles need no exception from the page's policy. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionSource } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { sql, SQLDialect } from '@codemirror/lang-sql'
import { bracketMatching, HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language'
import { cypher } from '@codemirror/legacy-modes/mode/cypher'
import { groovy } from '@codemirror/legacy-modes/mode/groovy'
import { setDiagnostics } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState, Prec, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { tags as t } from '@lezer/highlight'
import { useEffect, useRef } from 'react'
import type { Place } from '../api/client'

export type Mode = 'sql' | 'gremlin' | 'cypher' | 'json'

const floeSql = SQLDialect.define({
  keywords: 'add all and any as asc between by case cast copy create cross desc distinct drop else end except exists explain file from full glue_catalog group having iceberg in inner insert intersect into is job join left like limit location map_columns_by_name not null offset on or order outer partitioned pause primary key resume right s3 connection select set show sync table then union using values when where with over partition interval describe',
  types: 'string bigint int integer double float boolean timestamp date time decimal uuid binary varchar',
  builtin: 'root aws_role read_only region start_from beginning date_pattern content_type column_transformations run_interval add_missing_columns uuid_generator time_filter default_storage_connection default_storage_location',
  doubleQuotedStrings: false,
})

const colours = HighlightStyle.define([
  { tag: t.keyword, color: 'var(--c3)' }, { tag: [t.string, t.special(t.string)], color: 'var(--c5)' }, { tag: t.number, color: 'var(--c2)' },
  { tag: t.comment, color: 'var(--muted)', fontStyle: 'italic' }, { tag: [t.typeName, t.standard(t.name)], color: 'var(--c1)' },
  { tag: [t.propertyName, t.definition(t.variableName)], color: 'var(--c0)' }, { tag: [t.bool, t.null, t.atom], color: 'var(--c7)' }, { tag: t.operator, color: 'var(--muted)' },
])

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', backgroundColor: 'var(--surface)', color: 'var(--text)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '&.cm-focused::after': { content: '""', position: 'absolute', inset: '0', border: '2px solid var(--accent)', pointerEvents: 'none', zIndex: '250' }, // over the gutter
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px', fontVariantLigatures: 'none' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--muted)', border: 'none' },
  '.cm-content': { caretColor: 'var(--text)', padding: '6px 0' }, '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--raised) 55%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--selected)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', border: '1px solid var(--line)', color: 'var(--text)' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--text)' }, '.cm-placeholder': { color: 'var(--muted)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--selected)', outline: '1px solid var(--border)' },
})

const modes: Record<Mode, () => Extension> = {
  sql: () => sql({ dialect: floeSql, upperCaseKeywords: true }),
  gremlin: () => StreamLanguage.define(groovy),
  cypher: () => StreamLanguage.define(cypher),
  json: () => json(),
}

export interface EditorHandle { view: EditorView; /** As Ctrl+Enter does. */ run: () => void }

interface Props {
  value: string
  onChange?: (text: string) => void
  mode: Mode
  label: string
  /** Ctrl+Enter: the selection, else the statement under the caret; all with Shift. */
  onRun?: (text: string, isAll: boolean) => void
  onCancel?: () => void
  complete?: CompletionSource
  error?: { message: string; place?: Place } | undefined
  /** Several, each with its place; instead of `error`. */
  errors?: { message: string; place: Place }[]
  hint?: string
  handle?: (h: EditorHandle) => void
  readOnly?: boolean
}

/** The statement that the caret is in; statements are parted by ';' outside of quotes and comments. */
export function statementAt(text: string, at: number): { text: string; from: number } {
  let from = 0
  for (const [a, b] of statements(text)) {
    if (at <= b + 1) return { text: text.slice(a, b).trim(), from: a }
    from = a
  }
  return { text: text.slice(from).trim(), from }
}
export function statements(text: string): [number, number][] {
  const found: [number, number][] = []
  const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|;/g
  let from = 0
  for (let m = token.exec(text); m; m = token.exec(text)) {
    if (m[0] !== ';') continue
    found.push([from, m.index])
    from = m.index + 1
  }
  if (text.slice(from).replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, '').trim()) found.push([from, text.length])
  return found.filter(([a, b]) => text.slice(a, b).replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, '').trim())
}

/** The word at a place that counts from where the text that was run begins, or what is before it where the text ends. */
function placeIn(v: EditorView, place: Place, begin: number): { from: number; to: number } {
  const doc = v.state.doc
  const at = Math.min(begin, doc.length)
  const line = doc.line(Math.max(1, Math.min(doc.lines, doc.lineAt(at).number + place.line - 1)))
  const from = Math.min(line.to, (place.line === 1 ? Math.max(line.from, at) : line.from) + Math.max(0, place.column - 1))
  const word = /^\w+|^./.exec(line.text.slice(from - line.from))?.[0].length ?? 0
  return { from: word ? from : Math.max(line.from, from - 1), to: from + word }
}

export function Editor(props: Props) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const latest = useRef(props)
  latest.current = props
  /** Where the text that was run last begins: places in errors count from there. */
  const ran = useRef(0)

  useEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: 'open' })
    const box = document.createElement('div')
    box.style.height = '100%'
    root.append(box)
    const run = (v: EditorView, isAll: boolean): boolean => {
      const { from, to, head } = v.state.selection.main
      const text = v.state.doc.toString()
      const one = props.mode === 'sql' ? statementAt(text, head) : { text, from: 0 }
      const [what, at] = isAll ? [text, 0] : from !== to ? [text.slice(from, to), from] : [one.text, text.indexOf(one.text, one.from)]
      ran.current = at + what.length - what.trimStart().length
      latest.current.onRun?.(what.trim(), isAll)
      return true
    }
    const v = new EditorView({
      root, parent: box,
      state: EditorState.create({
        doc: props.value,
        extensions: [
          Prec.highest(keymap.of([
            { key: 'Mod-Enter', run: (x) => run(x, false) }, { key: 'Shift-Mod-Enter', run: (x) => run(x, true) },
            { key: 'Mod-.', run: () => { latest.current.onCancel?.(); return true } },
          ])),
          lineNumbers(), history(), drawSelection(), bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(),
          autocompletion(latest.current.complete ? { override: [(c) => latest.current.complete!(c)] } : {}),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap]),
          modes[props.mode](), syntaxHighlighting(colours), look, EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': props.label }), placeholder(props.hint ?? ''),
          EditorView.updateListener.of((u) => { if (u.docChanged) latest.current.onChange?.(u.state.doc.toString()) }),
        ],
      }),
    })
    view.current = v
    props.handle?.({ view: v, run: () => run(v, false) })
    return () => { v.destroy(); box.remove() }
  }, [props.mode])

  useEffect(() => {
    const v = view.current
    if (v && v.state.doc.toString() !== props.value) v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: props.value } })
  }, [props.value])

  useEffect(() => {
    const v = view.current
    if (!v) return
    const all = props.errors ?? (props.error ? [props.error] : [])
    v.dispatch(setDiagnostics(v.state, all.flatMap((e) => (e.place ? [{ ...placeIn(v, e.place, props.errors ? 0 : ran.current), severity: 'error' as const, message: e.message }] : []))))
  }, [props.error, props.errors])

  return <div ref={host} className="editor" style={{ height: '100%', minHeight: 0, overflow: 'hidden' }} />
}
