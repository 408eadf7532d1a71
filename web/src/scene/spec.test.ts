import { describe, expect, it } from 'vitest'
import { add, emptySpec, pack, parsePorts, redo, step, undo, unpack } from './spec'

describe('a scene', () => {
  it('survives an address', () => expect(unpack(pack(add(emptySpec, ['10.0.0.1'])))?.nodes).toEqual(['10.0.0.1']))
  it('refuses what is no address of a scene', () => expect(unpack('%%')).toBeUndefined())
  it('goes back and on again', () => {
    const u = step({ past: [], now: emptySpec, future: [] }, add(emptySpec, ['a']))
    expect(undo(u).now).toBe(emptySpec)
    expect(redo(undo(u)).now.nodes).toEqual(['a'])
  })
  it('reads ports as typed', () => {
    expect(parsePorts('22, 8000-8100')).toEqual([[22, 22], [8000, 8100]])
    expect(parsePorts('x')).toBeUndefined()
    expect(parsePorts('70000')).toBeUndefined()
  })
})
