/** What stands around every screen: rail, top bar, status bar, keys. */
import { useQuery } from '@tanstack/react-query'
import { CircleHelp, LogOut, Moon, PanelLeft, Search, Sun } from 'lucide-react'
import { Component, Suspense, useEffect, useState, type ReactNode } from 'react'
import { json, onReach } from '../api/client'
import { jobs } from '../api/lake'
import { clock, duration } from '../api/format'
import { Failure, Skeleton } from '../ui'
import { Activity } from './Activity'
import { Help } from './Help'
import { Palette } from './Palette'
import { go, href, useRoute } from './route'
import { home, screens } from './screens'
import { getSettings, isLight, setSettings, useSettings } from './settings'
import './shell.css'

export interface Session { user: string; signIn: boolean; version: string }

class Boundary extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {}
  static getDerivedStateFromError(error: unknown) { return { error } }
  override render() {
    return this.state.error === undefined ? this.props.children : <div className="page"><Failure error={this.state.error} retry={() => this.setState({ error: undefined })} /></div>
  }
}

const isTyping = (e: KeyboardEvent): boolean => {
  const target = e.composedPath()[0]
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

function useKeys(open: (what: 'palette' | 'help') => void): void {
  useEffect(() => {
    let isGoing = false
    const key = (e: KeyboardEvent): void => {
      if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') {
        e.preventDefault()
        open('palette')
        return
      }
      if (isTyping(e) || e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]') || !getSettings().hasLetterKeys) return
      const screen = isGoing && screens.find((s) => s.key === e.key)
      isGoing = false
      if (screen) {
        e.stopImmediatePropagation()
        e.preventDefault()
        go(screen.id)
        document.getElementById('main')?.focus()
      } else if (e.key === 'g') isGoing = true
      else if (e.key === '?') open('help')
      else if (e.key === '[') setSettings({ isRailNarrow: !getSettings().isRailNarrow })
      else if (e.key === '/') {
        e.preventDefault()
        const own = document.querySelector<HTMLInputElement>('main [data-search]')
        if (own) own.focus()
        else open('palette')
      }
    }
    addEventListener('keydown', key, true)
    return () => removeEventListener('keydown', key, true)
  }, [])
}

function StatusBar({ session, isOnline }: { session: Session; isOnline: boolean }) {
  const q = useQuery({ queryKey: ['jobs'], queryFn: jobs, refetchInterval: 5000 })
  const all = q.data ?? []
  const lag = Math.max(0, ...all.map((j) => j.lagSeconds ?? 0))
  const bad = all.find((j) => j.error)
  return (
    <footer className="statusbar">
      <span className={isOnline ? 'ok' : 'warn'}>{isOnline ? '● Connected' : '▲ Reconnecting'}</span>
      <a href="#/jobs">{all.filter((j) => j.isRunning).length} of {all.length} jobs on</a>
      {lag > 0 && <span>at most {duration(lag * 1000)} behind</span>}
      {bad && <a className="err" href={href('jobs', bad.name)}>last error: {bad.name}</a>}
      <span className="spacer" /><span>{session.user}</span><span>Floe {session.version}</span>
    </footer>
  )
}

export function Shell({ session, signedOut }: { session: Session; signedOut: (isExpired: boolean) => void }) {
  const route = useRoute()
  const settings = useSettings()
  const [isOnline, setOnline] = useState(true)
  const [since, setSince] = useState(0)
  const [dialog, setDialog] = useState<'palette' | 'help' | undefined>()
  useKeys(setDialog)
  useEffect(() => onReach((online, signedIn) => {
    setOnline((was) => {
      if (was && !online) setSince(Date.now() / 1000)
      return online
    })
    if (!signedIn) signedOut(true)
  }), [])
  useEffect(() => {
    if (isOnline) return
    const t = setInterval(() => void json('GET', '/api/session').catch(() => undefined), 1500)
    return () => clearInterval(t)
  }, [isOnline])
  const screen = screens.find((s) => s.id === route.screen)
  useEffect(() => { document.title = `${screen?.name ?? 'Home'} · Floe` }, [screen])
  const View = screen?.view ?? home.view
  return (
    <div className={`shell ${settings.isRailNarrow ? 'narrow' : ''}`}>
      <a className="button skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus() }}>Skip to content</a>
      <header className="topbar">
        <button type="button" className="button quiet small" aria-label="Rail: narrow or wide" onClick={() => setSettings({ isRailNarrow: !settings.isRailNarrow })}><PanelLeft size={16} aria-hidden /></button>
        <a className="brand" href="#/"><img src="/icon.svg" width={22} height={22} alt="" /><span>Floe</span></a>
        <button type="button" className="button find" onClick={() => setDialog('palette')}><Search size={14} aria-hidden />Search tables, addresses, screens<kbd>Ctrl K</kbd></button>
        <span className="spacer" />
        <Activity />
        <button type="button" className="button quiet small" onClick={() => setSettings({ isLocalTime: !settings.isLocalTime })} title="Times in UTC or local">{settings.isLocalTime ? 'Local' : 'UTC'}</button>
        <button type="button" className="button quiet small" aria-label={isLight() ? 'Dark theme' : 'Light theme'} onClick={() => setSettings({ theme: isLight() ? 'dark' : 'light' })}>{isLight() ? <Moon size={16} aria-hidden /> : <Sun size={16} aria-hidden />}</button>
        <button type="button" className="button quiet small" aria-label="Keys and help" onClick={() => setDialog('help')}><CircleHelp size={16} aria-hidden /></button>
        {session.signIn && <button type="button" className="button quiet small" aria-label="Sign out" onClick={() => void json('DELETE', '/api/session').finally(() => signedOut(false))}><LogOut size={16} aria-hidden /></button>}
      </header>
      <nav className="rail" aria-label="Screens">
        {(['Ingest', 'Graph', 'Watch'] as const).map((group) => (
          <div key={group}><h2>{group}</h2>
            {screens.filter((s) => s.group === group).map((s) => (
              <a key={s.id} href={`#/${s.id}`} aria-current={s.id === route.screen ? 'page' : undefined} title={settings.isRailNarrow ? s.name : undefined}><s.icon size={16} aria-hidden /><span>{s.name}</span></a>
            ))}
          </div>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        {!isOnline && <div className="banner" role="status">Reconnecting… what is shown is from {clock(since, settings.isLocalTime)}</div>}
        <Boundary key={route.screen}><Suspense fallback={<Skeleton />}><View /></Suspense></Boundary>
      </main>
      <StatusBar session={session} isOnline={isOnline} />
      {dialog === 'palette' && <Palette close={() => setDialog(undefined)} help={() => setDialog('help')} />}
      {dialog === 'help' && <Help close={() => setDialog(undefined)} />}
      <div id="announcer" className="visually-hidden" role="status" aria-live="polite" />
    </div>
  )
}
