/** How nodes and edges are drawn: shapes, pin rings; lanes for both directions, arrow heads, dashes. What lies under the pointer is
 * worked out elsewhere (picking.ts), so nothing is drawn twice. */
import { EdgeProgram, NodeProgram } from 'sigma/rendering'
import type Sigma from 'sigma'
import type { EdgeDisplayData, NodeDisplayData, RenderParams } from 'sigma/types'
import { floatColor } from 'sigma/utils'

const { FLOAT, UNSIGNED_BYTE, POINTS, TRIANGLES } = WebGLRenderingContext
export const SHAPES = { circle: 0, diamond: 1, square: 2 } as const
export interface NodeLook { shape: keyof typeof SHAPES; ring: string }
export interface EdgeLook { isDashed: boolean; lane: number }

/** Pictures that move: of those with very many parts the weightiest are drawn until they stand still. */
export const moving = new WeakSet<Sigma>()
const [MOVING_NODES, MOVING_EDGES] = [8000, 2000]

const nodeUniforms = ['u_sizeRatio', 'u_pixelRatio', 'u_matrix'] as const

export class ShapeProgram extends NodeProgram<(typeof nodeUniforms)[number]> {
  constructor(gl: WebGLRenderingContext, _picking: WebGLFramebuffer | null, private readonly owner: Sigma) {
    super(gl, null, owner)
  }
  override render(params: RenderParams): void {
    const [all, n] = [this.array, this.verticesCount]
    if (moving.has(this.owner) && n > MOVING_NODES) {
      this.verticesCount = MOVING_NODES
      this.array = all.subarray(0, (all.length / n) * MOVING_NODES)
    }
    super.render(params)
    this.array = all
    this.verticesCount = n
  }
  override getDefinition() {
    return {
      VERTICES: 1, METHOD: POINTS, UNIFORMS: nodeUniforms,
      ATTRIBUTES: [
        { name: 'a_position', size: 2, type: FLOAT }, { name: 'a_size', size: 1, type: FLOAT }, { name: 'a_shape', size: 1, type: FLOAT },
        { name: 'a_color', size: 4, type: UNSIGNED_BYTE, normalized: true }, { name: 'a_ring', size: 4, type: UNSIGNED_BYTE, normalized: true },
      ],
      VERTEX_SHADER_SOURCE: `
attribute vec4 a_color, a_ring; attribute vec2 a_position; attribute float a_size, a_shape;
uniform float u_sizeRatio, u_pixelRatio; uniform mat3 u_matrix;
varying vec4 v_color, v_ring; varying float v_shape, v_size;
void main() {
  gl_Position = vec4((u_matrix * vec3(a_position, 1)).xy, 0, 1);
  v_size = a_size / u_sizeRatio * u_pixelRatio * 2.0 + 4.0;
  gl_PointSize = v_size; v_shape = a_shape; v_ring = a_ring;
  v_color = a_color;
  v_color.a *= 255.0 / 254.0;
}`,
      FRAGMENT_SHADER_SOURCE: `
precision highp float; varying vec4 v_color, v_ring; varying float v_shape, v_size;
void main() {
  vec2 p = gl_PointCoord - 0.5;
  float d = v_shape < 0.5 ? length(p) * 2.0 : v_shape < 1.5 ? (abs(p.x) + abs(p.y)) * 2.0 : max(abs(p.x), abs(p.y)) * 2.2;
  float soft = 2.5 / v_size, rim = 1.0 - 4.0 / v_size;
  vec4 c = v_ring.a > 0.1 && d > rim - 2.0 / v_size ? v_ring : v_color;
  float a = 1.0 - smoothstep(1.0 - soft, 1.0, d);
  if (v_ring.a < 0.1) a = 1.0 - smoothstep(rim, rim + soft, d);
  gl_FragColor = vec4(c.rgb * c.a, c.a) * a;
}`,
    }
  }
  override processVisibleItem(_index: number, start: number, data: NodeDisplayData & Partial<NodeLook>): void {
    const a = this.array
    a[start] = data.x
    a[start + 1] = data.y
    a[start + 2] = data.size
    a[start + 3] = SHAPES[data.shape ?? 'circle']
    a[start + 4] = floatColor(data.color)
    a[start + 5] = floatColor(data.ring || 'rgba(0,0,0,0)')
  }
  override setUniforms({ sizeRatio, pixelRatio, matrix }: RenderParams, { gl, uniformLocations: u }: { gl: WebGLRenderingContext; uniformLocations: Record<string, WebGLUniformLocation> }): void {
    gl.uniform1f(u.u_pixelRatio!, pixelRatio)
    gl.uniform1f(u.u_sizeRatio!, sizeRatio)
    gl.uniformMatrix3fv(u.u_matrix!, false, matrix)
  }
}

const edgeUniforms = ['u_matrix', 'u_sizeRatio', 'u_view'] as const

export class LaneProgram extends EdgeProgram<(typeof edgeUniforms)[number]> {
  constructor(gl: WebGLRenderingContext, _picking: WebGLFramebuffer | null, private readonly owner: Sigma) {
    super(gl, null, owner)
  }
  override render(params: RenderParams): void {
    const [all, n] = [this.array, this.capacity]
    if (moving.has(this.owner) && n > MOVING_EDGES) {
      this.capacity = MOVING_EDGES
      this.array = all.subarray(0, (all.length / n) * MOVING_EDGES)
    }
    super.render(params)
    this.array = all
    this.capacity = n
  }
  override getDefinition() {
    return {
      VERTICES: 6, METHOD: TRIANGLES, UNIFORMS: edgeUniforms,
      ATTRIBUTES: [
        { name: 'a_start', size: 2, type: FLOAT }, { name: 'a_end', size: 2, type: FLOAT },
        { name: 'a_style', size: 4, type: FLOAT }, { name: 'a_from', size: 1, type: FLOAT },
        { name: 'a_color', size: 4, type: UNSIGNED_BYTE, normalized: true },
      ],
      CONSTANT_ATTRIBUTES: [{ name: 'a_along', size: 1, type: FLOAT }, { name: 'a_side', size: 1, type: FLOAT }],
      CONSTANT_DATA: [[0, 1], [0, -1], [1, 1], [1, 1], [0, -1], [1, -1]],
      VERTEX_SHADER_SOURCE: `
attribute vec4 a_color, a_style; attribute vec2 a_start, a_end; attribute float a_from, a_along, a_side;
uniform mat3 u_matrix; uniform float u_sizeRatio; uniform vec2 u_view;
varying vec4 v_color; varying vec3 v_at; varying vec2 v_style;
void main() {
  vec2 s = (u_matrix * vec3(a_start, 1)).xy * u_view * 0.5, e = (u_matrix * vec3(a_end, 1)).xy * u_view * 0.5;
  vec2 way = e - s; float len = length(way); way = len > 0.001 ? way / len : vec2(1, 0);
  vec2 n = vec2(-way.y, way.x);
  float thick = max(a_style.x / u_sizeRatio, 0.7), reach = thick * 1.3 + 5.0, from = a_from / u_sizeRatio, to = a_style.w / u_sizeRatio + 1.0;
  float room = max(len - from - to, 0.0);
  vec2 p = s + way * (from + room * a_along) + n * (a_style.y * (thick * 0.5 + 1.5) + a_side * reach);
  gl_Position = vec4(p * 2.0 / u_view, 0, 1);
  v_at = vec3(room * a_along, a_side * reach, room); v_style = vec2(thick, a_style.z);
  v_color = a_color;
  v_color.a *= 255.0 / 254.0;
}`,
      FRAGMENT_SHADER_SOURCE: `
precision highp float; varying vec4 v_color; varying vec3 v_at; varying vec2 v_style;
void main() {
  float left = v_at.z - v_at.x, side = abs(v_at.y), head = min(v_style.x * 1.5 + 6.0, v_at.z * 0.5), half_ = v_style.x * 0.5;
  if (left < head) half_ = (half_ + 3.0) * left / head;
  if (v_style.y > 0.5 && left > head && mod(v_at.x, 10.0) > 6.0) discard;
  float a = 1.0 - smoothstep(half_ - 0.5, half_ + 0.6, side);
  if (a < 0.01) discard;
  gl_FragColor = vec4(v_color.rgb * v_color.a, v_color.a) * a;
}`,
    }
  }
  override processVisibleItem(_index: number, start: number, source: NodeDisplayData, target: NodeDisplayData, data: EdgeDisplayData & Partial<EdgeLook>): void {
    const a = this.array
    a[start] = source.x
    a[start + 1] = source.y
    a[start + 2] = target.x
    a[start + 3] = target.y
    a[start + 4] = data.size
    a[start + 5] = data.lane ?? 0
    a[start + 6] = data.isDashed ? 1 : 0
    a[start + 7] = target.size
    a[start + 8] = source.size
    a[start + 9] = floatColor(data.color)
  }
  override setUniforms(p: RenderParams, { gl, uniformLocations: u }: { gl: WebGLRenderingContext; uniformLocations: Record<string, WebGLUniformLocation> }): void {
    gl.uniformMatrix3fv(u.u_matrix!, false, p.matrix)
    gl.uniform1f(u.u_sizeRatio!, p.sizeRatio)
    gl.uniform2f(u.u_view!, p.width, p.height)
  }
}
