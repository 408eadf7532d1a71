/** Completion of Gremlin and Cypher from the graph's labels and properties, by what stands before the caret. */
import type { Completion, CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete'
import type { GraphModel } from '../../api/graph'

const STEPS = 'V E addE addV aggregate and as both bothE bothV branch by cap choose coalesce connectedComponent constant count cyclicPath dedup drop elementMap emit explain filter flatMap fold group groupCount has hasId hasKey hasLabel hasNot hasValue id identity in inE inV is key label limit local loops map match max mean min none not optional or order otherV out outE outV pageRank path profile project properties property propertyMap range repeat sack sample select shortestPath sideEffect simplePath skip store sum tail times toList tree unfold union until value valueMap values where'.split(' ')
const PREDICATES = 'between containing endingWith eq gt gte inside lt lte neq notContaining notStartingWith outside startingWith within without'.split(' ')
const WORDS = 'MATCH,OPTIONAL MATCH,WHERE,RETURN,WITH,UNWIND,ORDER BY,SKIP,LIMIT,DISTINCT,AS,AND,OR,NOT,IN,CONTAINS,STARTS WITH,ENDS WITH,IS NULL,IS NOT NULL,CASE,WHEN,THEN,ELSE,END,DESC,EXPLAIN,PROFILE,CALL,YIELD'.split(',')
const FUNCTIONS = 'avg coalesce collect count id labels length max min nodes properties relationships shortestPath size sum toInteger toString type'.split(' ')

function vertexLabels(m: GraphModel): Completion[] {
  return m.vertices.map((v) => ({ label: v.label, detail: `vertex, ${v.count.toLocaleString('en-US')}`, type: 'class', boost: 2 }))
}
function edgeLabels(m: GraphModel): Completion[] {
  return m.edges.map((e) => ({ label: e.label, detail: `${e.from} → ${e.to}, ${e.count.toLocaleString('en-US')}`, type: 'interface', boost: 2 }))
}
function properties(m: GraphModel): Completion[] {
  const of = new Map<string, { type: string; labels: string[] }>()
  for (const l of [...m.vertices, ...m.edges]) for (const p of l.properties) {
    const had = of.get(p.name)
    if (!had) of.set(p.name, { type: p.type, labels: [l.label] })
    else if (!had.labels.includes(l.label)) had.labels.push(l.label)
  }
  return [...of].map(([label, { type, labels }]) => ({ label, detail: `${type.toLowerCase()} of ${labels.slice(0, 3).join(', ')}${labels.length > 3 ? ' …' : ''}`, type: 'property' }))
}

/** Inside a quote of a step: what the step's argument can name. */
const ARGUMENTS: [RegExp, (m: GraphModel) => Completion[]][] = [
  [/(?:outE|inE|bothE|out|in|both)\((?:[^()]*,\s*)?['"]\w*$/, edgeLabels],
  [/hasLabel\((?:[^()]*,\s*)?['"]\w*$/, (m) => [...vertexLabels(m), ...edgeLabels(m)]],
  [/(?:has|hasNot|values|valueMap|elementMap|by|properties|property|hasKey)\((?:[^()]*,\s*)?['"]\w*$/, properties],
]
function gremlin(before: string, m: GraphModel | undefined): Completion[] | null {
  if (/['"]\w*$/.test(before) && (before.match(/['"]/g) ?? []).length % 2 === 1) {
    const found = m && ARGUMENTS.find(([pattern]) => pattern.test(before))
    return found ? found[1](m) : m ? [...vertexLabels(m), ...edgeLabels(m), ...properties(m)] : null
  }
  const steps = STEPS.map((s): Completion => ({ label: s, type: 'function', apply: `${s}(` }))
  if (/\.\s*\w*$/.test(before)) return steps
  return [...steps, ...PREDICATES.map((s): Completion => ({ label: s, type: 'function', detail: 'predicate', apply: `${s}(` })), { label: 'g', type: 'variable' }]
}
function cypher(before: string, m: GraphModel | undefined): Completion[] | null {
  if (m && /\[\s*\w*\s*:[\w|]*$/.test(before)) return edgeLabels(m)
  if (m && /\(\s*\w*\s*:\w*$/.test(before)) return vertexLabels(m)
  if (m && (/\b[A-Za-z_]\w*\.\w*$/.test(before) || /\{\s*(?:[^{}]*,\s*)?\w*$/.test(before))) return properties(m)
  return [...WORDS.map((w): Completion => ({ label: w, type: 'keyword' })), ...FUNCTIONS.map((f): Completion => ({ label: f, type: 'function', apply: `${f}(` })), ...(m ? [...vertexLabels(m), ...edgeLabels(m)] : [])]
}

export function completeGraph(language: 'gremlin' | 'cypher', model: () => GraphModel | undefined): CompletionSource {
  return (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(/[\w$]*/)
    const before = context.state.sliceDoc(Math.max(0, context.pos - 2000), context.pos)
    if (!word || (word.from === word.to && !context.explicit && !/[.:'"({[]$/.test(before))) return null
    const options = (language === 'gremlin' ? gremlin : cypher)(before, model())
    return options && { from: word.from, validFor: /^\w*$/, options }
  }
}
/** For the console's Tab: what could stand where the text ends. */
export const wordsAt = (text: string, model: GraphModel | undefined): string[] => {
  const word = /\w*$/.exec(text)![0]
  return word ? (gremlin(text, model) ?? []).map((c) => c.label).filter((l) => l.startsWith(word)) : []
}
