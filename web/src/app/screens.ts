/** The screens, in the order of the rail; each is loaded when first shown. */
import { Boxes, ChartNoAxesCombined, Database, GitBranch, Braces, NotebookText, Orbit, Play, Share2, Terminal, Workflow } from 'lucide-react'
import { lazy, type ComponentType, type LazyExoticComponent } from 'react'

export interface Screen {
  id: string
  name: string
  group: 'Ingest' | 'Graph' | 'Watch'
  key: string
  icon: ComponentType<{ size?: number; "aria-hidden"?: boolean }>
  view: LazyExoticComponent<ComponentType>
}

export const screens: Screen[] = [
  { id: 'worksheets', name: 'Worksheets', group: 'Ingest', key: 'w', icon: NotebookText, view: lazy(() => import('../screens/worksheets')) },
  { id: 'jobs', name: 'Jobs', group: 'Ingest', key: 'j', icon: Play, view: lazy(() => import('../screens/jobs')) },
  { id: 'datasets', name: 'Datasets', group: 'Ingest', key: 'd', icon: Database, view: lazy(() => import('../screens/datasets')) },
  { id: 'lineage', name: 'Lineage', group: 'Ingest', key: 'l', icon: GitBranch, view: lazy(() => import('../screens/lineage')) },
  { id: 'schema', name: 'Schema', group: 'Graph', key: 's', icon: Workflow, view: lazy(() => import('../screens/schema')) },
  { id: 'visualize', name: 'Visualize', group: 'Graph', key: 'v', icon: Orbit, view: lazy(() => import('../screens/visualize')) },
  { id: 'gremlin', name: 'Gremlin Query', group: 'Graph', key: 'q', icon: Share2, view: lazy(() => import('../screens/ask').then((m) => ({ default: m.GremlinQuery }))) },
  { id: 'console', name: 'Gremlin Console', group: 'Graph', key: 'c', icon: Terminal, view: lazy(() => import('../screens/console')) },
  { id: 'cypher', name: 'Cypher', group: 'Graph', key: 'y', icon: Braces, view: lazy(() => import('../screens/ask').then((m) => ({ default: m.CypherQuery }))) },
  { id: 'dashboard', name: 'Dashboard', group: 'Watch', key: 'b', icon: ChartNoAxesCombined, view: lazy(() => import('../screens/dashboard')) },
]
export const home = { icon: Boxes, view: lazy(() => import('../screens/home')) }
