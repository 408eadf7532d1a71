/** A job's state in a word and a mark, and the button that pauses or resumes it. */
import { useQueryClient } from '@tanstack/react-query'
import { Pause, Play } from 'lucide-react'
import { useState } from 'react'
import type { Job } from '../../api/lake'
import { ask, sqlName } from '../../api/query'
import { announce, Failure, Modal } from '../../ui'

export function Status({ job }: { job: Job }) {
  const [kind, mark] = job.error ? ['err', '✖ Failing'] : job.isRunning ? ['ok', '● Running'] : ['muted', '❚❚ Paused']
  return <span className={`state ${kind}`}>{mark}</span>
}

export function Flip({ job }: { job: Job }) {
  const client = useQueryClient()
  const [error, setError] = useState<unknown>()
  const isPaused = job.status === 'PAUSED'
  const flip = async (): Promise<void> => {
    try {
      await ask({ language: 'sql', text: `${isPaused ? 'RESUME' : 'PAUSE'} JOB ${sqlName(job.name)}` })
      announce(`${job.name} ${isPaused ? 'runs again' : 'is paused'}`)
      void client.invalidateQueries({ queryKey: ['jobs'] })
    } catch (e) {
      setError(e)
    }
  }
  return (
    <>
      <button type="button" className="button small" aria-label={`${isPaused ? 'Resume' : 'Pause'} ${job.name}`} onClick={() => void flip()}>{isPaused ? <><Play size={12} aria-hidden />Resume</> : <><Pause size={12} aria-hidden />Pause</>}</button>
      {error !== undefined && <Modal title={job.name} close={() => setError(undefined)}><Failure error={error} /></Modal>}
    </>
  )
}
