import { expect, it } from 'vitest'
import { places, Taken } from './labels'

it('a taken box keeps others out, across cells of the screen', () => {
  const t = new Taken()
  t.add([40, 40, 120, 54])
  expect(t.hits([119, 50, 130, 60])).toBe(true)
  expect(t.hits([121, 40, 130, 54])).toBe(false)
  expect(t.hits([-60, -60, -50, -50])).toBe(false)
})
it('names on a ring read outwards', () => {
  expect(places(50, 14, 10, { x: 100, y: 0 })[0]![0]).toBe(14)
  expect(places(50, 14, 10, { x: -100, y: 0 })[0]![0]).toBe(-64)
  expect(places(50, 14, 10, { x: 0, y: 100 })[0]).toEqual([-25, 13])
})
