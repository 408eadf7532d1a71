/** The schema as vertex types and the edges between them. */
import { Background, BaseEdge, Controls, MarkerType, Position, ReactFlow, type Edge, type EdgeProps, type Node } from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import { useMemo } from 'react'
import { useTheme } from '../../app/settings'
import type { Draft } from './model'

/** An edge that leads back to its own vertex, or one of several between two: an arc above, the further the more there are. */
function Arc({ id, sourceX, sourceY, targetX, targetY, label, markerEnd, data, selected }: EdgeProps) {
  const rise = 70 + 44 * Number(data?.nth ?? 0)
  const reach = sourceX > targetX ? 70 : -((targetX - sourceX) * 0.3)
  const top = Math.min(sourceY, targetY) - rise
  const path = `M ${sourceX} ${sourceY} C ${sourceX + reach} ${top}, ${targetX - reach} ${top}, ${targetX} ${targetY}`
  return <BaseEdge id={id} path={path} markerEnd={markerEnd} label={label} labelX={(sourceX + targetX) / 2} labelY={(sourceY + targetY) / 8 + (top * 6) / 8} interactionWidth={24} style={selected ? { stroke: 'var(--accent)', strokeWidth: 2 } : {}} />
}
const edgeTypes = { arc: Arc }

export function Picture({ draft, pick, at }: { draft: Draft; pick: (i: number) => void; at: number }) {
  const theme = useTheme()
  const { nodes, edges } = useMemo(() => {
    const vertices = draft.elements.map((e, i) => ({ e, i })).filter((x) => x.e.kind === 'vertex')
    const nodes: Node[] = vertices.map(({ e, i }, k) => ({ id: e.label, position: { x: (k % 3) * 300, y: Math.floor(k / 3) * 190 + (k % 2) * 50 }, data: { label: `(${e.label})`, at: i }, sourcePosition: Position.Right, targetPosition: Position.Left, selected: i === at, className: 'vertex' }))
    const drawn = draft.elements.map((e, i) => ({ e, i })).filter(({ e }) => e.kind === 'edge' && e.fromLabel && e.toLabel)
    const edges: Edge[] = drawn.map(({ e, i }, k) => {
      const nth = drawn.slice(0, k).filter((x) => x.e.fromLabel === e.fromLabel && x.e.toLabel === e.toLabel).length
      return { id: `${i}`, source: e.fromLabel, target: e.toLabel, label: e.label, data: { at: i, nth }, type: e.fromLabel === e.toLabel || nth > 0 ? 'arc' : 'smoothstep', markerEnd: { type: MarkerType.ArrowClosed }, selected: i === at }
    })
    return { nodes, edges }
  }, [draft, at])
  return (
    <div className="react-flow-box">
      <ReactFlow key={draft.elements.length} nodes={nodes} edges={edges} edgeTypes={edgeTypes} fitView fitViewOptions={{ maxZoom: 1.2, padding: 0.5 }} colorMode={theme === 'light' ? 'light' : 'dark'} nodesConnectable={false} nodesDraggable={false} disableKeyboardA11y nodesFocusable={false} edgesFocusable={false} proOptions={{ hideAttribution: true }}
        onNodeClick={(_, n) => pick(Number(n.data.at))} onEdgeClick={(_, e) => pick(Number(e.data?.at))}><Background /><Controls showInteractive={false} /></ReactFlow>
    </div>
  )
}
