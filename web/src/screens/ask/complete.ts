/** Completion of Gremlin and Cypher from the graph's labels and properties. */
import type { Completion, CompletionSource } from '@codemirror/autocomplete'
import type { GraphModel } from '../../api/graph'

const STEPS = 'V E has hasLabel hasId hasNot out in both outE inE bothE outV inV otherV values valueMap elementMap id label count sum max min mean dedup limit range order by group groupCount unfold fold select as where filter not or and is repeat times until emit path simplePath project coalesce optional union sample tail skip explain profile'.split(' ')
const WORDS = 'MATCH OPTIONAL MATCH WHERE RETURN WITH UNWIND ORDER BY SKIP LIMIT DISTINCT AS AND OR NOT IN CONTAINS STARTS WITH IS NULL count sum avg collect labels type id shortestPath EXPLAIN PROFILE CALL YIELD'.split(' ')

export function completeGraph(language: 'gremlin' | 'cypher', model: () => GraphModel | undefined): CompletionSource {
  return (context) => {
    const word = context.matchBefore(/[\w$]*/)
    if (!word || (word.from === word.to && !context.explicit && context.matchBefore(/[.:'(]/) === null)) return null
    const m = model()
    const names: Completion[] = []
    const seen = new Set<string>()
    const add = (label: string, detail: string, type: string): void => {
      if (!seen.has(label)) names.push({ label, detail, type })
      seen.add(label)
    }
    for (const v of m?.vertices ?? []) add(v.label, `vertex, ${v.count}`, 'class')
    for (const e of m?.edges ?? []) add(e.label, `edge ${e.from} → ${e.to}`, 'interface')
    for (const l of [...(m?.vertices ?? []), ...(m?.edges ?? [])]) for (const p of l.properties) add(p.name, `${p.type.toLowerCase()} of ${l.label}`, 'property')
    const words = language === 'gremlin' ? STEPS.map((s) => ({ label: s, type: 'function', apply: `${s}(` })) : WORDS.map((w) => ({ label: w, type: 'keyword' }))
    return { from: word.from, validFor: /^\w*$/, options: [...names, ...words] }
  }
}
