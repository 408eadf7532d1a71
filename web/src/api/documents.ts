/** What people make in the UI (worksheets, dashboards, scenes, history), kept by the server in the home. */
import { json } from './client'

export async function load<T>(kind: string, id: string): Promise<T | undefined> {
  return (await json<{ content: T | null }>('GET', `/api/documents/${kind}.${id}`)).content ?? undefined
}
export const save = (kind: string, id: string, content: unknown): Promise<void> => json('PUT', `/api/documents/${kind}.${id}`, { content })
