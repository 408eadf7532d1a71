/** Questions that suit the graph there is. */
import type { GraphModel } from '../../api/graph'
import type { Starter } from '../worksheets/starters'

export function startersOf(language: 'gremlin' | 'cypher', m: GraphModel, sender: string): Starter[] {
  const v = m.vertices[0]?.label ?? 'devices'
  const e = m.edges[0]
  const edge = e?.label ?? 'connections'
  const has = (p: string): boolean => e?.properties.some((x) => x.name === p) ?? false
  if (language === 'gremlin')
    return [
      { name: 'How many vertices', text: 'g.V().count()' },
      { name: 'How many edges', text: 'g.E().count()' },
      { name: `Recipients of ${sender}`, text: `g.V('${v}:::${sender}').out().dedup().count()` },
      ...(has('packets') ? [{ name: 'Top 20 recipients by packets', text: `g.V('${v}:::${sender}').outE().as('sends').inV().as('dest').group().by(select('dest').id()).by(select('sends').values('packets').sum()).unfold().order().by(select(values), desc).limit(20)` }] : []),
      { name: 'Its neighbours, to draw', text: `g.V('${v}:::${sender}').outE('${edge}').limit(200).as('e').inV().as('v').select('e', 'v')` },
      ...(has('action') ? [{ name: 'Rejected ports', text: `g.E().hasLabel('${edge}').has('action', 'REJECT').groupCount().by('dstport').unfold().order().by(select(values), desc).limit(20)` }] : []),
    ]
  return [
    { name: 'How many vertices', text: 'MATCH (n) RETURN count(n) AS vertices' },
    { name: 'How many edges', text: `MATCH ()-[e:${edge}]->() RETURN count(e) AS edges` },
    { name: `Recipients of ${sender}`, text: `MATCH (a:${v})-[:${edge}]->(b) WHERE id(a) = '${v}[${sender}]' RETURN count(DISTINCT b) AS recipients` },
    ...(has('packets') ? [{ name: 'Top 20 pairs by packets', text: `MATCH (a)-[e:${edge}]->(b) RETURN id(a) AS sender, id(b) AS recipient, sum(e.packets) AS packets ORDER BY packets DESC LIMIT 20` }] : []),
    { name: 'Some edges, to draw', text: `MATCH (a)-[e:${edge}]->(b) RETURN a, e, b LIMIT 200` },
  ]
}
