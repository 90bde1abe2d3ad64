import { startTestMosquitto } from '../../../testing/mosquitto.ts'
import { brokerAt } from '../../../testing/mqtt-toolkit.ts'
import { mqttToolsSuite } from './tools.suite.ts'

mqttToolsSuite('Mosquitto', async (ending) =>
  brokerAt((await startTestMosquitto(ending, { lines: ['allow_anonymous true'] })).url),
)
