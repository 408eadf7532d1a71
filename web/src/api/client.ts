/** Requests to this server: JSON in, JSON out, failures as one kind of error. */

export interface Place { line: number; column: number }

export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly position?: Place) {
    super(message)
  }
}

const listeners = new Set<(online: boolean, signedIn: boolean) => void>()
export function onReach(f: (online: boolean, signedIn: boolean) => void): () => void {
  listeners.add(f)
  return () => listeners.delete(f)
}
function reached(online: boolean, signedIn = true): void {
  for (const f of listeners) f(online, signedIn)
}

export interface ErrorBody { code?: string; message?: string; position?: Place }

export function errorOf(status: number, body: ErrorBody | undefined): ApiError {
  return new ApiError(status, body?.code ?? 'IO', body?.message ?? `the server answered ${status}`, body?.position)
}

/** A body that is JSON already, to be sent letter by letter. */
class JsonText { constructor(readonly text: string) {} }
export const sendText = <T>(method: string, path: string, text: string): Promise<T> => json<T>(method, path, new JsonText(text))

export async function send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, {
      method, signal: signal ?? null,
      ...(body === undefined ? {} : { body: body instanceof JsonText ? body.text : JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    })
  } catch (e) {
    if (signal?.aborted) throw new ApiError(499, 'CANCELLED', 'cancelled')
    reached(false)
    throw new ApiError(0, 'OFFLINE', `the server cannot be reached (${e instanceof Error ? e.message : 'network'}); it is asked again by itself`)
  }
  reached(true, response.status !== 401)
  if (response.ok) return response
  const text = await response.text()
  let parsed: ErrorBody | undefined
  try {
    parsed = (JSON.parse(text) as { error?: ErrorBody }).error
  } catch {
    parsed = undefined
  }
  throw errorOf(response.status, parsed)
}

export async function json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await send(method, path, body, signal)
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T)
}
