import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { BrokerFiles, BrokerFilesOptions, CertificateOptions } from './broker-files.ts'
import { changeCertificates, makePassword, writeBrokerConfig } from './broker.ts'
import type { Context } from './context.ts'
import type { HubConfig } from './hub.ts'
import { systemClock } from '../../kernel/clock.ts'
import { testTerminal } from '../../testing/terminal.ts'

/** The command line over files that only remember what was asked of them. */
function setUp() {
  const asked: { write?: BrokerFilesOptions; certificates?: CertificateOptions; reloads: string[] } = { reloads: [] }
  const files: BrokerFiles<HubConfig> = {
    write(_, options) {
      asked.write = options
      return {
        changes: [
          { name: 'acl', change: 'written' },
          { name: 'mosquitto.conf', change: 'kept' },
        ],
        withoutPassword: ['mia'],
        left: ['anna: +/x'],
      }
    },
    certificates(options) {
      asked.certificates = options
      return [{ name: 'ca.crt', change: 'unchanged' }]
    },
    clientCertificate: (_, name) => [{ name: `client-${name}.crt`, change: 'written' }],
    password: () => 'a-new-password',
    reload: (pidFile) => void asked.reloads.push(pidFile),
  }
  const terminal = testTerminal()
  const composition = { loadConfig: () => ({}), brokerFiles: async () => files }
  const context = { composition, terminal, clock: systemClock } as unknown as Context
  return { asked, terminal, context }
}

const FLAGS = { mosquitto: '2.0', people: false } as const

suite('alicia broker', () => {
  test('config shows what was written, what was left alone and who cannot log in yet, and reloads', async () => {
    const { asked, terminal, context } = setUp()
    await writeBrokerConfig(context, 'files', { ...FLAGS, host: ['broker.home'], reload: '/run/mosquitto.pid' })
    assert.deepEqual(asked.write, {
      folder: 'files',
      dialect: '2.0',
      people: [],
      requiresCertificates: false,
      isDry: false,
      force: false,
      hosts: ['broker.home'],
    })
    assert.match(terminal.out(), /^acl +written\nmosquitto\.conf +changed by hand/)
    assert.match(terminal.err(), /mia\. `alicia broker password <name> files`/)
    assert.match(terminal.err(), /anna: \+\/x/)
    assert.deepEqual(asked.reloads, ['/run/mosquitto.pid'])
  })

  test('a dry run says so and reloads nothing', async () => {
    const { asked, terminal, context } = setUp()
    await writeBrokerConfig(context, 'files', { ...FLAGS, dryRun: true, reload: '/run/mosquitto.pid' })
    assert.equal(asked.write?.isDry, true)
    assert.match(terminal.out(), /acl +would be written/)
    assert.deepEqual(asked.reloads, [])
  })

  test('a password alone on stdout', async () => {
    const { terminal, context } = setUp()
    await makePassword(context, 'mia', { folder: 'files' })
    assert.equal(terminal.out(), 'a-new-password\n')
    assert.doesNotMatch(terminal.err(), /a-new-password/)
  })

  test('certificates: one step at a time', async () => {
    const { asked, context } = setUp()
    await changeCertificates(context, 'files', { rotate: true })
    assert.equal(asked.certificates?.rotate, 'server')
    await changeCertificates(context, 'files', { rotateAuthority: true })
    assert.equal(asked.certificates?.rotate, 'authority')
    await assert.rejects(changeCertificates(context, 'files', { rotate: true, rotateAuthority: true }), {
      code: 'invalid_input',
    })
  })
})
