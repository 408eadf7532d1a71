/** The vertex that sends most: an example that fits the data. */
import { useQuery } from '@tanstack/react-query'
import { graphModel, liveSchema, sourcesOf } from './graph'
import { select, sqlName } from './query'

export function useSender(): string {
  const q = useQuery({
    queryKey: ['sender'], staleTime: 600000, retry: false,
    queryFn: async () => {
      const [model, schema] = await Promise.all([graphModel(), liveSchema()])
      const source = sourcesOf(schema.schema).edges[model.edges[0]?.label ?? '']
      if (!source) return ''
      const rows = await select<{ s: string }>(`SELECT CAST(${sqlName(source.from)} AS VARCHAR) AS s FROM ${source.table} WHERE ${sqlName(source.from)} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1`)
      return rows[0]?.s ?? ''
    },
  })
  return q.data || '10.0.1.10'
}
