/** What this browser remembers: theme, rail, time zone, single-letter keys. */
import { useSyncExternalStore } from 'react'

export interface Settings { theme: 'system' | 'dark' | 'light'; isRailNarrow: boolean; isLocalTime: boolean; hasLetterKeys: boolean }
const KEY = 'floe.settings'
const defaults: Settings = { theme: 'system', isRailNarrow: false, isLocalTime: false, hasLetterKeys: true }

function read(): Settings {
  try {
    return { ...defaults, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Settings>) }
  } catch {
    return defaults
  }
}
let settings = read()
const subscribers = new Set<() => void>()
const system = matchMedia('(prefers-color-scheme: light)')

export const isLight = (): boolean => settings.theme === 'light' || (settings.theme === 'system' && system.matches)
function apply(): void {
  document.documentElement.dataset.theme = isLight() ? 'light' : 'dark'
  for (const f of subscribers) f()
}
system.addEventListener('change', apply)
apply()

export const getSettings = (): Settings => settings
export function setSettings(change: Partial<Settings>): void {
  settings = { ...settings, ...change }
  localStorage.setItem(KEY, JSON.stringify(settings))
  apply()
}
export const useSettings = (): Settings =>
  useSyncExternalStore((f) => { subscribers.add(f); return () => subscribers.delete(f) }, getSettings)
/** Changes when the colours do. */
export const useTheme = (): string =>
  useSyncExternalStore((f) => { subscribers.add(f); return () => subscribers.delete(f) }, () => document.documentElement.dataset.theme ?? 'dark')
export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
