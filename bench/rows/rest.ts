import { httpRows } from '../http-rows.ts'
import { postRequest } from '../load.ts'

export const rest = httpRows({
  tag: 'rest',
  name: 'REST ping',
  request: async ({ token }) => postRequest('/api/mqtt/ping', { authorization: `Bearer ${token}` }, {}),
})
