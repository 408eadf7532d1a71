import { describe, expect, it } from 'vitest'
import { flowOf, keysFor, sourceSql, targetSql } from './flow'
import { asCypher, asGremlin } from './languages'
import { layered, radial, structure, type Placeable } from './layout'
import { makeScene, timeMask, visible } from './scene'
import { adopt, adoptCamera, emptySpec, pack, unpacked } from './spec'
import { edgesSql, nodesSql } from './sql'
import { cidrSql } from './sql_ask'

const source = { table: 'c.n.t', id: 'id', from: 'srcaddr', to: 'dstport', fromLabel: 'devices', toLabel: 'services', columns: {} }
const columns = ['srcaddr', 'dstport', 'srcport', 'bytes', 'start', 'action', 'protocol'].map((name) => ({ name, type: name === 'srcaddr' || name === 'action' ? 'VARCHAR' : 'BIGINT' }))
const reaches = flowOf('reaches', source, 'devices', columns)
const flows = flowOf('connections', { ...source, to: 'dstaddr', toLabel: 'devices' }, 'devices', columns)

describe('edge labels as flows', () => {
  it('keys of another vertex label carry its name', () => {
    expect(sourceSql(reaches)).toBe('CAST(srcaddr AS VARCHAR)')
    expect(targetSql(reaches)).toContain("'services['")
    expect(keysFor(['10.0.0.1', 'services[443]'], 'services')).toEqual(['443'])
    expect(keysFor(['10.0.0.1', 'services[443]'], '')).toEqual(['10.0.0.1'])
  })
  it('several labels are one union of pairs', () => {
    const sql = edgesSql([flows, reaches], emptySpec, { from: 0, to: 63 })
    expect(sql).toContain("'connections' AS l")
    expect(sql).toContain("'reaches' AS l")
  })
  it('text in a scene cannot end a text in SQL', () => expect(nodesSql([flows], { ...emptySpec, nodes: ["x'); DROP"] }, { from: 0, to: 1 })).toContain("'x''); DROP'"))
  it('a network is a range of numbers', () => {
    expect(cidrSql('a', '10.0.3.77/24')).toContain('BETWEEN 167772928 AND 167773183')
    expect(cidrSql('a', '10.0.3.0/33')).toBeUndefined()
  })
})

describe('a scene in the graph languages', () => {
  const spec = { ...emptySpec, filter: { ...emptySpec.filter, action: 'REJECT', ports: '22' } }
  it('Gremlin', () => expect(asGremlin(spec, [flows], 'devices', ['10.0.0.1', 'services[22]'])).toBe(
    "g.V('devices[10.0.0.1]', 'services[22]').outE('connections').has('action', 'REJECT').or(has('dstport', within(22)), has('srcport', within(22))).where(inV().hasId('devices[10.0.0.1]', 'services[22]')).limit(1000)"))
  it('Cypher', () => expect(asCypher(spec, [flows, reaches], 'devices', [])).toBe("MATCH (a)-[e:connections|reaches]->(b)\nWHERE e.action = 'REJECT' AND (e.dstport = 22 OR e.srcport = 22)\nRETURN a, e, b LIMIT 1000"))
})

describe('layouts', () => {
  const nodes: Placeable[] = Array.from({ length: 20000 }, (_, i) => ({ id: `10.0.${i % 200}.${i}`, group: `10.0.${i % 7}.0/24`, isGroup: false, isOutside: i % 2 === 0, weight: i }))
  const links = nodes.slice(1).map((n, i) => [nodes[i]!.id, n.id] as const)
  it('place every node, the same each time', () => {
    const a = structure(nodes)
    expect(a.size).toBe(nodes.length)
    expect(structure([...nodes].reverse())).toEqual(a)
  })
  it('follow a chain of any length', () => {
    expect(radial(nodes, links, []).size).toBe(nodes.length)
    expect(layered(nodes, links).size).toBe(nodes.length)
  })
})

describe('what is visible', () => {
  const rows = [['a', 'b', 1, 0], ['b', 'c', 0, 1]].map(([s, d, low, high]) => ({ s, d, l: 'e', x: '', flows: 1, bytes: 1, packets: 1, rejected: 0, low, high, pairs: 1, all_edges: 2 }))
  const scene = makeScene(['a', 'b', 'c'].map((id) => ({ id, sent: 1, received: 1, flows: 1, rejected: 0, members: 1, degree: 1, grp: '', all_nodes: 3 })), rows, new Map(), false)
  it('follows the time window by its bits', () => {
    expect(timeMask([0, 63])).toEqual([-1, -1])
    expect([...visible(scene, { ...emptySpec, time: [0, 0] }).edges]).toEqual(['a→b'])
    expect([...visible(scene, { ...emptySpec, time: [32, 40] }).nodes]).toEqual(['b', 'c'])
  })
})

describe('a scene from outside', () => {
  it('keeps what has the right form', () => {
    const s = adopt({ limit: 1e9, time: ['x', 1], pinned: { a: [1, 2], b: 'no' }, notes: { a: 1 }, grown: { a: [1] }, nodes: ['x', 3], colour: 7 })!
    expect([s.limit, s.time, s.pinned, s.notes, s.grown, s.nodes, s.colour]).toEqual([20000, [0, 63], { a: [1, 2] }, {}, {}, ['x'], 'kind'])
  })
  it('carries the camera', () => {
    expect(adoptCamera(unpacked(pack(emptySpec, [0.1, 0.2, 0.3])))).toEqual([0.1, 0.2, 0.3])
    expect(adoptCamera({ camera: [0, 0, 0] })).toBeUndefined()
  })
  it('may be very large', () => expect(unpacked(pack({ ...emptySpec, nodes: Array.from({ length: 20000 }, (_, i) => `10.0.0.${i}`) }))).toBeDefined())
})
