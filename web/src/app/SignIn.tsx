/** Name and password; the one-time link that the server prints does without. */
import { useState } from 'react'
import { json } from '../api/client'
import { Failure } from '../ui'

export function SignIn({ done, isExpired }: { done: () => void; isExpired: boolean }) {
  const [error, setError] = useState<unknown>()
  const [isBusy, setBusy] = useState(false)
  const submit = async (e: React.FormEvent<HTMLFormElement>): Promise<void> => {
    e.preventDefault()
    const data = new FormData(e.currentTarget)
    setBusy(true)
    setError(undefined)
    try {
      await json('POST', '/api/session', { username: data.get('username'), password: data.get('password') })
      done()
    } catch (x) {
      setError(x)
    } finally {
      setBusy(false)
    }
  }
  return (
    <main className="sign-in">
      <form className="panel" onSubmit={(e) => void submit(e)}>
        <h1><img src="/icon.svg" width={28} height={28} alt="" />Floe</h1>
        <label>User<input className="field" name="username" defaultValue="admin" autoComplete="username" required /></label>
        <label>Password<input className="field" name="password" type="password" autoComplete="current-password" required autoFocus /></label>
        <button className="button primary" disabled={isBusy} type="submit">{isBusy ? 'Signing in…' : 'Sign in'}</button>
        {error !== undefined && <Failure error={error} />}
        {location.search.includes('link=used') && <p className="warn" role="status">That link was used already: it signs one browser in, once. Each start of the server prints a new one.</p>}
        {isExpired && <p className="warn" role="status">You were signed out: the session has ended. What you were doing is kept; sign in to go on.</p>}
        <p className="muted">The first start printed the admin password, and each start prints a link that signs one browser in.</p>
      </form>
    </main>
  )
}
