import { service, type Service } from '../../kernel/service.ts'
import { subscribeAndCollect } from './collect-operation.ts'
import { debugDevice } from './diagnose/debug-operation.ts'
import { monitorPerformance } from './diagnose/monitor-operation.ts'
import { testConnection } from './diagnose/test-operation.ts'
import { listDevices } from './families/devices-operation.ts'
import { createDial } from './dial.ts'
import { whatChanged } from './index/changed-operation.ts'
import { createWatches } from './index/watches.ts'
import type { MqttLimits } from './limits.ts'
import { ping } from './ping-operation.ts'
import { publishMessage } from './publish-operation.ts'
import { closeConnection, establishConnection, listActiveConnections } from './session-operations.ts'
import { getTopicSchema } from './schema/schema-operation.ts'
import { openSessionRows } from './session-rows.ts'
import { createSessions } from './sessions.ts'
import { createSnapshots } from './snapshots.ts'
import { deleteRecording, getRecording, listRecordings, recordMessages } from './tools/record-operations.ts'
import { openRecordings } from './tools/recordings.ts'
import { replayMessages } from './tools/replay-operation.ts'
import { requestResponse } from './tools/request-operation.ts'
import { listTopics } from './topic-operation.ts'

/** The MQTT toolkit with limits of its own. */
export function mqttService(limits: MqttLimits): Service {
  return service({
    name: 'mqtt',
    summary: 'Connect to MQTT brokers, look at topics, collect and publish messages.',
    needs: ['store', 'secrets', 'broker'],
    operations: [
      establishConnection,
      listActiveConnections,
      closeConnection,
      testConnection,
      debugDevice,
      monitorPerformance,
      listTopics,
      whatChanged,
      listDevices,
      subscribeAndCollect,
      getTopicSchema,
      publishMessage,
      requestResponse,
      recordMessages,
      listRecordings,
      getRecording,
      deleteRecording,
      replayMessages,
      ping,
    ],
    async start({ store, secrets, broker, clock, log }) {
      const rows = await openSessionRows(store)
      secrets.tend(rows.sealed)
      const recordings = await openRecordings(store, limits)
      const dial = createDial(broker, clock)
      const sessions = createSessions({ rows, secrets, dial, clock, log, limits })
      const watches = createWatches({
        clock,
        maxWatches: limits.indexes,
        maxTopics: limits.indexedTopics,
        maxBytes: limits.indexBytes,
      })
      return {
        deps: { sessions, watches, recordings, broker, clock, limits, topicLists: createSnapshots(clock) },
        async stop() {
          await watches.stop()
          await sessions.stop()
        },
      }
    },
  })
}
