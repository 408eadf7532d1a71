/** Vertices and edges that stand anywhere in an answer's cells. */
export interface Vertex { id: string; label: string; properties: Record<string, unknown> }
export interface Link { id: string; label: string; from: string; to: string; properties: Record<string, unknown> }
export interface Elements { vertices: Vertex[]; edges: Link[] }

export function elementsOf(rows: unknown[][], most: number): Elements {
  const vertices = new Map<string, Vertex>()
  const edges = new Map<string, Link>()
  const bare = (id: string): void => {
    if (!vertices.has(id)) vertices.set(id, { id, label: id.split('[')[0] ?? '', properties: {} })
  }
  const visit = (v: unknown, depth: number): void => {
    if (v === null || typeof v !== 'object' || depth > 8 || vertices.size + edges.size > most) return
    if (Array.isArray(v)) {
      for (const x of v) visit(x, depth + 1)
      return
    }
    const o = v as Record<string, unknown>
    if (o['@type'] === 'vertex') {
      const id = String(o.id)
      vertices.set(id, { id, label: (o.labels as string[] | undefined)?.[0] ?? '', properties: (o.properties as Record<string, unknown>) ?? {} })
    } else if (o['@type'] === 'edge') {
      const [id, from, to] = [String(o.id), String(o.from), String(o.to)]
      bare(from)
      bare(to)
      edges.set(id, { id, label: String(o.label), from, to, properties: (o.properties as Record<string, unknown>) ?? {} })
    } else for (const x of Object.values(o)) visit(x, depth + 1)
  }
  for (const row of rows) visit(row, 0)
  return { vertices: [...vertices.values()], edges: [...edges.values()] }
}
/** "devices[10.0.0.1]" → "10.0.0.1" */
export const keyOf = (id: string): string => (id.endsWith(']') ? id.slice(id.indexOf('[') + 1, -1) : id)
