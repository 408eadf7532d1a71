/** The schema as vertex types and the edges between them. */
import { Background, Controls, MarkerType, Position, ReactFlow, type Edge, type Node } from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import { useMemo } from 'react'
import { useTheme } from '../../app/settings'
import type { Draft } from './model'

export function Picture({ draft, pick, at }: { draft: Draft; pick: (i: number) => void; at: number }) {
  const theme = useTheme()
  const { nodes, edges } = useMemo(() => {
    const vertices = draft.elements.map((e, i) => ({ e, i })).filter((x) => x.e.kind === 'vertex')
    const nodes: Node[] = vertices.map(({ e, i }, k) => ({ id: e.label, position: { x: (k % 3) * 260, y: Math.floor(k / 3) * 150 + (k % 2) * 40 }, data: { label: `(${e.label})`, at: i }, sourcePosition: Position.Right, targetPosition: Position.Left, selected: i === at }))
    const edges: Edge[] = draft.elements.flatMap((e, i) => (e.kind === 'edge' && e.fromLabel && e.toLabel ? [{ id: `${i}`, source: e.fromLabel, target: e.toLabel, label: e.label, data: { at: i }, type: e.fromLabel === e.toLabel ? 'default' : 'smoothstep', markerEnd: { type: MarkerType.ArrowClosed }, selected: i === at }] : []))
    return { nodes, edges }
  }, [draft, at])
  return (
    <div className="react-flow-box">
      <ReactFlow key={draft.elements.length} nodes={nodes} edges={edges} fitView fitViewOptions={{ maxZoom: 1.3, padding: 0.4 }} colorMode={theme === 'light' ? 'light' : 'dark'} nodesConnectable={false} nodesDraggable={false} disableKeyboardA11y nodesFocusable={false} edgesFocusable={false} proOptions={{ hideAttribution: true }}
        onNodeClick={(_, n) => pick(Number(n.data.at))} onEdgeClick={(_, e) => pick(Number(e.data?.at))}><Background /><Controls showInteractive={false} /></ReactFlow>
    </div>
  )
}
