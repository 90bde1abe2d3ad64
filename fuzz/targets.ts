import { shieldJson } from '../src/kernel/json-shield.ts'
import type { Target } from './target.ts'
import { CONFIG_TARGETS } from './targets/config.ts'
import { HTTP_TARGETS } from './targets/http.ts'
import { JSON_TARGETS } from './targets/json.ts'
import { MQTT_TARGETS } from './targets/mqtt.ts'
import { OAUTH_TARGETS } from './targets/oauth.ts'
import { PAYLOAD_TARGETS } from './targets/payloads.ts'
import { SEALED_TARGETS } from './targets/sealed.ts'
import { STREAM_TARGETS } from './targets/streams.ts'
import { TEXT_TARGETS } from './targets/text.ts'

// As in a hub.
shieldJson()

/** Every parser of the hub that sees bytes from outside. */
export const TARGETS: readonly Target[] = [
  ...HTTP_TARGETS,
  ...JSON_TARGETS,
  ...STREAM_TARGETS,
  ...OAUTH_TARGETS,
  ...MQTT_TARGETS,
  ...PAYLOAD_TARGETS,
  ...SEALED_TARGETS,
  ...CONFIG_TARGETS,
  ...TEXT_TARGETS,
]
