/** Seals and rotates without end, and says each text that it sealed; for a test that kills it. */
import process from 'node:process'
import { silentLog } from '../kernel/log.ts'
import { loadSecrets } from '../engines/secrets.ts'

const [, , file = ''] = process.argv
const keyring = loadSecrets({ file, log: silentLog })
for (;;) {
  const text = keyring.seal('hunter2', 'broker')
  await new Promise<void>((resolve) => process.stdout.write(`${text}\n`, () => resolve()))
  keyring.rotateRoot()
  keyring.rotate('hub')
}
