/**
 * Seals `hunter2` with the root key in the OS keyring, or opens a text that it sealed before, and says the outcome in JSON; for
 * tests that run it in a session of its own. Arguments: the key file, the account in the keyring, and the text to open.
 */
import process from 'node:process'
import { Fault } from '../kernel/fault.ts'
import { silentLog } from '../kernel/log.ts'
import { loadSecrets } from '../engines/secrets.ts'

const [, , file = '', inKeyring = '', sealed] = process.argv
const outcome = (): object => {
  try {
    const keyring = loadSecrets({ file, log: silentLog, ...(inKeyring !== '' && { inKeyring }) })
    keyring.settle()
    const text = sealed ?? keyring.seal('hunter2', 'test')
    return { text, plain: keyring.open(text, 'test'), root: keyring.root() }
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, message: error.message, hint: error.hint }
    throw error
  }
}
console.log(JSON.stringify(outcome()))
