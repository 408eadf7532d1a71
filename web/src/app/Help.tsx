/** Every key in one sheet. */
import { Modal } from '../ui'
import { setSettings, useSettings } from './settings'

const sheets: [string, [string, string][]][] = [
  ['Everywhere', [['/ or Ctrl+K', 'search'], ['g then w j d l s v q c y b', 'go to a screen'], ['[', 'rail'], ['?', 'this sheet'], ['Esc', 'close what is on top']]],
  ['Editors', [['Ctrl+Enter', 'run selection or statement'], ['Shift+Ctrl+Enter', 'run all'], ['Ctrl+.', 'cancel'], ['Ctrl+Space', 'complete'], ['Ctrl+/', 'comment'], ['Ctrl+F', 'find'], ['Esc, then Tab', 'leave the editor']]],
  ['Visualize', [['arrows', 'nearest node that way'], ['Enter, e', 'expand'], ['c', 'collapse'], ['h, Delete', 'hide'], ['i', 'isolate'], ['p', 'pin'], ['n', 'select neighbours'], ['Shift+P', 'path between two selected'], ['x', 'open or close a group'], ['f', 'fit'], ['+ −', 'zoom'], ['1–4', 'layouts'], ['Space', 'play time'], [', .', 'step time'], ['v', 'invert selection'], ['Ctrl+Z, Ctrl+Shift+Z', 'undo, redo'], ['Ctrl+A', 'select all'], ['Ctrl+E', 'export'], ['Ctrl+C', 'copy ids'], ['t', 'table']]],
]

export function Help({ close }: { close: () => void }) {
  const settings = useSettings()
  return (
    <Modal title="Keys" close={close}>
      {sheets.map(([title, keys]) => (
        <section key={title} className="column"><h3>{title}</h3>
          <table className="plain"><tbody>{keys.map(([k, what]) => <tr key={k}><td><kbd>{k}</kbd></td><td>{what}</td></tr>)}</tbody></table>
        </section>
      ))}
      <label className="labelled"><input type="checkbox" checked={settings.hasLetterKeys} onChange={(e) => setSettings({ hasLetterKeys: e.target.checked })} />Single-letter keys</label>
    </Modal>
  )
}
