import '@fontsource-variable/inter/index.css'
import '@fontsource-variable/jetbrains-mono/index.css'
import './ui/tokens.css'
import './ui/base.css'
import { QueryClient, QueryClientProvider, useQuery, useQueryClient } from '@tanstack/react-query'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError, json } from './api/client'
import './app/settings'
import { Shell, type Session } from './app/Shell'
import { SignIn } from './app/SignIn'
import { Failure } from './ui'

const client = new QueryClient({ defaultOptions: { queries: { retry: (n, e) => n < 2 && e instanceof ApiError && e.code === 'OFFLINE', refetchOnWindowFocus: false, staleTime: 3000 } } })

function App() {
  const queries = useQueryClient()
  const session = useQuery({ queryKey: ['session'], queryFn: () => json<Session>('GET', '/api/session'), staleTime: Infinity, retry: false })
  const [isExpired, setExpired] = useState(false)
  const again = (): void => void queries.resetQueries({ queryKey: ['session'] })
  if (session.data) return <Shell session={session.data} signedOut={(isExpired) => { setExpired(isExpired); again() }} />
  if (session.error instanceof ApiError && session.error.status === 401) return <SignIn isExpired={isExpired} done={() => { if (location.search) history.replaceState(null, '', location.pathname + location.hash); queries.clear(); again() }} />
  if (session.error) return <main className="page"><Failure error={session.error} retry={again} /></main>
  return null
}

createRoot(document.getElementById('root')!).render(<StrictMode><QueryClientProvider client={client}><App /></QueryClientProvider></StrictMode>)
