import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { BrokerFiles } from '../adapters/cli/broker-files.ts'
import type { Config } from '../config.ts'
import {
  makeBrokerPassword,
  makeClientCertificate,
  rotateCertificates,
  writeMosquittoSet,
} from '../engines/broker/mosquitto-set.ts'
import { Fault } from '../kernel/fault.ts'
import { withSecrets } from './config-secrets.ts'
import { createPlaces } from './places.ts'

const PORTS = { mqtt: 1883, mqtts: 8883, ws: 8083, wss: 8084 }

/** Debian and the Docker image keep plugins there. */
const PLUGINS = '/usr/lib'

/** What devices and bridges of homes publish below. */
const ROOTS = [
  'home',
  'homeassistant',
  'zigbee2mqtt',
  'zwave',
  'tasmota',
  'stat',
  'tele',
  'cmnd',
  'shellies',
  'shelly',
  'esphome',
  'homie',
  'frigate',
  'valetudo',
  'owntracks',
].map((root) => `${root}/#`)

const hostsOf = (hosts: readonly string[] | undefined) => hosts ?? ['localhost', '127.0.0.1', '::1', hostname()]

/** The topics that the configuration speaks of. */
function topicsIn({ rooms, devices, broker }: Config): string[] {
  const places = [...Object.values(rooms), ...Object.values(devices)].flatMap(({ topics }) => topics)
  const users = broker.users.flatMap(({ publish = [], subscribe = [] }) => [...publish, ...subscribe])
  return [...places, ...users].filter((topic) => topic !== '#' && !topic.startsWith('$'))
}

/** Files for a Mosquitto that the hub does not run. */
export const brokerFiles: BrokerFiles<Config> = {
  write(given, { folder: at, hosts, topics = [], pluginFolder = PLUGINS, ...options }) {
    const config = withSecrets(given, { of: ['broker'] })
    const folder = resolve(at)
    const place = options.at ?? folder
    return writeMosquittoSet({
      ...options,
      folder,
      at: place,
      dataFolder: join(place, 'data'),
      pluginFolder,
      ports: PORTS,
      hosts: hostsOf(hosts),
      users: config.broker.users,
      places: createPlaces(config),
      roots: [...new Set([...ROOTS, ...topicsIn(config), ...topics])].sort(),
      nowMs: Date.now(),
    })
  },
  certificates: ({ folder, hosts, ...options }) =>
    rotateCertificates({ ...options, folder: resolve(folder), ...(hosts && { hosts }), nowMs: Date.now() }),
  clientCertificate: (folder, name) => makeClientCertificate(resolve(folder), name, Date.now()),
  password: (folder, name) => makeBrokerPassword(resolve(folder), name),
  reload(pidFile) {
    const pid = Number(readFileSync(pidFile, 'utf8').trim())
    if (!Number.isInteger(pid) || pid <= 1)
      throw new Fault('invalid_input', `${pidFile} is not the pid file of a program.`)
    process.kill(pid, 'SIGHUP')
  },
}
