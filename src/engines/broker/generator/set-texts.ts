import type { MosquittoSetting } from './dialect.ts'

interface Setting extends MosquittoSetting {
  readonly hosts: readonly string[]
}

/** Of the hub, and of the sessions that assistants have through it. */
export interface OwnPasswords {
  readonly hub: string
  readonly session: string
}

/** What the hub's own configuration needs to use this broker. */
export function hubSettings({ hosts: [host = 'localhost'], ports }: Setting, { hub, session }: OwnPasswords) {
  const at = host.includes(':') ? `[${host}]` : host
  const broker = {
    url: `mqtts://hub:${hub}@${at}:${ports.mqtts}`,
    session: { username: 'session', password: session },
    ca: './ca.crt',
    enforcesIdentity: true,
  }
  return [
    '// Into the configuration of the hub; `ca` is the path of ca.crt on its machine. The access file of this set keeps',
    '// alicia/v1/as/<user>/# for that user, so the hub may trust the topic: enforcesIdentity.',
    `${JSON.stringify({ broker }, undefined, 2)}\n`,
  ].join('\n')
}

/** Mosquitto in a container; the container sees the folder at the same path. */
export function composeFile({ at, dialect, ports }: Setting): string {
  const image = dialect === '2.0' ? 'eclipse-mosquitto:2.0' : 'eclipse-mosquitto:2.1'
  return `# Written by \`alicia broker config\`.
services:
  mosquitto:
    image: ${image}
    command: mosquitto -c ${at}/mosquitto.conf
    restart: unless-stopped
    volumes:
      - .:${at}
    ports:
      - "${ports.mqtts}:${ports.mqtts}"
      - "${ports.wss}:${ports.wss}"
`
}

export function readme({ at, dataFolder, dialect, ports }: Setting): string {
  return `# A Mosquitto for Alicia

Written by \`alicia broker config\` for Mosquitto ${dialect}. Run it again when people, rooms or users changed: it writes what is
different, and leaves alone what you changed by hand (\`--force\` overwrites that too).

| file | what | who needs it |
|---|---|---|
| \`mosquitto.conf\` | ${ports.mqtts} MQTT and ${ports.wss} WebSocket with TLS; ${ports.mqtt} and ${ports.ws} without, on loopback alone | Mosquitto |
| \`acl\`, \`passwords\` | who may write and read what; hashes of passwords | Mosquitto |
| \`server.crt\`, \`server.key\` | its certificate, for a year | Mosquitto |
| \`ca.crt\` | the authority that signed it, for ten years | Mosquitto, the hub, every client |
| \`ca.key\` | the authority's key: whoever has it can be any broker. Keep it where no client gets to | you |
| \`alicia.jsonc\` | the hub's settings, with its password | the hub |

## Run it with systemd

    sudo mkdir -p ${at} ${dataFolder} && sudo cp -n mosquitto.conf acl passwords ca.crt server.crt server.key ${at}/
    sudo chown -R root:mosquitto ${at} && sudo chown mosquitto: ${dataFolder}
    sudo mv -n /etc/mosquitto/mosquitto.conf /etc/mosquitto/mosquitto.conf.before && sudo ln -s ${at}/mosquitto.conf /etc/mosquitto/ && sudo systemctl restart mosquitto

## Or with Docker

    sudo mkdir -p data && sudo chown -R 1883:1883 data
    sudo chown 1883 mosquitto.conf acl passwords ca.crt server.crt server.key
    docker compose up -d

## Passwords

    alicia broker password <name> <this folder>

makes one for a person and shows it once. Users of \`broker.users\` have theirs from the configuration of the hub.

## After a change

    kill -HUP <pid of mosquitto>

reads \`acl\`, \`passwords\` and the certificates anew; a change of \`mosquitto.conf\` needs a restart. Clients that are connected stay
until they come again: restart it to shut somebody out at once.

## Certificates

    alicia broker certificates <this folder> --rotate            # a new one of the server, by the same authority
    alicia broker certificates <this folder> --rotate-authority  # a new authority beside the old one, in ca.crt

After \`--rotate-authority\` give everybody the new \`ca.crt\`, and only then \`--rotate\`: until then the old authority vouches.
`
}
