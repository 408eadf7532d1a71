/** One running query of a screen: start, rows as they come, cancel, failure. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { ApiError } from '../api/client'
import { ask, type Request, type Result } from '../api/query'

export interface Asked { result?: Result; error?: unknown; isRunning: boolean; since: number }

export function useAsk(): Asked & { run: (r: Request) => Promise<Result | undefined>; cancel: () => void; clear: () => void } {
  const [state, setState] = useState<Asked>({ isRunning: false, since: 0 })
  const control = useRef<AbortController>(undefined)
  const cancel = useCallback(() => control.current?.abort(), [])
  useEffect(() => () => control.current?.abort(), [])
  const run = useCallback(async (r: Request) => {
    control.current?.abort()
    const mine = new AbortController()
    control.current = mine
    setState({ isRunning: true, since: performance.now() })
    const show = (s: Asked): void => { if (control.current === mine) setState(s) }
    try {
      const result = await ask(r, mine.signal, (so) => show({ result: so, isRunning: true, since: 0 }))
      show({ result, isRunning: false, since: 0 })
      return result
    } catch (e) {
      const error = mine.signal.aborted ? new ApiError(499, 'CANCELLED', 'stopped; the server has let go of the query') : e
      if (control.current === mine) setState((s) => ({ ...(s.result ? { result: s.result } : {}), error, isRunning: false, since: 0 }))
      return undefined
    }
  }, [])
  const clear = useCallback(() => setState({ isRunning: false, since: 0 }), [])
  return { ...state, run, cancel, clear }
}
