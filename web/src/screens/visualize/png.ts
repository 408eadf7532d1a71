/** A picture of the scene with its legend and time. */
import Sigma from 'sigma'
import { colour } from '../../app/settings'
import { save } from '../../ui'
import { Labels } from '../../scene/labels'
import { legend, type Scene } from '../../scene/scene'
import type { Spec } from '../../scene/spec'
import type { CanvasHandle } from './Canvas'

export async function savePng(h: CanvasHandle, scene: Scene, spec: Spec, caption: string, scale: number): Promise<void> {
  const { width, height } = h.sigma.getDimensions()
  const box = document.createElement('div')
  Object.assign(box.style, { position: 'fixed', left: '-20000px', width: `${width * scale}px`, height: `${height * scale}px` })
  document.body.append(box)
  const size = h.sigma.getSetting('zoomToSizeRatioFunction')
  const s = new Sigma(h.graph, box, { ...h.sigma.getSettings(), zoomToSizeRatioFunction: (r) => size(r) / scale })
  const labels = new Labels(s, () => ({ text: colour('text'), surface: colour('surface') }), scale)
  s.getCamera().setState(h.sigma.getCamera().getState())
  s.refresh()
  const out = document.createElement('canvas')
  out.width = width * scale
  out.height = (height + 30) * scale
  const c = out.getContext('2d')!
  c.fillStyle = colour('surface')
  c.fillRect(0, 0, out.width, out.height)
  const layers = s.getCanvases()
  for (const name of ['edges', 'nodes', 'labels']) if (layers[name]) c.drawImage(layers[name], 0, 0, width * scale, height * scale)
  c.scale(scale, scale)
  c.font = '11px "Inter Variable", sans-serif'
  let x = 10
  for (const l of legend(scene, spec).slice(0, 6)) {
    c.fillStyle = colour(l.colour)
    c.fillRect(x, height + 9, 10, 10)
    c.fillStyle = colour('text')
    c.fillText(`${l.value} (${l.count})`, x + 14, height + 18)
    x += c.measureText(`${l.value} (${l.count})`).width + 30
  }
  c.fillStyle = colour('muted')
  c.fillText(caption, Math.max(x, width - c.measureText(caption).width - 10), height + 18)
  const blob = await new Promise<Blob | null>((done) => out.toBlob(done, 'image/png'))
  labels.stop()
  s.kill()
  box.remove()
  if (blob) save('scene.png', 'image/png', blob)
}
